"""ETag and 304 on every GET that promises them, and `since`: a client need never load the same bytes twice."""
from harness.case import ServerCase, main
from harness.routes import REVALIDATED, path


class Etags(ServerCase):
    def setUp(self):
        self.mine = self.chat()
        self.mine.send("first")

    def targets(self):
        return [path(p, self.mine.id, self.mine.user_id) for p in REVALIDATED] + [
            "/api/debug/users-chats?limit=5", "/api/users?skip=0&limit=5", f"/api/chats?email={self.mine.email}",
            f"/api/chats/{self.mine.id}/messages?limit=1", f"/api/users/{self.mine.email}/chats"]

    def test_unchanged_is_304_without_a_body(self):
        for target in self.targets():
            with self.subTest(target):
                first = self.get(target)
                etag = first.header("ETag")
                self.assertRegex(etag or "", r'^"[\x21\x23-\x7e]+"$', "a strong tag")
                self.assertEqual(first.header("Cache-Control"), "no-cache")
                again = self.get(target, [("If-None-Match", etag)], status=304)
                self.assertEqual((again.body, again.header("ETag")), (b"", etag))
                self.assertEqual(self.get(target).body, first.body)
                self.assertEqual(self.get(target).header("ETag"), etag)

    def test_forms_of_if_none_match(self):
        for target in self.targets():
            etag = self.get(target).header("ETag")
            for name, value, status in (
                    ("weak", f"W/{etag}", 304), ("in a list", f'"x", {etag}, "y"', 304), ("any", "*", 304),
                    ("another", '"x"', 200), ("without quotes", etag.strip('"'), 200), ("empty list", ",", 200)):
                with self.subTest(name, target=target):
                    self.get(target, [("If-None-Match", value)], status=status)

    def test_two_lines_of_if_none_match_are_one_list(self):
        """Only the first was read."""
        for target in self.targets():
            etag = self.get(target).header("ETag")
            with self.subTest(target):
                self.get(target, [("If-None-Match", '"x"'), ("If-None-Match", f'"y", {etag}')], status=304)
                self.get(target, [("If-None-Match", '"x"'), ("If-None-Match", '"y"')])

    def test_if_match_is_honoured(self):
        """It was ignored."""
        for target in self.targets():
            etag = self.get(target).header("ETag")
            for name, lines, status in (("current", [etag], 200), ("any", ["*"], 200), ("in a list", [f'"x", {etag}'], 200),
                                        ("on the second line", ['"x"', etag], 200), ("another", ['"x"'], 412),
                                        ("weak", [f"W/{etag}"], 412)):
                with self.subTest(name, target=target):
                    r = self.get(target, [("If-Match", line) for line in lines], status=status)
                    self.assertEqual(r.header("ETag"), etag if status == 200 else None)
            self.get(target, [("If-Match", etag), ("If-None-Match", etag)], status=304)
            self.get(target, [("If-Match", '"x"'), ("If-None-Match", etag)], status=412)

    def test_a_write_on_condition_of_a_tag_does_nothing(self):
        """What is written has no tag: its condition cannot hold."""
        target, before = f"/api/users/chats/{self.mine.id}/send", len(self.mine.history())
        self.assertError(self.http.post(target, {"content": "x"}, [("If-Match", '"x"')]), 412)
        self.assertEqual(len(self.mine.history()), before)
        self.post(target, {"content": "x"}, [("If-Match", "*")])
        self.assertEqual(len(self.mine.history()), before + 1)

    def test_head_revalidates_too(self):
        etag = self.get("/api/debug/users-chats").header("ETag")
        r = self.http.request("HEAD", "/api/debug/users-chats", headers=[("If-None-Match", etag)])
        self.assertEqual(r.status, 304)

    def test_every_change_changes_the_tag(self):
        changes = (
            ("a message", lambda: self.mine.send("second")),
            ("the customer's data", lambda: self.post("/api/users/data", {"email": self.mine.email, "name": "New Name",
                                                                         "category": "human-chats"})),
        )
        for change, act in changes:
            before = {t: self.get(t) for t in self.targets()}
            act()
            for target, old in before.items():
                if change != "a message" and "/messages" in target or (change != "a message" and "/api/chats" in target):
                    continue  # these show nothing of the customer
                with self.subTest(change, target=target):
                    new = self.get(target, [("If-None-Match", old.header("ETag"))])
                    self.assertNotEqual(new.header("ETag"), old.header("ETag"))
                    self.assertNotEqual(new.body, old.body)

    def test_same_tag_means_same_bytes(self):
        seen = {}
        for i in range(10):
            self.mine.send(f"n {i}")
            for target in self.targets():
                r = self.get(target)
                key = (target, r.header("ETag"))
                self.assertEqual(seen.setdefault(key, r.body), r.body, key)

    def test_a_new_chat_changes_the_customers_answers(self):
        targets = ("/api/debug/users-chats", f"/api/users/{self.mine.user_id}/chats", f"/api/users/{self.mine.user_id}",
                   "/api/chats")
        before = {t: self.get(t).header("ETag") for t in targets}
        self.chat(email=self.mine.email)
        for target, etag in before.items():
            with self.subTest(target):
                self.get(target, [("If-None-Match", etag)])

    def test_not_modified_is_counted(self):
        etag = self.get("/api/debug/users-chats").header("ETag")
        before = self.server.metrics().get("sakurad_not_modified_total")
        for _ in range(3):
            self.get("/api/debug/users-chats", [("If-None-Match", etag)], status=304)
        self.assertEqual(self.server.metrics().get("sakurad_not_modified_total"), before + 3)


