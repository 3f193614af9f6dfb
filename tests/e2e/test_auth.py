"""Who may do what: every route, every method, every listener, every kind of caller. What is not one's own is not seen."""
import contextlib
import os
import re
import time
import unittest

from harness.auth import (ADMIN, CREATE, KEY, LISTINGS, METHODS, OVERALL, PUBLIC, SIGNED, SOCKET, AuthCase, Person,
                          body_for, request, write_key)
from harness.case import Chat, ServerCase, main, new_email
from harness.rawhttp import Client, Connection, ProtocolError, build
from harness.routes import ROUTES, methods_of, path
from harness.server import Server, run
from harness.tokens import bearer, claims, forge, read
from harness.websocket import WebSocket, new_key, upgrade_headers

OTHER_KEY = b"o" * 48


class EveryRoute(AuthCase):
    def sweep(self, headers, victim, expected, skip=None):
        """Every method on every path at every door; expected(pattern, operators) for methods that are there.

        skip: what lets any token in and is tried apart (see Sockets).
        """
        patterns = [p for p in dict.fromkeys(p for _, p in ROUTES) if p != skip]
        tried = 0
        for door, client, operators in self.doors():
            for pattern in patterns:
                for method in METHODS:
                    for user in (victim.email, victim.id):
                        target = path(pattern, victim.chat, user)
                        r = request(client, method, target, body_for(pattern, victim), headers)
                        tried += 1
                        with self.subTest(door=door, method=method, target=target):
                            wanted = expected(pattern, operators) if method in methods_of(pattern) else 405
                            if pattern == "/api/users/data" and method in ("GET", "HEAD", "PATCH"):
                                # "data" is a customer's id there, of nobody
                                wanted = (404, expected("/api/users/{user}", operators))
                            self.assertIn(r.status, wanted if isinstance(wanted, tuple) else (wanted,), r)
                            if r.status == 404:  # which may say what was asked for, as for one that does not exist
                                r.body = r.body.replace(b"Chat not found: " + victim.chat.encode(), b"")
                            if not (operators and pattern in ADMIN):
                                self.assertNoTrace(r, victim)
                            if r.status == 401:
                                self.assertRegex(r.header("WWW-Authenticate"), "^Bearer ")
            client.close()
        self.assertGreater(tried, 3 * len(METHODS) * len(patterns))
        # nothing was changed either
        chat = self.get(f"/api/chats/{victim.chat}", self.dashboard).json()
        self.assertEqual([m["content"] for m in chat["messages"]], [victim.secret, victim.secret + "-answer"])
        self.assertEqual((chat["status"], chat["assigned_to"]), ("open", None))
        user = self.get(f"/api/users/{victim.id}", self.dashboard).json()
        self.assertEqual((user["name"], user["dashboard_user_id"]), (victim.secret + "-name", victim.owner))
        self.assertEqual(len(user["chats"]), 1)
        ai = self.get(f"/api/dashboard/chats/{victim.chat}/ai-agent", self.dashboard).json()
        self.assertTrue(ai["ai_agent_enabled"])

    def test_without_a_token(self):
        def expected(pattern, operators):
            if pattern in PUBLIC:
                return 200
            if pattern in ADMIN:
                return 200 if operators else 404
            return 200 if pattern == CREATE else 401  # somebody new, whoever is named

        self.sweep([], self.ann, expected)

    def test_with_a_bad_token(self):
        def expected(pattern, operators):
            if pattern in PUBLIC:
                return 200
            if pattern in ADMIN:
                return 200 if operators else 404
            return 401

        good = claims("dashboard")
        for what, header in {
            "another key": f"Bearer {forge(good, OTHER_KEY)}",
            "none": f"Bearer {forge(good, None, {'alg': 'none'})}",
            "expired": f"Bearer {forge(claims('dashboard', ttl=-61), KEY)}",
            "another audience": f"Bearer {forge(claims('dashboard', aud='other'), KEY)}",
            "basic": "Basic ZGFzaGJvYXJkOg==",
        }.items():
            with self.subTest(what):
                self.sweep([("Authorization", header)], self.ann, expected)

    def test_another_customers_widget(self):
        def expected(pattern, operators):
            if pattern in PUBLIC | SIGNED:
                return 200
            if pattern in ADMIN:
                return 200 if operators else 404
            return 403

        self.sweep(self.bob.headers, self.ann, expected, skip=SOCKET)

    def test_another_owners_dashboard(self):
        def expected(pattern, operators):
            if pattern in PUBLIC | SIGNED | LISTINGS:
                return 200
            if pattern in ADMIN:
                return 200 if operators else 404
            # another owner's customer is not there; to give one away, and figures over all, are beyond the token
            return 403 if pattern in OVERALL | {"/api/users/data"} else 404

        self.sweep(self.bound["o2"], self.ann, expected, skip=SOCKET)


