"""HTTP/1.1 on the wire: what is well formed is answered in order, what is not is refused, and the limits hold."""
import json
import re
import time

from harness.case import ServerCase, main
from harness.rawhttp import build
from harness.routes import PATTERNS, ROUTES, methods_of, path

HEALTH = build("GET", "/api/health")
MAX_BODY = 65536
MAX_HEAD = 16384


def raw(*lines, body=b""):
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


H = "Host: localhost"
MALFORMED = (
    ("Host missing", raw("GET /api/health HTTP/1.1")),
    ("Host repeated", raw("GET /api/health HTTP/1.1", H, H)),
    ("HTTP/0.9", b"GET /api/health\r\n\r\n"),
    ("HTTP/1.10", raw("GET /api/health HTTP/1.10", H)),
    ("HTTP/2.0", raw("GET /api/health HTTP/2.0", H)),
    ("HTTP/11", raw("GET /api/health HTTP/11", H)),
    ("another protocol's name", raw("GET /api/health ICY/1.1", H)),
    ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64)),
    ("binary", bytes(range(256))),
    ("no target", raw("GET  HTTP/1.1", H)),
    ("target without a slash", raw("GET api/health HTTP/1.1", H)),
    ("space in the target", raw("GET /api /health HTTP/1.1", H)),
    ("obs-fold", raw("GET /api/health HTTP/1.1", H, "X-A: b", " c")),
    ("obs-fold by tab", raw("GET /api/health HTTP/1.1", H, "X-A: b", "\tc")),
    ("space before the first field", raw("GET /api/health HTTP/1.1", " X-A: b", H)),
    ("empty field name", raw("GET /api/health HTTP/1.1", H, ": x")),
    ("space before the colon", raw("GET /api/health HTTP/1.1", H, "X-A : b")),
    ("no colon", raw("GET /api/health HTTP/1.1", H, "X-A")),
    ("NUL in a value", raw("GET /api/health HTTP/1.1", H, "X-A: a\0b")),
    ("control character in a value", raw("GET /api/health HTTP/1.1", H, "X-A: a\x01b")),
    ("bare CR in a value", raw("GET /api/health HTTP/1.1", H, "X-A: a\rb")),
    ("bare CR instead of CRLF", b"GET /api/health HTTP/1.1\rHost: localhost\r\r"),
    ("Transfer-Encoding with Content-Length", raw("POST /api/chat HTTP/1.1", H, "Content-Length: 5",
                                                  "Transfer-Encoding: chunked", body=b"0\r\n\r\n")),
    ("Content-Length with Transfer-Encoding", raw("POST /api/chat HTTP/1.1", H, "Transfer-Encoding: chunked",
                                                  "Content-Length: 5", body=b"0\r\n\r\n")),
    ("Transfer-Encoding on HTTP/1.0", raw("POST /api/chat HTTP/1.0", H, "Transfer-Encoding: chunked", body=b"0\r\n\r\n")),
    ("Transfer-Encoding empty", raw("POST /api/chat HTTP/1.1", H, "Transfer-Encoding: ", body=b"0\r\n\r\n")),
    ("Transfer-Encoding unknown", raw("POST /api/chat HTTP/1.1", H, "Transfer-Encoding: xchunked", body=b"0\r\n\r\n")),
    ("chunked not last", raw("POST /api/chat HTTP/1.1", H, "Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n")),
    ("Content-Length twice, different", raw("POST /api/chat HTTP/1.1", H, "Content-Length: 2", "Content-Length: 3", body=b"{} ")),
    ("Content-Length negative", raw("POST /api/chat HTTP/1.1", H, "Content-Length: -2", body=b"{}")),
    ("Content-Length with a sign", raw("POST /api/chat HTTP/1.1", H, "Content-Length: +2", body=b"{}")),
    ("Content-Length in hex", raw("POST /api/chat HTTP/1.1", H, "Content-Length: 0x2", body=b"{}")),
    ("Content-Length empty", raw("POST /api/chat HTTP/1.1", H, "Content-Length: ", body=b"{}")),
    ("Content-Length past 64 bits", raw("POST /api/chat HTTP/1.1", H, "Content-Length: 99999999999999999999999", body=b"{}")),
    ("chunk size not hex", raw("POST /api/chat HTTP/1.1", H, "Transfer-Encoding: chunked", body=b"zz\r\n{}\r\n0\r\n\r\n")),
    ("chunk size negative", raw("POST /api/chat HTTP/1.1", H, "Transfer-Encoding: chunked", body=b"-2\r\n{}\r\n0\r\n\r\n")),
    ("chunk data without its CRLF", raw("POST /api/chat HTTP/1.1", H, "Transfer-Encoding: chunked", body=b"2\r\n{}0\r\n\r\n")),
    ("chunk data longer than its size", raw("POST /api/chat HTTP/1.1", H, "Transfer-Encoding: chunked", body=b"1\r\n{}\r\n0\r\n\r\n")),
    ("Content-Length in the trailers", raw("POST /api/chat HTTP/1.1", H, "Transfer-Encoding: chunked",
                                           body=b"2\r\n{}\r\n0\r\nContent-Length: 2\r\n\r\n")),
    ("a body on an upgrade", raw("GET /ws/dashboard HTTP/1.1", H, "Connection: Upgrade", "Upgrade: websocket",
                                 "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                                 "Content-Length: 5", body=b"hello")),
)

# RFC 9110, 9.1: a method that nobody knows is not implemented, which is not the sender's mistake of form.
UNKNOWN = (
    ("lower-case method", raw("get /api/health HTTP/1.1", H)),
    ("CONNECT", raw("CONNECT example.com:443 HTTP/1.1", H)),
    ("unknown method", raw("FETCHIT /api/health HTTP/1.1", H)),
)


class Malformed(ServerCase):
    def test_each_is_refused_with_400_and_the_connection_ends(self):
        for name, data in MALFORMED:
            with self.subTest(name), self.server.connect() as c:
                c.send(data)
                r = c.response()
                self.assertError(r, 400)
                self.assertEqual((r.header("Connection") or "").lower(), "close")
                self.assertTrue(c.at_end(), "what follows a malformed request must not be read")

    def test_an_encoded_body_is_refused_with_415(self):
        """It was read as if it were not."""
        chat = self.chat()
        target = f"/api/users/chats/{chat.id}/send"
        for value, status in (("gzip", 415), ("identity, br", 415), ("x", 415), ("identity", 200), ("", 200)):
            with self.subTest(value):
                r = self.http.post(target, {"content": "x"}, [("Content-Encoding", value)])
                self.assertEqual(r.status, status, r)
                if status == 415:
                    self.assertError(r, 415)
        self.assertEqual(len(chat.history()), 2)

    def test_unknown_methods_are_refused_with_501(self):
        for name, data in UNKNOWN:
            with self.subTest(name), self.server.connect() as c:
                c.send(data)
                self.assertError(c.response(), 501)
                self.assertTrue(c.at_end())

    def test_a_good_request_before_a_malformed_one_is_answered_first(self):
        with self.server.connect() as c:
            c.send(HEALTH + b"GET / HTTP/9.9\r\n\r\n")
            self.assertEqual(c.response().status, 200)
            self.assertError(c.response(), 400)
            self.assertTrue(c.at_end())

    def test_nothing_after_a_malformed_request_is_carried_out(self):
        chat = self.chat()
        smuggled = build("POST", f"/api/chats/{chat.id}/send", body={"content": "smuggled"})
        for name, data in MALFORMED + UNKNOWN:
            with self.subTest(name), self.server.connect() as c:
                c.send(data + smuggled)
                self.assertIn(c.response().status, (400, 501))
        self.assertEqual(chat.history(), [])

    def test_malformed_requests_are_counted(self):
        before = self.server.metrics().get("sakurad_http_malformed_total")
        with self.server.connect() as c:
            c.send(b"nonsense\r\n\r\n")
            c.response()
        self.assertEqual(self.server.metrics().get("sakurad_http_malformed_total"), before + 1)


class Wire(ServerCase):
    args = ("--max-body", str(MAX_BODY), "--max-head", str(MAX_HEAD))

    def test_absolute_form(self):
        with self.server.connect() as c:
            self.assertEqual(c.request("GET", "http://localhost/api/health").status, 200)

    def test_empty_lines_before_a_request_are_ignored(self):
        with self.server.connect() as c:
            c.send(b"\r\n\r\n" + HEALTH)
            self.assertEqual(c.response().status, 200)

    def test_field_names_have_no_case(self):
        with self.server.connect() as c:
            body = json.dumps({"message": "m", "session_id": "s"})
            c.send(raw("POST /api/chat HTTP/1.1", "hOST: x", "cONTENT-tYPE: application/json",
                       f"CONTENT-LENGTH: {len(body)}", body=body.encode()))
            self.assertEqual(c.response().status, 200)

    def test_pipelined_requests_are_answered_in_order(self):
        """Answers that need the store must not be overtaken by those that do not."""
        chat = self.chat()
        requests, expected = [], []
        for i in range(50):
            requests.append(build("POST", f"/api/users/chats/{chat.id}/send", body={"content": f"n {i}"}))
            expected.append((200, "Message sent successfully"))
            requests.append(HEALTH)
            expected.append((200, "healthy"))
            requests.append(build("GET", f"/nowhere/{i}"))
            expected.append((404, "Not Found"))
            requests.append(build("POST", f"/api/users/chats/none-{i}/send", body={"content": "x"}))
            expected.append((404, f"Chat not found: none-{i}"))
            requests.append(build("GET", f"/api/users/{chat.user_id}/chats"))
            expected.append((200, f"n {i}"))
        with self.server.connect() as c:
            c.send(b"".join(requests))
            for status, text in expected:
                r = c.response()
                self.assertEqual(r.status, status, r)
                self.assertIn(text, r.body.decode())
        self.assertEqual([m["content"] for m in chat.history()], [f"n {i}" for i in range(50)])

    def test_byte_by_byte(self):
        chat = self.chat()
        with self.server.connect() as c:
            for target, headers, body in (
                    ("send", [], json.dumps({"content": "slowly"}).encode()),
                    ("send", [("Content-Type", "application/x-www-form-urlencoded")], b"content=slowly"),
                    ("send", [("Transfer-Encoding", "chunked")], b"5\r\n{\"con\r\nf\r\ntent\":\"slowly\"}\r\n0\r\n\r\n")):
                with self.subTest(headers=headers):
                    c.send_slowly(build("POST", f"/api/users/chats/{chat.id}/{target}", headers, body))
                    self.assertEqual(c.response().status, 200)
        self.assertEqual([m["content"] for m in chat.history()], ["slowly"] * 3)

    def test_two_requests_cut_at_every_point(self):
        data = build("POST", "/api/chat", body={"message": "m", "session_id": "s"}) + \
            build("POST", "/api/chat", [("Transfer-Encoding", "chunked"), ("Content-Type", "application/json")],
                  b"20\r\n{\"message\":\"m\",\"session_id\":\"t\"}\r\n0\r\n\r\n")
        with self.server.connect() as c:
            for cut in range(1, len(data)):
                c.send(data[:cut])
                time.sleep(0.0003)  # so that the server sees two reads
                c.send(data[cut:])
                self.assertEqual(c.response().json()["session_id"], "s", f"cut at {cut}")
                self.assertEqual(c.response().json()["session_id"], "t", f"cut at {cut}")

    def test_chunked_body_with_extension_and_trailer(self):
        with self.server.connect() as c:
            c.send(build("POST", "/api/chat", [("Transfer-Encoding", "chunked"), ("Content-Type", "application/json")],
                         b"20;name=value\r\n{\"message\":\"m\",\"session_id\":\"t\"}\r\n0\r\nX-Sum: 1\r\n\r\n"))
            self.assertEqual(c.response().json()["session_id"], "t")
            self.assertEqual(c.request("GET", "/api/health").status, 200)

    # keep-alive
    def test_keep_alive_and_close(self):
        rows = (
            ("1.1 stays", "HTTP/1.1", [], True),
            ("1.1 with close ends", "HTTP/1.1", [("Connection", "close")], False),
            ("1.1 with close among others ends", "HTTP/1.1", [("Connection", "x-other, Close")], False),
            ("1.0 ends", "HTTP/1.0", [], False),
            ("1.0 with keep-alive stays", "HTTP/1.0", [("Connection", "keep-alive")], True),
        )
        for target in ("/api/health", "/nowhere", "/api/users?skip=0&limit=1"):
            for name, version, headers, stays in rows:
                with self.subTest(name, target=target), self.server.connect() as c:
                    r = c.request("GET", target, headers=headers, version=version)
                    self.assertIn(r.status, (200, 404))
                    said = (r.header("Connection") or "").lower()
                    if stays:
                        self.assertEqual(said, "keep-alive" if version == "HTTP/1.0" else said)
                        self.assertNotEqual(said, "close")
                        self.assertEqual(c.request("GET", "/api/health").status, 200)
                    else:
                        self.assertEqual(said, "close")
                        self.assertTrue(c.at_end())

    def test_http10_needs_no_host(self):
        with self.server.connect() as c:
            c.send(b"GET /api/health HTTP/1.0\r\n\r\n")
            self.assertEqual(c.response().json()["status"], "healthy")
            self.assertTrue(c.at_end())

    def test_half_closed_client_gets_its_answers(self):
        chat = self.chat()
        with self.server.connect() as c:
            c.send(build("POST", f"/api/chats/{chat.id}/send", body={"content": "last words"}) + HEALTH)
            c.sock.shutdown(1)
            self.assertEqual(c.response().status, 200)
            self.assertEqual(c.response().status, 200)
            self.assertTrue(c.at_end())

    # Expect
    def test_expect_100_continue(self):
        body = json.dumps({"message": "m", "session_id": "s"}).encode()
        head = raw("POST /api/chat HTTP/1.1", H, "Content-Type: application/json", f"Content-Length: {len(body)}",
                   "Expect: 100-continue")
        with self.server.connect() as c:
            c.send(head)
            self.assertEqual(c.response().status, 100)
            c.send(body)
            self.assertEqual(c.response().json()["session_id"], "s")
            # The body comes along: 100 may be left out, and is at most said once.
            c.send(head + body)
            r = c.response()
            if r.status == 100:
                r = c.response()
            self.assertEqual(r.status, 200)
            self.assertEqual(c.request("GET", "/api/health").status, 200)

    def test_expect_100_continue_is_not_for_http10(self):
        body = json.dumps({"message": "m", "session_id": "s"}).encode()
        with self.server.connect() as c:
            c.send(raw("POST /api/chat HTTP/1.0", H, "Content-Type: application/json", f"Content-Length: {len(body)}",
                       "Expect: 100-continue"))
            self.assertTrue(c.silent())
            c.send(body)
            self.assertEqual(c.response().status, 200)

    def test_expect_100_continue_too_large_gets_413_at_once(self):
        with self.server.connect() as c:
            c.send(raw("POST /api/chat HTTP/1.1", H, f"Content-Length: {MAX_BODY + 1}", "Expect: 100-continue"))
            self.assertError(c.response(), 413)
            self.assertTrue(c.at_end())

    # limits
    def test_413_when_content_length_says_so(self):
        with self.server.connect() as c:
            c.send(raw("POST /api/users/data HTTP/1.1", H, f"Content-Length: {MAX_BODY + 1}"))
            self.assertError(c.response(), 413)
            self.assertTrue(c.at_end())

    def test_413_when_the_chunks_add_up(self):
        with self.server.connect() as c:
            c.send(raw("POST /api/users/data HTTP/1.1", H, "Transfer-Encoding: chunked"))
            chunk = b"1000\r\n" + b" " * 4096 + b"\r\n"
            try:
                for _ in range(MAX_BODY // 4096 + 1):
                    c.send(chunk)
            except OSError:
                pass  # cut while still sending: the answer may still be there
            self.assertError(c.response(), 413)

    def test_a_body_of_exactly_the_limit(self):
        chat = self.chat()
        frame = json.dumps({"content": ""})
        body = json.dumps({"content": "a" * (MAX_BODY - len(frame))})
        self.assertEqual(len(body), MAX_BODY)
        self.post(f"/api/chats/{chat.id}/send", body, [("Content-Type", "application/json")])
        self.assertEqual(len(chat.history()[0]["content"]), MAX_BODY - len(frame))

    def test_414(self):
        with self.server.connect() as c:
            c.send(build("GET", "/api/users?x=" + "a" * 9000))
            self.assertError(c.response(), 414)
            self.assertTrue(c.at_end())

    def test_431(self):
        for name, headers in (("one long field", [("X-Long", "a" * MAX_HEAD)]),
                              ("many fields", [(f"X-{i}", "a" * 100) for i in range(MAX_HEAD // 50)]),
                              ("more than 100 fields", [(f"X-{i}", "a") for i in range(101)])):
            with self.subTest(name), self.server.connect() as c:
                c.send(build("GET", "/api/health", headers))
                self.assertError(c.response(), 431)
                self.assertTrue(c.at_end())

    # routing
    def test_unknown_paths(self):
        for target in ("/index.html", "/api", "/api/nothing", "/api/users/a/b/c", "/api/chats/x/messages/y", "/ws", "/API/health",
                       "//api/health", "/api//health", "/api/health/x"):
            with self.subTest(target):
                self.assertError(self.http.get(target), 404, "Not Found")

    def test_trailing_slash_is_redirected(self):
        for method, pattern in ROUTES:
            with self.subTest(f"{method} {pattern}"):
                target = path(pattern)
                for query in ("", "?skip=0&limit=7"):
                    r = self.http.request(method, f"{target}/{query}", {} if method != "GET" else None)
                    self.assertEqual(r.status, 307, r)
                    self.assertEqual(r.header("Location"), target + query)

    def test_other_methods_get_405_with_allow(self):
        for pattern in PATTERNS:
            allowed = methods_of(pattern)
            for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"):
                if method in allowed:
                    continue
                with self.subTest(f"{method} {pattern}"):
                    r = self.http.request(method, path(pattern))
                    self.assertEqual(r.status, 405, r)
                    self.assertEqual(set(r.header("Allow").replace(" ", "").split(",")), allowed)
                    if method != "HEAD":
                        self.assertError(r, 405, "Method Not Allowed")

    def test_head_says_what_get_says(self):
        chat = self.chat()
        chat.send("hello")
        volatile = {b"date", b"content-length"}
        for method, pattern in ROUTES:
            if method != "GET" or pattern in ("/ws/dashboard",):
                continue
            for target in {path(pattern, chat.id, chat.user_id), path(pattern)}:
                with self.subTest(target), self.server.connect() as c:
                    got = c.request("GET", target)
                    c.send(build("HEAD", target) + build("GET", "/api/health"))
                    head = c.response(head=True)
                    self.assertEqual(head.status, got.status)
                    self.assertEqual([h for h in head.headers if h[0] not in volatile],
                                     [h for h in got.headers if h[0] not in volatile])
                    if pattern not in ("/metrics", "/api/health"):
                        self.assertEqual(head.header("Content-Length"), got.header("Content-Length"))
                    self.assertEqual(c.response().json()["status"], "healthy", "HEAD must carry no body")

    def test_percent_encoding_in_paths(self):
        email = "ann+tag@x.io"
        chat = self.chat(email=email, name="Ann")
        for form in ("ann+tag@x.io", "ann%2Btag%40x.io", "ann%2btag%40x%2eio", "%61nn+tag%40x.io"):
            with self.subTest(form):
                self.assertEqual(self.get(f"/api/users/{form}/chats").json()["user_id"], chat.user_id)
        slash = self.chat(email="a/b@x.io", name="Slash")
        self.assertEqual(self.get("/api/users/a%2Fb%40x.io").json()["_id"], slash.user_id)
        accent = self.chat(email="é@x.io", name="É")
        self.assertEqual(self.get("/api/users/%C3%A9%40x.io").json()["_id"], accent.user_id)
        for bad in ("%", "%4", "%zz", "%00", "a%00b", "%ff", "%c3%28", "%ed%a0%80"):
            with self.subTest(bad):
                self.assertError(self.http.get(f"/api/users/{bad}/chats"), 400)

    def test_query_decoding(self):
        chat = self.chat()
        encoded = chat.email.replace("@", "%40")
        self.assertEqual(self.get(f"/api/chats?email={encoded}").json()["total"], 1)
        self.assertEqual(self.get(f"/api/users?skip=%30&limit=%31%30").json()["limit"], 10)
        self.assertEqual(self.get("/api/users?limit=3&unknown=%41&limit=5").json()["limit"], 5)

    def test_json_is_application_json(self):
        chat = self.chat()
        for method, pattern in ROUTES:
            if method == "GET" and pattern not in ("/ws/dashboard", "/metrics"):
                with self.subTest(pattern):
                    r = self.get(path(pattern, chat.id, chat.user_id))
                    self.assertEqual(r.header("Content-Type"), "application/json")


class Deadlines(ServerCase):
    """A new connection that says nothing ends without a word: whoever gets no turn at the core for so long between
    connecting and sending meets that instead of what is tested, and tries again."""
    args = ("--head-timeout", "500", "--body-timeout", "500", "--idle-timeout", "500")

    def cut(self, reason):
        return self.in_time(lambda: self.server.metrics().get("sakurad_connections_cut_total", reason=reason))

    def in_time(self, attempt):
        for _ in range(20):
            try:
                return attempt()
            except OSError as closed:
                last = closed
        self.fail(f"never in time: {last}")

    def answer_to(self, data):
        """The answer to something unfinished, after which the connection ends."""
        with self.server.connect() as c:
            c.send(data)
            r = c.response()
            self.assertTrue(c.at_end())
            return r

    def test_slow_head(self):
        before = self.cut("head")
        self.assertError(self.in_time(lambda: self.answer_to(b"GET /api/health HTT")), 408)
        self.assertEqual(self.cut("head"), before + 1)

    def test_slow_body(self):
        before = self.cut("body")
        data = build("POST", "/api/chat", [("Content-Length", "100")], b"{")
        self.assertError(self.in_time(lambda: self.answer_to(data)), 408)
        self.assertEqual(self.cut("body"), before + 1)

    def test_idle_connection_ends_without_a_word(self):
        before = self.cut("idle")

        def ends_after_an_answer():
            with self.server.connect() as c:
                c.request("GET", "/api/health")
                return c.at_end()
        self.assertTrue(self.in_time(ends_after_an_answer))
        with self.server.connect() as c:
            self.assertTrue(c.at_end(), "one that never asked anything")
        self.assertGreaterEqual(self.cut("idle"), before + 2)


class SlowLine(ServerCase):
    """--response-timeout is for clients that do not take their answer, not for answers that take long."""

    args = ("--response-timeout", "1500")

    def test_a_steady_reader_of_18_mb_gets_it_all(self):
        chat = self.chat()
        for _ in range(9):
            chat.send("x" * 1000000)
        begin = time.monotonic()
        with self.server.connect(receive_buffer=65536) as c:
            c.send(build("GET", f"/api/users/{chat.user_id}/chats"))
            head = c.take_until(b"\r\n\r\n")
            left = int(re.search(rb"Content-Length: (\d+)", head)[1])
            self.assertGreater(left, 18000000)
            while left > 0:
                left -= len(c.take(min(left, 1 << 17)))
                time.sleep(0.02)
            self.assertGreater(time.monotonic() - begin, 1.8, "it took longer than the timeout")
            self.assertEqual(c.request("GET", "/api/health").status, 200)

    def test_a_reader_by_drops_is_cut(self):
        chat = self.chat()
        for _ in range(9):
            chat.send("x" * 1000000)
        with self.server.connect(receive_buffer=4096) as c:
            c.send(build("GET", f"/api/users/{chat.user_id}/chats"))

            def cut():
                c.sock.recv(1)
                return self.server.metrics().get("sakurad_connections_cut_total", reason="write") >= 1
            self.eventually(cut, "it is cut")


class Full(ServerCase):
    args = ("--max-connections", "4")

    def open_now(self):
        try:
            return self.server.metrics().get("sakurad_connections_open")
        except (OSError, AssertionError):
            return None

    def status(self, connection):
        """The answer's status; None where the reset overtook it."""
        try:
            connection.send(HEALTH)
            return connection.response().status
        except OSError:
            return None

    def test_connections_past_the_maximum_are_refused_and_counted(self):
        self.http.close()
        self.eventually(lambda: self.open_now() == 1, "only the scrape's own connection")
        held = []
        try:
            while len(held) < 4:  # the scrape's may take a moment to go
                c = self.server.connect()
                if self.status(c) == 200:
                    held.append(c)
                else:
                    c.close()
            with self.server.connect() as one_more:
                r = one_more.response()  # it is told before it asks
                self.assertError(r, 503, "Too many connections")
                self.assertTrue(one_more.at_end())
            for c in held:
                self.assertEqual(c.request("GET", "/api/health").status, 200, "those inside are served")
        finally:
            for c in held:
                c.close()
        self.eventually(lambda: self.open_now() == 1, "room again")
        self.assertGreaterEqual(self.server.metrics().get("sakurad_connections_refused_total", reason="max_connections"), 1)


if __name__ == "__main__":
    main()
