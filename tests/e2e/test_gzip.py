"""Bodies of 4 KB and more are gzip for who takes it: compressed once, under a tag of their own, and never a reason to wait long."""
import re
import threading

from harness.auth import AuthCase
from harness.case import ServerCase, main, new_email
from harness.metrics import Metrics
from harness.rawhttp import Connection, build

GZIP = ("Accept-Encoding", "gzip, deflate, br")
TEXT = "The quick brown fox jumps over the lazy dog. " * 8


class Gzip(ServerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        made = [cls.http.post("/api/users/chats/create", {"email": new_email(), "name": f"N{n}"}).json() for n in range(12)]
        for answer in made:
            for n in range(4):
                cls.http.post(f"/api/users/chats/{answer['chat_id']}/send", {"content": f"{n} {TEXT}"})
        cls.big = cls.http.post("/api/users/chats/create", {"email": new_email()}).json()
        for n in range(30):
            cls.http.post(f"/api/users/chats/{cls.big['chat_id']}/send", {"content": f"{n} {TEXT}"})
        cls.targets = ["/api/debug/users-chats", "/api/users", "/api/chats", "/api/users?q=n",
                       f"/api/users/{cls.big['user_id']}/chats", f"/api/users/{cls.big['user_id']}",
                       f"/api/chats/{cls.big['chat_id']}", f"/api/chats/{cls.big['chat_id']}/messages?limit=30"]

    def metric(self, name, **labels):
        return Metrics(self.get("/metrics").body.decode()).get(name, **labels)

    def test_both_forms_are_the_same(self):
        for target in self.targets:
            with self.subTest(target):
                plain, small = self.get(target), self.get(target, [GZIP])
                self.assertIsNone(plain.header("Content-Encoding"))
                self.assertEqual(small.header("Content-Encoding"), "gzip")
                self.assertEqual(small.plain, plain.body)
                self.assertLess(len(small.body), len(plain.body) / 4)
                for r in (plain, small):
                    self.assertIn("Accept-Encoding", r.header("Vary"))
                    self.assertEqual(r.header("Content-Type"), "application/json")
                    self.assertEqual(r.header("Content-Length"), str(len(r.body)))
                self.assertRegex(plain.header("ETag"), r'^"[0-9a-f]{16}"$')
                self.assertEqual(small.header("ETag"), plain.header("ETag")[:-1] + '-gz"')
                self.assertEqual(small.header("Cache-Control"), plain.header("Cache-Control"))
                for headers, get in (([], plain), ([GZIP], small)):
                    head = self.http.request("HEAD", target, headers=headers)
                    self.assertEqual([h for h in head.headers if h[0] != b"date"], [h for h in get.headers if h[0] != b"date"])

    def test_who_takes_it(self):
        for lines, gzip in ((["gzip"], True), (["GZIP"], True), (["x-gzip"], True), (["*"], True), (["gzip;q=0.5"], True),
                            (["br, gzip;q=0.1"], True), (["br", "gzip"], True), (["identity;q=0.5, gzip"], True),
                            ([], False), ([""], False), (["gzip;q=0"], False), (["*;q=0"], False), (["gzip;q=0, *"], False),
                            (["br"], False), (["identity"], False), (["identity, gzip;q=0.5"], False), (["gzip;q=x"], False),
                            (["gzipped"], False)):
            with self.subTest(lines):
                r = self.get(self.targets[0], [("Accept-Encoding", line) for line in lines])
                self.assertEqual(r.header("Content-Encoding"), "gzip" if gzip else None)

    def test_conditions_take_either_tag(self):
        for target in self.targets:
            tags = [self.get(target, h).header("ETag") for h in ([], [GZIP])]
            for tag in tags:
                for headers in ([], [GZIP]):
                    with self.subTest(target, tag=tag, headers=headers):
                        for given in (tag, f"W/{tag}", f'"x", {tag}', f'{tag}, "y-gz"'):
                            r = self.get(target, [*headers, ("If-None-Match", given)], status=304)
                            self.assertEqual((r.header("ETag"), r.body), (tag, b""))
                            self.assertEqual(bool(headers), "Accept-Encoding" in (r.header("Vary") or ""))
                        self.get(target, [*headers, ("If-Match", tag)])
                        self.get(target, [*headers, ("If-Match", f'"x-gz", {tag}')])
                        self.get(target, [*headers, ("If-Match", f"W/{tag}")], status=412)
            for wrong in (tags[0][:-1] + '-g"', tags[0][:-1] + '-gzz"', tags[0][:-2] + '-gz"', '"-gz"', "-gz", tags[0][:-1]):
                self.get(target, [GZIP, ("If-None-Match", wrong)])
                self.get(target, [GZIP, ("If-Match", wrong)], status=412)

    def test_a_change_on_condition_takes_either_tag(self):
        target = f"/api/chats/{self.big['chat_id']}"
        for headers in ([], [GZIP]):
            tag = self.get(target, headers).header("ETag")
            self.assertEqual(self.http.patch(target, {"assigned_to": f"a{len(headers)}"}, [("If-Match", tag)]).status, 200)
            self.assertEqual(self.http.patch(target, {"assigned_to": "b"}, [("If-Match", tag)]).status, 412)

    def test_small_bodies_and_others_stay_as_they_are(self):
        made = self.post("/api/users/chats/create", {"email": new_email()}, [GZIP])
        self.assertIsNone(made.header("Content-Encoding"))
        small = f"/api/users/{made.json()['user_id']}/chats"
        for target in (small, "/api/health", "/api/reports/stats", "/metrics"):
            one, two = self.get(target), self.get(target, [GZIP])
            self.assertIsNone(two.header("Content-Encoding"))
            for r in (one, two):
                self.assertNotIn("Accept-Encoding", r.header("Vary") or "")
        self.assertEqual([h for h in one.headers if h[0] != b"date"][:1], [h for h in two.headers if h[0] != b"date"][:1])

    def test_what_cannot_be_smaller_is_sent_as_it_is(self):
        import secrets
        chat = self.post("/api/users/chats/create", {"email": new_email()}).json()
        noise = "".join(chr(0x4e00 + b) for b in secrets.token_bytes(12000))  # still packs: 3 bytes for 8 bits
        self.post(f"/api/users/chats/{chat['chat_id']}/send", {"content": noise})
        r = self.get(f"/api/chats/{chat['chat_id']}", [GZIP])
        self.assertEqual(r.plain, self.get(f"/api/chats/{chat['chat_id']}").body)

    def test_nobody_asks_nothing_is_compressed(self):
        chat = self.chat()
        before = self.metric("sakurad_bodies_compressed_total")
        for _ in range(5):
            chat.send("x")
            for target in self.targets:
                self.get(target)
        self.assertEqual(self.metric("sakurad_bodies_compressed_total"), before)

    def test_once_a_version_for_a_crowd(self):
        chat = self.chat()
        for _ in range(5):
            before, saved = self.metric("sakurad_bodies_compressed_total"), self.metric("sakurad_compression_saved_bytes_total")
            chat.send("a new version")
            bodies, barrier = [], threading.Barrier(20)

            def ask():
                client = self.server.client()
                barrier.wait()
                for _ in range(5):
                    bodies.append(client.get(self.targets[0], [GZIP]))
                client.close()

            threads = [threading.Thread(target=ask) for _ in range(20)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            self.assertEqual(len({r.header("ETag") for r in bodies}), 1)
            self.assertEqual({r.header("Content-Encoding") for r in bodies}, {"gzip"})
            self.assertEqual(len({r.body for r in bodies}), 1)
            self.assertEqual(self.metric("sakurad_bodies_compressed_total") - before, 1)
            self.assertGreater(self.metric("sakurad_compression_saved_bytes_total"), saved)
        self.assertEqual(self.metric("sakurad_queue_depth", queue="compressor"), 0)

    def test_what_changed_since_a_cursor(self):
        chat = self.chat()
        cursor = self.get("/api/debug/users-chats").json()["cursor"]
        for n in range(30):
            chat.send(f"{n} {TEXT}")
        for headers in ([], [GZIP]):
            r = self.get(f"/api/debug/users-chats?since={cursor}", headers)
            self.assertEqual(r.header("Content-Encoding"), "gzip" if headers else None)
            self.assertEqual(len(r.json()["users"]), 1)

    def test_a_client_that_leaves_while_it_waits(self):
        chat = self.chat()
        for n in range(20):
            chat.send(f"{n}")
            for _ in range(4):
                conn = Connection(self.server.address)
                conn.send(build("GET", self.targets[0], [GZIP]))
                conn.close()
        self.assertEqual(self.get(self.targets[0], [GZIP]).plain, self.get(self.targets[0]).body)


class Scoped(AuthCase):
    def test_vary_has_all_of_it(self):
        for n in range(20):
            self.post(f"/api/users/chats/{self.ann.chat}/send", {"content": f"{n} {TEXT}"}, self.ann.headers)
        origin = ("Origin", "http://localhost:3001")
        r = self.get("/api/debug/users-chats", [*self.dashboard, GZIP, origin])
        self.assertEqual(re.split(r", ", r.header("Vary")), ["Origin", "Authorization", "Accept-Encoding"])
        self.assertEqual(r.header("Content-Encoding"), "gzip")
        self.assertNotEqual(r.header("ETag"), self.get("/api/debug/users-chats", [*self.bound["o1"], GZIP]).header("ETag"))


if __name__ == "__main__":
    main()