class Own(AuthCase):
    """What each may do, it can do."""

    def test_a_widget_on_its_own(self):
        ann = self.ann
        for ident in (ann.id, ann.email):
            poll = self.get(f"/api/users/{ident}/chats", ann.headers).json()
            self.assertEqual([c["chat_id"] for c in poll["chats"]][:1], [ann.chat])
        self.get(f"/api/chats/{ann.chat}", ann.headers)
        self.get(f"/api/chats/{ann.chat}/messages?limit=1", ann.headers)
        self.post("/api/chat", {"message": "m", "session_id": "s"}, ann.headers)
        # 304 is an answer too: it must be the owner's
        tag = self.get(f"/api/users/{ann.id}/chats", ann.headers).header("ETag")
        r = self.http.get(f"/api/users/{ann.id}/chats", ann.headers + [("If-None-Match", tag)])
        self.assertEqual(r.status, 304)
        r = self.http.get(f"/api/users/{ann.id}/chats", self.bob.headers + [("If-None-Match", tag)])
        self.assertEqual(r.status, 403)
        self.assertIn("Authorization", r.header("Vary"))

    def test_a_widget_makes_more_chats_of_its_own(self):
        carol = Person(self.http, self.dashboard, "carol", "o1")
        for body in ({"email": carol.email}, {"user_id": carol.id}, {"user_id": carol.id, "email": carol.email}):
            r = self.post(CREATE, body, carol.headers).json()
            self.assertEqual(r["user_id"], carol.id)
            self.assertEqual(read(r["token"])["sub"], carol.id)
        for body in ({"user_id": self.ann.id}, {"user_id": "somebody"}, {"user_id": self.ann.id, "email": carol.email}):
            r = self.post(CREATE, body, carol.headers, status=403)
            self.assertNoTrace(r, self.ann)
        # an address of somebody else is no way in, and whether it is known is not told
        for email in (self.ann.email, new_email()):
            r = self.post(CREATE, {"email": email}, carol.headers).json()
            self.assertEqual((r["user_id"], read(r["token"])["sub"]), (carol.id, carol.id))
        self.assertEqual(self.get(f"/api/users/{carol.id}", self.dashboard).json()["email"], carol.email)

    def test_newcomers(self):
        r = self.post(CREATE, {"email": new_email(), "user_id": "my-own-choice"}).json()
        self.assertNotEqual(r["user_id"], "my-own-choice")  # else somebody could wait for an id to be given away
        self.assertEqual(read(r["token"])["sub"], r["user_id"])
        lifetime = read(r["token"])["exp"] - time.time()
        self.assertAlmostEqual(lifetime, 30 * 86400, delta=60)
        self.get(f"/api/users/{r['user_id']}/chats", bearer(r["token"]))
        for known in ({"user_id": self.ann.id}, {"email": self.ann.email},
                      {"user_id": "new-name", "email": self.ann.email}):  # nor is anybody who exists
            r = self.post(CREATE, known)
            self.assertNoTrace(r, self.ann)

    def test_a_strangers_create_that_is_sent_again_is_answered_again(self):
        """By the same key, from the same address: elsewhere the key means nothing, or whoever guessed it had the token."""
        body = {"email": new_email(), "client_message_id": "k"}
        answers = [self.http.post("/api/users/chats/create", body).json() for _ in range(2)]
        ids = [(a["chat_id"], a["user_id"]) for a in answers]
        self.assertEqual(ids[0], ids[1])
        self.assertTrue(answers[1]["token"])
        with self.server.connect(source="127.0.0.2") as elsewhere:
            r = elsewhere.request("POST", "/api/users/chats/create", body)
        self.assertNotIn(ids[0][0], r.body.decode())
        self.assertNotIn(ids[0][1], r.body.decode())

    def test_a_dashboard_may_choose_an_id(self):
        chosen = f"site-{new_email()}"
        r = self.post(CREATE, {"user_id": chosen}, self.dashboard).json()
        self.assertEqual(r["user_id"], chosen)
        self.assertEqual(read(r["token"])["sub"], chosen)
        # and a token that a site signs itself is good for that customer
        signed = bearer(forge(claims("widget", sub=chosen), KEY))
        self.get(f"/api/users/{chosen}/chats", signed)
        fresh = f"site-{new_email()}"
        signed = bearer(forge(claims("widget", sub=fresh), KEY))
        self.get(f"/api/users/{fresh}/chats", signed, status=404)
        r = self.post(CREATE, {"email": new_email()}, signed).json()
        self.assertEqual(r["user_id"], fresh)
        self.get(f"/api/users/{fresh}/chats", signed)

    def test_a_report_changes_nobody_else(self):
        erin = Person(self.http, self.dashboard, "erin", "o1")
        for body in ({"vibe": "calm"}, {"email": "unknown@example.com", "vibe": "calm"},
                     {"email": self.ann.email, "vibe": "calm"}):
            self.post("/api/users/data", body, erin.headers)
        user = self.get(f"/api/users/{erin.id}", self.dashboard).json()
        self.assertEqual((user["email"], user["vibe"]), (erin.email, "calm"))
        user = self.get(f"/api/users/{self.ann.email}", self.dashboard).json()
        self.assertEqual((user["_id"], user["vibe"]), (self.ann.id, "neutral"))

    def test_an_owners_dashboard(self):
        mine = self.bound["o1"]
        for target in ("/api/debug/users-chats", "/api/debug/users-chats?owner=o1", "/api/users"):
            users = self.get(target, mine).json()["users"]
            self.assertIn(self.ann.id, [u["_id"] for u in users])
            self.assertEqual({u["dashboard_user_id"] for u in users}, {"o1"})
        everyone = self.get("/api/users?limit=1000", self.dashboard).json()
        ours = self.get("/api/users?limit=1000", mine).json()
        self.assertEqual(ours["total"], len(ours["users"]))
        self.assertEqual(ours["total"], sum(u["dashboard_user_id"] == "o1" for u in everyone["users"]))
        chats = self.get("/api/chats?limit=1000", mine).json()
        self.assertEqual(chats["total"], len(chats["chats"]))
        self.assertEqual({c["user_id"] for c in chats["chats"]}, {u["_id"] for u in ours["users"]})
        page = self.get("/api/chats?skip=1&limit=1", mine).json()
        self.assertEqual([c["chat_id"] for c in page["chats"]], [c["chat_id"] for c in chats["chats"][1:2]])
        self.assertEqual(self.get(f"/api/chats?email={self.bob.email}", mine).json()["chats"], [])
        self.assertEqual(len(self.get(f"/api/chats?email={self.ann.email}", mine).json()["chats"]), 1)
        # the whole inbox was listed in between: what is kept of one must not be given to the other
        for _ in range(2):
            for target, key in (("/api/chats?limit=1000", "chats"), ("/api/users?limit=1000", "users")):
                whole, part = (self.get(target, headers).json() for headers in (self.dashboard, mine))
                self.assertGreater(whole["total"], part["total"])
                self.assertEqual((len(whole[key]), len(part[key])), (whole["total"], part["total"]))
                self.assertEqual(part["total"], {"chats": chats, "users": ours}[key]["total"])
            whole, part = (self.get("/api/debug/users-chats", h).json()["users"] for h in (self.dashboard, mine))
            self.assertGreater(len(whole), len(part))
        self.get("/api/debug/users-chats?owner=o2", mine, status=403)
        self.get(f"/api/users/{self.ann.email}", mine)
        self.get(f"/api/chats/{self.ann.chat}", mine)
        self.get(f"/api/users/{self.ann.id}/chats", mine)
        self.get("/api/reports/stats", mine, status=403)
        r = self.http.patch(f"/api/dashboard/chats/{self.ann.chat}/ai-agent", {"enabled": True}, mine)
        self.assertEqual(r.status, 200)
        cursor = self.get("/api/debug/users-chats", mine).json()["cursor"]
        self.post(f"/api/dashboard/chats/{self.bob.chat}/send", {"content": "x", "role": "agent"}, self.bound["o2"])
        changed = self.get(f"/api/debug/users-chats?since={cursor}", mine).json()["users"]
        self.assertEqual(changed, [])

    def test_an_owners_dashboard_makes_customers_of_its_own(self):
        mine = self.bound["o1"]
        r = self.post(CREATE, {"email": new_email()}, mine).json()
        self.assertEqual(self.get(f"/api/users/{r['user_id']}", mine).json()["dashboard_user_id"], "o1")
        email = new_email()
        self.post("/api/users/data", {"email": email}, mine)
        self.assertEqual(self.get(f"/api/users/{email}", mine).json()["dashboard_user_id"], "o1")
        self.post("/api/users/data", {"email": email, "user_id": "o2"}, mine, status=403)
        self.post("/api/users/data", {"email": self.bob.email}, mine, status=404)

    def test_figures_for_the_unbound(self):
        for target in sorted(OVERALL):
            self.get(target, self.dashboard)

    def test_preflight_needs_no_token(self):
        r = self.http.request("OPTIONS", "/api/users", headers=[
            ("Origin", "http://localhost:3001"), ("Access-Control-Request-Method", "GET"),
            ("Access-Control-Request-Headers", "authorization")])
        self.assertEqual(r.status, 200)
        self.assertIn("authorization", r.header("Access-Control-Allow-Headers"))
        r = self.http.get("/api/users", [("Origin", "http://localhost:3001")])
        self.assertEqual(r.status, 401)
        self.assertEqual(r.header("Access-Control-Allow-Origin"), "http://localhost:3001")


