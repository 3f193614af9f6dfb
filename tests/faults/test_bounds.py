"""Every bound, a row each: what fills it, what is answered, the metric that counts it; and room again afterwards
(docs/architecture.md, invariant 10).

    bound                         flag                 answer
    body                          --max-body           413, by length and by chunks
    head                          --max-head           431, by one field, by their number and in trailers
    request line                  (8 KiB)              414
    WebSocket message             --ws-max-message     close 1009, whole and in fragments
    frames not taken              --ws-backlog         close 1013
    connections                   --max-connections    503
    connections of one address    --max-per-address    429
    writes waiting                --queue              503, and so are ops past --write-timeout
    reads waiting                 --queue              503
    requests and answers under way  --buffer-mb        503, and see test_fair.py
    sends, chats, connections     --rate-…             429
"""
import json
import select
import time
import unittest

from common import Chat, Server, Trouble, health, until

from harness.case import main
from harness.rawhttp import Connection, build
from harness.websocket import BINARY, CONTINUATION, TEXT, WebSocket

HEALTH = build("GET", "/api/health")


class Bounds(unittest.TestCase):
    def serve(self, *args):
        server = Server(*args, store_kind="sqlite").start()
        self.addCleanup(server.discard)
        self.addCleanup(server.assert_clean)
        return server

    def refused(self, r, status, detail=None):
        self.assertEqual(r.status, status, r)
        self.assertIsInstance(r.detail, str)
        if detail:
            self.assertIn(detail, r.detail)
        if status in (429, 503):
            self.assertRegex(r.header("Retry-After") or "", r"^[1-9]\d*$", "no Retry-After")

    def counted(self, server, name, **labels):
        until(lambda: server.metrics().get(name, **labels) >= 1, f"{name} {labels} is counted")  # maybe after the answer

    # requests
    def test_bodies(self):
        server = self.serve("--max-body", "2000")
        chat = Chat(server.http)
        path = f"/api/users/chats/{chat.id}/send"
        fits = json.dumps({"content": "x" * (2000 - len('{"content": ""}'))})
        self.assertEqual(len(fits), 2000)
        self.assertEqual(server.http.post(path, fits, [("Content-Type", "application/json")]).status, 200)
        self.refused(server.http.post(path, fits + " ", [("Content-Type", "application/json")]), 413)
        with server.connect() as c:  # each chunk is small, together they are too many
            c.send(build("POST", path, [("Transfer-Encoding", "chunked")]))
            c.send(b"3e8\r\n" + b"x" * 1000 + b"\r\n" + b"3e8\r\n" + b"x" * 1000 + b"\r\n" + b"1\r\nx\r\n")
            self.refused(c.response(), 413)
            self.assertTrue(c.at_end())
        self.assertEqual(len(chat.history()), 1)

    def test_heads(self):
        server = self.serve("--max-head", "1024")
        for title, headers in (("one field", [("X-Long", "x" * 1100)]), ("fields together", [("X", "y" * 50)] * 25),
                               ("their number", [("A", "")] * 120)):
            with self.subTest(title), server.connect() as c:
                self.refused(c.request("GET", "/api/health", headers=headers), 431)
                self.assertTrue(c.at_end())
        with server.connect() as c:
            c.send(build("POST", "/api/chat", [("Transfer-Encoding", "chunked")]) + b"0\r\nX: " + b"y" * 1100 + b"\r\n\r\n")
            self.refused(c.response(), 431)
        with server.connect() as c:
            c.send(b"GET /" + b"x" * 900 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertEqual(c.response().status, 404, "inside the bound")

    def test_request_lines(self):
        server = self.serve()
        with server.connect() as c:
            self.refused(c.request("GET", "/" + "x" * 8192), 414)
            self.assertTrue(c.at_end())
        with server.connect() as c:
            self.assertEqual(c.request("GET", "/" + "x" * 8191).status, 404)

    # WebSocket
    def test_messages(self):
        server = self.serve("--ws-max-message", "256")
        for title, frames in (("text", [(TEXT, b"x" * 257, True)]), ("binary", [(BINARY, b"x" * 257, True)]),
                              ("announced only", [(TEXT, b"x" * 70000, True)]),
                              ("fragments", [(TEXT, b"x" * 200, False), (CONTINUATION, b"x" * 57, True)]),
                              ("fragments without end", [(TEXT, b"", False)] + [(CONTINUATION, b"x" * 50, False)] * 6)):
            with self.subTest(title), WebSocket(server.address) as ws:
                ws.greet()
                for opcode, payload, fin in frames:
                    ws.send_frame(opcode, payload, fin=fin)
                self.assertEqual(ws.recv_close(), 1009)
        with WebSocket(server.address) as ws:
            ws.greet()
            ws.send_frame(TEXT, b'{"action":"ping"}'.ljust(256))
            self.assertEqual(ws.recv_json()["type"], "pong")

    def test_frames_not_taken(self):
        """It is told 1013, if it begins to read within two seconds of the cut: a busy machine gets more than one try."""
        server = self.serve("--ws-backlog", "1024", "--ws-ping", "0")
        chat = Chat(server.http)
        told = None
        for _ in range(10):
            told = told or self.lazy(server, chat)
        self.assertEqual(told, 1013)
        self.counted(server, "sakurad_websockets_total", event="cut_slow")

    def lazy(self, server, chat):
        """The code that a subscriber is closed with which does not read until it is cut; None: it came too late for it."""
        before = server.metrics().get("sakurad_websockets_total", event="cut_slow")
        send = build("POST", f"/api/users/chats/{chat.id}/send", body={"content": "n"})
        with WebSocket(server.address, receive_buffer=2048) as ws, server.connect() as c:
            ws.greet()
            ws.subscribe("chat_updates")
            for _ in range(2000):
                if server.metrics().get("sakurad_websockets_total", event="cut_slow") > before:
                    break
                c.send(send * 20)
                self.assertEqual({c.response().status for _ in range(20)}, {200})
            else:
                self.fail("it was not cut")
            try:
                return ws.recv_close()
            except ConnectionError:
                return None

    # connections
    def crowd(self, server, limit, status, reason):
        """`limit` connections are served, the next is told; one that goes makes room."""
        server.http.close()
        server.http.conn = None
        until(lambda: self.served(server), "room for one")
        held = []
        while len(held) < limit:
            got, c = self.first_answer(server)
            if got == 200:
                held.append(c)
            else:
                self.assertIn(got, (status, None))  # the last one's place may not be free yet
                c.close()
                time.sleep(0.02)
        with server.connect() as c:
            self.refused(c.response(), status, "Too many connections")
            self.assertTrue(c.at_end())
        for c in held:
            c.send(HEALTH)
            self.assertEqual(c.response().status, 200)
            c.close()
        until(lambda: self.served(server), "room again")
        until(lambda: self.scrape(server, reason), "it is counted")

    def first_answer(self, server):
        c = server.connect()
        self.addCleanup(c.close)
        try:
            c.send(HEALTH)
            return c.response().status, c
        except OSError:
            return None, c

    def served(self, server):
        status, c = self.first_answer(server)
        c.close()
        return status == 200

    def scrape(self, server, reason):
        try:
            return server.metrics().get("sakurad_connections_refused_total", reason=reason) >= 1
        except (OSError, AssertionError):
            return False

    def test_connections(self):
        self.crowd(self.serve("--max-connections", "5"), 5, 503, "max_connections")

    def test_connections_of_one_address(self):
        self.crowd(self.serve("--max-per-address", "5"), 5, 429, "per_address")

    # queues
    def fill(self, server, calls, delay_us, requests, metric):
        """The store is slow; every request is sent at once, each on its own connection, which was there before."""
        connections = [Connection(server.address, timeout=180) for _ in requests]
        for c in connections:
            self.addCleanup(c.close)
            self.assertEqual(c.request("GET", "/api/health").status, 200)
        with Trouble(server, calls, f"delay_enter={delay_us}"):
            for c, data in zip(connections, requests):
                c.send(data)
            answers = [c.response() for c in connections]
        full = [r for r in answers if r.status == 503]
        self.assertGreater(len(full), 0)
        for r in full:
            self.refused(r, 503)
        self.counted(server, "sakurad_queue_full_total", queue=metric)
        until(lambda: health(server)[0] == 200, "well again")
        return answers

    def test_writes_waiting(self):
        server = self.serve("--queue", "8", "--write-timeout", "120000")
        chat = Chat(server.http)
        path = f"/api/users/chats/{chat.id}/send"
        sends = [build("POST", path, body={"content": f"m {i}", "client_message_id": f"{i}"}) for i in range(60)]
        answers = self.fill(server, "fdatasync,fsync", 3000000, sends, "writer")
        stored = {m["_id"] for m in chat.history()}
        acknowledged = [r.json()["message_id"] for r in answers if r.status == 200]
        self.assertGreaterEqual(len(acknowledged), 8)
        self.assertEqual([i for i in acknowledged if i not in stored], [])
        for data in sends:  # by the same keys: everything once
            with server.connect() as c:
                c.send(data)
                self.assertEqual(c.response().status, 200)
        self.assertEqual(sorted(m["content"] for m in chat.history()), sorted(f"m {i}" for i in range(60)))

    def test_writes_past_their_time(self):
        """The store takes five seconds for a sync: a write that comes meanwhile waits longer than the 300 ms it may. On a
        machine that stands still just then it may come too late for that, and is written: more than one try."""
        server = self.serve("--write-timeout", "300")
        chat = Chat(server.patient(), email="ann@x.io")
        path = f"/api/users/chats/{chat.id}/send"
        statuses = []
        with Trouble(server, "fdatasync,fsync", "delay_enter=5000000") as trouble:
            while 503 not in statuses and len(statuses) < 5:
                with server.connect(timeout=180) as first, server.connect(timeout=180) as second:
                    begun = trouble.calls
                    first.send(build("POST", path, body={"content": "a"}))
                    until(lambda: trouble.calls > begun, "the writer is inside a sync")
                    second.send(build("POST", path, body={"content": "b"}))
                    r = second.response()
                    statuses.append(r.status)
                    first.response()
            self.refused(r, 503)
        until(lambda: server.http.post(path, {"content": "c"}).status == 200, "well again")

    def test_reads_waiting(self):
        server = self.serve("--queue", "4", "--readers", "1", "--cache-mb", "1")
        misses = [build("GET", f"/api/chats/{i:08x}-0000-4000-8000-000000000000") for i in range(60)]
        answers = self.fill(server, "fcntl,pread64", 200000, misses, "reader")
        self.assertEqual({r.status for r in answers} - {503}, {404})

    def test_requests_under_way(self):
        """Bodies that have half come fill the memory for requests: some of them are told, whoever comes is served, and those
        that are left go on. Their deadline is far: it must not make room before the memory is full (tests/e2e/test_http.py has
        it; who gives way to whom: test_fair.py)."""
        server = self.serve("--buffer-mb", "8", "--max-body", "400000")
        chat = Chat(server.http)
        path, came = f"/api/users/chats/{chat.id}/send", []
        body = b'{"content":"' + b"x" * 299986 + b'"}'
        self.assertEqual(len(body), 300000)
        for _ in range(16):
            c = server.connect()
            self.addCleanup(c.close)
            c.send(build("POST", path, [("Content-Type", "application/json"), ("Content-Length", "300000")]) + body[:250000])
            came.append(c)
        until(lambda: len(self.readable(came)) >= 3, "some are told")
        chat.send("y" * 30000)
        told = self.readable(came)
        for c in told:
            self.refused(c.response(), 503)
        held = [c for c in came if c not in told]
        self.assertGreater(len(held), 1)
        self.counted(server, "sakurad_connections_cut_total", reason="memory")
        for c in held[2:]:
            c.close()
        until(lambda: server.metrics().get("sakurad_buffer_bytes") < 1200000, "room again")
        statuses = []
        for c in held[:2]:  # one of them may just have given way
            c.send(body[250000:])
            statuses.append(c.response().status)
        self.assertIn(200, statuses)
        until(lambda: server.metrics().get("sakurad_buffer_bytes") < 100000, "its memory is free")
        chat.client = server.client()
        chat.send("x" * 250000)

    def readable(self, connections):
        ready = select.select([c.sock for c in connections], [], [], 0)[0]
        return [c for c in connections if c.sock in ready]

    # rates
    def rated(self, flag, kind, make):
        """One a second, and ten at once: never more than that, however fast or slow this machine asks."""
        server = self.serve(flag, "1")
        chat = Chat(server.http)
        begin = time.monotonic()
        statuses = []
        while 429 not in statuses or len(statuses) < 40:
            r = make(server, chat, len(statuses))
            statuses.append(r.status)
            self.assertLessEqual(statuses.count(200), 10 + time.monotonic() - begin + 1)
            if r.status != 200:
                self.refused(r, 429)
            self.assertLess(time.monotonic() - begin, 180, "never refused")
        self.assertIn(200, statuses[:10])
        return server, kind

    def test_sends(self):
        server, kind = self.rated("--rate-send", "send", lambda s, chat, i: s.http.post(
            f"/api/users/chats/{chat.id}/send", {"content": f"m {i}"}))
        self.counted(server, "sakurad_rate_limited_total", kind=kind)
        self.assertEqual(server.http.get("/api/health").status, 200, "reads are not limited")

    def test_chats_created(self):
        server, kind = self.rated("--rate-create", "create", lambda s, chat, i: s.http.post(
            "/api/users/chats/create", {"email": f"e{i}@x.io"}))
        self.counted(server, "sakurad_rate_limited_total", kind=kind)

    def test_connections_at_once(self):
        def connect(server, chat, i):
            while True:
                try:
                    with server.connect() as c:
                        c.send(HEALTH)
                        return c.response()
                except OSError:
                    pass  # the reset overtook the answer
        self.rated("--rate-connect", "connect", connect)


if __name__ == "__main__":
    main()
