"""What one principal learns of another's customers: nothing, by tag, cursor, notification, or a right that it once had."""
import re

from harness.auth import Person
from harness.case import main, new_email
from harness.load import pipelined
from harness.rawhttp import build
from harness.server import STORE
from harness.websocket import WebSocket
from test_auth import CREATE, SOCKET, AuthCase

LISTED = ("/api/debug/users-chats", "/api/users?skip=0&limit=100", "/api/chats")
WARMED = 1000  # customers that a start loads


def stamp(cursor):
    return int(re.match(r"\d+", cursor)[0])


class OwnersCase(AuthCase):
    def send(self, person, content="more"):
        self.post(f"/api/users/chats/{person.chat}/send", {"content": content}, person.headers)

    def watch(self, owner, person):
        """All tags and cursors that the owner's dashboard and its customer's widget can watch."""
        seen = []
        for target, headers in [(t, self.bound[owner]) for t in LISTED] + [
                (f"/api/users/{person.id}/chats", h) for h in (person.headers, self.bound[owner])]:
            r = self.get(target, headers)
            seen.append((target, r.header("ETag"), r.json().get("cursor")))
        return seen

    def open(self, headers, **options):
        ws = WebSocket(self.server.address, SOCKET, headers=headers)
        self.addCleanup(ws.close)
        ws.greet()
        ws.subscribe("chat_updates", **options)
        return ws


class Owners(OwnersCase):
    def test_a_tag_is_worth_nothing_to_another(self):
        """Chromium kept one owner's customers under a tag, and showed them to the next who logged in: 304."""
        for target in LISTED:
            tags = {}
            for name, headers in (("o1", self.bound["o1"]), ("o2", self.bound["o2"]), ("all", self.dashboard)):
                r = self.get(target, headers)
                self.assertEqual(r.header("Cache-Control"), "private, no-cache")
                self.assertIn("Authorization", r.header("Vary"))
                tags[name] = r.header("ETag")
            self.assertEqual(len(set(tags.values())), 3, target)
            for name, tag in tags.items():
                for other, headers in (("o1", self.bound["o1"]), ("o2", self.bound["o2"]), ("all", self.dashboard)):
                    r = self.get(target, [*headers, ("If-None-Match", tag)], status=304 if name == other else 200)
                    if other == "o2":
                        self.assertNoTrace(r, self.ann)
        poll = f"/api/users/{self.ann.id}/chats"
        tag = self.get(poll, self.bound["o1"]).header("ETag")
        self.get(poll, [*self.ann.headers, ("If-None-Match", tag)])

    def test_nobody_counts_what_others_write(self):
        """58 steps of a visitor's own tag told of 57 messages of others."""
        before = self.watch("o1", self.ann)
        for _ in range(57):
            self.send(self.bob)
        self.post(CREATE, {"email": new_email()})
        self.assertEqual(self.watch("o1", self.ann), before)
        self.send(self.ann)
        for old, new in zip(before, self.watch("o1", self.ann)):
            self.assertNotEqual(new[1], old[1], old[0])
            self.assertTrue(old[2] is None or stamp(new[2]) > stamp(old[2]), old[0])

    def test_an_owner_follows_its_cursor(self):
        target = "/api/debug/users-chats"
        cursor = self.get(target, self.bound["o1"]).json()["cursor"]
        seen = []
        for i in range(30):
            self.send(self.bob, f"other {i}")
            if i % 3 == 0:
                self.send(self.ann, f"own {i}")
            answer = self.get(f"{target}?since={cursor}", self.bound["o1"]).json()
            seen += [m["text"] for u in answer["users"] for c in u["chats"] for m in c["messages"]]
            cursor = answer["cursor"]
        self.assertEqual(seen, [f"own {i}" for i in range(0, 30, 3)])

    def test_a_subscription_ends_when_the_customer_goes_to_another_owner(self):
        ann, keys = self.ann, {"email": self.ann.email}
        follower, old, new = self.open(self.bound["o1"], chat_id=ann.chat), self.open(self.bound["o1"]), self.open(self.bound["o2"])
        self.send(ann)
        self.assertEqual(follower.recv_json()["data"]["chat_id"], ann.chat)
        self.assertEqual(old.recv_json()["data"]["chat_id"], ann.chat)
        self.post("/api/users/data", {**keys, "user_id": "o2"}, self.dashboard)
        self.addCleanup(self.post, "/api/users/data", {**keys, "user_id": "o1"}, self.dashboard)
        self.send(ann)
        self.assertEqual(follower.recv_json(), {"type": "unsubscribed", "subscription_type": "chat_updates",
                                                "chat_id": ann.chat})
        self.assertEqual(new.recv_json()["data"]["chat_id"], ann.chat)
        self.send(ann)
        self.assertEqual(new.recv_json()["data"]["chat_id"], ann.chat)
        for ws in (follower, old, new):
            self.assertEqual(ws.until_pong(), [])

    def test_what_was_missed_is_told_by_ones_own_cursor(self):
        cursor = self.get(LISTED[0], self.bound["o1"]).json()["cursor"]
        self.send(self.bob)
        ws = self.open(self.bound["o1"], since=cursor)
        self.assertEqual(ws.until_pong(), [], "others' messages are none of its own")
        self.send(self.ann)
        self.assertEqual(ws.recv_json()["data"]["chat_id"], self.ann.chat)
        self.open(self.bound["o1"], since=cursor).take_hint()
        self.open(self.ann.headers, chat_id=self.ann.chat, since=cursor).take_hint()
        cursor = self.get(f"/api/users/{self.ann.id}/chats", self.ann.headers).json()["cursor"]
        self.send(self.bob)
        self.assertEqual(self.open(self.ann.headers, chat_id=self.ann.chat, since=cursor).until_pong(), [])


