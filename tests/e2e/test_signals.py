"""Typing and read marks: who hears of them, who may say them, and that they cost the store nothing it need not have."""
import time

from harness.auth import KEY, SOCKET, AuthCase
from harness.case import ServerCase, main
from harness.tokens import bearer, claims, forge
from harness.websocket import WebSocket

EXPIRES_MS = 6000
CLOCKS_S = 0.2  # the server's clock is read once a turn, its timers are rounded


def typing(chat, on=True, **more):
    return {"action": "typing", "chat_id": chat, "typing": on, **more}


def of(frame):
    """(type, data), without the time."""
    return frame["type"], {k: v for k, v in frame["data"].items() if k != "timestamp"}


def said(chat, role, on=True, **more):
    return "typing", {"chat_id": chat, "role": role, "typing": on, "expires_ms": EXPIRES_MS if on else 0, **more}


class Base(ServerCase):
    """An agent's page, and a widget's."""

    def setUp(self):
        self.mine = self.chat()
        self.first = self.mine.send("first")["message_id"]
        self.agent, self.widget = self.open("chat_events"), self.open("chat_events", chat_id=self.mine.id)

    def open(self, kind=None, **options):
        ws = self.server.websocket()
        self.addCleanup(ws.close)
        ws.greet()
        if kind:
            ws.subscribe(kind, **options)
        return ws

    def refused(self, ws, message, text):
        ws.send_json(message)
        answer = ws.recv_json()
        self.assertEqual(answer["type"], "error", answer)
        self.assertIn(text, answer["message"])


class Typing(Base):
    def test_both_ways_and_not_back(self):
        self.widget.send_json(typing(self.mine.id))
        self.assertEqual(of(self.agent.recv_json()), said(self.mine.id, "user"))
        self.assertEqual(self.widget.until_pong(), [])
        self.agent.send_json(typing(self.mine.id))
        self.assertEqual(of(self.widget.recv_json()), said(self.mine.id, "agent"))
        self.assertEqual(self.agent.until_pong(), [])
        self.agent.send_json(typing(self.mine.id, False))
        self.assertEqual(of(self.widget.recv_json()), said(self.mine.id, "agent", False))

    def test_it_ends_by_itself_and_with_the_connection(self):
        begun = time.monotonic()
        self.widget.send_json(typing(self.mine.id))
        self.assertEqual(of(self.agent.recv_json()), said(self.mine.id, "user"))
        self.assertEqual(of(self.agent.recv_json()), said(self.mine.id, "user", False))
        self.assertGreater(time.monotonic() - begun, EXPIRES_MS / 1000 - CLOCKS_S)
        other = self.open("chat_events", chat_id=self.mine.id)
        other.send_json(typing(self.mine.id))
        self.assertEqual(of(self.agent.recv_json()), said(self.mine.id, "user"))
        other.close()
        self.assertEqual(of(self.agent.recv_json()), said(self.mine.id, "user", False))

    def test_one_in_two_seconds_and_the_last_state(self):
        begun = time.monotonic()
        for i in range(21):
            self.widget.send_json(typing(self.mine.id, i % 2 == 0))
        self.assertEqual(self.widget.until_pong(), [])
        self.assertEqual(of(self.agent.recv_json()), said(self.mine.id, "user"))
        self.assertEqual(of(self.agent.recv_json()), said(self.mine.id, "user"), "the last one, when its time has come")
        self.assertGreater(time.monotonic() - begun, 2 - CLOCKS_S)

    def test_no_text_without_preview(self):
        self.widget.send_json(typing(self.mine.id, text="do you"))
        self.assertEqual(of(self.agent.recv_json()), said(self.mine.id, "user"))

    def test_another_chat_hears_nothing(self):
        other = self.chat()
        theirs = self.open("chat_events", chat_id=other.id)
        self.widget.send_json(typing(self.mine.id))
        self.assertEqual(of(self.agent.recv_json()), said(self.mine.id, "user"))
        self.agent.send_json(typing(self.mine.id))
        self.assertEqual(of(self.widget.recv_json()), said(self.mine.id, "agent"))
        self.assertEqual(theirs.until_pong(), [])

    def test_without_authentication_it_is_what_it_says(self):
        self.agent.send_json(typing(self.mine.id, role="assistant"))
        self.assertEqual(of(self.widget.recv_json()), said(self.mine.id, "assistant"))

    def test_refused(self):
        for message, text in ((typing("no-such-chat"), "Chat not found: no-such-chat"),
                              ({"action": "typing", "typing": True}, "chat_id is missing"),
                              (typing(7), "chat_id must be"), (typing(self.mine.id, "yes"), "typing must be"),
                              (typing(self.mine.id, text=7), "text must be"),
                              (typing(self.mine.id, role="boss"), "Unknown role: boss"),
                              ({"action": "read", "chat_id": self.mine.id}, "message_id must be"),
                              ({"action": "read", "chat_id": self.mine.id, "message_id": "x"}, "Message not found"),
                              ({"action": "read", "chat_id": "no-such-chat", "message_id": self.first}, "Chat not found")):
            with self.subTest(text):
                self.refused(self.agent, message, text)
        self.assertEqual(self.widget.until_pong(), [])

    def test_nothing_is_stored_and_nothing_read(self):
        def work():
            m = self.server.metrics()
            return {kind: m.get("sakurad_store_ops_total", kind=kind)  # not what sends before left to be written behind
                    for kind in ("read", "read_on_writer", "insert_message", "write_user", "batch")}

        body, before = self.get(f"/api/chats/{self.mine.id}"), work()
        for ws, other in ((self.widget, self.agent), (self.agent, self.widget)):
            for on in (True, False):
                ws.send_json(typing(self.mine.id, on))
                other.recv_json()
        self.assertEqual(work(), before)
        again = self.get(f"/api/chats/{self.mine.id}")
        self.assertEqual((again.body, again.header("ETag")), (body.body, body.header("ETag")))