class Sockets(AuthCase):
    def open(self, headers=(), target=SOCKET, port=None):
        ws = WebSocket(("127.0.0.1", port or self.server.ports[0]), target, headers=headers)
        ws.greet()
        return ws

    def refused(self, headers=(), target=SOCKET):
        for _, client, _ in self.doors():
            r = request(client, "GET", target, None, headers)
            self.assertEqual(r.status, 401, r)
            client.close()

    def test_no_token_no_socket(self):
        self.refused()
        self.refused(bearer("x"))
        self.refused(target=f"{SOCKET}?token=")
        self.refused(target=f"{SOCKET}?token=a.b.c")
        self.refused(target=f"{SOCKET}?token={forge(claims('dashboard'), OTHER_KEY)}")
        self.refused([("Sec-WebSocket-Protocol", "bearer")])
        self.refused([("Sec-WebSocket-Protocol", "bearer, x")])
        self.refused([("Sec-WebSocket-Protocol", f"chat, {self.ann.token}")])
        # a token in the query opens sockets only
        self.get(f"/api/users?token={forge(claims('dashboard'), KEY)}", status=401)

    def test_three_ways_to_carry_it(self):
        for port in (*self.server.ports, self.admin_port):
            self.open(self.ann.headers, port=port).close()
            self.open(target=f"{SOCKET}?token={self.ann.token}", port=port).close()
            ws = self.open([("Sec-WebSocket-Protocol", f"bearer, {self.ann.token}")], port=port)
            self.assertEqual(ws.upgrade.header("Sec-WebSocket-Protocol"), "bearer")
            ws.close()

    def ask(self, ws, kind, **options):
        ws.send_json({"action": "subscribe", "subscription_type": kind, **options})
        answer = ws.recv_json()["type"]
        if answer == "subscribed" and kind == "chat_updates" and "since" not in options:
            ws.take_hint()
        return answer

    def test_a_widget_hears_of_its_chat_only(self):
        ws = self.open(self.ann.headers)
        self.assertEqual(self.ask(ws, "chat_updates"), "error")
        self.assertEqual(self.ask(ws, "chat_updates", min_interval_ms=10), "error")
        self.assertEqual(self.ask(ws, "unread_counts"), "error")
        self.assertEqual(self.ask(ws, "chat_updates", chat_id=self.bob.chat), "error")
        self.assertEqual(self.ask(ws, "chat_updates", chat_id="no-such-chat"), "error")
        self.assertEqual(self.ask(ws, "chat_updates", chat_id=self.ann.chat), "subscribed")
        for person in (self.bob, self.ann):
            self.post(f"/api/users/chats/{person.chat}/send", {"content": "more"}, person.headers)
        notice = ws.recv_json()["data"]
        self.assertEqual(notice["chat_id"], self.ann.chat)
        self.assertEqual(ws.until_pong(), [])
        ws.close()

    def test_an_owners_dashboard_hears_of_its_customers_only(self):
        mine, all_of_it = self.open(self.bound["o1"]), self.open(self.dashboard)
        self.assertEqual(self.ask(mine, "unread_counts"), "error")
        self.assertEqual(self.ask(mine, "chat_updates", chat_id=self.bob.chat), "error")
        for options in ({}, {"min_interval_ms": 50}, {"format": "flat"}):
            for ws in (mine, all_of_it):
                self.assertEqual(self.ask(ws, "chat_updates", **options), "subscribed")
            for person in (self.bob, self.ann, self.bob):
                self.post(f"/api/users/chats/{person.chat}/send", {"content": "more"}, person.headers)
            self.assertEqual(mine.recv_json()["data"]["chat_id"], self.ann.chat)
            # Bob's second is the last, at once or after the interval: then nothing is held back for either any more.
            self.assertEqual([all_of_it.recv_json()["data"]["chat_id"] for _ in range(3)],
                             [self.bob.chat, self.ann.chat, self.bob.chat])
            time.sleep(0.2)
            self.assertEqual(mine.until_pong(), [])
            self.assertEqual(all_of_it.until_pong(), [])
        mine.close()
        all_of_it.close()


