"""PATCH /api/users/{id or email} and /api/chats/{chat_id}: where a conversation stands and whose it is."""
import threading

from harness.auth import KEY, SOCKET, AuthCase
from harness.case import ServerCase, in_threads, main
from harness.tokens import bearer, claims, forge
from harness.websocket import WebSocket

ROUNDS = 50
INBOXES = {("agent-inbox", "active"): "agent-inbox-active", ("agent-inbox", "resolved"): "agent-inbox-resolved",
           ("human-chats", "active"): "my-inbox-chats", ("human-chats", "escalated"): "my-inbox-escalated",
           ("human-chats", "resolved"): "my-inbox-resolved"}


class Patch(ServerCase):
    def setUp(self):
        self.mine = self.chat()
        self.user, self.target = f"/api/users/{self.mine.user_id}", f"/api/chats/{self.mine.id}"

    def patch(self, target, body, headers=(), status=200):
        r = self.http.patch(target, body, headers)
        self.assertEqual(r.status, status, r)
        return r

    def open(self, kind, **options):
        ws = self.server.websocket()
        self.addCleanup(ws.close)
        ws.greet()
        ws.subscribe(kind, **options)
        return ws

    def assertAnsweredAsGet(self, answer, target):
        got = self.get(target)
        self.assertEqual((answer.body, answer.header("ETag"), answer.header("Cache-Control")),
                         (got.body, got.header("ETag"), got.header("Cache-Control")))


class Customers(Patch):
    def test_each_field_by_itself_and_all_together(self):
        for body in ({"category": "human-chats"}, {"status": "escalated"}, {"name": "Zoë"}, {"status": "on hold"},
                     {"category": "agent-inbox", "status": "resolved", "name": "Bo", "email": "x@x.io", "ip": "no"}):
            for target in (self.user, f"/api/users/{self.mine.email}"):
                with self.subTest(body, target=target):
                    before = self.get(self.user).json()
                    answer = self.patch(target, body)
                    self.assertAnsweredAsGet(answer, self.user)
                    wanted = {**before, **{k: v for k, v in body.items() if k in ("category", "status", "name")}}
                    self.assertEqual(answer.json(), wanted)

    def test_counts_follow_and_dashboards_are_told(self):
        counts, field, events = self.open("unread_counts"), self.open("chat_updates"), self.open("chat_events")
        now = counts.recv_json()["data"]["counts"]
        was = "agent-inbox-active"
        for (category, status), inbox in list(INBOXES.items())[1:]:
            self.patch(self.user, {"category": category, "status": status})
            now = {**now, was: now[was] - 1, inbox: now[inbox] + 1}
            was = inbox
            self.assertEqual(counts.recv_json()["data"]["counts"], now)
            changed = events.recv_json()
            self.assertEqual((changed["type"], changed["data"]["user_id"]), ("customer_changed", self.mine.user_id))
        field.take_hint()
        self.patch(self.user, {"name": "Same inbox"})
        self.assertEqual(events.recv_json()["type"], "customer_changed")
        self.assertEqual(counts.until_pong(), [])
        before = self.get(self.user)
        for target, body in ((self.user, {"name": "Same inbox"}), (self.target, {"status": "open", "assigned_to": None})):
            self.assertAnsweredAsGet(self.patch(target, body), target)  # as it is: nothing to tell
        self.assertEqual(self.get(self.user).header("ETag"), before.header("ETag"))
        self.assertEqual(events.until_pong(), [])

    def test_it_is_a_change_like_others(self):
        cursor = self.get("/api/debug/users-chats").json()["cursor"]
        self.chat()  # somebody else is the last one now
        self.patch(self.user, {"status": "resolved"})
        changed = self.get(f"/api/debug/users-chats?since={cursor}").json()["users"]
        self.assertIn((self.mine.user_id, "resolved"), [(u["_id"], u["status"]) for u in changed])

    def test_rules(self):
        before = self.get(self.user).body
        rows = (({}, ["body"]), ({"email": "x"}, ["body"]), ({"category": None}, ["body", "category"]), ([], ["body"]),
                (b"", ["body"]), (b"{", ["body"]), ({"category": "inbox"}, ["body", "category"]),
                ({"category": 7}, ["body", "category"]), ({"status": ""}, ["body", "status"]),
                ({"status": ["active"]}, ["body", "status"]), ({"status": "s" * 4097}, ["body", "status"]),
                ({"status": "active", "name": ""}, ["body", "name"]), ({"name": "n" * 513}, ["body", "name"]),
                ({"name": 7}, ["body", "name"]), ({"name": None}, ["body", "name"]),
                (b'{"status":"\\ud800"}', ["body", "status"]))
        for body, loc in rows:
            with self.subTest(str(body)[:60]):
                self.assertInvalid(self.http.patch(self.user, body, [("Content-Type", "application/json")]), loc)
        for ident in ("nobody", "nobody@x.io", "0123456789abcdef01234567"):
            self.assertError(self.http.patch(f"/api/users/{ident}", {"name": "x"}), 404, "User not found")
        tag = self.get(self.user).header("ETag")
        self.assertError(self.http.patch(self.user, {"name": "x"}, [("If-Match", tag)]), 412,
                         "If-Match is not taken here: send the request without it")
        self.assertEqual(self.get(self.user).body, before)

    def test_it_outlives_the_server(self):
        body = {"category": "human-chats", "status": "escalated", "name": "Kept"}
        self.patch(self.user, body)
        self.server.kill()
        self.server.start()
        type(self).http = self.server.http
        self.assertEqual({k: self.get(self.user).json()[k] for k in body}, body)


