"""A bad network between the server and its database: late, reset, silent, flapping. No worker waits for it, errors keep the
contract's form, what is in memory is served on, and the server goes on by itself when the network does."""
import time
import unittest

import proxy
from rig import Database, MongoServer, RECOVERY, Traffic, Watch, full, open_chats, recovered, until, verify
from harness.case import main, report
from harness.rawhttp import Connection
from harness.server import free_port

WRITE_TIMEOUT = 1500  # ms
BLACKHOLE = full(6, 30)
FLAPS = full(5, 20)
LATENCY = 300  # ms


class Network(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.database = Database(standalone=True).start()  # test_kill.py has a replica set
        cls.addClassCleanup(cls.database.discard)

    def setUp(self):
        port = free_port()
        self.network = proxy.start(port, self.database.port)
        self.addCleanup(self.network.close)
        self.server = MongoServer("--write-timeout", str(WRITE_TIMEOUT), "--workers", "2",
                                  store=self.database.uri(port)).start()
        self.addCleanup(self.server.discard)
        self.chats = open_chats(self.server, 4)
        for chat in self.chats:
            chat.send(f"known before {chat.id}")

    def tearDown(self):
        if self.server.process.poll() is None and self.server.http:
            self.server.stop()

    def check(self, traffic, watch, title, **more):
        self.assertEqual(traffic.faults, [])
        watch.check(self, title)
        traffic.sent += self.known()
        figures = verify(self, self.server, self.chats, traffic)
        report(title, **figures, statuses=dict(traffic.statuses), **more)

    def known(self):
        """The messages of setUp, for a ledger of everything that is there."""
        out = []
        for chat in self.chats:
            first = chat.history(1000)[0]
            self.assertEqual(first["content"], f"known before {chat.id}")
            sent = type("Known", (), {})()
            sent.text, sent.message_id = first["content"], first["_id"]
            out.append(sent)
        return out

    def warm(self, seconds):
        """Polls and refetches for that long: all are answered from memory, at once, and show the chats."""
        slowest, polls, end = 0.0, 0, time.monotonic() + seconds
        with Connection(self.server.address) as conn:
            while time.monotonic() < end:
                chat = self.chats[polls % len(self.chats)]
                for target in (f"/api/users/{chat.email}/chats", "/api/debug/users-chats"):
                    begin = time.monotonic()
                    r = conn.request("GET", target)
                    slowest = max(slowest, time.monotonic() - begin)
                    self.assertEqual(r.status, 200, f"{target}: {r}")
                    self.assertIn(chat.id, r.body.decode())
                    self.assertIn(f"known before {chat.id}", r.body.decode())
                polls += 1
                time.sleep(0.05)
        self.assertLess(slowest, 1.0, "a warm read waited")
        return polls, slowest

    def test_latency(self):
        with Watch(self.server) as watch, Traffic(self.server.address, self.chats) as traffic:
            self.network.set("latency", LATENCY)
            polls, slowest = self.warm(full(4, 15))
            self.network.set("pass")
        self.assertEqual(traffic.count(503), 0, "late is not away")
        self.check(traffic, watch, f"latency {LATENCY} ms", warm_reads=2 * polls, slowest_ms=f"{slowest * 1000:.0f}")

    def test_resets(self):
        recoveries = []
        with Watch(self.server) as watch, Traffic(self.server.address, self.chats) as traffic:
            for _ in range(FLAPS):  # single resets first: the next connection works
                self.network.set("reset")
                self.network.set("pass")
                before = traffic.count(200)
                recoveries.append(recovered(traffic, time.monotonic(), before))
            # What a given-up send may have changed is read anew after an outage; then it is warm again.
            self.server.http.get("/api/debug/users-chats")
            self.network.set("reset")
            polls, slowest = self.warm(WRITE_TIMEOUT / 1000 + 1)
            before = traffic.count(200)
            self.network.set("pass")
            recoveries.append(recovered(traffic, time.monotonic(), before))
        self.check(traffic, watch, "resets", recovery_s_max=f"{max(recoveries):.2f}", warm_reads=2 * polls,
                   slowest_ms=f"{slowest * 1000:.0f}")
        self.assertLess(max(recoveries), RECOVERY)
        self.assertGreater(traffic.count(503), 0)

    def test_blackhole(self):
        with Watch(self.server) as watch, Traffic(self.server.address, self.chats) as traffic:
            time.sleep(0.3)
            self.network.set("blackhole")
            polls, slowest = self.warm(BLACKHOLE)
            before = traffic.count(200)
            refused_at_once = self.refusal()
            status, health = self.server.health()
            self.assertEqual((status, health["status"], health["store"]["status"]), (503, "unavailable", "unhealthy"))
            self.network.set("pass")
            recovery = recovered(traffic, time.monotonic(), before)
        self.check(traffic, watch, f"blackhole {BLACKHOLE} s", recovery_s=f"{recovery:.2f}", warm_reads=2 * polls,
                   slowest_ms=f"{slowest * 1000:.0f}", refused_in_ms=f"{refused_at_once * 1000:.1f}")
        self.assertLess(recovery, RECOVERY)
        self.assertLess(refused_at_once, WRITE_TIMEOUT / 1000 / 2, "while the circuit is open a send is refused at once")

    def refusal(self):
        begin = time.monotonic()
        r = self.server.http.post(f"/api/users/chats/{self.chats[0].id}/send", {"content": "refused"})
        self.assertEqual(r.status, 503, r)
        self.assertEqual(list(r.json()), ["detail"])
        self.assertRegex(r.header("Retry-After") or "", r"^[1-9]\d*$")
        return time.monotonic() - begin

    def test_stored_and_not_heard_of(self):
        """A send whose answer from the database is lost is refused, and stored. Once the network is back everyone is told to
        refetch, and it is shown; the second try gets the first one's id, and its own notice, once."""
        chat = self.chats[0]
        target, body = f"/api/users/chats/{chat.id}/send", {"content": "unheard", "client_message_id": "k1"}
        with self.server.subscriber() as ws:
            self.network.set("deaf")
            r = self.server.http.post(target, body)
            self.assertEqual(r.status, 503, r)
            self.network.set("pass")
            until(lambda: self.server.health()[1]["status"] == "healthy", "healthy again", 30)
            heard = [ws.recv_json()] + ws.until_pong()
            self.assertEqual({m["data"]["chat_id"] for m in heard}, {"*"}, heard)
            shown = [m["content"] for m in chat.poll()["messages"]]
            self.assertEqual(shown, [f"known before {chat.id}", "unheard"])
            r = self.server.http.post(target, body)
            self.assertEqual(r.status, 200, r)
            self.assertEqual(r.json()["message_id"], chat.poll()["messages"][-1]["_id"])
            self.assertEqual(ws.recv_json()["data"]["chat_id"], chat.id)
            self.assertEqual(len(chat.history()), 2)
            self.assertEqual(chat.poll()["total_messages"], 2)

    def test_flapping(self):
        """No warm reads here: chats of which a send was given up are read anew after an outage, if the next one lets them."""
        with Watch(self.server) as watch, Traffic(self.server.address, self.chats) as traffic:
            for i in range(FLAPS):
                self.network.set(("away", "reset", "blackhole")[i % 3])
                time.sleep(0.5 + (i % 2))
                before = traffic.count(200)
                self.network.set("pass")
                back = time.monotonic()
                if i < FLAPS - 1:
                    time.sleep(0.3 + 0.4 * (i % 2))
            recovery = recovered(traffic, back, before)
        self.check(traffic, watch, f"{FLAPS} flaps", recovery_s=f"{recovery:.2f}")
        self.assertLess(recovery, RECOVERY)


if __name__ == "__main__":
    main()
