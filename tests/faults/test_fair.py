"""Whoever fills the memory for what is under way (--buffer-mb) gives way; nobody else is cut, refused or kept waiting.

What was tried from outside: a widget's polls left unread, bodies left incomplete without any token, dashboards' reads left
unread where authentication is off, the same from many addresses. Each directly, with tokens, and by way of a trusted proxy
that relays without buffering: its clients are names in X-Forwarded-For, and what one does not read stays unread on the
proxy's own connection. The attackers keep at it: what was taken from them they fill again before each look."""
import os
import unittest

from common import Server, health

from harness.case import main, new_email
from harness.metrics import Metrics
from harness.rawhttp import build
from harness.tokens import bearer, claims, forge

BUFFER_MB = 8  # a quarter of it for requests, three eighths for answers, as much for dashboards' answers
LARGE = 250000  # bytes of a message
KEY = b"k" * 48
REFETCH = "/api/debug/users-chats"
LOOKS = 10


def forwarded(address):
    return [("X-Forwarded-For", address)]


class Visitor:
    """A widget."""

    def __init__(self, case, headers=()):
        self.case, self.server, self.held = case, case.server, []
        case.addCleanup(self.leave)
        self.http = case.server.client()
        r = self.http.post("/api/users/chats/create", {"email": new_email()}, list(headers))
        case.assertEqual(r.status, 200, r)
        answer = r.json()
        self.chat, self.id = answer["chat_id"], answer["user_id"]
        self.headers = list(headers) + (bearer(answer["token"]) if "token" in answer else [])
        self.send_path, self.poll_path = f"/api/users/{'chats/' + self.chat}/send", f"/api/users/{self.id}/chats"

    def send(self, text="hello"):
        r = self.http.post(self.send_path, {"content": text}, self.headers)
        self.case.assertEqual(r.status, 200, r)

    def large(self, messages):
        for _ in range(messages):
            self.send("x" * LARGE)

    # what it does as an attacker; refused or cut, it comes again
    def leave(self):
        for c in self.held:
            c.close()
        self.held = []

    def press(self, data):
        c = self.server.connect(receive_buffer=4096)
        self.held.append(c)
        try:
            c.send(data)
        except OSError:
            pass  # told 503 while it sends

    def leave_unread(self, count, path=None, headers=None):
        """Each answer is another version, so that no two are the same bytes."""
        for _ in range(count):
            self.send()
            self.press(build("GET", path or self.poll_path, self.headers if headers is None else headers))

    def leave_incomplete(self, count):
        size = 262144
        head = build("POST", self.send_path, self.headers + [("Content-Type", "application/json"),
                                                            ("Content-Length", str(size))])
        for _ in range(count):
            self.press(head + b'{"content":"' + b"x" * (size - 100))


