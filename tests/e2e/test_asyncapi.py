"""GET /api/asyncapi.json describes what goes over the WebSocket: every frame that is sent, every action that is taken."""
from jsonschema import Draft202012Validator

from harness.auth import KEY, SOCKET, AuthCase
from harness.case import main
from harness.schemas import closed, faults
from harness.tokens import bearer, claims, forge
from harness.websocket import WebSocket

CHAT = "8f2d5b1e-6a0c-4c7e-9b7a-0d6f3c1a2e45"  # stands for a chat in the examples
# Clients are to heed it (contract); nothing of this version says it.
UNSEEN = {"chat_updates.data.spread_ms", "chat_message_notification.data.spread_ms"}
TOPICS = ("chat_updates", "unread_counts", "website_status", "chat_events", "presence")


def paths(value, at):
    """Every key of a frame, by its way there."""
    for key, v in value.items() if isinstance(value, dict) else ():
        yield f"{at}.{key}"
        yield from paths(v[0] if isinstance(v, list) and v else v, f"{at}.{key}")


class Recorder(WebSocket):
    """Keeps every message that comes."""

    def __init__(self, *args, **options):
        self.seen = []
        super().__init__(*args, **options)

    def recv_json(self):
        message = super().recv_json()
        self.seen.append(message)
        return message