class Since(ServerCase):
    """since=<cursor>: only what changed after the answer that gave the cursor"""

    def refetch(self, cursor):
        return self.get(f"/api/debug/users-chats?since={cursor}").json()

    def test_refetch(self):
        quiet, busy = self.chat(), self.chat()
        quiet.send("quiet")
        busy.send("old")
        cursor = self.get("/api/debug/users-chats").json()["cursor"]
        unchanged = self.refetch(cursor)
        self.assertEqual(unchanged["users"], [])
        busy.send("new 1")
        busy.send("new 2")
        changed = self.refetch(unchanged["cursor"])
        self.assertEqual([u["_id"] for u in changed["users"]], [busy.user_id])
        self.assertEqual([[m["text"] for m in c["messages"]] for c in changed["users"][0]["chats"]], [["new 1", "new 2"]])
        self.assertEqual(changed["users"][0]["chats"][0]["total_messages"], 3)
        self.assertEqual(self.refetch(changed["cursor"])["users"], [])
        self.assertEqual([u["_id"] for u in self.refetch(cursor)["users"]], [busy.user_id], "a cursor may be used again")

    def test_refetch_tells_of_changed_customers_and_new_chats(self):
        chat = self.chat()
        cursor = self.get("/api/debug/users-chats").json()["cursor"]
        self.post("/api/users/data", {"email": chat.email, "name": "Other", "category": "human-chats"})
        answer = self.refetch(cursor)
        self.assertEqual([(u["_id"], u["category"]) for u in answer["users"]], [(chat.user_id, "human-chats")])
        new = self.chat(email=chat.email)
        answer = self.refetch(answer["cursor"])
        self.assertIn(new.id, [c["chat_id"] for u in answer["users"] for c in u["chats"]])

    def test_poll(self):
        chat = self.chat()
        chat.send("old")
        target = f"/api/users/{chat.email}/chats"
        cursor = self.get(target).json()["cursor"]

        def texts(answer):
            return [m["text"] for c in answer["chats"] for m in c["messages"]]
        self.assertEqual(texts(self.get(f"{target}?since={cursor}").json()), [])
        self.chat().send("somebody else's")
        chat.send("new", "agent")
        answer = self.get(f"{target}?since={cursor}").json()
        self.assertEqual(texts(answer), ["new"])
        self.assertEqual((answer["user_id"], answer["user_email"]), (chat.user_id, chat.email))
        self.assertEqual(texts(self.get(f"{target}?since={answer['cursor']}").json()), [])

    def test_following_the_cursor_gives_the_whole_history(self):
        chats = [self.chat() for _ in range(3)]
        cursor = self.get("/api/debug/users-chats").json()["cursor"]
        expected, seen = [], []
        for i in range(60):
            chat = chats[i % 3]
            chat.send(f"n {i}")
            expected.append((chat.id, f"n {i}"))
            if i % 7 == 0:
                answer = self.refetch(cursor)
                cursor = answer["cursor"]
                seen += [(c["chat_id"], m["text"]) for u in answer["users"] for c in u["chats"] for m in c["messages"]]
        answer = self.refetch(cursor)
        seen += [(c["chat_id"], m["text"]) for u in answer["users"] for c in u["chats"] for m in c["messages"]]
        self.assertEqual(sorted(seen), sorted(expected))
        for chat in chats:
            self.assertEqual([t for c, t in seen if c == chat.id], [t for c, t in expected if c == chat.id])

    def test_zero_is_everything(self):
        chat = self.chat()
        chat.send("x")
        users = self.get("/api/debug/users-chats?since=0&limit=1000").json()["users"]
        self.assertIn(chat.user_id, [u["_id"] for u in users])

    def test_a_cursor_that_is_none_of_ours_gets_everything(self):
        """A client whose cursor is damaged, or from another database, must not miss anything."""
        chat = self.chat()
        chat.send("x")
        for target in ("/api/debug/users-chats", f"/api/users/{chat.email}/chats"):
            whole = self.get(target).json()
            for value in ("x", "-1", "", "1.5", "99999999999999999999999"):
                with self.subTest(target, value=value):
                    self.assertEqual(self.get(f"{target}?since={value}").json(), whole)


if __name__ == "__main__":
    main()