class Chats(Patch):
    def test_whose_it_is_and_where_it_stands(self):
        for body in ({"assigned_to": "ann"}, {"status": "closed"}, {"assigned_to": None, "status": "open"},
                     {"assigned_to": "é" * 64, "priority": 1}, {"assigned_to": ""}):
            with self.subTest(body):
                before = self.get(self.target).json()
                answer = self.patch(self.target, body)
                self.assertAnsweredAsGet(answer, self.target)
                wanted = {"assigned_to": before["assigned_to"], "status": before["status"], **body}
                wanted["assigned_to"] = wanted["assigned_to"] or None
                for chat in (answer.json(), self.mine.poll(),
                             next(c for u in self.get("/api/debug/users-chats").json()["users"] for c in u["chats"]
                                  if c["chat_id"] == self.mine.id)):
                    self.assertEqual((chat["assigned_to"], chat["status"]), (wanted["assigned_to"], wanted["status"]))

    def test_dashboards_are_told(self):
        field, events, one = self.open("chat_updates"), self.open("chat_events"), self.open("chat_events", chat_id=self.mine.id)
        for body in ({"assigned_to": "ann"}, {"status": "closed"}):
            self.patch(self.target, body)
            for ws in (events, one):
                changed = ws.recv_json()
                self.assertEqual((changed["type"], changed["data"]["chat_id"]), ("chat_changed", self.mine.id))
        field.take_hint()

    def test_if_match(self):
        tag = self.get(self.target).header("ETag")
        rows = (([tag], 200), (["*"], 200), (['"x"'], 412), ([f"W/{tag}"], 412), ([f'"x", {tag}'], 412))
        first = self.patch(self.target, {"assigned_to": "ann"}, [("If-Match", tag)])
        self.assertNotEqual(first.header("ETag"), tag)
        for lines, status in rows[1:]:
            with self.subTest(lines):
                r = self.patch(self.target, {"assigned_to": "bob"}, [("If-Match", line) for line in lines], status=status)
                if status == 412:
                    self.assertError(r, 412, "The chat has changed")
        tag = self.get(self.target).header("ETag")
        self.patch(self.target, {"assigned_to": "carol"}, [("If-Match", '"x"'), ("If-Match", f'"y", {tag}')])
        tag = self.get(self.target).header("ETag")
        self.patch(self.target, {"assigned_to": "carol"}, [("If-Match", f"W/{tag}")])  # as a proxy that compresses says it
        said = self.mine.send("read by an agent")["message_id"]
        tag = self.get(self.target).header("ETag")
        self.post(f"{self.target}/read", {"message_id": said})
        self.assertNotEqual(self.get(self.target).header("ETag"), tag)
        self.patch(self.target, {"assigned_to": "carol"}, [("If-Match", tag)])  # reading is not being faster
        self.mine.send("the tag is of the messages too")
        self.patch(self.target, {"assigned_to": "dave"}, [("If-Match", tag)], status=412)
        self.assertEqual(self.get(self.target).json()["assigned_to"], "carol")
        self.assertError(self.http.patch("/api/chats/nobody", {"status": "open"}, [("If-Match", tag)]), 412)
        self.assertError(self.http.patch("/api/chats/nobody", {"status": "open"}), 404, "Chat not found")

    def test_of_two_who_take_a_chat_one_gets_it(self):
        with self.server.connect() as ann, self.server.connect() as bob:
            for i in range(ROUNDS):
                tag = self.get(self.target).header("ETag")
                answers = [None, None]
                ready = threading.Barrier(2)

                def take(who):
                    ready.wait()
                    answers[who] = (ann, bob)[who].request("PATCH", self.target, {"assigned_to": f"{who} in {i}"},
                                                           [("If-Match", tag)])

                in_threads(2, take)
                self.assertEqual(sorted(r.status for r in answers), [200, 412], answers)
                winner = f"{0 if answers[0].status == 200 else 1} in {i}"
                self.assertEqual(self.get(self.target).json()["assigned_to"], winner)

    def test_a_customers_message_opens_it_again(self):
        events = self.open("chat_events", chat_id=self.mine.id)

        def close():
            self.patch(self.target, {"status": "closed"})
            self.assertEqual(events.recv_json()["type"], "chat_changed")

        close()
        for role in ("agent", "assistant"):
            self.mine.send("we closed it", role=role)
        self.assertEqual(self.mine.poll()["status"], "closed")
        self.mine.send("but")
        self.assertEqual(events.recv_json()["type"], "chat_changed")
        for _ in range(2):
            self.assertEqual(self.mine.poll()["status"], "open")
            self.assertEqual(self.get(self.target).json()["status"], "open")
            self.server.stop()
            self.server.start()
            type(self).http = self.mine.client = self.server.http

    def test_rules(self):
        before = self.get(self.target).body
        for body, loc in (({}, ["body"]), ({"other": 1}, ["body"]), ([], ["body"]), (b"", ["body"]),
                          ({"status": "resolved"}, ["body", "status"]), ({"status": None}, ["body", "status"]),
                          ({"assigned_to": 7}, ["body", "assigned_to"]), ({"assigned_to": "a\nb"}, ["body", "assigned_to"]),
                          ({"assigned_to": "a" * 129}, ["body", "assigned_to"]),
                          ({"assigned_to": "ann", "status": "shut"}, ["body", "status"])):
            with self.subTest(str(body)[:60]):
                self.assertInvalid(self.http.patch(self.target, body), loc)
        self.assertEqual(self.get(self.target).body, before)

    def test_a_page_may_send_if_match(self):
        r = self.http.request("OPTIONS", self.target, headers=[
            ("Origin", "http://localhost:3001"), ("Access-Control-Request-Method", "PATCH"),
            ("Access-Control-Request-Headers", "content-type, if-match")])
        self.assertEqual(r.status, 200)
        self.assertIn("PATCH", r.header("Access-Control-Allow-Methods"))
        self.assertIn("if-match", r.header("Access-Control-Allow-Headers"))
        r = self.patch(self.target, {"status": "open"}, [("Origin", "http://localhost:3001")])
        self.assertIn("ETag", r.header("Access-Control-Expose-Headers"))