class Preview(Base):
    args = ("--typing-preview",)

    def test_agents_see_what_the_visitor_types(self):
        beside = self.open("chat_events", chat_id=self.mine.id)
        self.widget.send_json(typing(self.mine.id, text="do you"))
        self.assertEqual(of(self.agent.recv_json()), said(self.mine.id, "user", text="do you"))
        self.assertEqual(of(beside.recv_json()), said(self.mine.id, "user"), "another widget sees no text")
        self.agent.send_json(typing(self.mine.id, text="secret draft"))
        for ws in (self.widget, beside):
            self.assertEqual(of(ws.recv_json()), said(self.mine.id, "agent"))
        self.assertNotIn("do you", self.server.log())


class Read(Base):
    def flags(self, chat, view="refetch"):
        """(unread, [read of each message]) as dashboards see it, or as the poll does."""
        if view == "poll":
            c = chat.poll()
        else:
            users = self.get("/api/debug/users-chats?limit=1000" if view == "refetch" else "/api/users?limit=1000").json()
            c = next(c for u in users["users"] for c in u["chats"] if c["chat_id"] == chat.id)
        return c["unread"], [m["read"] for m in c["messages"]]

    def mark(self, chat, message, side="agent", headers=()):
        r = self.http.post(f"/api/chats/{chat.id}/read", {"message_id": message, "side": side}, headers)
        self.assertEqual(r.status, 200, r)
        self.assertEqual(r.json(), {"success": True, "chat_id": chat.id, "message_id": message, "side": side})

    def test_by_post(self):
        second = self.mine.send("second")["message_id"]
        for view in ("refetch", "list"):
            self.assertEqual(self.flags(self.mine, view), (2, [False, False]))
        self.mark(self.mine, self.first)
        for ws in (self.agent, self.widget):
            self.assertEqual(of(ws.recv_json()),
                             ("read", {"chat_id": self.mine.id, "side": "agent", "message_id": self.first}))
        for view in ("refetch", "list"):
            self.assertEqual(self.flags(self.mine, view), (1, [True, False]))
        self.assertEqual(self.flags(self.mine, "poll"), (0, [True, False]))
        self.mark(self.mine, second)
        self.mark(self.mine, self.first)  # only forwards; no news, so nobody hears
        self.assertEqual(self.flags(self.mine), (0, [True, True]))
        for ws in (self.agent, self.widget):
            self.assertEqual(of(ws.recv_json())[1]["message_id"], second)
            self.assertEqual(ws.until_pong(), [])
        self.assertEqual(self.mine.poll()["read_up_to"], {"user": second, "agent": second})

    def test_by_websocket(self):
        answer = self.mine.send("answer", role="agent")["message_id"]
        self.assertEqual(self.flags(self.mine, "poll"), (1, [True, False]))
        self.widget.send_json({"action": "read", "chat_id": self.mine.id, "message_id": answer})
        self.assertEqual(of(self.agent.recv_json()),
                         ("read", {"chat_id": self.mine.id, "side": "user", "message_id": answer}))
        self.assertEqual(self.flags(self.mine, "poll"), (0, [True, True]))
        last = self.mine.send("and")["message_id"]
        self.agent.send_json({"action": "read", "chat_id": self.mine.id, "message_id": last})
        self.eventually(lambda: self.flags(self.mine) == (0, [True, True, True]), "the mark")
        self.assertEqual(self.flags(self.mine, "poll")[1], [True, True, True])

    def test_sending_is_having_read(self):
        self.assertEqual(self.flags(self.mine), (1, [False]))
        self.post(f"/api/chats/{self.mine.id}/send", {"content": "yes?"})
        self.assertEqual(self.flags(self.mine), (0, [True, True]))
        self.mine.send("an assistant's is nobody's reading", role="assistant")
        self.assertEqual(self.flags(self.mine, "poll"), (2, [True, False, False]))
        self.mine.send("thanks")
        self.assertEqual(self.flags(self.mine), (1, [True, True, True, False]))
        self.assertEqual(self.flags(self.mine, "poll"), (0, [True, True, True, False]))

    def test_a_mark_is_a_new_version_and_told_by_since(self):
        poll = self.get(f"/api/users/{self.mine.user_id}/chats")
        tag, cursor = poll.header("ETag"), poll.json()["cursor"]
        refetch = self.get("/api/debug/users-chats").json()
        order = [u["_id"] for u in refetch["users"]]
        self.mark(self.mine, self.first)
        self.get(f"/api/users/{self.mine.user_id}/chats", [("If-None-Match", tag)])
        for target in (f"/api/users/{self.mine.user_id}/chats?since={cursor}",
                       f"/api/debug/users-chats?since={refetch['cursor']}"):
            told = self.get(target).json()
            chats = told["chats"] if "chats" in told else [c for u in told["users"] for c in u["chats"]]
            self.assertEqual([(c["chat_id"], c["read_up_to"]["agent"]) for c in chats], [(self.mine.id, self.first)], target)
        self.assertEqual([u["_id"] for u in self.get("/api/debug/users-chats").json()["users"]], order)

    def test_refused(self):
        target = f"/api/chats/{self.mine.id}/read"
        self.assertError(self.http.post("/api/chats/nobody/read", {"message_id": self.first}), 404, "Chat not found: nobody")
        other = self.chat().send("of another chat")["message_id"]
        for ident in ("x", "", "msg_1_0", "0123456789abcdef01234567", other):
            with self.subTest(ident):
                self.assertError(self.http.post(target, {"message_id": ident}), 404, "Message not found")
        for body, loc in (({}, ["body", "message_id"]), ({"message_id": 7}, ["body", "message_id"]),
                          ({"message_id": None}, ["body", "message_id"]), ([], ["body"]), (b"", ["body"]),
                          ({"message_id": self.first, "side": "boss"}, ["body", "side"])):
            with self.subTest(body):
                self.assertInvalid(self.http.post(target, body), loc)
        self.assertEqual(self.flags(self.mine), (1, [False]))

    def test_a_chat_that_is_not_in_memory(self):
        """It is loaded, as any view would load it."""
        self.server.stop()
        self.server.args = [*self.args, "--cache-mb", "1"]
        self.server.start()
        type(self).http = self.server.http
        self.mine.client = self.server.http
        for _ in range(40):  # a history of 64 KB each pushes what was there out
            self.chat().send("x" * 65536)
        self.mark(self.mine, self.first)
        self.assertEqual(self.flags(self.mine, "poll"), (0, [True]))
        self.server.args = list(self.args)


