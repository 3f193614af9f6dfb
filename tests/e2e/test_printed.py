"""What the documentation and dist/ print is run as it is printed: on the program under test, with a scratch folder for /etc,
/usr/local and /var. A block of commands is ```sh and runs, or ```sh by-hand: then each of its commands is in NOT_HERE, with
the reason. A command in a sentence runs, or is there too."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from harness.case import Chat, main
from harness.pages import PAGES, ROOT, blocks, prose, quoted, read
from harness.server import Server, binary, clean_environment, run

BUILD = os.path.dirname(os.path.realpath(binary()))
CMAKE = os.environ.get("SAKURAD_CMAKE", "cmake")

# What begins a command in a sentence; other `words` there are names and values.
PROGRAMS = ("sakurad ", "sqlite3 ", "cmake ", "systemctl", "mongodump", "mongorestore", "head -c", "top ", "curl ", "install ", "tools/",
            "kill ", "bench/run", "ctest ", "build/")
NOT_HERE = (
    (r"tools/(run|test)( --build-only)?$", "builds: whoever runs this has done so"),
    (r"tools/(soak|fuzz)\b", "takes long; CI runs them"),
    (r"tools/devdb start$", "installs a database; tests/support/with-mongo.sh runs it"),
    (r"SAKURAD_TEST_MONGO_URI=… tools/test", "needs a MongoDB"),
    (r"tools/(check-layers|check-circles|format|leakcheck|test)\b", "CI runs it"),
    (r"cmake --preset debug|build/debug/sakurad ", "builds and serves until it is stopped; the tests of pages do both"),
    (r"tools/(screenshots|measure-pages)\b", "takes minutes and a browser; people look at what comes of it"),
    (r"tools/(try|subscribe)$", "test_session.py runs it"),
    (r"(curl|tools/subscribe) .*localhost:8000", "the session: test_session.py runs it and compares what it prints"),
    (r"systemctl (enable|reload|edit|restart)\b", "no systemd runs where tests do; what it would run is run below"),
    (r"(systemd-sysusers|chown sakurad .*)$", "makes a user: tools/test-package does it in a root of its own"),
    (r"apt (install|remove|purge)\b", "tools/test-package does it in a root of its own"),
    (r"tools/release$", "builds; test_release.py runs it"),
    (r"podman (build|run)\b", "needs a container engine and a registry"),
    (r"mongo(dump|restore)\b", "needs a MongoDB with data and its tools"),
    (r"top -H", "draws on a terminal until it is stopped"),
    (r"sakurad --migrate$", "needs a MongoDB with data; unit_mongo runs it"),
    (r"sakurad --store 'mongodb\+srv:", "its name is looked up in the DNS, which does not know it"),
    (r"(sakurad|bench/run|build/release/sakurad-bench)( --help)?$", "test_cli.py and test_bench.py read it"),
    (r"bench/(run|peers/setup)\b|SAKURAD_WORKERS=1 bench/run", "takes long, and measures nothing where tests run beside it"),
    (r"sakurad-bench \w|build/release/bench/micro/bench_micro", "test_bench.py runs each of its modes"),
    (r"ctest -[RL] |SAKURAD_\w+=.* ctest -R", "test_docs.py looks whether ctest knows such a test"),
)


def commands(name):
    """Every command of the page: (command, is it said to run by hand); None: in a sentence, where that is not said."""
    found = []
    for kind, text in blocks(name):
        if kind in ("sh", "sh by-hand"):
            lines = (re.sub(r"\s+#.*$", "", line).strip() for line in text.replace("\\\n", " ").splitlines())
            found += [(line, kind == "sh by-hand") for line in lines if line]
        elif kind == "console":
            found += [(line[2:], None) for line in text.splitlines() if line.startswith("$ ")]
    return found + [(c, None) for c in quoted(prose(name)) if c.startswith(PROGRAMS) and not c.startswith("tools/lib/") or re.match(r"SAKURAD_\w+=.* (tools|bench|ctest)", c)]


def excuse(command):
    return next((why for pattern, why in NOT_HERE if re.match(pattern, command)), None)


class Printed(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.mkdtemp(prefix="sakurad-printed-")
        self.addCleanup(shutil.rmtree, self.place)
        self.server = None

    def shell(self, command):
        """In the scratch folder, whose own etc/ and usr/local/ are meant."""
        command = command.replace("https://chat.example.com", f"http://127.0.0.1:{self.server.ports[0]}" if self.server else "")
        command = command.replace(" -o sakurad -g sakurad ", " ")  # a user that only an installed system has
        command = re.sub(r"(?<!\S)FILE(?!\S)", "/etc/sakurad/auth-key", command)
        command = re.sub(r"(?<!\S)(/etc/|/usr/local/|/var/)", self.place + r"\1", command)
        path = os.path.join(self.place, "usr/local/bin") + os.pathsep + os.environ["PATH"]
        done = subprocess.run(["bash", "-ec", command], cwd=self.place, env=clean_environment({"PATH": path}), text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}")
        return done.stdout

    def install(self):
        return self.shell(f"'{CMAKE}' --install '{BUILD}' --prefix {self.place}/usr/local")

    def run_printed(self, command):
        if command.startswith("cmake --install build/release"):
            self.install()
        elif command.startswith("sakurad --store"):  # as far as it goes without that database
            self.shell(command + " --check-config")
        elif command.startswith("sqlite3 PATH"):
            self.shell(command.replace("PATH", os.path.join(self.place, "var/lib/sakurad/sakurad.db"))
                       .replace("COPY", os.path.join(self.place, "copy.db")))
        elif command == "systemctl stop sakurad.socket sakurad.service":
            self.server.stop()
        elif command == "systemctl start sakurad.socket sakurad.service":
            self.server.start()
        else:
            self.shell(command)

    def serve(self):
        """A running server where the printed commands look for one."""
        for folder in ("var/lib/sakurad", "var/backups"):
            os.makedirs(os.path.join(self.place, folder))
        self.server = Server(store=f"sqlite:{self.place}/var/lib/sakurad/sakurad.db", patient=True).start()
        self.addCleanup(self.server.discard)

    def test_every_command(self):
        self.install()
        self.serve()
        run_here = 0
        for name in PAGES:
            for command, by_hand in commands(name):
                with self.subTest(f"{name}: {command}"):
                    if excuse(command):
                        self.assertIsNot(by_hand, False, "not run here, so its block is by-hand")
                        continue
                    self.assertIsNot(by_hand, True, "by-hand needs a reason in NOT_HERE")
                    self.run_printed(command)
                    run_here += 1
        self.assertGreater(run_here, 20)
        self.server.stop()
        self.assertEqual(os.stat(os.path.join(self.place, "etc/sakurad/auth-key")).st_mode & 0o777, 0o600)
        for command in re.findall(r"^#   (head -c .*)$", read("dist/sakurad.conf"), re.M):
            with self.subTest(command):
                self.shell(command)
                self.shell("sakurad --auth-key /etc/sakurad/auth-key --check-config")

    def test_backup_and_restore_as_printed(self):
        """What was sent before the backup is there after the restore; what came later is not."""
        self.serve()
        chat = Chat(self.server.http)
        kept = chat.send("to be kept")["message_id"]
        backup, restore = [text.strip().splitlines() for kind, text in blocks("docs/operations.md")
                           if kind == "sh" and "/var/backups/" in text]
        for command in backup:
            self.run_printed(command)
        chat.send("later")
        for command in restore:
            self.run_printed(command)
        chat.client = self.server.http
        self.assertEqual([m["_id"] for m in chat.history()], [kept])
        self.server.stop()

    def test_every_excuse_is_needed(self):
        listed = [c for name in PAGES for c, _ in commands(name)]
        for pattern, why in NOT_HERE:
            self.assertTrue(any(re.match(pattern, c) for c in listed), (pattern, why))

    def test_an_install_has_what_the_unit_names(self):
        """Right after tools/run, which builds the server alone: what was not built is not missed."""
        self.install()
        unit = self.shell("cat /usr/local/lib/systemd/system/sakurad.service")
        program = os.path.join(self.place, "usr/local/bin/sakurad")
        self.assertIn(f"\nExecStart={program} --config /etc/sakurad/sakurad.conf\n", unit)
        self.assertIn(f"\nExecStartPre={program} --config /etc/sakurad/sakurad.conf --check-config\n", unit)
        self.assertEqual(self.shell(program + " --version"), run("--version")[1])
        reload = re.search(r"^ExecReload=(\S+) -HUP \$MAINPID$", unit, re.M)
        self.assertTrue(reload and os.access(reload[1], os.X_OK), unit)
        for name in ("sakurad.conf", "nginx.conf", "Caddyfile"):
            self.assertEqual(self.shell(f"cat /usr/local/share/sakurad/{name}"), read(f"dist/{name}"))
        with open(os.path.join(BUILD, "bench", "cmake_install.cmake"), encoding="utf-8") as f:
            script = f.read().replace(os.path.join(BUILD, "sakurad-bench"), os.path.join(self.place, "not-built"))
        self.assertIn("not-built", script)
        with open(os.path.join(self.place, "bench.cmake"), "w", encoding="utf-8") as f:
            f.write(script)
        self.shell(f"'{CMAKE}' -DCMAKE_INSTALL_PREFIX={self.place}/elsewhere -P bench.cmake")

    def test_the_unit_starts_what_the_file_says(self):
        """ExecStartPre and ExecStart with the sample of /etc/sakurad/sakurad.conf, its key made as it says, ports and data moved."""
        self.install()
        self.shell("head -c 48 /dev/urandom | base64 -w0 > auth-key; install -D -m 600 auth-key /etc/sakurad/auth-key")
        os.makedirs(os.path.join(self.place, "var/lib/sakurad"))  # systemd does: StateDirectory=sakurad
        text = read("dist/sakurad.conf").replace("#auth-key", "auth-key").replace("127.0.0.1:8002", "127.0.0.1:0")
        path = os.path.join(self.place, "etc/sakurad/sakurad.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(re.sub(r"/(etc|var)/", self.place + r"/\1/", text))
        code, out, err = run("--config", path, "--check-config")
        self.assertEqual((code, out), (0, "configuration is valid\n"), err)
        server = Server("--config", path, store=f"sqlite:{self.place}/var/lib/sakurad/sakurad.db", patient=True).start()
        self.addCleanup(server.discard)
        self.assertEqual(server.http.get("/api/users").status, 401)
        token = run("--config", path, "--issue-token", "dashboard")[1].strip()
        self.assertEqual(server.http.get("/api/users", [("Authorization", f"Bearer {token}")]).status, 200)
        server.stop()

    def test_the_socket_unit_has_the_default_addresses(self):
        """And the service asks for it; both are where systemd looks."""
        addresses = re.findall(r"^ListenStream=(.+)$", read("dist/sakurad.socket"), re.M)
        self.assertIn(f"listen = {','.join(addresses)}\n", run("--print-config")[1])
        self.install()
        self.assertIn("\nRequires=sakurad.socket\n", self.shell("cat /usr/local/lib/systemd/system/sakurad.service"))
        self.assertEqual(self.shell("cat /usr/local/lib/systemd/system/sakurad.socket"), read("dist/sakurad.socket"))
        self.assertIn("u sakurad ", self.shell("cat /usr/local/lib/sysusers.d/sakurad.conf"))

    def test_man_page_and_completion_are_installed(self):
        self.install()
        self.assertIn(".TH SAKURAD 8", self.shell("cat /usr/local/share/man/man8/sakurad.8"))
        self.assertIn("complete ", self.shell("cat /usr/local/share/bash-completion/completions/sakurad"))

    def test_the_proxies_in_the_text_are_those_in_dist(self):
        """nginx and Caddy are not started: their packages begin to serve on the machine that they are installed on."""
        dist = {"nginx": read("dist/nginx.conf"), "": read("dist/Caddyfile")}
        squeezed = {k: {re.sub(r"\s*#.*$", "", line).strip() for line in v.splitlines()} for k, v in dist.items()}
        nginx = next(text.splitlines() for kind, text in blocks("docs/security.md") if kind == "nginx")
        for line in (re.sub(r"\s*#.*$", "", line).strip() for line in nginx):
            self.assertIn(line, squeezed["nginx"])
        caddy = next(text.splitlines() for kind, text in blocks("docs/security.md") if kind == "caddy")
        for line in (line.strip() for line in caddy):
            self.assertTrue(line in squeezed[""] or line + " {" in squeezed[""], line)


if __name__ == "__main__":
    main()
