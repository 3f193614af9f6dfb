"""The database is away when the server starts."""
import time
import unittest

from rig import Database, Kept, MongoServer, RECOVERY, until
from harness.case import Chat, main, report
from harness.server import run


class Away(unittest.TestCase):
    def setUp(self):
        self.database = Database()
        self.addCleanup(self.database.discard)

    def test_required(self):
        begin = time.monotonic()
        code, out, err = run("--store", self.database.uri(), "--store-required", "--listen", "127.0.0.1:0", timeout=180)
        self.assertEqual(code, 1, err)
        self.assertRegex(err, rf"cannot reach the store mongodb://127\.0\.0\.1:{self.database.port}/")
        self.assertLess(time.monotonic() - begin, 60)  # three at most, on a machine that does nothing else

    def test_serves_and_goes_on_when_it_comes(self):
        server = MongoServer("--write-timeout", "1000", store=self.database.uri()).launch()
        self.addCleanup(server.discard)
        self.refuses(server)
        self.database.start()
        self.comes(server)
        chat = Chat(server.patient())
        chat.send("first", client_message_id="first")
        self.assertEqual([m["content"] for m in chat.poll()["messages"]], ["first"])
        server.stop()

    def test_the_old_content_is_shown(self):
        self.database.start()
        server = MongoServer("--write-timeout", "1000", store=self.database.uri()).start()
        self.addCleanup(server.discard)
        chat = Chat(server.patient())
        old = [f"old {i}" for i in range(5)]
        for text in old:
            chat.send(text, client_message_id=text)
        server.stop()
        self.database.kill()
        chat.client.close()
        server.launch()
        self.refuses(server, chat)
        self.database.start()
        took = self.comes(server)
        self.assertEqual([m["content"] for m in chat.poll()["messages"]], old)
        refetch = chat.client.get("/api/debug/users-chats").json()["users"]
        self.assertEqual([m["text"] for m in refetch[0]["chats"][0]["messages"]], old)
        again = chat.send(old[0], client_message_id=old[0])
        self.assertEqual(again["message_id"], chat.history()[0]["_id"])
        chat.send("new", client_message_id="new")
        self.assertEqual([m["content"] for m in chat.history()], [*old, "new"])
        report("away at start", recovery_s=f"{took:.2f}")
        server.stop()

    def test_a_wrong_password_is_no_outage(self):
        """Health says which of the two it is, --check-config finds it, and the log is not filled with it."""
        self.database.start()
        uri = self.database.uri().replace("mongodb://", "mongodb://joe:s3cret@")
        code, _, err = run("--store", uri, "--check-config")
        self.assertEqual(code, 2, err)
        self.assertRegex(err, r"the store mongodb://joe:\*\*\*@127\S+: authentication: ")
        server = MongoServer("--write-timeout", "1000", store=uri).launch()
        self.addCleanup(server.discard)
        until(lambda: server.health()[1]["store"].get("reason") == "authentication", "health says why")
        self.assertEqual(server.health()[0], 503)
        time.sleep(2)  # about eight tries, one of which used to be three lines
        self.assertLessEqual(server.log().count("uthentication failed"), 4, server.log())
        self.assertNotIn("s3cret", server.log())
        server.stop()

    def test_stops_while_it_is_away(self):
        server = MongoServer("--write-timeout", "5000", store=self.database.uri()).launch()
        self.addCleanup(server.discard)
        begin = time.monotonic()
        server.stop()
        self.assertLess(time.monotonic() - begin, 45)  # and not --drain-timeout, a minute here; at once on an idle machine

    def refuses(self, server, chat=None):
        status, health = server.health()
        self.assertEqual((status, health["status"]), (503, "unavailable"), health)
        self.assertEqual((health["store"]["kind"], health["store"]["status"]), ("mongodb", "unhealthy"))
        self.assertTrue(health["store"]["detail"], health)
        requests = [("POST", "/api/users/chats/create", {"email": "ann@x.io"}),
                    ("POST", f"/api/users/chats/{chat.id if chat else 'unknown'}/send", {"content": "x"}),
                    ("POST", "/api/chat", {"message": "x", "session_id": "s"}),  # nobody will respond to what is not stored
                    ("GET", "/api/debug/users-chats", None), ("GET", "/api/users/ann@x.io/chats", None)]
        for method, target, body in requests:
            r = server.http.request(method, target, body)
            self.assertEqual(r.status, 503, f"{method} {target}: {r}")
            self.assertEqual(list(r.json()), ["detail"])
            self.assertRegex(r.header("Retry-After") or "", r"^[1-9]\d*$")

    def comes(self, server):
        since = Kept(server.process.pid, self.database.process.pid)
        until(lambda: server.health()[0] == 200, "writes are taken again")
        took = since.excess
        self.assertLess(took, RECOVERY)
        until(lambda: server.health()[1]["status"] == "healthy", "healthy again")
        return took


if __name__ == "__main__":
    main()
