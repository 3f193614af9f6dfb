"""A database in the old layout, through the real server: refetch and polls show the whole history, new messages continue it."""
import unittest

from rig import Database, MongoServer
from harness.case import main

ANN, BOB = "65a000000000000000000001", "65a000000000000000000002"


class Legacy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.database = Database().start()
        cls.addClassCleanup(cls.database.discard)
        cls.long = cls.database.script("old_layout.py")["long"]
        cls.server = MongoServer(store=cls.database.uri(patient=True)).start()
        cls.addClassCleanup(cls.server.discard)
        cls.client = cls.server.patient()  # the database is slow at a history of 10,500 messages, and no test of that

    def expected(self, extra=()):
        """Per chat what must be shown, oldest first; a message that is neither text nor content is empty."""
        chats = {"old-1": ["one", "two", "three", "four"], "old-2": [], "old-3": [], "old-4": ["hi", "newer"],
                 "old-long": [f"m{i}" for i in range(self.long)]}
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
        for ident in ("ann@old.io", "bob@old.io", "visitor%209", "long@old.io"):
            answer = self.get(f"/api/users/{ident}/chats")
            polls.update(self.shown(answer["chats"]))
            for chat in answer["chats"]:
                ids = [m["_id"] for m in chat["messages"]]
                self.assertEqual(len(ids), len(set(ids)), "ids must be unique: the widget redraws by them")
        for chat, texts in want.items():
            self.assertTrue(refetch[chat] == texts, f"refetch of {chat}: {len(refetch[chat])} for {len(texts)}")
            self.assertTrue(polls[chat] == texts, f"poll of {chat}: {len(polls[chat])} for {len(texts)}")
            self.assertTrue(self.pages(chat) == texts, f"pages of {chat}")

    def pages(self, chat):
        out, before = [], ""
        while True:
            page = self.get(f"/api/chats/{chat}/messages?limit=1000{before}")["messages"]
            if not page:
                return [t for t in out if t]
            out = [m["content"] for m in page] + out
            before = f"&before={page[0]['_id']}"

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
        for chat, text in sends:
            r = self.client.post(f"/api/users/chats/{chat}/send", {"content": text, "client_message_id": text})
            self.assertEqual(r.status, 200, r)
        self.check(self.expected(sends))
        self.client.close()
        self.server.stop()
        self.server.start()
        self.check(self.expected(sends))
        again = self.client.post("/api/users/chats/create", {"email": "ann@old.io"}).json()
        self.assertEqual(again["user_id"], ANN)
        self.server.stop()


if __name__ == "__main__":
    main()
