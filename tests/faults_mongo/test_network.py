"""A bad network between the server and its database: late, reset, silent, flapping. No worker waits for it, errors keep the
contract's form, what is in memory is served on, and the server goes on by itself when the network does."""
import threading
import time
import unittest

import proxy
from rig import Database, Kept, MongoServer, RECOVERY, Traffic, Watch, full, known_chats, recovered, until, verify
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
        self.network, self.port = proxy.start(self.database.port, free_port)
        self.addCleanup(self.network.close)
        self.serve(WRITE_TIMEOUT)

    def serve(self, write_timeout):
        self.server = MongoServer("--write-timeout", str(write_timeout), "--workers", "2",
                                  store=self.database.uri(self.port)).start()
        self.addCleanup(self.server.discard)
        self.chats = known_chats(self.server, 4)

    def kept(self):
        """A send passes all of these."""
        return Kept(self.server.process.pid, self.network.process.pid, self.database.process.pid)

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
        """Polls and refetches for that long: all are answered from memory, at once, and show the chats. What was given up
        before the trouble would be read anew: see cut()."""
        slowest, polls, end = 0.0, 0, time.monotonic() + seconds
        with Connection(self.server.address) as conn:
            while time.monotonic() < end:
                chat = self.chats[polls % len(self.chats)]
                for target in (f"/api/users/{chat.email}/chats", "/api/debug/users-chats"):
                    since = Kept(self.server.process.pid)
                    r = conn.request("GET", target)
                    slowest = max(slowest, since.excess)
                    self.assertEqual(r.status, 200, f"{target}: {r}")
                    self.assertIn(chat.id, r.body.decode())
                    self.assertIn(f"known before {chat.id}", r.body.decode())
                polls += 1
                time.sleep(0.05)
        self.assertLess(slowest, 1.0, "a warm read waited")
        return polls, slowest

    def cut(self, traffic, mode):
        """Trouble, begun when all that was sent is stored and all is in memory."""
        with traffic.paused():
            until(lambda: self.server.http.get("/api/debug/users-chats").status == 200, "a whole refetch")
            self.network.set(mode)

    def test_latency(self):
        # Time for a database that gets no core for a while; that each send is answered soon is judged by the median.
        self.server.stop()
        self.serve(60000)
        times, mine, other = [], self.chats[-1], self.chats[:-1]
        with Watch(self.server) as watch, Traffic(self.server.address, other) as traffic:
            self.network.set("latency", LATENCY)
            polls, slowest = self.warm(full(4, 15))
            for i in range(5):
                since = self.kept()
                mine.send(f"late {i}")
                times.append(since.excess)
            self.network.set("pass")
        self.chats = other
        self.assertEqual(traffic.count(503), 0, "late is not away")
        self.assertGreater(sorted(times)[2], LATENCY / 1000 / 2, "there was no latency")
        self.assertLess(sorted(times)[2], WRITE_TIMEOUT / 1000, "it takes more round trips than it should")
        self.check(traffic, watch, f"latency {LATENCY} ms", warm_reads=2 * polls, slowest_ms=f"{slowest * 1000:.0f}")

    def test_resets(self):
        recoveries = []
        with Watch(self.server) as watch, Traffic(self.server.address, self.chats) as traffic:
            for _ in range(FLAPS):  # single resets first: the next connection works
                self.network.set("reset")
                self.network.set("pass")
                before = traffic.count(200)
                recoveries.append(recovered(traffic, self.kept(), before))
            self.cut(traffic, "reset")
            polls, slowest = self.warm(WRITE_TIMEOUT / 1000 + 1)
            until(lambda: traffic.count(503) > 0, "a send is refused")
            before = traffic.count(200)
            self.network.set("pass")
            recoveries.append(recovered(traffic, self.kept(), before))
        self.check(traffic, watch, "resets", recovery_s_max=f"{max(recoveries):.2f}", warm_reads=2 * polls,
                   slowest_ms=f"{slowest * 1000:.0f}")
        self.assertLess(max(recoveries), RECOVERY)

    def test_blackhole(self):
        with Watch(self.server) as watch, Traffic(self.server.address, self.chats) as traffic:
            until(lambda: traffic.count(200) > 0, "a first load")
            self.cut(traffic, "blackhole")
            polls, slowest = self.warm(BLACKHOLE)
            until(lambda: self.server.health()[0] == 503, "health says so")
            before = traffic.count(200)
            refused_at_once = sorted(self.refusal() for _ in range(5))[2]
            status, health = self.server.health()
            self.assertEqual((status, health["status"], health["store"]["status"]), (503, "unavailable", "unhealthy"))
            self.network.set("pass")
            recovery = recovered(traffic, self.kept(), before)
        self.check(traffic, watch, f"blackhole {BLACKHOLE} s", recovery_s=f"{recovery:.2f}", warm_reads=2 * polls,
                   slowest_ms=f"{slowest * 1000:.0f}", refused_in_ms=f"{refused_at_once * 1000:.1f}")
        self.assertLess(recovery, RECOVERY)
        self.assertLess(refused_at_once, WRITE_TIMEOUT / 1000 / 2, "while the circuit is open a send is refused at once")

    def refusal(self):
        since = Kept(self.server.process.pid)
        r = self.server.http.post(f"/api/users/chats/{self.chats[0].id}/send", {"content": "refused"})
        took = since.excess
        self.assertEqual(r.status, 503, r)
        self.assertEqual(list(r.json()), ["detail"])
        self.assertRegex(r.header("Retry-After") or "", r"^[1-9]\d*$")
        return took

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
            until(lambda: self.server.health()[1]["status"] == "healthy", "healthy again")
            # On a machine that is late the writer may still have been trying: then it is a send like any other.
            heard = {m["data"]["chat_id"] for m in [ws.recv_json()] + ws.until_pong()}
            self.assertLessEqual(heard, {"*", chat.id})
            shown = [m["content"] for m in chat.poll()["messages"]]
            self.assertEqual(shown, [f"known before {chat.id}", "unheard"])
            r = chat.client.post(target, body)
            self.assertEqual(r.status, 200, r)
            self.assertEqual(r.json()["message_id"], chat.poll()["messages"][-1]["_id"])
            while chat.id not in heard:
                heard.add(ws.recv_json()["data"]["chat_id"])
            self.assertEqual(heard - {"*"}, {chat.id})
            self.assertEqual(len(chat.history()), 2)
            self.assertEqual(chat.poll()["total_messages"], 2)

    def test_given_up_before_the_store_is_away(self):
        """A send that waited behind one which took long, and was stored, is given up before the store has had trouble for
        --write-timeout; nothing else is sent. Nobody was told to refetch, nor shown it, until somebody sent again."""
        self.server.stop()
        self.serve(4000)
        came = False
        for chat in self.chats[:3]:  # a busy machine may miss the moment
            came = came or self.given_up(chat, self.chats[3])
        self.assertTrue(came)

    def given_up(self, chat, other):
        """True when it came to that: stored, as the database itself says, and refused."""
        target, body = f"/api/users/chats/{chat.id}/send", {"content": "unheard", "client_message_id": "k1"}
        answers, client, before = [], self.server.client(), self.stored()
        with self.server.subscriber() as ws:
            self.network.set("latency", 2000)
            first = threading.Thread(target=lambda: other.send("slow", client_message_id=f"before {chat.id}"))
            second = threading.Thread(target=lambda: answers.append(client.post(target, body)))
            first.start()
            time.sleep(0.1)  # it is under way
            second.start()
            first.join()
            self.network.set("deaf")
            second.join()
            self.network.set("pass")
            self.assertIn(answers[0].status, (200, 503), answers[0])
            came = answers[0].status == 503 and self.stored() == before + 2
            if came:  # told to refetch, or, where the writer was still trying, of the message
                while ws.recv_json()["data"]["chat_id"] not in ("*", chat.id):
                    pass
                self.assertEqual([m["content"] for m in chat.poll()["messages"]], [f"known before {chat.id}", "unheard"])
        return came

    def stored(self):
        return self.database.script("doubles.py")["documents"]

    def test_flapping(self):
        """No warm reads here: chats of which a send was given up are read anew after an outage, if the next one lets them."""
        with Watch(self.server) as watch, Traffic(self.server.address, self.chats) as traffic:
            for i in range(FLAPS):
                self.network.set(("away", "reset", "blackhole")[i % 3])
                time.sleep(0.5 + (i % 2))
                before = traffic.count(200)
                self.network.set("pass")
                back = self.kept()
                if i < FLAPS - 1:
                    time.sleep(0.3 + 0.4 * (i % 2))
            recovery = recovered(traffic, back, before)
        self.check(traffic, watch, f"{FLAPS} flaps", recovery_s=f"{recovery:.2f}")
        self.assertLess(recovery, RECOVERY)


if __name__ == "__main__":
    main()
