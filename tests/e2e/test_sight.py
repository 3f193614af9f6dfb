"""Who sees what: every route × one's own, another's, what does not exist × every kind of caller; what visitors only claim
(docs/architecture.md, invariant 6)."""
import uuid

from harness.auth import CREATE, KEY, SOCKET, AuthCase, Person, body_for, request
from harness.case import main, new_email
from harness.rawhttp import Connection
from harness.routes import path
from harness.tokens import bearer, claims, forge, read
from harness.websocket import WebSocket

# (method, pattern, is it for widgets too): every route that is about one customer or one chat.
ABOUT_ONE = (
    ("POST", "/api/users/chats/{chat}/send", True),
    ("GET", "/api/users/{user}/chats", True),
    ("GET", "/api/chats/{chat}", True),
    ("GET", "/api/chats/{chat}/messages", True),
    ("GET", "/api/users/{user}", False),
    ("POST", "/api/dashboard/chats/{chat}/send", False),
    ("POST", "/api/chats/{chat}/send", False),
    ("PATCH", "/api/dashboard/chats/{chat}/ai-agent", False),
    ("GET", "/api/dashboard/chats/{chat}/ai-agent", False),
)
# What a store can and cannot hold, in every shape of an identifier.
NO_CHATS = (str(uuid.uuid4()), "no-such-chat", "%00", "x" * 2000)
NO_USERS = ("64b7f0c2aa01bb02cc03dd04", "64B7F0C2AA01BB02CC03DD04", "nobody@example.org", "nobody", "x" * 2000)