class Quiet(Base):
    """Who subscribed before there were signals hears what it always heard, byte by byte."""

    def test_old_subscribers(self):
        plain, flat, one = self.open("chat_updates"), self.open("chat_updates", format="flat"), \
            self.open("chat_updates", chat_id=self.mine.id)
        counts, paced = self.open("unread_counts"), self.open("chat_updates", min_interval_ms=1)
        counts.recv_json()
        old = (plain, flat, one, paced)
        self.widget.send_json(typing(self.mine.id))
        self.agent.recv_json()
        self.agent.send_json(typing(self.mine.id))
        self.widget.recv_json()
        self.widget.send_json({"action": "read", "chat_id": self.mine.id, "message_id": self.first})
        self.agent.send_json({"action": "read", "chat_id": self.mine.id, "message_id": self.first})
        self.http.patch(f"/api/dashboard/chats/{self.mine.id}/ai-agent", {"enabled": False})
        self.post("/api/users/data", {"email": self.mine.email, "vibe": "calm"})
        kinds = set()
        while not {"read", "chat_changed", "customer_changed"} <= kinds:
            kinds.add(self.agent.recv_json()["type"])
        for ws in (*old, counts):
            self.assertEqual(ws.until_pong(), [])
        sent = self.mine.send("as ever")
        data = f'"chat_id":"{self.mine.id}","message_role":"user","timestamp":"{sent["timestamp"]}"}}}}'
        nested = '{"type":"chat_updates","data":{"type":"chat_message_notification",' + data
        for ws in (plain, one, paced):
            self.assertEqual(ws.recv_text().decode(), nested)
        self.assertEqual(flat.recv_text().decode(), '{"type":"chat_message_notification","data":{' + data)
        for ws in (*old, counts):
            self.assertEqual(ws.until_pong(), [])


