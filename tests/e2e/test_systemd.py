"""Under a service manager: sockets that it holds, when it is told what, and a restart that refuses nobody."""
import concurrent.futures
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from harness.case import Chat, main
from harness.manager import Managed, listening, start
from harness.rawhttp import Connection, ProtocolError
from harness.server import Server, binary
from harness.websocket import WebSocket

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SOCKETS = 1000


def text(path):
    with open(path, encoding="ascii") as f:
        return f.read()


class Told(unittest.TestCase):
    def managed(self, *args, **options):
        server = Managed(*args, **{"patient": True, **options})
        self.addCleanup(server.discard)
        return server

    def test_ready_means_serving(self):
        """The first connection after it is answered, though the address is bound by the server itself."""
        server = self.managed(sockets=[])
        server._launch()
        self.assertIn("STATUS=Serving on 127.0.0.1:", server.hears("READY=1") or "")
        with Connection(server.address) as c:
            self.assertEqual(c.request("GET", "/api/health").status, 200)
        self.assertEqual([m for _, m in server.told if "READY" not in m], [], "nothing before it")
        server.stop()
        self.assertTrue(server.hears("STOPPING=1"))

    def test_a_start_that_fails_is_never_ready(self):
        server = self.managed("--store", "sqlite:/no/such/directory/x.db")
        server._launch()
        self.assertEqual(server.wait(), 1)
        self.assertIsNone(server.hears("READY=1", timeout=0.2))

    def test_a_reload_begins_and_ends(self):
        server = self.managed().start()
        server.hears("READY=1")
        server.signal(signal.SIGHUP)
        message = server.hears("RELOADING=1")
        stamp = next(int(w.split("=")[1]) for w in message.split("\n") if w.startswith("MONOTONIC_USEC="))
        self.assertAlmostEqual(stamp / 1e6, time.monotonic(), delta=30)
        self.assertTrue(server.hears("READY=1"))
        server.stop()

    def test_no_manager_is_no_matter(self):
        server = Server(env={"NOTIFY_SOCKET": "/no/such/socket", "WATCHDOG_USEC": "100000"}, patient=True).start()
        self.addCleanup(server.discard)
        server.stop()

    def test_what_is_for_another_process(self):
        """Children have the variables of their parents: neither its sockets nor its watchdog are theirs."""
        server = self.managed(sockets=[], env={"LISTEN_PID": "1", "LISTEN_FDS": "2", "WATCHDOG_PID": "1", "WATCHDOG_USEC": "30000"})
        server.start()
        self.assertTrue(server.hears("READY=1"))
        self.assertIsNone(server.hears("WATCHDOG=1", timeout=0.3))
        server.stop()

    def test_a_manager_that_does_not_read_holds_nothing_up(self):
        """Its queue is full after a few datagrams; signals are heard all the same."""
        server = self.managed(env={"WATCHDOG_USEC": "30000"}).start()
        for n in range(1, 20):
            server.signal(signal.SIGHUP)
            end = time.monotonic() + 60
            while server.log().count("reloaded") < n:
                self.assertLess(time.monotonic(), end)
                time.sleep(0.005)
        server.stop()

    def test_the_watchdog_hears_of_a_loop_that_hangs(self):
        """A worker that is held in the middle of a request (strace delays one system call of that thread alone)."""
        server = self.managed("--workers", "1", env={"WATCHDOG_USEC": "300000"}).start()
        self.assertTrue(server.hears("WATCHDOG=1"))
        base = f"/proc/{server.process.pid}/task"
        worker = next(t for t in os.listdir(base) if text(f"{base}/{t}/comm") == "worker-0\n")
        strace = subprocess.Popen(["strace", "-q", "-p", worker, "-e", "inject=recvfrom,read,readv,recvmsg:delay_enter=5s:when=1",
                                   "-o", os.path.join(server.directory, "strace")], stderr=subprocess.PIPE, text=True)
        try:
            status = f"{base}/{worker}/status"
            end = time.monotonic() + 60
            while "TracerPid:\t0" in text(status):
                self.assertLess(time.monotonic(), end)
                time.sleep(0.01)
            with socket.create_connection(server.address) as c:
                c.sendall(b"GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n")
                server.logged("loop has not turned thread=worker-0")
                while server.hears("WATCHDOG=1", timeout=0.05):  # those of before
                    pass
                quiet = time.monotonic()
                self.assertEqual(c.recv(12), b"HTTP/1.1 200")
                hung = time.monotonic() - quiet
                self.assertTrue(server.hears("WATCHDOG=1"), "again once it turns")
                self.assertGreater(server.told[-1][0], quiet + hung - 0.5, "but not before")
                self.assertGreater(hung, 0.5)
        finally:
            strace.send_signal(signal.SIGINT)
            strace.wait()
            strace.stderr.close()
        server.stop()


