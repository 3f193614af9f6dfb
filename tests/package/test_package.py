"""The life of the package in a bare Debian: installed, served, reloaded, restarted under load, upgraded, purged without a trace.

tools/test-package makes the root and runs this. No systemd runs there: what its units say is done by tests/e2e/harness/manager.py."""
import hashlib
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from harness.manager import listening, start  # noqa: E402
from harness.rawhttp import Connection, ProtocolError  # noqa: E402

ROOT = os.environ["SAKURAD_PACKAGE_ROOT"]
PACKAGE = os.environ["SAKURAD_PACKAGE"]
# What packages leave in passing is not the package's: lists and logs of dpkg, caches, backups of passwd.
PASSING = re.compile(r"/(var/(lib/dpkg|lib/apt|cache|log)|tmp|run|proc|sys|dev|etc/\.pwd\.lock|etc/(passwd|group|shadow|gshadow|subuid|subgid)-|package\.deb)(/|$)")


def inside(*command):
    done = subprocess.run(["chroot", ROOT, *command], env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive",
                                                          "LC_ALL": "C.UTF-8"},
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}")
    return done.stdout


def tree():
    """{path: what it is} of everything that is not passing."""
    found = {}
    for folder, folders, files in os.walk(ROOT):
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            shown = path[len(ROOT):]
            if PASSING.match(shown):
                continue
            st = os.lstat(path)
            what = [stat.filemode(st.st_mode), st.st_uid, st.st_gid]
            if stat.S_ISLNK(st.st_mode):
                what.append(os.readlink(path))
            elif stat.S_ISREG(st.st_mode):
                with open(path, "rb") as f:
                    what.append(hashlib.file_digest(f, "sha1").hexdigest())
            found[shown] = what
        folders[:] = [f for f in folders if not PASSING.match(os.path.join(folder, f)[len(ROOT):])]
    return found


def unit(name, key):
    with open(f"{ROOT}/usr/lib/systemd/system/{name}", encoding="utf-8") as f:
        return re.findall(rf"^{key}=(.*)$", f.read(), re.M)


class Service:
    """The unit, as systemd would run it: as its user, with its sockets and its command line."""

    def __init__(self):
        self.sockets = listening(len(unit("sakurad.socket", "ListenStream")))
        self.address = self.sockets[0].getsockname()
        self.ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ear.bind(f"{ROOT}/run/notify")
        os.chmod(f"{ROOT}/run/notify", 0o666)
        self.log = open(f"{ROOT}/tmp/log", "ab")

    def start(self):
        user = unit("sakurad.service", "User")[0]
        command = unit("sakurad.service", "ExecStart")[0].split()
        argv = ["chroot", ROOT, "setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs", *command]
        # the machine's own ports and rates stay out of it
        env = {"NOTIFY_SOCKET": "/run/notify", "SAKURAD_ADMIN_LISTEN": "127.0.0.1:0", "SAKURAD_RATE_SEND": "0", "SAKURAD_RATE_CREATE": "0",
               "SAKURAD_RATE_CONNECT": "0"}
        self.process = start(self.sockets, ["sakurad.socket"] * len(self.sockets), argv, env, cwd=ROOT, stdin=subprocess.DEVNULL,
                             stdout=self.log, stderr=self.log)
        self.hears("READY=1")

    def hears(self, word):
        self.ear.settimeout(60)
        while word not in self.ear.recv(4096).decode().split("\n"):
            pass

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        if code != 0:
            raise AssertionError(f"ended with {code}")

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for s in (*self.sockets, self.ear, self.log):
            s.close()

    def request(self, method, target, body=None):
        with Connection(self.address) as c:
            return c.request(method, target, body)


class Stream:
    """Sends, each on a connection of its own, until it is told to end."""

    def __init__(self, service, chat):
        self.service, self.chat = service, chat
        self.sent, self.failed, self.over = 0, [], threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        self.some()
        return self

    def __exit__(self, *exc):
        self.over.set()
        self.thread.join()

    def run(self):
        while not self.over.is_set():
            try:
                r = self.service.request("POST", f"/api/users/chats/{self.chat}/send", {"content": f"n {self.sent}", "role": "user"})
                if r.status != 200:
                    self.failed.append(str(r))
                self.sent += 1
            except (OSError, ProtocolError) as failure:
                self.failed.append(repr(failure))

    def some(self):
        enough = self.sent + 20
        while self.sent < enough and not self.failed:
            time.sleep(0.005)