class Rate(Base):
    args = ("--rate-signals", "1")

    def test_too_many(self):
        answers = [self.http.post(f"/api/chats/{self.mine.id}/read", {"message_id": self.first}) for _ in range(30)]
        self.assertEqual({r.status for r in answers}, {200, 429})
        self.assertEqual(answers[0].status, 200)
        self.assertGreater(self.server.metrics().get("sakurad_rate_limited_total", kind="signal"), 0)
        for _ in range(30):
            self.widget.send_json({"action": "read", "chat_id": self.mine.id, "message_id": self.first})
        self.assertEqual({m["message"] for m in self.widget.until_pong() if m["type"] == "error"}, {"Too many signals"})


class Rights(AuthCase):
    def setUp(self):
        name = bearer(forge(claims("dashboard", sub="zoe", name="Zoë"), KEY))
        self.zoe, self.o1 = self.open(name, "chat_events"), self.open(self.bound["o1"], "chat_events")
        self.o2 = self.open(self.bound["o2"], "chat_events")
        self.poll(self.ann)
        self.poll(self.bob)
        self.widget = self.open(self.ann.headers, "chat_events", chat_id=self.ann.chat)
        self.headers = name

    def poll(self, person):
        return self.get(f"/api/users/{person.id}/chats", person.headers).json()["chats"][0]

    def open(self, headers, kind, **options):
        ws = WebSocket(("127.0.0.1", self.server.ports[0]), SOCKET, headers=headers)
        self.addCleanup(ws.close)
        ws.greet()
        ws.subscribe(kind, **options)
        return ws

    refused = Base.refused

    def test_who_hears(self):
        self.widget.send_json(typing(self.ann.chat))
        for ws in (self.zoe, self.o1):
            self.assertEqual(of(ws.recv_json()), said(self.ann.chat, "user"))
        self.assertEqual(self.o2.until_pong(), [])
        self.zoe.send_json(typing(self.ann.chat))
        zoe = said(self.ann.chat, "agent", agent={"id": "zoe", "name": "Zoë"})
        for ws in (self.o1, self.widget):
            self.assertEqual(of(ws.recv_json()), zoe)
        self.assertEqual(self.o2.until_pong(), [])

    def test_a_widget_is_its_customer_and_nobody_else(self):
        for role in ("agent", "assistant"):
            self.refused(self.widget, typing(self.ann.chat, role=role), "Not allowed to signal as")
            self.refused(self.widget, {"action": "read", "chat_id": self.ann.chat, "message_id": "x", "role": role},
                         "Not allowed to signal as")
        for chat in (self.bob.chat, "no-such-chat"):
            self.refused(self.widget, typing(chat), "Not allowed to signal in " + chat)
            self.refused(self.widget, {"action": "read", "chat_id": chat, "message_id": "0123456789abcdef01234567"},
                         "Not allowed to signal in " + chat)
        for ws in (self.zoe, self.o1, self.o2):
            self.assertEqual(ws.until_pong(), [])

    def test_an_owners_dashboard_stays_with_its_own(self):
        for chat in (self.bob.chat, "no-such-chat"):
            self.refused(self.o1, typing(chat), "Chat not found: " + chat)
        self.refused(self.zoe, typing(self.ann.chat, role="user"), "Not allowed to signal as user")

    def test_subscribing(self):
        for ws, kind, options in ((self.widget, "chat_events", {}), (self.widget, "chat_events", {"chat_id": self.bob.chat}),
                                  (self.widget, "presence", {}), (self.o1, "chat_events", {"chat_id": self.bob.chat})):
            with self.subTest(kind=kind, **options):
                self.refused(ws, {"action": "subscribe", "subscription_type": kind, **options}, "Not allowed to subscribe")

    def test_post_read(self):
        last = self.poll(self.ann)["messages"][-1]["_id"]
        target = f"/api/chats/{self.ann.chat}/read"
        r = self.post(target, {"message_id": last}, self.ann.headers)
        self.assertEqual(r.json()["side"], "user")
        self.assertEqual(self.poll(self.ann)["read_up_to"]["user"], last)
        self.assertEqual(self.post(target, {"message_id": last}, self.bound["o1"]).json()["side"], "agent")
        self.post(target, {"message_id": last}, self.bob.headers, status=403)
        self.post("/api/chats/no-such-chat/read", {"message_id": last}, self.bob.headers, status=403)
        self.post(target, {"message_id": last}, self.bound["o2"], status=404)
        self.post(target, {"message_id": last}, status=401)
        self.post(target, {"message_id": last, "side": "agent"}, self.ann.headers, status=403)
        self.post(target, {"message_id": last, "side": "user"}, self.dashboard, status=403)

    def test_who_wrote_is_what_the_token_says(self):
        agent = {"id": "zoe", "name": "Zoë"}
        before = len(self.poll(self.ann)["messages"])
        rows = (("agent", self.headers, agent), ("assistant", self.headers, None), ("agent", self.dashboard, None),
                ("user", self.headers, None), ("agent", self.bound["o1"], None))
        for role, headers, _ in rows:
            self.post(f"/api/chats/{self.ann.chat}/send", {"content": "x", "role": role, "agent": {"id": "me"}}, headers)
        wanted = [(role, who) for role, _, who in rows]

        def check():
            for c in (self.poll(self.ann), self.get(f"/api/chats/{self.ann.chat}/messages?limit=5", self.ann.headers).json(),
                      next(c for u in self.get("/api/debug/users-chats?limit=1000", self.dashboard).json()["users"]
                           for c in u["chats"] if c["chat_id"] == self.ann.chat)):
                self.assertEqual([(m["role"], m.get("agent")) for m in c["messages"]][-5:], wanted)
            chat = self.get(f"/api/chats/{self.ann.chat}", self.dashboard).json()
            self.assertEqual([(m["sender"], m.get("agent")) for m in chat["messages"]][before:], wanted)

        check()
        self.server.stop()
        self.server.start()
        type(self).http = self.server.http
        check()


if __name__ == "__main__":
    main()
