"""Which web origins may read answers: the allowlist, preflights, and errors too."""
from harness.case import FOREIGN, ORIGINS, ServerCase, main
from harness.rawhttp import build

METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}


class Cors(ServerCase):
    allowed = ORIGINS
    refused = (FOREIGN, "http://localhost:3002", "https://localhost:3000", "http://localhost", "null",
               "http://localhost:3000.evil.example", "http://LOCALHOST:3000/", "http://127.0.0.1:30000")

    def assertAllowed(self, r, origin):
        self.assertEqual(r.header("Access-Control-Allow-Origin"), origin, r)
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
                    self.assertAllowed(r, origin)
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


if __name__ == "__main__":
    main()