class Passed(unittest.TestCase):
    def ends(self, sockets, names, *args):
        """(exit code, what it says) of a start that is to fail."""
        with tempfile.TemporaryDirectory() as directory, open(os.path.join(directory, "log"), "w+", encoding="utf-8") as log:
            process = start(sockets, names, [binary(), "--store", f"sqlite:{directory}/a.db", *args], {}, stderr=log,
                            stdout=log, cwd=directory)
            code = process.wait(60)
            log.seek(0)
            return code, log.read()

    def test_they_take_the_place_of_listen(self):
        server = Managed("--listen", "127.0.0.1:1", sockets=listening(2), patient=True).start()
        self.addCleanup(server.discard)
        for port in server.ports:
            with Connection(("127.0.0.1", port)) as c:
                self.assertEqual(c.request("GET", "/api/health").status, 200)
        server.stop()
        self.assertIn("addresses are not used", server.log())
        self.assertNotIn("127.0.0.1:1 ", server.log())

    def test_admin(self):
        """By its name; the sockets' order is nothing."""
        server = Managed(sockets=listening(2), names=["admin", "sakurad.socket"], patient=True)
        self.addCleanup(server.discard)
        server._launch()
        server.hears("READY=1")
        for port, status in zip(server.ports, (200, 404)):
            with Connection(("127.0.0.1", port)) as c:
                self.assertEqual(c.request("GET", "/metrics").status, status)
        server.stop()

    def test_what_is_no_listening_tcp_socket(self):
        connected, other = socket.socketpair()
        unbound = socket.socket()
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for s in (connected, unbound, datagrams):
            with s:
                code, said = self.ends([s], ["x"])
                self.assertEqual(code, 2, said)
                self.assertIn("descriptor 3 is no listening TCP socket", said)
        other.close()

    def test_the_rule_of_loopback_stays(self):
        with socket.socket() as s:
            s.bind(("0.0.0.0", 0))
            s.listen()
            code, said = self.ends([s], ["x"])
            self.assertEqual(code, 2, said)
            self.assertIn("beyond loopback", said)

    def test_actions_leave_them_alone(self):
        with listening(1)[0] as s:
            code, said = self.ends([s], ["x"], "--check-config")
        self.assertEqual(code, 0, said)

    def test_systemds_own_holder(self):
        server = Server(patient=True)
        self.addCleanup(server.discard)
        command = ["systemd-socket-activate", "-l", f"127.0.0.1:{server.ports[0]}", binary(), "--store", server.store]
        with open(server.log_path, "wb") as log:
            server.process = subprocess.Popen(command, cwd=server.directory, stdout=log, stderr=log)
        server._wait_healthy()  # the first connection is what it starts by
        server.logged(f"listening address=127.0.0.1:{server.ports[0]}")
        server.stop()


class Units(unittest.TestCase):
    def test_systemd_understands_them(self):
        """systemd-analyze names every line that it does not know, and commands that are not there."""
        with tempfile.TemporaryDirectory() as directory:
            for name in ("sakurad.service.in", "sakurad.socket"):
                with open(os.path.join(ROOT, "dist", name), encoding="utf-8") as f:
                    unit = f.read().replace("@SAKURAD_BINDIR@/sakurad", os.path.realpath(binary()))
                with open(os.path.join(directory, name.removesuffix(".in")), "w", encoding="utf-8") as f:
                    f.write(unit)
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", "./sakurad.service", "./sakurad.socket"], cwd=directory,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""))


