"""Two servers on one database: the second is refused by the name of the first, a rolling change hands over, and who has lost
the database answers 503 and writes nothing more."""
import os
import signal
import time
import unittest

from rig import Database, MongoServer, Traffic, full, known_chats, until, verify
from harness.case import Chat, main, report
from harness.server import run


class Lease(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.database = Database().start()
        cls.addClassCleanup(cls.database.discard)

    def server(self, *args):
        server = MongoServer(*args, store=self.database.uri())
        self.addCleanup(server.discard)
        return server

    def refused(self, first):
        code, _, err = run("--store", self.database.uri(), "--listen", "127.0.0.1:0", timeout=180)
        self.assertEqual(code, 1, err)
        self.assertRegex(err, rf"served already \(host \S+, pid {first.process.pid}, since 20\S+, version")

    def test_the_second_is_refused_and_a_killed_one_is_followed_at_once(self):
        server = self.server().start()
        chat = Chat(server.http)
        self.refused(server)
        chat.send("still the first")
        begin = time.monotonic()
        server.kill()
        server.start()
        report("start after SIGKILL", s=f"{time.monotonic() - begin:.2f}")
        chat.client = server.http
        chat.send("the next")
        self.assertEqual([m["content"] for m in chat.history()], ["still the first", "the next"])
        self.refused(server)
        server.stop()

    def closed(self, old):
        """For clients: go elsewhere."""
        status, health = old.health()
        self.assertEqual((status, health["status"], health["store"]["reason"]), (503, "unavailable", "superseded"), health)
        until(lambda: old.http.get("/api/users/x@y.io/chats").status == 503, "what it remembers is shown no more")
        for r in (old.http.post("/api/users/chats/create", {"email": "late@x.io"}), old.http.get("/api/debug/users-chats"),
                  old.http.get("/api/chats/unknown")):
            self.assertEqual((r.status, (r.header("Retry-After") or "").isdigit()), (503, True), r)
        with self.assertRaisesRegex(Exception, "503"):
            old.websocket()

    def test_a_rolling_change_under_load_loses_nothing(self):
        old = self.server().start()
        chats = known_chats(old, 4)
        dashboard = old.subscriber()
        with Traffic(old.address, chats) as traffic:
            until(lambda: traffic.count(200) > 50 or traffic.faults, "there is load")
            new = self.server("--store-shared").start()
            taken = traffic.count(200)
            until(lambda: traffic.count(503) > 8 or traffic.faults, "the old one refuses")
            self.assertEqual(traffic.count(200), taken, "two wrote at once")
        self.closed(old)
        while dashboard.recv_frame()[0] != 8:  # notices that were on their way
            pass
        dashboard.close()
        for chat in chats:
            chat.client = new.http
        figures = verify(self, new, chats, traffic)
        report("rolling change", **figures)
        chats[0].send("to the new one")
        self.refused(new)
        old.stop()
        self.refused(new)  # the old one gave back nothing that was not its own
        new.stop()

    def test_who_comes_while_the_database_is_away_waits_for_its_turn(self):
        first = self.server().start()
        chat = Chat(first.http)
        self.database.kill()
        standby = self.server("--write-timeout", "1000").launch()
        self.assertEqual(standby.health()[0], 503)
        self.database.start()
        until(lambda: standby.health()[1]["store"].get("reason") == "in_use", "it sees the first")
        self.assertIn(f"pid {first.process.pid}", standby.health()[1]["store"]["detail"])
        chat.client = first.patient()
        chat.send("to the first", client_message_id="first")
        first.kill()
        until(lambda: standby.health()[0] == 200, "it takes over")
        chat.client = standby.http
        self.assertEqual([m["content"] for m in chat.history()], ["to the first"])
        chat.send("to the next")
        standby.stop()

    if full(0, 1):  # its lease must run out, by itself: unit_mongo has that with short times
        def test_who_was_stopped_for_too_long_writes_nothing_more(self):
            old = self.server("--write-timeout", "1000").start()
            chat = Chat(old.http)
            os.kill(old.process.pid, signal.SIGSTOP)
            new = self.server("--store-shared").start()
            chat.client = new.http
            chat.send("to the new one")
            os.kill(old.process.pid, signal.SIGCONT)
            late = old.http.post(f"/api/users/chats/{chat.id}/send", {"content": "late"})
            self.assertEqual(late.status, 503, late)
            until(lambda: old.health()[1]["store"].get("reason") == "superseded", "it sees the new one")
            self.closed(old)
            self.assertEqual([m["content"] for m in chat.history()], ["to the new one"])
            old.stop()
            new.stop()


if __name__ == "__main__":
    main()
