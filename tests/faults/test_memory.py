"""One allocation in a hundred fails (libfiu), in every thread, under load: no crash, no false 200, answers or clean ends of
connections; and all is well once memory is there again."""
import os
import random
import subprocess
import threading
import time
import unittest

from common import Server, Traffic, open_chats, restart, tool, until, verify

from harness.case import main, report
from harness.rawhttp import Connection, ProtocolError
from harness.websocket import WebSocket

SECONDS = float(os.environ.get("SAKURAD_FAULT_SECONDS", "10"))
READS = ("/api/debug/users-chats", "/api/users", "/api/chats", "/api/reports/stats", "/api/debug/database-overview",
         "/metrics", "/api/health", "/api/openapi.json", "/no/such/path")


class Fiu(Server):
    """Started under fiu-run, which can be told later what is to fail."""

    def command(self):
        return [tool("fiu-run"), "-x", "-f", self.pipes, *super().command()]

    @property
    def pipes(self):
        """In a directory of its own: by default a killed process leaves them where a later one of its id finds them taken."""
        return os.path.join(self.directory, "fiu")

    def control(self, command):
        pid = self.process.pid
        subprocess.run([tool("fiu-ctrl"), "-f", self.pipes, "-c", command, str(pid)], check=True, timeout=180)


class Memory(unittest.TestCase):
    def setUp(self):
        # A small cache, so that allocations go on; a port for each run.
        self.server = Fiu("--cache-mb", "8", store_kind="sqlite").start()
        self.addCleanup(self.server.discard)

    def reader(self, stop, counts):
        while not stop.is_set():
            try:
                with Connection(self.server.address) as conn:
                    while not stop.is_set():
                        r = conn.request("GET", random.choice(READS))
                        counts[r.status] = counts.get(r.status, 0) + 1
                        if (r.header("Connection") or "").lower() == "close":
                            break
            except (OSError, ConnectionError):
                counts["closed"] = counts.get("closed", 0) + 1
            except (ProtocolError, AssertionError, ValueError) as fault:
                counts.setdefault("faults", []).append(fault)

    def listener(self, stop, counts):
        while not stop.is_set():
            try:
                with WebSocket(self.server.address) as ws:
                    ws.greet()
                    ws.subscribe("chat_updates")
                    for _ in range(200):
                        ws.recv_json()
                        if stop.is_set():
                            break
                        counts["notices"] = counts.get("notices", 0) + 1
            except (OSError, ConnectionError):
                counts["ended"] = counts.get("ended", 0) + 1
            except ProtocolError as refused:  # a close frame (1011, 1013), or 503 in the place of 101
                counts["refused"] = counts.get("refused", 0) + 1
                if "closed:" not in str(refused) and "not upgraded" not in str(refused):
                    counts.setdefault("faults", []).append(refused)

    def test_one_allocation_in_a_hundred_fails(self):
        server, chats = self.server, open_chats(self.server)
        stop, read, heard = threading.Event(), [{} for _ in range(3)], [{} for _ in range(2)]
        others = [threading.Thread(target=self.reader, args=(stop, c), daemon=True) for c in read]
        others += [threading.Thread(target=self.listener, args=(stop, c), daemon=True) for c in heard]
        with Traffic(server.address, chats) as traffic:
            for t in others:
                t.start()
            until(lambda: traffic.count(200) > 100, "a first load")
            server.control("enable_random name=libc/mm/*,probability=0.01")
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                self.assertIsNone(server.process.poll(), f"it ended:\n{server.log()[-3000:]}")
                time.sleep(0.1)
            answered = traffic.count(200)
            server.control("disable name=libc/mm/*")
            until(lambda: traffic.count(200) > answered + 200, "as before once memory is there again")
            stop.set()  # the senders go on meanwhile, so that listeners hear something and see it
            for t in others:
                t.join()
        self.assertEqual(traffic.faults, [])
        for counts in read + heard:
            self.assertEqual(counts.pop("faults", []), [])
        statuses = {}
        for counts in read:
            for key, value in counts.items():
                statuses[key] = statuses.get(key, 0) + value
        self.assertEqual({s for s in statuses if isinstance(s, int)} - {200, 404, 503}, set())
        report("allocations fail", reads=statuses, listeners=heard, sends=dict(traffic.statuses), closed=traffic.closed)
        self.assertEqual(server.http.get("/api/health").json()["status"], "healthy")
        restart(self, server, chats)
        report("the ledger", **verify(self, server, chats, traffic))
        server.stop()


if __name__ == "__main__":
    main()