class Package(unittest.TestCase):
    def test_its_whole_life(self):
        inside("apt-get", "satisfy", "-y", "-q", "--no-install-recommends",
               subprocess.run(["dpkg-deb", "-f", PACKAGE, "Depends"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip())
        before = tree()
        self.install()
        self.files_are_there()
        service = Service()
        service.start()
        self.addCleanup(service.close)
        chat = service.request("POST", "/api/users/chats/create", {"email": "ann@example.com", "name": "Ann"}).json()["chat_id"]
        with Stream(service, chat) as stream:
            self.reload(service)
            for step in (lambda: None, self.upgrade, self.upgrade):  # a restart, and what apt does: unpack, then restart
                step()
                service.stop()
                service.start()
                stream.some()
        self.assertEqual(stream.failed, [])
        print(f"{stream.sent} sends over 3 restarts: {len(stream.failed)} refused", flush=True)
        self.assertEqual(self.kept(service, chat), stream.sent)
        service.stop()
        self.remove_and_come_back(service, chat, stream.sent)
        self.purge(before)

    def install(self):
        inside("dpkg", "-i", "/package.deb")
        self.assertEqual(inside("dpkg-query", "-W", "-f", "${Status}", "sakurad"), "install ok installed")
        self.assertEqual(inside("dpkg", "--verify", "sakurad"), "")

    def upgrade(self):
        self.install()

    def files_are_there(self):
        self.assertRegex(inside("sakurad", "-V"), r"^sakurad \d")
        for path in ("/usr/share/man/man8/sakurad.8.gz", "/usr/share/man/man1/sakurad-bench.1.gz", "/usr/lib/systemd/system/sakurad.service",
                     "/usr/share/bash-completion/completions/sakurad", "/usr/share/doc/sakurad/copyright"):
            self.assertIn(path, tree())
        state = os.stat(f"{ROOT}/var/lib/sakurad")
        self.assertEqual((stat.S_IMODE(state.st_mode), state.st_uid), (0o700, int(inside("id", "-u", "sakurad"))))
        self.assertEqual(stat.S_IMODE(os.stat(f"{ROOT}/etc/sakurad/sakurad.conf").st_mode), 0o640)
        for link in ("multi-user.target.wants/sakurad.service", "sockets.target.wants/sakurad.socket"):
            self.assertTrue(os.path.islink(f"{ROOT}/etc/systemd/system/{link}"), f"{link}: not enabled")

    def reload(self, service):
        service.process.send_signal(signal.SIGHUP)
        service.hears("RELOADING=1")
        service.hears("READY=1")

    def kept(self, service, chat):
        """How many messages of the stream are in the history."""
        count, before = 0, ""
        while True:
            page = service.request("GET", f"/api/chats/{chat}/messages?limit=200" + (f"&before={before}" if before else "")).json()["messages"]
            if not page:
                return count
            count += len(page)
            before = page[0]["_id"]

    def remove_and_come_back(self, service, chat, sent):
        inside("dpkg", "--remove", "sakurad")
        self.assertFalse(os.path.exists(f"{ROOT}/usr/bin/sakurad"))
        self.assertTrue(os.path.exists(f"{ROOT}/etc/sakurad/sakurad.conf"))
        self.install()
        service.start()
        self.assertEqual(self.kept(service, chat), sent)
        service.stop()

    def purge(self, before):
        with open(f"{ROOT}/etc/sakurad/auth-key", "w", encoding="ascii") as f:  # the operator's own
            f.write("k" * 40)
        inside("dpkg", "--purge", "sakurad")
        after = tree()
        self.assertEqual({p: w for p, w in after.items() if before.get(p) != w}, {}, "left over or changed")
        self.assertEqual(sorted(set(before) - set(after)), [], "taken away")


if __name__ == "__main__":
    unittest.main(verbosity=2)