class Expiry(AuthCase):
    more = ("--ws-ping", "0")

    def test_an_expired_token_ends_the_connection(self):
        for _ in range(20):
            short = claims("widget", sub=self.ann.id, ttl=-58)  # the skew leaves it two seconds
            try:
                ws = WebSocket(self.server.address, SOCKET, headers=bearer(forge(short, KEY)))
            except ProtocolError as refused:
                self.assertIn("401", str(refused))
                self.assertGreaterEqual(time.time(), short["exp"] + 60, "refused while it was good")
                continue  # the test got no turn at the core for that long
            with ws:
                ws.greet()
                with self.assertRaisesRegex(ProtocolError, "closed: 1008"):
                    ws.recv_text()
            return
        self.fail("never in time")


class Rates(AuthCase):
    more = ("--rate-send", "1", "--rate-create", "3", "--trusted-proxy", "127.0.0.0/8", "--rate-connect", "2")

    def burst(self, send, rate, low, high, since=None):
        """At least low pass before a 429, and no more than high beside what the bucket got back since then, for the run may
        be slow. When the request that met the 429 was begun."""
        since = since or time.monotonic()
        for count in range(10000):
            begin = time.monotonic()
            r = send()
            if r.status == 429:
                self.assertRegex(r.header("Retry-After"), r"^[1-9]\d*$")
                self.assertGreaterEqual(count, low)
                self.assertLessEqual(count, high + (time.monotonic() - since) * rate)
                return begin
        self.fail("no limit")

    def via(self, address):
        return [("X-Forwarded-For", address)]

    def test_sends_of_one_address_and_of_one_principal(self):
        target = f"/api/users/chats/{self.ann.chat}/send"
        body = {"content": "x"}
        full = self.burst(lambda: self.http.post(target, body, self.ann.headers + self.via("203.0.113.1")), 1, 8, 10)
        # the same widget from elsewhere, and another one from there
        self.burst(lambda: self.http.post(target, body, self.ann.headers + self.via("203.0.113.2")), 1, 0, 2, full)
        r = self.http.post(f"/api/users/chats/{self.bob.chat}/send", body, self.bob.headers + self.via("203.0.113.3"))
        self.assertEqual(r.status, 200)

    def test_strangers_fill_their_own_bucket(self):
        """Bad tokens draw from the address's bucket before they are looked at."""
        target = f"/api/users/chats/{self.bob.chat}/send"
        bad = bearer(forge(claims("dashboard"), OTHER_KEY)) + self.via("203.0.113.9")
        self.burst(lambda: self.http.post(target, {"content": "x"}, bad), 1, 10, 10)

    def test_creations(self):
        full = self.burst(lambda: self.http.post(CREATE, {"email": new_email()}, self.via("203.0.113.4")), 3, 30, 30)
        # what the client itself put before is not believed
        forged = self.via("6.6.6.6, 203.0.113.4")
        self.burst(lambda: self.http.post(CREATE, {"email": new_email()}, forged), 3, 0, 1, full)
        # two proxies, a line of each: behind them it is still this client, and another is another
        lines = self.via("6.6.6.6, 203.0.113.4,") + self.via("") + self.via("127.0.0.2, ,")
        self.burst(lambda: self.http.post(CREATE, {"email": new_email()}, lines), 3, 0, 2, full)
        r = self.http.post(CREATE, {"email": new_email()}, self.via("203.0.113.6") + self.via("127.0.0.2"))
        self.assertEqual(r.status, 200)

    def test_websockets_through_a_proxy(self):
        def upgrade():
            with Connection(self.server.address) as c:
                c.send(build("GET", SOCKET, upgrade_headers(new_key()) + self.via("203.0.113.5") + self.dashboard))
                return c.response()

        self.burst(upgrade, 2, 20, 20)