class Table:
    def expected(self, caller, whose, widgets):
        if caller == "none":
            return 401
        if caller == "widget":
            return 200 if widgets and whose == "own" else 403
        return 200 if whose == "own" or (caller == "dashboard" and whose == "other's") else 404

    def test_every_route(self):
        """What is another's and what does not exist are answered alike to whoever may not see it."""
        for caller, headers in self.callers.items():
            for method, pattern, widgets in ABOUT_ONE:
                refused = set()
                for whose, chat, user in self.targets():
                    if whose == "nobody's" and caller != "widget" and chat in NO_CHATS[2:] and "{chat}" in pattern:
                        chat = NO_CHATS[1]  # an id that cannot be, or a path that is none, is told as that
                    if "%00" in chat and "{chat}" in pattern:
                        continue  # no path of any route
                    target = path(pattern, chat, user)
                    for m in (method, "HEAD") if method == "GET" else (method,):
                        with self.subTest(caller=caller, method=m, target=target[:100], whose=whose):
                            r = request(self.http, m, target, body_for(pattern, self.ann), headers)
                            self.assertEqual(r.status, self.expected(caller, whose, widgets), r)
                            if r.status != 200 and m != "HEAD":
                                refused.add(repr(self.answer_of(r, chat, user)))
                with self.subTest(caller=caller, method=method, pattern=pattern):
                    self.assertLessEqual(len(refused), 1, refused)

    def test_revalidation_tells_nothing(self):
        """Nor does a tag that would match."""
        for pattern in ("/api/users/{user}/chats", "/api/chats/{chat}"):
            tag = self.get(path(pattern, self.bob.chat, self.bob.id), self.bob.headers).header("ETag")
            for caller, status in (("widget", 403), ("bound", 404), ("none", 401)):
                for whose, chat, user in (("other's", self.bob.chat, self.bob.id), ("nobody's", NO_CHATS[0], NO_USERS[0])):
                    r = self.http.get(path(pattern, chat, user), self.callers[caller] + [("If-None-Match", tag)])
                    self.assertEqual(r.status, status, (caller, whose))

    def test_creations(self):
        gone = "0123456789abcdef01234567"
        for caller, body, status, wanted in (
                ("none", {"email": self.bob.email}, 200, None), ("none", {"email": new_email()}, 200, None),
                ("none", {"user_id": self.bob.id}, 200, None), ("none", {"user_id": gone}, 200, None),
                ("none", {"user_id": self.bob.id, "email": self.bob.email}, 200, None),
                ("widget", {"user_id": self.bob.id}, 403, None), ("widget", {"user_id": gone}, 403, None),
                ("widget", {"email": self.bob.email}, 200, self.ann.id),
                ("widget", {"email": new_email()}, 200, self.ann.id),
                ("widget", {"user_id": self.ann.id, "email": self.bob.email}, 200, self.ann.id),
                ("bound", {"user_id": self.ann.id}, 200, self.ann.id),
                ("bound", {"email": self.ann.email}, 200, self.ann.id),
                ("bound", {"user_id": self.bob.id}, 404, None), ("bound", {"email": self.bob.email}, 404, None),
                ("dashboard", {"user_id": self.bob.id}, 200, self.bob.id),
                ("dashboard", {"email": self.bob.email}, 200, self.bob.id)):
            with self.subTest(caller=caller, body=body):
                r = self.post(CREATE, body, self.callers[caller], status=status)
                if status != 200:
                    self.assertNoTrace(r, self.bob)
                elif wanted:
                    self.assertEqual(r.json()["user_id"], wanted)
                else:
                    self.assertNotIn(r.json()["user_id"], (self.ann.id, self.bob.id, gone))

    def test_reports(self):
        for caller, email, status in (("none", self.bob.email, 401), ("none", new_email(), 401),
                                      ("widget", self.bob.email, 200), ("widget", new_email(), 200),
                                      ("bound", self.bob.email, 404), ("bound", self.ann.email, 200),
                                      ("bound", new_email(), 200), ("dashboard", self.bob.email, 200)):
            with self.subTest(caller=caller, email=email):
                self.post("/api/users/data", {"email": email}, self.callers[caller], status=status)
        user = self.get(f"/api/users/{self.bob.id}", self.dashboard).json()
        self.assertEqual((user["email"], user["dashboard_user_id"]), (self.bob.email, "o2"))

    def test_subscriptions(self):
        for caller in ("widget", "bound", "dashboard"):
            with WebSocket(self.server.address, SOCKET, headers=self.callers[caller]) as ws:
                ws.greet()
                frames = {}
                for whose, chat in (("own", self.ann.chat), ("other's", self.bob.chat), ("nobody's", NO_CHATS[0])):
                    ws.send_json({"action": "subscribe", "subscription_type": "chat_updates", "chat_id": chat})
                    frames[whose] = ws.recv_json()
                    ws.until_pong()  # whatever else a good one brings
                self.assertEqual(frames["own"]["type"], "subscribed")
                if caller == "dashboard":
                    self.assertEqual(frames["other's"]["type"], "subscribed")
                else:
                    self.assertEqual(frames["other's"]["type"], "error")
                    self.assertEqual(frames["other's"], frames["nobody's"])

    def test_a_widgets_refusal_reads_nothing(self):
        """Decided from its own entry: else the clock would tell known from unknown."""
        self.get(f"/api/users/{self.ann.id}/chats", self.ann.headers)  # its own is in memory
        names = ("sakurad_store_read_seconds_count", 'sakurad_store_ops_total{kind="read_on_writer"}')

        def reads():
            with Connection(("127.0.0.1", self.admin_port)) as operators:
                lines = operators.request("GET", "/metrics").body.decode().splitlines()
            return [int(line.split()[-1]) for line in lines if line.split(" ")[0] in names]

        before = reads()
        self.assertEqual(len(before), len(names))
        for i in range(50):
            for chat, user in ((self.bob.chat, self.bob.email), (str(uuid.uuid4()), f"{i}@example.org")):
                self.get(f"/api/users/{user}/chats", self.ann.headers, status=403)
                self.get(f"/api/chats/{chat}", self.ann.headers, status=403)
                self.post(f"/api/users/chats/{chat}/send", {"content": "x"}, self.ann.headers, status=403)
        self.assertEqual(reads(), before)


