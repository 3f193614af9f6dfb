"""Who is there: website_status for visitors, presence for dashboards (contract: Live signals)."""
import contextlib

from harness.auth import KEY, AuthCase
from harness.case import ServerCase, main
from harness.tokens import bearer, claims, forge

GRACE_MS = 400
GRACE = ("--presence-grace", str(GRACE_MS), "--broadcasters", "2")


class Sockets:
    """Opens WebSockets that are closed with the test."""

    def open(self, *topics, headers=(), **options):
        ws = self.stack.enter_context(self.server.websocket(headers=headers))
        ws.greet()
        for topic in topics:
            ws.subscribe(topic, **options)
        return ws

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)

    def until(self, ws, kind, good):
        """The data of the first frame of that kind that is as it should be."""
        while True:
            message = ws.recv_json()
            self.assertEqual(message["type"], kind, message)
            self.assertTime(message["data"]["timestamp"])
            if good(message["data"]):
                return message["data"]


class WithoutTokens(Sockets, ServerCase):
    args = GRACE

    def test_agents_are_those_with_a_dashboards_subscription(self):
        visitor = self.open("website_status")
        self.until(visitor, "website_status", lambda d: d["agents"] == 0 and d["online"] is False)
        agents = [self.open(topic) for topic in ("unread_counts", "presence", "chat_events")]
        self.until(visitor, "website_status", lambda d: d["agents"] == 3 and d["online"] is True)
        self.until(self.open("website_status"), "website_status", lambda d: d["agents"] == 3)
        for agent in agents:
            agent.close()
        self.until(visitor, "website_status", lambda d: d["agents"] == 0 and d["online"] is False)
        self.assertEqual(visitor.until_pong(), [])

    def test_open_chats(self):
        chat, other = self.chat(), self.chat()
        dashboard = self.open("presence")
        self.until(dashboard, "presence", lambda d: d["chats"] == {} and d["agents"] == [])
        widgets = [self.open("chat_events", chat_id=c.id) for c in (chat, other, chat)]
        seen = {}
        self.until(dashboard, "presence", lambda d: seen.update(d["chats"]) or seen == {chat.id: True, other.id: True})
        widgets[0].close()
        widgets[1].close()
        self.until(dashboard, "presence", lambda d: d["chats"].get(other.id) is False)
        again = self.open("presence")
        self.until(again, "presence", lambda d: d["chats"] == {chat.id: True})
        widgets[2].close()
        self.until(again, "presence", lambda d: d["chats"] == {chat.id: False})

    def test_unsubscribed(self):
        ws = self.open()
        for topic in ("presence", "website_status"):
            ws.subscribe(topic)
            self.assertEqual(ws.recv_json()["type"], topic)
            ws.send_json({"action": "unsubscribe", "subscription_type": topic})
            while (answer := ws.recv_json())["type"] == topic:
                pass
            self.assertEqual(answer, {"type": "unsubscribed", "subscription_type": topic})


class WithTokens(Sockets, AuthCase):
    more = GRACE

    def agent(self, sub, name, owner, *topics):
        token = forge(claims("dashboard", sub=sub, name=name, owner=owner), KEY)
        return self.open(*topics, headers=bearer(token))

    def test_each_owner_by_itself(self):
        """A visitor counts the agents who may see it; an owner's dashboard sees its own and those of nobody."""
        visitor = self.open("website_status", headers=self.ann.headers)
        self.until(visitor, "website_status", lambda d: d["agents"] == 0)
        bob = self.agent("b", "Bob", "o2", "presence")
        data = self.until(bob, "presence", lambda d: d["agents"])
        self.assertEqual(data["agents"], [{"id": "b", "name": "Bob"}])
        ann = self.agent("a", "Ann", "o1", "presence")
        again = self.agent("a", "Ann", "o1")  # counts once
        data = self.until(ann, "presence", lambda d: d["agents"])
        self.assertEqual(data["agents"], [{"id": "a", "name": "Ann"}])
        self.until(visitor, "website_status", lambda d: d["agents"] == 1)
        everybody = self.agent("e", "Eve", None, "presence")
        self.until(everybody, "presence", lambda d: len(d["agents"]) == 3)
        self.until(visitor, "website_status", lambda d: d["agents"] == 2)
        self.until(bob, "presence", lambda d: [a["id"] for a in d["agents"]] == ["b", "e"])
        self.open("chat_updates", headers=self.ann.headers, chat_id=self.ann.chat)
        self.until(ann, "presence", lambda d: d["chats"] == {self.ann.chat: True})
        self.until(everybody, "presence", lambda d: d["chats"] == {self.ann.chat: True})
        self.assertEqual(bob.until_pong(), [])
        again.close()
        ann.close()
        self.until(visitor, "website_status", lambda d: d["agents"] == 1)

    def test_a_chat_that_comes_to_an_owner_while_it_is_open(self):
        """A page says whose visitor it has when its socket is open already."""
        dora = self.agent("d", "Dora", "o3", "presence")
        for topic in ("chat_events", "chat_updates"):
            email = f"{topic}@x.io"
            new = self.http.post("/api/users/chats/create", {"email": email}, self.dashboard).json()
            widget = self.open(topic, headers=bearer(new["token"]), chat_id=new["chat_id"])
            everybody = self.agent("e", "Eve", None, "presence")
            self.until(everybody, "presence", lambda d: d["chats"].get(new["chat_id"]))
            self.assertNotIn(new["chat_id"], str(dora.until_pong()))
            r = self.http.post("/api/users/data", {"email": email, "user_id": "o3"}, bearer(new["token"]))
            self.assertEqual(r.status, 200, r)
            self.until(dora, "presence", lambda d: d["chats"] == {new["chat_id"]: True})
            widget.close()
            for ws in (dora, everybody):
                self.until(ws, "presence", lambda d: d["chats"] == {new["chat_id"]: False})

    def test_who_may(self):
        widget = self.open(headers=self.ann.headers)
        widget.send_json({"action": "subscribe", "subscription_type": "presence"})
        self.assertEqual(widget.recv_json(), {"type": "error", "message": "Not allowed to subscribe to presence"})


if __name__ == "__main__":
    main()
