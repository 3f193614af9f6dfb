"""Signals: SIGHUP reads keys and origins again and never ends the server, SIGQUIT drains, the others are nothing."""
import os
import signal
import threading
import unittest

from harness.case import Chat, ServerCase, main
from harness.server import Server, run
from harness.tokens import bearer, claims, forge

FIRST, SECOND = b"1" * 40, b"2" * 40


class Reload(ServerCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("--auth-key", "key-a", "--auth-key", "key-b", "--cors-origin", "@origins",
                            "--cors-origin", "https://fixed.example", patient=True)
        cls.put("key-a", FIRST)
        cls.put("key-b", FIRST)
        cls.put("origins", b"# the shop\nhttps://old.example\n")
        cls.server.start()
        cls.http = cls.server.http

    def setUp(self):
        self.put("key-a", FIRST)
        self.put("key-b", FIRST)
        self.put("origins", b"# the shop\nhttps://old.example\n")
        self.hup()

    @classmethod
    def put(cls, name, content):
        path = os.path.join(cls.server.directory, name)
        with open(path + ".new", "wb", opener=lambda p, flags: os.open(p, flags, 0o600)) as f:
            f.write(content)
        os.rename(path + ".new", path)

    def hup(self, fails=False):
        word = "reload failed" if fails else "reloaded"
        before = self.server.log().count(word)
        self.server.signal(signal.SIGHUP)
        self.eventually(lambda: self.server.log().count(word) > before, f"'{word}' is logged")

    def token(self, key):
        return bearer(forge(claims("dashboard"), key))

    def status(self, token):
        return self.http.get("/api/users", token).status

    def allowed(self, origin):
        return self.http.get("/api/health", [("Origin", origin)]).header("Access-Control-Allow-Origin") == origin

    def test_keys_are_rotated_without_a_restart(self):
        old, new = self.token(FIRST), self.token(SECOND)
        self.assertEqual((self.status(old), self.status(new)), (200, 401))
        self.put("key-a", SECOND)
        self.hup()
        self.assertEqual((self.status(old), self.status(new)), (200, 200))
        made = self.post("/api/users/chats/create", {"email": "ann@example.com"}, new).json()
        ours, theirs = (self.server.websocket(headers=t) for t in (new, old))
        for ws in (ours, theirs):
            ws.greet()
        self.put("key-b", SECOND)
        self.hup()
        self.assertEqual(theirs.recv_close(), 1008)  # the right to listen goes with the key
        ours.subscribe()
        ours.close()
        theirs.close()
        self.assertEqual((self.status(old), self.status(new)), (401, 200))  # however good it was found before
        self.get(f"/api/users/{made['user_id']}/chats", bearer(made["token"]))  # signed with the first key, the new one

    def test_origins_come_and_go(self):
        self.assertEqual([self.allowed(o) for o in ("https://old.example", "https://new.example", "https://fixed.example")],
                         [True, False, True])
        self.put("origins", b"\n  HTTPS://New.Example:443  # written by hand\r\nhttps://fixed.example\n")
        self.hup()
        self.assertEqual([self.allowed(o) for o in ("https://old.example", "https://new.example", "https://fixed.example")],
                         [False, True, True])
        with self.server.websocket(origin="https://new.example", headers=self.token(FIRST)) as ws:
            ws.greet()

    def test_a_bad_file_changes_nothing(self):
        rows = (("key-a", b"short"), ("key-b", None), ("origins", b"https://new.example\nhttps://x/path\n"),
                ("origins", b"x" * 5000), ("origins", None),
                ("origins", b"".join(b"https://h%d.example\n" % i for i in range(300))))
        for name, content in rows:
            with self.subTest(name, content=(content or b"gone")[:30]):
                if content is None:
                    os.unlink(os.path.join(self.server.directory, name))
                else:
                    self.put(name, content)
                self.hup(fails=True)
                self.assertIn(name, self.server.log().rsplit("reload failed", 1)[1])
                self.assertEqual(self.status(self.token(FIRST)), 200)
                self.assertEqual([self.allowed(o) for o in ("https://old.example", "https://new.example")], [True, False])
                self.setUp()

    def test_what_a_reload_would_refuse_a_check_refuses_too(self):
        self.put("origins", b"https://good.example\n*\n")
        code, _, err = run("--check-config", "--cors-origin", "@" + os.path.join(self.server.directory, "origins"))
        self.assertEqual(code, 2)
        self.assertIn("origins, line 2: '*' is not an origin", err)

    def test_many_under_load(self):
        """Readers of keys and origins on every worker meanwhile: nobody is refused, nothing is read after it is freed."""
        stop, faults = threading.Event(), []

        def ask():
            client = self.server.client()
            while not stop.is_set():
                r = client.get("/api/users", self.token(FIRST) + [("Origin", "https://old.example")])
                if r.status != 200 or r.header("Access-Control-Allow-Origin") != "https://old.example":
                    faults.append(r)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for t in threads:
            t.start()
        for i in range(20):
            self.put("origins", b"https://old.example\nhttps://n%d.example\n" % i)
            self.hup()
        stop.set()
        for t in threads:
            t.join()
        self.assertEqual(faults, [])


class Signals(unittest.TestCase):
    def start(self, *args):
        server = Server(*args, patient=True).start()
        self.addCleanup(server.discard)
        return server

    def test_those_that_mean_nothing(self):
        server = self.start()
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
            server.signal(number)
        server.logged("reloaded")
        Chat(server.http).send("still here")
        server.stop()

    def test_a_hangup_while_it_starts(self):
        server = Server(patient=True)
        self.addCleanup(server.discard)
        server._launch()
        server.logged("sakurad version=", 60)
        for _ in range(3):
            server.signal(signal.SIGHUP)
        server._wait_healthy()
        server.logged("reloaded")
        server.stop()

    def test_quit_drains_as_term_does(self):
        server = self.start()
        chat = Chat(server.http)
        ws = server.subscriber()
        sent = chat.send("the last word")
        server.signal(signal.SIGHUP)
        server.signal(signal.SIGQUIT)
        self.assertEqual(server.wait(), 0)
        server.assert_clean()
        self.assertIn("stopping signal=SIGQUIT", server.log())
        ws.close()
        server.start()
        chat.client = server.http
        self.assertEqual([m["_id"] for m in chat.history()], [sent["message_id"]])
        server.stop()


if __name__ == "__main__":
    main()