class Connections(ServerCase):
    args = ("--rate-connect", "2")

    def test_connections_of_one_address(self):
        """Without a trusted proxy X-Forwarded-For changes nothing."""
        crowd = [Connection(self.server.address) for _ in range(60)]  # at once: the bucket gets something back meanwhile
        for i, c in enumerate(crowd):
            self.addCleanup(c.close)
            if c is not crowd[-1]:
                with contextlib.suppress(OSError):  # refused already
                    c.send(build("GET", "/api/health", [("X-Forwarded-For", f"203.0.113.{i}")]))
        refused = crowd[-1].response()  # told without asking: a reset could overtake the answer
        self.assertRegex(refused.header("Retry-After"), r"^[1-9]\d*$")
        self.assertError(refused, 429)


class Rotation(unittest.TestCase):
    def test_a_new_key_first_then_the_old_one_goes(self):
        server = Server(patient=True)
        try:
            write_key(server, "old", KEY)
            write_key(server, "new", OTHER_KEY)
            server.args = ["--auth-key", "old"]
            server.start()
            old = server.http.post(CREATE, {"email": new_email()}).json()["token"]
            server.stop()
            server.args = ["--auth-key", "new", "--auth-key", "old"]
            server.start()
            new = server.http.post(CREATE, {"email": new_email()}).json()["token"]
            for token in (old, new):
                r = server.http.get(f"/api/users/{read(token)['sub']}/chats", bearer(token))
                self.assertEqual(r.status, 200)
            server.stop()
            server.args = ["--auth-key", "new"]
            server.start()
            for token, status in ((old, 401), (new, 200)):
                r = server.http.get(f"/api/users/{read(token)['sub']}/chats", bearer(token))
                self.assertEqual(r.status, status)
            server.stop()
        finally:
            server.discard()


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.server = Server(patient=True)
        self.key = write_key(self.server, "key", KEY)

    def tearDown(self):
        self.server.discard()

    def test_beyond_loopback_a_key_is_needed(self):
        for flag in ("--listen", "--admin-listen"):
            for address in ("0.0.0.0:18999", "[::]:18999"):
                for more in ((), ("--check-config",)):
                    code, out, err = run(flag, address, *more)
                    self.assertEqual((code, out), (2, ""))
                    for word in (flag, address, "--auth-key", "--insecure-no-auth"):
                        self.assertIn(word, err)
                code, _, err = run(flag, address, "--auth-key", self.key, "--check-config")
                self.assertEqual(code, 0, err)
                code, _, err = run(flag, address, "--insecure-no-auth", "--check-config")
                self.assertEqual(code, 0, err)
        self.assertEqual(run("--check-config")[0], 0)
        self.assertEqual(run("--listen", "127.8.8.8:1", "--listen", "[::1]:1", "--check-config")[0], 0)

    def test_bad_keys(self):
        short = write_key(self.server, "short", b"k" * 31)
        for args in (("--auth-key", short), ("--auth-key", "/nonexistent"), ("--auth-key", self.server.directory),
                     ("--auth-key", self.key, "--auth-key", short)):
            code, _, err = run(*args)
            self.assertEqual(code, 2)
            self.assertIn(args[-1], err)
            self.assertNotIn("kkkkkkkk", err)

    def test_issue_token(self):
        for principal, wanted in (("dashboard", {"role": "dashboard"}),
                                  ("dashboard:o:1", {"role": "dashboard", "owner": "o:1"}),
                                  ("widget:ann", {"role": "widget", "sub": "ann"})):
            code, out, err = run("--auth-key", self.key, "--issue-token", principal, "--token-ttl", "100")
            token = out.removesuffix("\n")
            self.assertEqual((code, err), (0, "" if "widget" in principal else f"console: http://127.0.0.1:8000/#token={token}\n"))
            got = read(token)
            self.assertEqual({k: got[k] for k in wanted}, wanted)
            self.assertEqual(set(got), set(wanted) | {"aud", "exp", "iat"})
            self.assertEqual(got["exp"] - got["iat"], 100)
            self.assertEqual(forge(got, KEY, {}).count("."), token.count("."))
        code, out, err = run("--auth-key", self.key, "--issue-token", "dashboard:o", "--subject", "ann", "--name", "Ann É")
        self.assertEqual(code, 0, err)
        got = read(out.removesuffix("\n"))
        self.assertEqual({k: got[k] for k in ("role", "owner", "sub", "name")},
                         {"role": "dashboard", "owner": "o", "sub": "ann", "name": "Ann É"})
        for args in (("--issue-token", "dashboard"), ("--auth-key", self.key, "--issue-token", "root"),
                     ("--auth-key", self.key, "--issue-token", "dashboard", "--name", "Ann"),
                     ("--auth-key", self.key, "--issue-token", "widget:x", "--subject", "ann"),
                     ("--auth-key", self.key, "--issue-token", "widget:"),
                     ("--auth-key", self.key, "--issue-token", "widget:" + "x" * 129)):
            code, out, err = run(*args)
            self.assertEqual((code, out), (2, ""))
            self.assertTrue(err)
        for args, address in ((("--listen", "0.0.0.0:81"), "localhost:81"), (("--listen", ":82"), "localhost:82"),
                              (("--listen", "[::1]:83", "--listen", "127.0.0.1:84"), "[::1]:83"),
                              (("--listen", "127.0.0.1:0"), None), (("--no-console",), None)):
            code, out, err = run("--auth-key", self.key, "--issue-token", "dashboard", *args)
            link = f"console: http://{address}/#token={out}" if address else ""
            self.assertEqual((code, err, out.count("\n")), (0, link, 1))
        # the environment of a service must not turn it into a token printer
        code, out, _ = run("--check-config", env={"SAKURAD_ISSUE_TOKEN": "dashboard", "SAKURAD_AUTH_KEY": self.key})
        self.assertEqual((code, out), (0, "configuration is valid\n"))

    def test_the_sample_configuration_is_good(self):
        """Every line in it, commented out or not, is an option with a value that passes."""
        sample = os.path.join(os.path.dirname(__file__), "..", "..", "dist", "sakurad.conf")
        with open(sample, encoding="utf-8") as f:
            found = re.findall(r"^#?([a-z-]+) = (.+)$", f.read(), re.M)
        self.assertGreater(len(found), 15)
        path = os.path.join(self.server.directory, "sakurad.conf")
        for name, value in found:
            if name == "auth-key":
                value = self.key
            if name == "store":  # the service's own folder is not on this machine
                value = value.replace("/var/lib/sakurad", self.server.directory)
            with open(path, "w", encoding="utf-8") as f:
                f.write(f"{name} = {value}\n")
            code, _, err = run("--config", path, "--check-config")
            self.assertEqual(code, 0, err)

    def test_insecure_is_said(self):
        self.server.args = ["--insecure-no-auth", "--admin-listen", "0.0.0.0:0"]
        self.server.start()
        # the scrape is at the operators' door: its port stands in the log
        port = int(self.server.logged(r"listening for operators address=0\.0\.0\.0:(\d+)")[1])
        self.assertEqual(self.server.http.get("/metrics").status, 404)
        with Connection(("127.0.0.1", port)) as operators:
            text = operators.request("GET", "/metrics").body.decode()
        self.assertIn("\nsakurad_insecure 1\n", text)
        self.server.logged("--insecure-no-auth")
        self.server.stop()

    def test_readable_key_is_said(self):
        os.chmod(self.key, 0o644)
        self.server.args = ["--auth-key", "key"]
        self.server.start()
        self.server.logged("can be read by others")
        self.assertEqual(self.server.http.get("/metrics").status, 401)
        dashboard = bearer(forge(claims("dashboard"), KEY))
        text = self.server.http.get("/metrics", dashboard).body.decode()
        self.assertIn("\nsakurad_insecure 0\n", text)
        self.server.stop()

    def test_user(self):
        code, _, err = run("--user", "no-such-user-here")
        self.assertEqual(code, 2)
        self.assertIn("no-such-user-here", err)
        self.assertEqual(run("--user", "root")[0], 2)
        if os.geteuid() != 0:
            code, _, err = run("--user", "nobody")
            self.assertEqual(code, 2)
            self.assertIn("root", err)
            return
        os.chmod(self.server.directory, 0o777)
        os.chmod(self.key, 0o600)  # root's: read before root is given up
        self.server.env["ASAN_OPTIONS"] = "detect_leaks=0"  # the leak checker cannot look into such a process
        self.server.args = ["--auth-key", "key", "--user", "nobody"]
        self.server.start()
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as f:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
        self.assertNotIn("0", status["Uid"].split("\t"))
        self.assertNotIn("0", status["Gid"].split("\t"))
        self.assertNotIn("0", status["Groups"].split())
        self.assertEqual(int(status["CapEff"], 16) | int(status["CapPrm"], 16), 0)
        self.assertEqual(status["NoNewPrivs"], "1")
        tasks = 0
        for task in os.listdir(f"/proc/{self.server.process.pid}/task"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError), \
                    open(f"/proc/{self.server.process.pid}/task/{task}/status", encoding="ascii") as f:
                self.assertIn(f"Uid:\t{status['Uid']}", f.read())  # else it ended meanwhile
                tasks += 1
        self.assertGreater(tasks, 4)
        self.assertEqual(self.server.http.post(CREATE, {"email": new_email()}).status, 200)
        self.server.stop()


class WithoutKeys(ServerCase):
    """Authentication off: tokens mean nothing, and nothing of it shows."""

    def test_everything_is_open(self):
        chat = Chat(self.http, email=new_email(), user_id="my-own-choice-" + new_email())
        self.assertTrue(chat.user_id.startswith("my-own-choice-"))
        r = self.post(CREATE, {"email": chat.email}, bearer("nonsense")).json()
        self.assertNotIn("token", r)
        self.assertNotIn("Authorization", self.get("/api/users").header("Vary") or "")
        self.get("/metrics")
        self.get("/api/debug/database-overview")
        ws = self.server.websocket(headers=[("Sec-WebSocket-Protocol", "bearer, x")])
        self.assertEqual(ws.upgrade.header("Sec-WebSocket-Protocol"), "bearer")  # else a browser would drop it
        ws.close()


if __name__ == "__main__":
    main()