class AsyncApi(AuthCase):
    more = ("--typing-preview",)

    def setUp(self):
        self.document = self.get("/api/asyncapi.json").json()
        self.closed = closed(self.document)
        self.messages = self.closed["components"]["messages"]
        self.sockets = []

    def named(self, kind):
        return {m["name"]: key for key, m in self.messages.items() if key.startswith(kind + "_")}

    def described(self, schema, at):
        """The same of a schema."""
        if "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        for key, s in schema.get("properties", {}).items():
            yield f"{at}.{key}"
            yield from self.described(s.get("items", s), f"{at}.{key}")

    def fits(self, key, value):
        return not faults(self.closed, self.messages[key]["payload"], value)

    def open(self, headers, *topics, **options):
        ws = Recorder(("127.0.0.1", self.server.ports[0]), SOCKET, headers=headers)
        self.addCleanup(ws.close)
        self.sockets.append(ws)
        ws.greet()
        for topic in topics:
            ws.send_json({"action": "subscribe", "subscription_type": topic, **options})
        ws.until_pong()
        return ws

    def test_it_holds_together(self):
        self.assertRegex(self.document["asyncapi"], r"^3\.\d+\.\d+$")
        self.assertKeys(self.document["info"], "title version")

        def walk(node):
            if isinstance(node, dict):
                if isinstance(node.get("$ref"), str):
                    at = self.document
                    for part in node["$ref"].removeprefix("#/").split("/"):
                        at = at[part]
                for value in node.values():
                    walk(value)
            elif isinstance(node, list):
                for value in node:
                    walk(value)

        walk(self.document)
        channel = self.document["channels"]["dashboard"]
        for operation in self.document["operations"].values():
            self.assertIn(operation["action"], ("send", "receive"))
            for m in operation["messages"] + operation.get("reply", {}).get("messages", []):
                self.assertTrue(m["$ref"].startswith("#/channels/dashboard/messages/"), m)
        self.assertEqual(channel["address"], "/ws/dashboard")
        used = [m["$ref"].rsplit("/", 1)[1] for o in self.document["operations"].values() for m in o["messages"]]
        self.assertEqual(sorted(used), sorted(self.document["components"]["messages"]))
        self.assertEqual(sorted(channel["messages"]), sorted(used))
        self.assertEqual(set(self.document["components"]["schemas"]["Topic"]["enum"]), set(TOPICS))
        for key, message in self.messages.items():
            Draft202012Validator.check_schema(message["payload"])
            for example in message.get("examples", ()):
                self.assertTrue(self.fits(key, example["payload"]), (key, example))

    def session(self):
        """Everything that makes the server speak."""
        chat = self.ann.chat
        named = bearer(forge(claims("dashboard", sub="zoe", name="Zoë"), KEY))
        zoe = self.open(named, *TOPICS)
        flat = self.open(self.dashboard, "chat_updates", format="flat")
        plain = self.open(self.dashboard, "chat_events")
        self.get(f"/api/users/{self.ann.id}/chats", self.ann.headers)
        widget = self.open(self.ann.headers, "chat_events", "chat_updates", "website_status", chat_id=chat)
        first = self.post(f"/api/users/chats/{chat}/send", {"content": "hello"}, self.ann.headers).json()["message_id"]
        flat.recv_json()
        widget.send_json({"action": "typing", "chat_id": chat, "typing": True, "text": "do you"})
        plain.recv_json()
        zoe.send_json({"action": "typing", "chat_id": chat, "typing": True})
        zoe.send_json({"action": "typing", "chat_id": chat, "typing": False})
        plain.recv_json()
        zoe.send_json({"action": "read", "chat_id": chat, "message_id": first})
        self.eventually(lambda: [plain.until_pong(), any(f["type"] == "read" for f in plain.seen)][1], "read")
        for target, body in ((f"/api/chats/{chat}", {"assigned_to": "zoe", "status": "closed"}),
                             (f"/api/users/{self.ann.id}", {"status": "resolved"}),
                             (f"/api/dashboard/chats/{chat}/ai-agent", {"enabled": False})):
            self.assertEqual(self.http.patch(target, body, self.dashboard).status, 200)
        self.post(f"/api/users/chats/{chat}/send", {"content": "open it"}, self.ann.headers)
        self.http.post("/api/users/chats/create", {"name": "Somebody new"})
        other = self.open(self.bob.headers)
        self.get(f"/api/users/{self.bob.id}/chats", self.bob.headers)
        other.send_json({"action": "subscribe", "subscription_type": "chat_events", "chat_id": self.bob.chat})
        other.send_json({"action": "dance"})
        other.send_json({"action": "unsubscribe", "subscription_type": "chat_events", "chat_id": self.bob.chat})
        other.until_pong()
        for name in self.named("frame"):
            self.eventually(lambda: name in self.types(), f"a frame {name}")
        self.eventually(lambda: [plain.until_pong(), any(f["type"] == "typing" and not f["data"]["typing"] for f in plain.seen)][1],
                        "the end of typing")

    def types(self):
        for ws in self.sockets:
            ws.until_pong()
        return {f["type"] for ws in self.sockets for f in ws.seen}

    def test_every_frame_is_described_and_every_description_seen(self):
        self.session()
        frames, types = self.named("frame"), self.types()
        for ws in self.sockets:
            for frame in ws.seen:
                self.assertEqual([n for n, key in frames.items() if self.fits(key, frame)], [frame["type"]], frame)
        self.assertEqual(types, set(frames))
        # what is optional was there too
        seen = {p for ws in self.sockets for f in ws.seen for p in paths(f, f["type"])}
        described = {p for name, key in frames.items() for p in self.described(self.messages[key]["payload"], name)}
        self.assertEqual(described - seen, UNSEEN)

    def test_what_is_described_is_taken_and_nothing_else(self):
        self.get(f"/api/users/{self.ann.id}/chats", self.ann.headers)
        last = self.get(f"/api/chats/{self.ann.chat}", self.dashboard).json()["messages"][-1]["_id"]
        ws = self.open(self.dashboard)
        actions, chat = self.named("action"), self.ann.chat
        taken = [{**e["payload"], **({"chat_id": chat} if e["payload"].get("chat_id") == CHAT else {}),
                  **({"message_id": last} if "message_id" in e["payload"] else {})}
                 for key in actions.values() for e in self.messages[key]["examples"]]
        taken += [{"action": "subscribe", "subscription_type": t} for t in TOPICS]
        taken += [{"action": "subscribe", "subscription_type": "chat_updates", "format": None, "chat_id": None, "since": "x"},
                  {"action": "subscribe", "subscription_type": "chat_updates", "format": "nested", "min_interval_ms": 0},
                  {"action": "typing", "chat_id": chat, "typing": False, "role": "assistant"},
                  {"action": "unsubscribe", "subscription_type": "chat_updates", "chat_id": chat}]
        refused = [{"action": "subscribe"}, {"action": "subscribe", "subscription_type": "everything"},
                   {"action": "subscribe", "subscription_type": "chat_updates", "format": "round"},
                   {"action": "subscribe", "subscription_type": "chat_updates", "min_interval_ms": 1.5},
                   {"action": "subscribe", "subscription_type": "chat_updates", "min_interval_ms": -1},
                   {"action": "subscribe", "subscription_type": "chat_events", "chat_id": ""},
                   {"action": "subscribe", "subscription_type": "chat_updates", "since": 7},
                   {"action": "unsubscribe", "subscription_type": 7}, {"action": "typing", "chat_id": chat},
                   {"action": "typing", "typing": True}, {"action": "typing", "chat_id": chat, "typing": "yes"},
                   {"action": "typing", "chat_id": chat, "typing": True, "text": 7},
                   {"action": "typing", "chat_id": chat, "typing": True, "role": "boss"},
                   {"action": "read", "chat_id": chat}, {"action": "read", "message_id": last},
                   {"action": "read", "chat_id": chat, "message_id": ""}]
        for right, wanted in ((True, taken), (False, refused)):
            for action in wanted:
                with self.subTest(action):
                    self.assertEqual(self.fits(actions[action["action"]], action), right)
                    ws.send_json(action)
                    if action["action"] == "ping":
                        self.assertEqual(ws.recv_json()["type"], "pong")
                    errors = [m for m in ws.until_pong() if m["type"] == "error"]
                    self.assertEqual(errors == [], right, errors)
        self.assertEqual({a["action"] for a in taken}, set(actions))
        ws.send_json({"action": "dance"})
        self.assertEqual(ws.recv_json()["type"], "error")


if __name__ == "__main__":
    main()