class Fair(unittest.TestCase):
    def serve(self, *args):
        self.server = Server("--buffer-mb", str(BUFFER_MB), *args, store_kind="sqlite").start()
        self.addCleanup(self.server.discard)
        self.addCleanup(self.server.assert_clean)
        self.dashboard = []

    def serve_with_tokens(self, *args):
        self.server = Server("--buffer-mb", str(BUFFER_MB), "--auth-key", "key", *args, store_kind="sqlite")
        with open(os.open(os.path.join(self.server.directory, "key"), os.O_CREAT | os.O_WRONLY, 0o600), "wb") as f:
            f.write(KEY)
        self.server.start()
        self.addCleanup(self.server.discard)
        self.addCleanup(self.server.assert_clean)
        self.dashboard = bearer(forge(claims("dashboard"), KEY))

    def counted(self, what, outcome):
        r = self.server.http.get("/metrics", self.dashboard)
        self.assertEqual(r.status, 200, r)
        return Metrics(r.body.decode()).get("sakurad_buffer_full_total", what=what, outcome=outcome)

    def refetch(self, headers):
        with self.server.connect() as c:
            r = c.request("GET", REFETCH, headers=headers)
            self.assertEqual(r.status, 200, r)
            self.assertGreater(len(r.body), LARGE)
            r.json()

    def two_pieces(self, visitor):
        """A request that must be kept until the rest of it comes."""
        data = build("POST", visitor.send_path, visitor.headers, {"content": "y" * 60000})
        with self.server.connect() as c:
            c.send(data[:40000])
            c.send(data[40000:])
            r = c.response()
            self.assertEqual(r.status, 200, r)

    # polls left unread
    def polls(self, attack=(), others=()):
        mallory, ann = Visitor(self, attack), Visitor(self, others)
        mallory.large(2)
        ann.large(1)
        mallory.leave_unread(15)
        for _ in range(LOOKS):
            mallory.leave_unread(2)
            self.refetch(self.dashboard + list(others))
            with self.server.connect() as c:  # visitors too: their answers are in the same pot as his
                r = c.request("GET", ann.poll_path, headers=ann.headers)
                self.assertEqual(r.status, 200, r)
            ann.send()
        self.assertGreater(self.counted("answers", "gave_way"), 0)
        self.assertEqual(self.counted("dashboard_answers", "refused"), 0)
        self.assertEqual(health(self.server)[1]["buffers"]["status"], "full")

    def test_polls_left_unread(self):
        self.serve()
        self.polls()

    def test_polls_left_unread_with_a_token(self):
        self.serve_with_tokens()
        self.polls()

    def test_polls_left_unread_through_a_proxy(self):
        self.serve_with_tokens("--trusted-proxy", "127.0.0.0/8")
        self.polls(forwarded("198.51.100.7"), forwarded("203.0.113.9"))

    # bodies left incomplete
    def bodies(self, attack=(), others=()):
        mallory, ann = Visitor(self, attack), Visitor(self, others)
        ann.large(3)
        mallory.leave_incomplete(20)
        for _ in range(LOOKS):
            mallory.leave_incomplete(3)
            self.two_pieces(ann)
            self.refetch(self.dashboard + list(others))
        self.assertGreater(self.counted("requests", "gave_way"), 0)
        self.assertEqual(self.counted("dashboard_answers", "refused"), 0)

    def test_bodies_left_incomplete(self):
        self.serve()
        self.bodies()

    def test_bodies_left_incomplete_with_tokens(self):
        self.serve_with_tokens()
        self.bodies()

    def test_bodies_left_incomplete_through_a_proxy(self):
        self.serve_with_tokens("--trusted-proxy", "127.0.0.0/8")
        self.bodies(forwarded("198.51.100.7"), forwarded("203.0.113.9"))

    # refetches left unread, where everybody may refetch
    def refetches(self, attack=(), others=()):
        mallory = Visitor(self, attack)
        mallory.large(3)
        mallory.leave_unread(10, REFETCH)
        for _ in range(LOOKS):
            mallory.leave_unread(1, REFETCH)
            self.refetch(list(others))
        self.assertGreater(self.counted("dashboard_answers", "gave_way"), 0)

    def test_refetches_left_unread_through_a_proxy(self):
        self.serve("--trusted-proxy", "127.0.0.0/8")
        self.refetches(forwarded("198.51.100.7"), forwarded("203.0.113.9"))

    # from many addresses, none of which has much
    def test_polls_left_unread_from_many_addresses(self):
        self.serve_with_tokens("--trusted-proxy", "127.0.0.0/8")
        ann = Visitor(self, forwarded("203.0.113.9"))
        ann.large(1)
        crowd = [Visitor(self, forwarded(f"198.51.100.{i}")) for i in range(24)]
        for each in crowd:
            each.send("x" * (LARGE // 4))
            each.leave_unread(1)
        for i in range(LOOKS):
            crowd[i].leave_unread(1)
            self.refetch(self.dashboard + forwarded("203.0.113.10"))
        self.assertEqual(self.counted("dashboard_answers", "refused"), 0)


if __name__ == "__main__":
    main()