class Claims:
    def claim(self, email, **more):
        """A stranger gives an address. (id, token's header)"""
        answer = self.post(CREATE, {"email": email, **more}).json()
        self.assertEqual(read(answer["token"])["sub"], answer["user_id"])
        return answer["user_id"], bearer(answer["token"])

    def shown(self, user):
        return self.get(f"/api/users/{user}", self.dashboard).json()

    def assertClaims(self, user, email):
        """All that dashboards see of a customer says the same."""
        seen = self.shown(user)
        self.assertEqual((seen["email"], seen.get("claimed_email")), (f"user_{user}@widget.local", email))
        for target in ("/api/users?limit=1000", "/api/debug/users-chats?limit=1000"):
            listed = {u["_id"]: u for u in self.get(target, self.dashboard).json()["users"]}
            self.assertEqual(listed[user].get("claimed_email"), email)
            self.assertNotIn("claimed_email", listed[self.ann.id])

    def test_a_returning_visitor_is_let_in_as_somebody_new(self):
        known, unknown = self.ann.email, new_email()
        ids = set()
        for email in (known, known.upper(), unknown, unknown):
            user, own = self.claim(email)
            ids.add(user)
            self.assertClaims(user, email)
            for name in (user, email, email.upper()):  # the widget polls by what it gave
                poll = self.get(f"/api/users/{name}/chats", own).json()
                self.assertEqual((poll["user_id"], len(poll["chats"])), (user, 1))
        self.assertEqual(len(ids), 4)
        self.assertNotIn(self.ann.id, ids)
        self.assertEqual(self.shown(known)["_id"], self.ann.id)
        self.get(f"/api/users/{unknown}", self.dashboard, status=404)  # nobody is found by a claim
        self.assertEqual(self.get(f"/api/chats?email={unknown}", self.dashboard).json()["chats"], [])

    def test_an_address_cannot_be_squatted(self):
        email = new_email()
        squatter, token = self.claim(email)
        self.post("/api/users/data", {"email": email}, token)
        self.post(CREATE, {"email": email}, token)
        self.assertClaims(squatter, email)
        owner = self.post(CREATE, {"email": email}, self.dashboard).json()["user_id"]
        self.assertNotEqual(owner, squatter)
        self.assertEqual(self.shown(email)["_id"], owner)
        self.assertEqual(self.get(f"/api/users/{email}/chats", token).json()["user_id"], squatter)

    def test_a_dashboard_makes_a_claim_the_address(self):
        email = new_email()
        user, token = self.claim(email)
        self.post(CREATE, {"user_id": user, "email": email}, self.dashboard)
        seen = self.shown(email)
        self.assertEqual((seen["_id"], seen["email"]), (user, email))
        self.assertNotIn("claimed_email", seen)
        self.post("/api/users/data", {"email": email.upper(), "vibe": "calm"}, token)  # its own already
        seen = self.shown(email)
        self.assertEqual((seen["email"], seen["vibe"]), (email, "calm"))
        self.assertNotIn("claimed_email", seen)

    def test_a_report_by_a_widget_is_a_claim_too(self):
        user, token = self.claim(new_email())
        for email in (self.ann.email, new_email()):
            r = self.post("/api/users/data", {"email": email}, token).json()
            self.assertEqual(r["message"], f"User data received successfully for {email}")
            self.assertClaims(user, email)
        before = self.shown(user)
        for nothing in ({}, {"email": ""}, {"email": "unknown@example.com"}, {"email": "user_1@widget.local"}):
            self.post("/api/users/data", nothing, token)
            self.assertEqual(self.shown(user).get("claimed_email"), before["claimed_email"])

    def test_default_addresses_are_no_claims(self):
        for email in ("unknown@example.com", "user_1@widget.local"):
            r = self.http.post(CREATE, {"email": email, "user_id": "someone"})
            self.assertEqual(r.status, 200, r)
            self.assertClaims(r.json()["user_id"], None)