class Cold(OwnersCase if STORE == "sqlite" else object):  # MongoDB's: case_link_names_the_owner; the rest is the same code
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        creates = [build("POST", CREATE, cls.dashboard, {"email": new_email()}) for _ in range(WARMED)]
        if any(r.status != 200 for r in pipelined(cls.server.address, creates, 100)):
            raise AssertionError("not created")
        cls.server.stop()
        cls.server.start()
        cls.http = cls.server.http

    def test_sends_for_a_cold_customer_of_another_owner_are_no_hint(self):
        """20 sends were 20 hints to every owner's dashboard."""
        ws, witness = self.open(self.bound["o1"]), self.open(self.dashboard)
        before = self.watch("o1", self.ann)
        for _ in range(20):
            self.send(self.bob)
            self.assertEqual(witness.recv_json()["data"]["chat_id"], self.bob.chat)
        self.assertEqual(ws.until_pong(), [])
        self.assertEqual(self.watch("o1", self.ann), before)
        self.send(self.ann)
        self.assertEqual(ws.recv_json()["data"]["chat_id"], self.ann.chat)

    def test_changes_at_a_cold_customer_of_another_owner_are_no_hint(self):
        carol = Person(self.http, self.dashboard, "carol", "o2")
        creates = [build("POST", CREATE, self.dashboard, {"email": new_email()}) for _ in range(WARMED)]
        self.assertEqual({r.status for r in pipelined(self.server.address, creates, 100)}, {200})
        self.server.stop()
        self.server.start()
        type(self).http = self.server.http
        field, events = self.open(self.bound["o1"]), self.open(self.bound["o1"])
        witness = self.open(self.dashboard)
        for ws in (events, witness):
            ws.subscribe("chat_events")
        for target, body in ((f"/api/chats/{carol.chat}", {"assigned_to": "zoe"}), (f"/api/users/{carol.id}", {"name": "C"}),
                             (f"/api/dashboard/chats/{carol.chat}/ai-agent", {"enabled": False})):
            self.assertEqual(self.http.patch(target, body, self.dashboard).status, 200)
        kinds = [witness.recv_json()["type"] for _ in range(5)]  # with the hints, the second of which waits for its second
        self.assertEqual([k for k in kinds if k != "chat_updates"], ["chat_changed", "customer_changed", "chat_changed"])
        for ws in (field, events):
            self.assertEqual(ws.until_pong(), [])


if __name__ == "__main__":
    main()
