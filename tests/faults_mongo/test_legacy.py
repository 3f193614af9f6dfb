"""A database in the old layout, through the real server: refetch and polls show the whole history, new messages continue it."""
import unittest
from urllib.parse import quote

from rig import Database, MongoServer, until
from harness.case import main

ANN, BOB = "65a000000000000000000001", "65a000000000000000000002"
# Chats that no customer had, and the ids of those that they have now.
ADOPTED = {"old-bare": "65b000000000000000000001", "old-nobody": "nobody", "old-gone": "65c000000000000000000001",
           "old-gone-2": "65c000000000000000000002"}


class Legacy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.database = Database().start()
        cls.addClassCleanup(cls.database.discard)
        made = cls.database.script("old_layout.py")
        cls.long, cls.odd, cls.customers = made["long"], made["odd"], made["customers"]
        cls.server = MongoServer(store=cls.database.uri(patient=True)).start()
        cls.addClassCleanup(cls.server.discard)
        cls.client = cls.server.patient()  # the database is slow at a history of 10,500 messages, and no test of that

    def expected(self, extra=()):
        """Per chat what must be shown, oldest first; a message that is neither text nor content is empty."""
        chats = {"old-1": ["one", "two", "three", "four"], "old-2": [], "old-3": [], "old-4": ["hi", "newer"],
                 "old-long": [f"m{i}" for i in range(self.long)], "old-bare": ["bare"], "old-nobody": ["anybody?"],
                 "old-gone": [], "old-gone-2": [], "old-nameless": ["no chat_id"],
                 **{id: [f"in {id}"] for id in self.odd}}
        for chat, text in extra:
            chats[chat].append(text)
        return chats

    def get(self, target):
        r = self.client.get(target)
        self.assertEqual(r.status, 200, f"{target}: {r}")
        return r.json()

    def shown(self, chats):
        return {c["chat_id"]: [m["text"] for m in c["messages"] if m["text"]] for c in chats}

    def check(self, want):
        refetch = {}
        for user in self.get("/api/debug/users-chats")["users"]:
            refetch.update(self.shown(user["chats"]))
        self.assertEqual(list(sorted(refetch)), list(sorted(want)))
        polls = {}
        for ident in ("ann@old.io", "bob@old.io", "visitor%209", "long@old.io", "odd", *ADOPTED.values()):
            answer = self.get(f"/api/users/{ident}/chats")
            polls.update(self.shown(answer["chats"]))
            for chat in answer["chats"]:
                ids = [m["_id"] for m in chat["messages"]]
                self.assertEqual(len(ids), len(set(ids)), "ids must be unique: the widget redraws by them")
        for chat, texts in want.items():
            self.assertTrue(refetch[chat] == texts, f"refetch of {chat}: {len(refetch[chat])} for {len(texts)}")
            self.assertTrue(polls[chat] == texts, f"poll of {chat}: {len(polls[chat])} for {len(texts)}")
            self.assertTrue(self.pages(chat) == texts, f"pages of {chat}")
            self.assertEqual(self.get(f"/api/chats/{quote(chat, safe='')}")["chat_id"], chat)
            self.assertEqual(self.get(f"/api/dashboard/chats/{quote(chat, safe='')}/ai-agent")["ai_agent_enabled"], chat != "old-3")
        listed = self.get("/api/chats")
        self.assertEqual((listed["total"], sorted(c["chat_id"] for c in listed["chats"])), (len(want), sorted(want)))
        self.assertEqual(self.database.script("old_layout.py", "count"),
                         {"customers": self.customers + len(ADOPTED), "customer-chats": len(want)})

    def pages(self, chat):
        out, before = [], ""
        while True:
            page = self.get(f"/api/chats/{quote(chat, safe='')}/messages?limit=1000{before}")["messages"]
            if not page:
                return [t for t in out if t]
            out = [m["content"] for m in page] + out
            before = f"&before={page[0]['_id']}"

    def name_nobody(self):
        """A customer that was made for its chat is the one that a widget with its id finds, and gets its name."""
        made = self.client.post("/api/users/chats/create", {"user_id": "nobody", "name": "Nora", "email": "nora@new.io"})
        self.assertEqual((made.status, made.json()["user_id"]), (200, "nobody"))
        for ident in ("nobody", "nora@new.io"):
            poll = self.get(f"/api/users/{ident}/chats")
            self.assertEqual((poll["user_id"], poll["user_email"]), ("nobody", "nora@new.io"))
            self.assertEqual({c["chat_id"] for c in poll["chats"]}, {"old-nobody", made.json()["chat_id"]})
        users = {u["_id"]: u["name"] for u in self.get("/api/debug/users-chats")["users"]}
        self.assertEqual((users["nobody"], users[ADOPTED["old-bare"]]), ("Nora", "User 65b00000"))

    def hear(self, followers, sends):
        """Each of its chat and of no other; an id longer than a notice carries is told as "*"."""
        for chat, ws in followers.items():
            heard, want = [], [chat if len(chat.encode()) <= 64 else "*"] * sum(sent == chat for sent, _ in sends)
            while len(heard) < len(want):
                told = ws.recv_json()["data"]
                heard += [told["chat_id"]] * (told["message_role"] == "user")
            self.assertEqual(heard + [m["data"]["chat_id"] for m in ws.until_pong()], want)
            ws.close()

    def test_the_whole_history_and_its_continuation(self):
        self.check(self.expected())
        for ident in (ANN, "ref-1", "ann@old.io"):
            self.assertEqual(self.get(f"/api/users/{ident}/chats")["user_id"], ANN)
        self.assertEqual(self.get(f"/api/users/{BOB}/chats")["user_email"], "bob@old.io")
        first = self.get("/api/users/ann@old.io/chats")["chats"][0]["messages"][:3]
        self.assertEqual([m["timestamp"] for m in first],
                         ["2024-01-02T03:04:05.000000Z", "2024-01-02T03:04:05.500000Z", "2024-01-02T03:04:06.000001Z"])
        self.assertFalse(self.get("/api/dashboard/chats/old-3/ai-agent")["ai_agent_enabled"])
        sends = [(chat, f"new {n} in {chat}") for n in range(3) for chat in self.expected()]
        followers = {chat: self.server.subscriber(chat_id=chat) for chat in self.odd}
        for chat, text in sends:
            r = self.client.post(f"/api/users/chats/{quote(chat, safe='')}/send",
                                 {"content": text, "client_message_id": text[:80]})
            self.assertEqual(r.status, 200, r)
        self.hear(followers, sends)
        self.check(self.expected(sends))
        self.client.close()
        self.server.stop()
        self.server.start()
        self.check(self.expected(sends))
        again = self.client.post("/api/users/chats/create", {"email": "ann@old.io"}).json()
        self.assertEqual(again["user_id"], ANN)
        self.name_nobody()
        self.server.stop()


class Late(unittest.TestCase):
    def test_chats_of_nobody_get_their_customers_also_where_the_database_comes_after_the_server(self):
        database = Database().start()
        self.addCleanup(database.discard)
        database.script("old_layout.py")
        database.kill()
        server = MongoServer(store=database.uri(patient=True)).launch()
        self.addCleanup(server.discard)
        database.start()
        until(lambda: server.health()[0] == 200, "the server is well")
        client = server.patient()
        sent = client.post("/api/users/chats/old-nobody/send", {"content": "somebody"})
        self.assertEqual(sent.status, 200, sent)
        poll = client.get("/api/users/nobody/chats").json()
        self.assertEqual([m["text"] for m in poll["chats"][0]["messages"]], ["anybody?", "somebody"])
        self.assertEqual(client.get("/api/chats/old-nameless").status, 200)
        listed = client.get("/api/chats").json()
        self.assertEqual(listed["total"], len(listed["chats"]))
        server.stop()


if __name__ == "__main__":
    main()