class Owners(AuthCase):
    def test_each_its_own(self):
        mine, theirs = self.bound["o1"], self.bound["o2"]
        chat, user = f"/api/chats/{self.ann.chat}", f"/api/users/{self.ann.id}"
        tag = self.get(chat, mine).header("ETag")
        for target, body in ((chat, {"assigned_to": "me"}), (user, {"status": "resolved"}),
                             (f"/api/users/{self.ann.email}", {"status": "resolved"})):
            for headers, status in ((theirs, 404), (self.bob.headers, 403), (self.ann.headers, 403), ([], 401)):
                with self.subTest(target, status=status):
                    r = self.http.patch(target, body, headers)
                    self.assertEqual(r.status, status, r)
                    r.body = r.body.replace(self.ann.chat.encode(), b"")
                    self.assertNoTrace(r, self.ann)
        # a tag is its asker's own
        self.assertEqual(self.http.patch(chat, {"assigned_to": "me"}, theirs + [("If-Match", tag)]).status, 412)
        r = self.http.patch(chat, {"assigned_to": "me"}, mine + [("If-Match", tag)])
        self.assertEqual((r.status, r.json()["assigned_to"]), (200, "me"))
        got = self.get(chat, mine)
        self.assertEqual((r.body, r.header("ETag")), (got.body, got.header("ETag")))
        r = self.http.patch(user, {"category": "human-chats"}, mine)
        self.assertEqual((r.status, r.body), (200, self.get(user, mine).body))
        self.assertEqual(r.header("Cache-Control"), "private, no-cache")

    def test_only_who_may_see_it_is_told(self):
        sockets = {}
        for who, headers in (("all", self.dashboard), ("o1", self.bound["o1"]), ("o2", self.bound["o2"])):
            for kind in ("chat_updates", "chat_events"):
                ws = WebSocket(("127.0.0.1", self.server.ports[0]), SOCKET, headers=headers)
                self.addCleanup(ws.close)
                ws.greet()
                ws.subscribe(kind)
                sockets[who, kind] = ws
        self.get(f"/api/users/{self.ann.id}", self.dashboard)
        self.assertEqual(self.http.patch(f"/api/chats/{self.ann.chat}", {"status": "closed"}, self.dashboard).status, 200)
        self.assertEqual(self.http.patch(f"/api/users/{self.ann.id}", {"name": "New"}, self.dashboard).status, 200)
        for who in ("all", "o1"):
            self.assertEqual([sockets[who, "chat_events"].recv_json()["type"] for _ in range(2)],
                             ["chat_changed", "customer_changed"])
            sockets[who, "chat_updates"].take_hint()
        for kind in ("chat_updates", "chat_events"):
            self.assertEqual(sockets["o2", kind].until_pong(), [])

    def test_a_named_dashboard_is_no_more_than_its_owner(self):
        headers = bearer(forge(claims("dashboard", owner="o2", sub="zoe", name="Zoe"), KEY))
        self.assertEqual(self.http.patch(f"/api/chats/{self.ann.chat}", {"status": "closed"}, headers).status, 404)


if __name__ == "__main__":
    main()