class Restart(unittest.TestCase):
    """One stream of sends, each on a connection of its own, and dashboards that are subscribed, across restarts."""

    def setUp(self):
        self.server = Managed(patient=True).start()
        self.addCleanup(self.server.discard)
        self.server.hears("READY=1")
        self.chat = Chat(self.server.http)
        self.sent, self.failed, self.over = 0, [], threading.Event()

    def stream(self):
        while not self.over.is_set():
            try:
                with Connection(self.server.address) as c:
                    r = c.request("POST", f"/api/users/chats/{self.chat.id}/send", {"content": str(self.sent), "role": "user"})
                if r.status != 200:
                    self.failed.append(str(r))
                self.sent += 1
            except (OSError, ProtocolError) as failure:
                self.failed.append(repr(failure))

    def dashboard(self):
        ws = WebSocket(self.server.address)
        ws.greet()
        ws.subscribe()
        return ws

    def restart(self):
        """As `systemctl restart`: the old one has ended before the new one begins. Seconds until that says it is ready."""
        began = time.monotonic()
        self.server.signal(signal.SIGTERM)
        self.assertEqual(self.server.wait(), 0)
        self.server._launch()
        self.assertTrue(self.server.hears("READY=1"))
        return time.monotonic() - began

    def come_again(self, dashboards):
        """What a page does that is told 1001: it connects and subscribes at once. Returns once each has heard of a message."""
        for at, ws in enumerate(dashboards):
            self.assertIn(ws.recv_close(), (1001, 1012))
            ws.close()
            dashboards[at] = None
        for at in range(len(dashboards)):
            dashboards[at] = self.dashboard()
        for ws in dashboards:
            self.assertEqual(ws.recv_json()["data"]["chat_id"], self.chat.id)

    def test_nobody_is_refused_and_all_are_told_again(self):
        dashboards = [self.dashboard() for _ in range(SOCKETS)]
        sender = threading.Thread(target=self.stream)
        sender.start()
        try:
            for ws in dashboards:
                self.assertEqual(ws.recv_json()["data"]["chat_id"], self.chat.id)
            began = time.monotonic()
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                pages = pool.submit(self.come_again, dashboards)
                away = self.restart()
                pages.result()
            told = time.monotonic() - began
        finally:
            self.over.set()
            sender.join()
            for ws in dashboards:
                if ws:
                    ws.close()
        print(f"restart: {self.sent} sends, {len(self.failed)} refused; ready after {away * 1000:.0f} ms; {SOCKETS} WebSockets "
              f"told again after {told * 1000:.0f} ms", flush=True)
        self.assertEqual(self.failed, [])
        self.assertGreater(self.sent, 10)
        self.chat.client = self.server.client()
        history = [m["content"] for m in self.chat.history()]
        self.assertEqual(history, [str(n) for n in range(self.sent)])
        self.server.stop()

    def test_again_and_again(self):
        senders = [threading.Thread(target=self.stream) for _ in range(4)]
        for t in senders:
            t.start()
        for _ in range(5):
            self.restart()
            enough = self.sent + 10
            while self.sent < enough and all(t.is_alive() for t in senders):
                time.sleep(0.005)
        self.over.set()
        for t in senders:
            t.join()
        self.assertEqual(self.failed, [])
        self.assertGreaterEqual(self.sent, 50)
        self.server.stop()

    def test_a_server_that_was_killed(self):
        """No chance to say anything: what was in hand is lost to its clients, who comes meanwhile is not."""
        self.server.kill()
        with socket.create_connection(self.server.address) as early:
            early.sendall(b"GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n")
            self.server._launch()
            self.assertEqual(early.recv(12), b"HTTP/1.1 200")
        self.server.stop()


if __name__ == "__main__":
    main()