class Words:
    """What a widget may say of itself and of others."""

    ROLES = ("agent", "Agent", "AGENT", "agent ", " agent", "agent\t", "\u0430gent", "\uff41gent", "age\u200bnt",
             "system", "System", "bot", "Assistant", "ASSISTANT", "assistant ", "\u0430ssistant", "User", "user ",
             "customer", "admin")

    def person(self, name="carol"):
        return Person(self.http, self.dashboard, name, "o1")

    def test_an_owner_is_chosen_once(self):
        user = self.post(CREATE, {"email": new_email()}).json()
        token = bearer(user["token"])
        for owner, status in (("", 200), ("o1", 200), ("o2", 403), ("O1", 403), ("o1 ", 403), ("o1", 200), (None, 200)):
            self.post("/api/users/data", {"user_id": owner, "name": f"by {owner}"}, token, status=status)
            seen = self.get(f"/api/users/{user['user_id']}", self.dashboard).json()
            self.assertEqual(seen["dashboard_user_id"], None if owner == "" else "o1")
            self.assertEqual(seen["name"] == f"by {owner}", status == 200)
        self.assertNotIn(user["user_id"], self.get("/api/debug/users-chats", self.bound["o2"]).body.decode())

    def test_roles(self):
        carol = self.person()
        target = f"/api/users/chats/{carol.chat}/send"
        for role in self.ROLES:
            with self.subTest(role=role):
                for headers in ([], [("Content-Type", "text/plain")]):
                    r = self.http.post(target, {"content": "x", "role": role}, carol.headers + headers)
                    self.assertEqual(r.status, 403, r)
        form = [("Content-Type", "application/x-www-form-urlencoded")]
        self.assertEqual(self.http.post(target, b"content=x&role=agent", carol.headers + form).status, 403)
        # an agent's dashboard says what it likes
        self.post(f"/api/dashboard/chats/{carol.chat}/send", {"content": "x", "role": "System"}, self.bound["o1"])
        roles = [m["sender"] for m in self.get(f"/api/chats/{carol.chat}", carol.headers).json()["messages"]]
        self.assertEqual(roles, ["user", "agent", "System"])

    def test_the_widgets_three_steps(self):
        """It sends the customer's words, asks, and sends the answer as the assistant's: which is marked."""
        carol = self.person()
        target = f"/api/users/chats/{carol.chat}/send"
        self.post(target, {"content": "question", "role": "user"}, carol.headers)
        answer = self.post("/api/chat", {"message": "question", "session_id": carol.chat}, carol.headers).json()
        self.post(target, {"content": answer["response"], "role": "assistant"}, carol.headers)
        self.post(f"/api/dashboard/chats/{carol.chat}/send", {"content": "real", "role": "assistant"}, self.dashboard)
        wanted = [None, None, None, "widget", None]
        for target in (f"/api/users/{carol.id}/chats", f"/api/users/{carol.id}", f"/api/chats/{carol.chat}",
                       f"/api/chats/{carol.chat}/messages", "/api/debug/users-chats"):
            view = self.get(target, self.dashboard).json()
            if "users" in view:
                view = next(u for u in view["users"] if u["_id"] == carol.id)
            view = view["chats"][0] if "chats" in view else view
            self.assertEqual([m.get("via") for m in view["messages"]], wanted, target)
            self.assertTrue(all("via" not in m for m in view["messages"] if not m.get("via")))

    def test_a_repeated_key_stays_what_it_was(self):
        carol = self.person()
        target = f"/api/users/chats/{carol.chat}/send"
        body = {"content": "x", "role": "assistant", "client_message_id": "k"}
        first, again = (self.post(target, body, carol.headers).json() for _ in range(2))
        self.assertEqual(first["message_id"], again["message_id"])
        messages = self.get(f"/api/chats/{carol.chat}", carol.headers).json()["messages"]
        self.assertEqual([m.get("via") for m in messages], [None, None, "widget"])


class Sight(Table, Claims, Words, AuthCase):
    """On one server: ann is whose token it is, bob another owner's."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.callers = {"widget": cls.ann.headers, "bound": cls.bound["o1"], "dashboard": cls.dashboard, "none": []}

    def targets(self):
        """(whose, chat, user)"""
        for user in (self.ann.id, self.ann.id.upper(), self.ann.email, self.ann.email.upper()):
            yield "own", self.ann.chat, user
        for user in (self.bob.id, self.bob.id.upper(), self.bob.email, self.bob.email.upper()):
            yield "other's", self.bob.chat, user
        for i, user in enumerate(NO_USERS):
            yield "nobody's", NO_CHATS[i % len(NO_CHATS)], user

    def answer_of(self, r, *names):
        """The answer, but for what the request itself named."""
        body = r.body.decode()
        for name in names:
            body = body.replace(name, "…")
        return r.status, sorted((k, v) for k, v in r.headers if k.lower() not in (b"date", b"content-length")), body


if __name__ == "__main__":
    main()
