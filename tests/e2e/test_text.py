"""Hostile text comes back as it went in, by every way in and on every way out."""
import json
import urllib.parse

from harness.case import FORM, ServerCase, main

TEXTS = (
    ("script end", "</script><script>alert(1)</script><!--"),
    ("quotes", "\"double\" 'single' `back` \\ backslash \\\" \\u0041"),
    ("line separators", "a\u2028b\u2029c"),
    ("all control characters", "".join(map(chr, range(1, 32))) + "\x7f\x80\x9f"),
    ("new lines", "a\r\nb\nc\rd\te"),
    ("emoji", "\U0001F44D\U0001F3FD \U0001F468\u200D\U0001F469\u200D\U0001F467 \U0001F1F5\U0001F1F9"),
    ("beyond the BMP", "\U00010000\U0010FFFF"),
    ("noncharacters and BOM", "\uFFFE\uFFFF\uFEFF\uFFFD"),
    ("right to left", "\u202Eevil\u202C \u05D0\u05D1 \u0627\u0644"),
    ("combining", "e\u0301 é Å Å"),
    ("SQL", "'; DROP TABLE messages; --"),
    ("Mongo", '{"$ne": null} $where a.b $set'),
    ("printf", "%s %n %d %00 %x"),
    ("HTTP", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ("JSON", '"}],"detail":"x","users":[{"'),
    ("blanks", "   \t  "),
    ("one letter", "a"),
    ("form characters", "a=b&c=d+e%20f;g#h?i"),
    ("long", "é" * 20000),
)


class Text(ServerCase):
    def everywhere(self, chat):
        """The texts of the chat as each route shows them."""
        poll = chat.poll()["messages"]
        refetch = self.get("/api/debug/users-chats?limit=1000").json()
        mine = next(c for u in refetch["users"] for c in u["chats"] if c["chat_id"] == chat.id)
        whole = self.get(f"/api/chats/{chat.id}").json()
        listed = next(c for c in self.get("/api/chats?limit=1000").json()["chats"] if c["chat_id"] == chat.id)
        return {
            "poll text": [m["text"] for m in poll],
            "poll content": [m["content"] for m in poll],
            "refetch": [m["text"] for m in mine["messages"]],
            "chat": [m["content"] for m in whole["messages"]],
            "list of chats": [m["content"] for m in listed["messages"]],
            "history": [m["content"] for m in chat.history()],
        }

    def test_each_text_by_each_way_in(self):
        ways = (
            ("JSON escaped", [], lambda t: json.dumps({"content": t})),
            ("JSON raw", [], lambda t: json.dumps({"content": t}, ensure_ascii=False)),
            ("urlencoded", [FORM], lambda t: "content=" + urllib.parse.quote(t)),
        )
        for name, text in TEXTS:
            with self.subTest(name):
                chat = self.chat()
                for _, headers, body in ways:
                    self.post(f"/api/chats/{chat.id}/send", body(text), headers)
                for where, texts in self.everywhere(chat).items():
                    self.assertEqual(texts, [text] * len(ways), where)

    def test_multipart_text(self):
        chat = self.chat()
        for name, text in TEXTS:
            with self.subTest(name):
                body = f'--b\r\nContent-Disposition: form-data; name="content"\r\n\r\n{text}\r\n--b--\r\n'.encode()
                self.post(f"/api/chats/{chat.id}/send", body, [("Content-Type", "multipart/form-data; boundary=b")])
                self.assertEqual(chat.history()[-1]["content"], text)

    def test_NUL(self):
        chat = self.chat()
        chat.send("a\0b")
        for where, texts in self.everywhere(chat).items():
            self.assertEqual(texts, ["a\0b"], where)

    def test_names_emails_and_objects(self):
        for i, (name, text) in enumerate(TEXTS[:-1]):
            with self.subTest(name):
                email = f"text-{i}@x.io"
                self.post("/api/users/data", {"email": email, "name": text, "vibe": text, "location": {text: [text, {}]}})
                user = self.get(f"/api/users/{email}").json()
                self.assertEqual((user["name"], user["vibe"], user["location"]), (text, text, {text: [text, {}]}))

    def test_the_log_never_has_a_messages_text(self):
        chat = self.chat()
        chat.send("a very secret sentence")
        self.http.post(f"/api/chats/{chat.id}/send", '{"content":"a very secret sentence",', [])
        self.server.stop()  # lines are written by a thread of their own: now all are
        log = self.server.log()
        self.server.start()
        type(self).http = self.server.http
        self.assertNotIn("secret sentence", log)


class TextInDebugLog(ServerCase):
    @classmethod
    def setUpClass(cls):
        from harness.server import Server
        cls.server = Server(log_level="debug", patient=True).start()
        cls.http = cls.server.http

    test_the_log_never_has_a_messages_text = Text.test_the_log_never_has_a_messages_text


if __name__ == "__main__":
    main()
