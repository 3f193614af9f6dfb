"""The wall clock jumps (libfaketime): order and uniqueness of messages, deadlines and durability do not depend on it."""
import contextlib
import datetime
import os
import time
import unittest

from common import Server, Traffic, open_chats, until, verify

import harness.rawhttp
from harness.case import TIME, main, report
from harness.rawhttp import Connection
from harness.websocket import WebSocket

LIBRARIES = [f"/usr/lib/{machine}-linux-gnu/faketime/libfaketimeMT.so.1" for machine in ("x86_64", "aarch64")]
DAY = 86400
HEAD_TIMEOUT = 1.5  # seconds
JUMPS = (DAY, -DAY, 3600, -7200, 365 * DAY, 0)


class Shifted:
    """time, as the strict client uses it to judge Date, moved with the server's clock."""

    offset = 0

    def __getattr__(self, name):
        return getattr(time, name)

    def time(self):
        return time.time() + self.offset


class Moved(Server):
    def _end_now(self):
        """And what libfaketime leaves of a killed process: a later one with that id would find the names taken."""
        super()._end_now()
        for name in (f"faketime_shm_{self.process.pid}", f"sem.faketime_sem_{self.process.pid}"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"/dev/shm/{name}")


class Clock(unittest.TestCase):
    def setUp(self):
        library = next((path for path in LIBRARIES if os.path.exists(path)), None)
        if not library:
            raise RuntimeError("libfaketime is not installed; see tools/lib/packages.sh")
        self.shifted = harness.rawhttp.time = Shifted()
        self.addCleanup(setattr, harness.rawhttp, "time", time)
        # As when an operator or NTP sets the clock: the monotonic one does not move.
        # The pings' interval is much less than a jump, and much more than a busy machine keeps a client from answering.
        self.server = Moved("--head-timeout", str(int(HEAD_TIMEOUT * 1000)), "--ws-ping", "60000", store_kind="sqlite")
        self.file = os.path.join(self.server.directory, "clock")
        self.server.env |= {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": self.file, "FAKETIME_NO_CACHE": "1",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
        self.jump(0)
        self.server.start()
        self.addCleanup(self.server.discard)

    def jump(self, seconds):
        with open(self.file + ".new", "w") as f:
            f.write(f"{seconds:+d}\n")
        os.rename(self.file + ".new", self.file)
        self.shifted.offset = seconds

    def server_time(self):
        r = self.server.http.get("/api/reports/stats").json()["timestamp"]
        self.assertRegex(r, TIME)
        return datetime.datetime.fromisoformat(r.replace("Z", "+00:00")).timestamp()

    def test_jumps_under_load(self):
        # An answer may cross a jump, so its Date is not judged here.
        self.addCleanup(setattr, harness.rawhttp.Response, "check", harness.rawhttp.Response.check)
        harness.rawhttp.Response.check = lambda answer: answer
        chats = open_chats(self.server)
        with Traffic(self.server.address, chats) as traffic, WebSocket(self.server.address) as ws:
            ws.greet()
            ws.subscribe("chat_updates")
            for offset in JUMPS:
                before = traffic.count(200)
                self.jump(offset)
                until(lambda: traffic.count(200) > before + 50, f"goes on after {offset} s")
                asked, said = time.time() + offset, self.server_time()
                self.assertLess(asked - 30, said)  # it may be that of the last change
                self.assertLess(said, time.time() + offset + 1)
                self.assertEqual(ws.recv_json()["type"], "chat_updates")  # it is still told, and still alive
        self.assertEqual(traffic.faults, [])
        self.assertEqual(traffic.statuses[503], 0, "a deadline took the jump for time that passed")
        self.server.kill()
        self.server.start()
        for chat in chats:
            chat.client = self.server.http
        report(f"{len(JUMPS)} jumps of the clock", **verify(self, self.server, chats, traffic))
        self.server.stop()

    def test_order_is_that_of_the_sends(self):
        (chat,) = open_chats(self.server, 1)
        sent = []
        for i in range(60):
            if i % 10 == 0:
                self.jump(JUMPS[i // 10])
            sent.append(chat.send(f"message {i}"))
        shown = chat.history()
        self.assertEqual([m["content"] for m in shown], [f"message {i}" for i in range(60)])
        self.assertEqual([m["_id"] for m in shown], [s["message_id"] for s in sent])
        self.assertEqual(len({m["_id"] for m in shown}), 60)
        for m in shown:
            self.assertRegex(m["timestamp"], TIME)
        # A restart does not change the order, and what comes next is last, though its time may be earlier.
        self.server.kill()
        self.jump(-DAY)
        self.server.start()
        chat.client = self.server.http
        chat.send("after the restart")
        self.assertEqual([m["content"] for m in chat.history()], [f"message {i}" for i in range(60)] + ["after the restart"])
        self.assertEqual(chat.poll()["messages"][-1]["text"], "after the restart")
        self.server.stop()

    def test_changes_since_a_cursor_survive_a_jump_back(self):
        (chat,) = open_chats(self.server, 1)
        chat.send("before")
        cursor = self.server.http.get("/api/debug/users-chats").json()["cursor"]
        self.jump(-DAY)
        chat.send("after")
        changed = self.server.http.get(f"/api/debug/users-chats?since={cursor}").json()
        texts = [m["text"] for u in changed["users"] for c in u["chats"] for m in c["messages"]]
        self.assertIn("after", texts)
        self.server.stop()

    def test_deadlines_do_not_follow_the_clock(self):
        """--head-timeout is 1.5 s of time that passes: a jump ahead does not end it, a jump back does not prolong it."""
        for offset in (DAY, -DAY):
            with self.subTest(offset):
                in_time = False
                for _ in range(10):  # where the machine stood still, the time was over before the jump
                    in_time = in_time or self.half_request(offset)
                self.assertTrue(in_time, "no jump was in time")
        self.server.stop()

    def half_request(self, offset):
        self.jump(0)
        with Connection(self.server.address) as half:
            begin = time.monotonic()
            half.send(b"GET /api/health HTTP/1.1\r\n")
            self.server.client().get("/api/health")  # the half request was there before the jump
            self.jump(offset)
            in_time = time.monotonic() - begin < HEAD_TIMEOUT / 2
            self.assertEqual(half.response().status, 408)  # within the client's own minute, of which a day is far
            self.assertGreater(time.monotonic() - begin, HEAD_TIMEOUT * 0.9, "cut by the jump")
        return in_time


if __name__ == "__main__":
    main()
