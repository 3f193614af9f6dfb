"""WebSocket /ws/dashboard: the opening handshake, RFC 6455's rules for frames, and the dashboards' protocol. A notice's
message can be read (docs/architecture.md, invariant 3)."""
import json
import struct
import time

from harness.case import FOREIGN, ORIGINS, UUID4, ServerCase, main
from harness.rawhttp import ProtocolError, build
from harness.websocket import (BINARY, CLOSE, CONTINUATION, PATH, PING, PONG, TEXT, WebSocket, close_code, frame, new_key,
                               upgrade_headers)

COUNTS = {"unified-inbox", "agent-inbox-active", "agent-inbox-resolved", "my-inbox-chats", "my-inbox-escalated",
          "my-inbox-resolved"}
SUBSCRIPTIONS = ("chat_updates", "unread_counts", "website_status")
SUBSCRIBE = json.dumps({"action": "subscribe", "subscription_type": "chat_events"}).encode()  # one answer


class Handshake(ServerCase):
    listeners = 2

    def attempt(self, method="GET", version="HTTP/1.1", target=PATH, headers=None, **upgrade):
        if headers is None:
            headers = upgrade_headers(**{"key": new_key(), **upgrade})
        with self.server.connect() as c:
            return c.request(method, target, headers=headers, version=version)

    def test_every_listener_serves_it(self):
        for port in self.server.ports:
            with self.subTest(port=port), WebSocket(("127.0.0.1", port)) as ws:
                ws.greet()

    def test_origins(self):
        for origin in ORIGINS:
            with self.subTest(origin), self.server.websocket(origin=origin) as ws:
                ws.greet()
        with self.server.websocket() as ws:
            ws.greet()
        for origin in (FOREIGN, "null", "http://localhost:3002", "http://localhost:3000.evil.example"):
            with self.subTest(origin):
                self.assertError(self.attempt(origin=origin), 403)

    def test_refused(self):
        no_upgrade = [("Connection", "Upgrade"), ("Sec-WebSocket-Key", new_key()), ("Sec-WebSocket-Version", "13")]
        rows = (
            ("version 12", self.attempt(version="HTTP/1.1", headers=upgrade_headers(new_key(), "12")), 426),
            ("version missing", self.attempt(headers=upgrade_headers(new_key(), None)), (400, 426)),
            ("version not a number", self.attempt(headers=upgrade_headers(new_key(), "x")), (400, 426)),
            ("key missing", self.attempt(headers=upgrade_headers(None)), 400),
            ("key empty", self.attempt(headers=upgrade_headers("")), 400),
            ("key of 15 bytes", self.attempt(headers=upgrade_headers("AAAAAAAAAAAAAAAAAAAA")), 400),
            ("key not base64", self.attempt(headers=upgrade_headers("!" * 24)), 400),
            ("key twice", self.attempt(headers=upgrade_headers(new_key(), extra=[("Sec-WebSocket-Key", new_key())])), 400),
            ("no Upgrade", self.attempt(headers=no_upgrade), (400, 426)),
            ("no header at all", self.attempt(headers=[]), (400, 426)),
            ("no Connection", self.attempt(headers=[h for h in upgrade_headers(new_key()) if h[0] != "Connection"]), (400, 426)),
            ("HTTP/1.0", self.attempt(version="HTTP/1.0"), (400, 426)),
            ("POST", self.attempt(method="POST"), 405),
            ("another path", self.attempt(target="/ws/nothing"), 404),
        )
        for name, r, status in rows:
            with self.subTest(name):
                self.assertIn(r.status, status if isinstance(status, tuple) else (status,), r)
                self.assertError(r, r.status)
                if r.status == 426:
                    self.assertEqual(r.header("Sec-WebSocket-Version"), "13")

    def test_other_routes_do_not_upgrade(self):
        r = self.attempt(target="/api/health")
        self.assertEqual(r.status, 200)

    def test_query_is_allowed(self):
        with self.server.websocket(path=PATH + "?client=1") as ws:
            ws.greet()

    def test_frames_in_the_same_write_as_the_request(self):
        with self.server.websocket(with_upgrade=frame(TEXT, SUBSCRIBE) + frame(PING, b"x")) as ws:
            ws.greet()
            self.assertEqual(ws.recv_json(), {"type": "subscribed", "subscription_type": "chat_events"})
            self.assertEqual(ws.recv_frame(), (PONG, b"x"))

    def test_upgrade_after_other_requests_on_the_connection(self):
        with self.server.connect() as c:
            self.assertEqual(c.request("GET", "/api/health").status, 200)
            c.send(build("GET", "/api/health") + build("GET", PATH, upgrade_headers(new_key())) + frame(TEXT, SUBSCRIBE))
            self.assertEqual(c.response().status, 200)
            self.assertEqual(c.response().status, 101)

    def test_byte_by_byte(self):
        with self.server.connect() as c:
            c.send_slowly(build("GET", PATH, upgrade_headers(new_key())))
            self.assertEqual(c.response().status, 101)


class Frames(ServerCase):
    def open(self):
        ws = self.server.websocket()
        self.addCleanup(ws.close)
        ws.greet()
        return ws

    def assertClosed(self, ws, code):
        self.assertEqual(ws.recv_close(), code)
        self.assertTrue(ws.conn.at_end())

    def assertAlive(self, ws):
        self.assertEqual(ws.until_pong(), [])

    def test_byte_by_byte(self):
        ws = self.open()
        ws.conn.send_slowly(frame(TEXT, SUBSCRIBE))
        self.assertEqual(ws.recv_json()["type"], "subscribed")

    def test_cut_at_every_point(self):
        ws = self.open()
        data = frame(TEXT, SUBSCRIBE) + frame(PING, b"p")
        for cut in range(1, len(data)):
            ws.conn.send(data[:cut])
            time.sleep(0.0003)
            ws.conn.send(data[cut:])
            self.assertEqual(ws.recv_json()["type"], "subscribed", f"cut at {cut}")
            self.assertEqual(ws.recv_frame(), (PONG, b"p"))

    def test_fragmented_with_a_ping_between(self):
        ws = self.open()
        parts = [SUBSCRIBE[i:i + 7] for i in range(0, len(SUBSCRIBE), 7)]
        for i, part in enumerate(parts):
            ws.send_frame(TEXT if i == 0 else CONTINUATION, part, fin=i == len(parts) - 1)
            if i == 2:
                ws.send_frame(PING, b"between")
                self.assertEqual(ws.recv_frame(), (PONG, b"between"))
        self.assertEqual(ws.recv_json()["type"], "subscribed")

    def test_utf8_split_between_fragments(self):
        ws = self.open()
        text = json.dumps({"action": "é" * 3}, ensure_ascii=False).encode()
        for i in range(len(text)):
            ws.send_frame(TEXT if i == 0 else CONTINUATION, text[i:i + 1], fin=i == len(text) - 1)
        self.assertEqual(ws.recv_json(), {"type": "error", "message": "Unknown action: ééé"})

    def test_pings_are_answered_with_their_payload(self):
        ws = self.open()
        for payload in (b"", b"x", bytes(range(125))):
            ws.send_frame(PING, payload)
            self.assertEqual(ws.recv_frame(), (PONG, payload))

    def test_unasked_pongs_are_ignored(self):
        ws = self.open()
        ws.send_frame(PONG, b"?")
        self.assertAlive(ws)

    def test_close_handshake(self):
        for name, payload, code in (("normal", struct.pack(">H", 1000), 1000), ("with a reason", struct.pack(">H", 1001) + b"bye", 1001),
                                    ("a code of one's own", struct.pack(">H", 3000), 3000), ("empty", b"", None)):
            with self.subTest(name):
                ws = self.open()
                ws.send_frame(CLOSE, payload)
                opcode, answer = ws.recv_frame()
                self.assertEqual(opcode, CLOSE)
                self.assertIn(close_code(answer), (code, 1000) if code is None else (code,))
                self.assertTrue(ws.conn.at_end())

    def test_nothing_is_read_after_a_close(self):
        ws = self.open()
        ws.conn.send(frame(CLOSE, struct.pack(">H", 1000)) + frame(TEXT, SUBSCRIBE))
        self.assertClosed(ws, 1000)

    def test_broken_rules(self):
        rows = (
            ("not masked", frame(TEXT, SUBSCRIBE, mask=False), 1002),
            ("ping not masked", frame(PING, b"x", mask=False), 1002),
            ("reserved bit 1", frame(TEXT, SUBSCRIBE, rsv=4), 1002),
            ("reserved bit 2", frame(TEXT, SUBSCRIBE, rsv=2), 1002),
            ("reserved bit 3", frame(TEXT, SUBSCRIBE, rsv=1), 1002),
            ("opcode 3", frame(3, b"x"), 1002),
            ("opcode 7", frame(7, b"x"), 1002),
            ("opcode 11", frame(11, b"x"), 1002),
            ("opcode 15", frame(15, b"x"), 1002),
            ("ping in fragments", frame(PING, b"x", fin=False), 1002),
            ("close in fragments", frame(CLOSE, struct.pack(">H", 1000), fin=False), 1002),
            ("ping of 126 bytes", frame(PING, b"x" * 126), 1002),
            ("continuation of nothing", frame(CONTINUATION, b"x"), 1002),
            ("text inside a fragmented text", frame(TEXT, b"{", fin=False) + frame(TEXT, SUBSCRIBE), 1002),
            ("close with one byte", frame(CLOSE, b"\x03"), 1002),
            ("close with 1005", frame(CLOSE, struct.pack(">H", 1005)), 1002),
            ("close with 1006", frame(CLOSE, struct.pack(">H", 1006)), 1002),
            ("close with 999", frame(CLOSE, struct.pack(">H", 999)), 1002),
            ("close with a reason not UTF-8", frame(CLOSE, struct.pack(">H", 1000) + b"\xff"), (1002, 1007)),
            ("text not UTF-8", frame(TEXT, b'{"action":"\xff"}'), 1007),
            ("text ends inside a character", frame(TEXT, b"\xc3"), 1007),
            ("text with a surrogate", frame(TEXT, b"\xed\xa0\x80"), 1007),
            ("too big", frame(TEXT, b"x" * 5000), 1009),
            ("too big by its fragments", frame(TEXT, b"x" * 3000, fin=False) + frame(CONTINUATION, b"x" * 3000), 1009),
            ("too big by its head", struct.pack(">BBQ", 0x81, 0xFF, 1 << 40) + b"maskx", 1009),
            ("length with the top bit", struct.pack(">BBQ", 0x81, 0xFF, 1 << 63) + b"mask", (1002, 1009)),
        )
        for name, data, code in rows:
            with self.subTest(name):
                ws = self.open()
                ws.conn.send(data)
                got = ws.recv_close()
                self.assertIn(got, code if isinstance(code, tuple) else (code,))
                self.assertTrue(ws.conn.at_end())

    def test_a_message_of_exactly_the_limit(self):
        ws = self.open()
        text = json.dumps({"action": ""})
        ws.send_frame(TEXT, json.dumps({"action": "a" * (4096 - len(text))}).encode())
        self.assertEqual(ws.recv_json()["type"], "error")

    def test_binary_is_no_json_text(self):
        ws = self.open()
        ws.send_frame(BINARY, SUBSCRIBE)
        try:
            answer = ws.recv_json()
            self.assertIn(answer["type"], ("error", "subscribed"))
        except ProtocolError as closed:
            self.assertIn("1003", str(closed))


class Pings(ServerCase):
    args = ("--ws-ping", "500")

    def answers_five(self):
        """False: dropped, and rightly, because the last answer was too long ago."""
        with self.server.websocket() as ws:
            last = time.monotonic()
            try:
                ws.greet()
                for _ in range(5):
                    opcode, payload = ws.recv_frame()
                    self.assertEqual(opcode, PING)
                    last = time.monotonic()
                    ws.send_frame(PONG, payload)
                # Still alive: on a server that pings, a ping may come before the pong.
                self.assertEqual(ws.until_pong(), [])
            except ConnectionError:
                self.assertGreater(time.monotonic() - last, 1.0, "dropped though it answered")
                return False
        return True

    def test_server_pings_and_keeps_who_answers(self):
        self.assertTrue(any(self.answers_five() for _ in range(20)), "never quick enough to answer")

    def test_a_dead_peer_is_dropped_and_counted(self):
        before = self.server.metrics().get("sakurad_websockets_total", event="dead")
        with self.server.websocket() as ws:
            ws.greet()
            with self.assertRaises(ConnectionError):
                while True:
                    opcode, _ = ws.recv_frame()
                    self.assertIn(opcode, (PING, CLOSE))
        self.assertGreaterEqual(self.server.metrics().get("sakurad_websockets_total", event="dead"), before + 1)


class Protocol(ServerCase):
    def open(self, *kinds, **options):
        ws = self.server.websocket()
        self.addCleanup(ws.close)
        ws.greet()
        for kind in kinds:
            ws.subscribe(kind, **options)
            if kind == "unread_counts":
                ws.recv_json()
        return ws

    def assertNotice(self, message, chat, role="user"):
        self.assertEqual(set(message), {"type", "data"})
        self.assertEqual(message["type"], "chat_updates")
        self.assertEqual(set(message["data"]), {"type", "chat_id", "message_role", "timestamp"})
        self.assertEqual((message["data"]["type"], message["data"]["chat_id"], message["data"]["message_role"]),
                         ("chat_message_notification", chat.id, role))
        self.assertTime(message["data"]["timestamp"])

    def assertHint(self, message):
        self.assertEqual(message["type"], "chat_updates")
        self.assertEqual({k: v for k, v in message["data"].items() if k != "timestamp"},
                         {"type": "chat_message_notification", "chat_id": "*", "message_role": "system"})
        self.assertTime(message["data"]["timestamp"])

    def test_connected(self):
        ids = set()
        for _ in range(3):
            with self.server.websocket() as ws:
                hello = ws.greet()
                self.assertEqual(set(hello), {"type", "connection_id", "message"})
                self.assertEqual(hello["message"], "WebSocket connection established")
                self.assertRegex(hello["connection_id"], UUID4)
                ids.add(hello["connection_id"])
        self.assertEqual(len(ids), 3)

    def test_subscribe_and_unsubscribe(self):
        ws = self.open()
        for kind in SUBSCRIPTIONS:
            for _ in range(2):  # twice is no error
                with self.subTest(kind):
                    ws.send_json({"action": "subscribe", "subscription_type": kind})
                    self.assertEqual(self.past_status(ws), {"type": "subscribed", "subscription_type": kind})
                    if kind == "chat_updates":
                        self.assertHint(ws.recv_json())
                    else:
                        self.assertEqual(ws.recv_json()["type"], kind)
            ws.send_json({"action": "unsubscribe", "subscription_type": kind})
            self.assertEqual(self.past_status(ws), {"type": "unsubscribed", "subscription_type": kind})

    def past_status(self, ws):
        """The next message but website_status, which comes when another test's agents are no longer there."""
        while (message := ws.recv_json())["type"] == "website_status":
            pass
        return message

    def test_ping(self):
        ws = self.open()
        ws.send_json({"action": "ping"})
        pong = ws.recv_json()
        self.assertEqual(set(pong), {"type", "timestamp"})
        self.assertEqual(pong["type"], "pong")
        self.assertTime(pong["timestamp"])

    def test_unknown_actions(self):
        ws = self.open()
        for action in ("dance", "", "Subscribe", "</script>\u2028\"", "x" * 100):
            with self.subTest(action):
                ws.send_json({"action": action})
                self.assertEqual(ws.recv_json(), {"type": "error", "message": f"Unknown action: {action}"})

    def test_errors_keep_the_connection(self):
        ws = self.open()
        for text in ("not JSON", "{", "", "[]", "1", "null", '"ping"', "{}", '{"action":1}', '{"action":null}',
                     '{"action":"subscribe"}', '{"action":"subscribe","subscription_type":"weather"}',
                     '{"action":"subscribe","subscription_type":7}', '{"action":"unsubscribe"}',
                     '{"action":"unsubscribe","subscription_type":"weather"}', '{"action":"ping"} x', "{'action':'ping'}",
                     '{"action":"subscribe","subscription_type":"chat_updates","format":"xml"}',
                     '{"action":"subscribe","subscription_type":"chat_updates","min_interval_ms":-1}',
                     '{"action":"subscribe","subscription_type":"chat_updates","min_interval_ms":"soon"}',
                     '{"action":"subscribe","subscription_type":"chat_updates","chat_id":5}',
                     "[" * 2000):
            with self.subTest(text[:60]):
                ws.send_frame(TEXT, text.encode())
                answer = ws.recv_json()
                self.assertEqual(answer["type"], "error")
                self.assertTrue(answer["message"])
        self.assertEqual(ws.until_pong(), [])

    def test_notice(self):
        chat, ws = self.chat(), self.open("chat_updates")
        for role in ("user", "agent", "assistant", "\"é\u2028"):
            sent = chat.send("hello", role)
            message = ws.recv_json()
            self.assertNotice(message, chat, role)
            self.assertEqual(message["data"]["timestamp"], sent["timestamp"])
        self.assertEqual(ws.until_pong(), [])

    def test_notice_of_every_send_route(self):
        chat, ws = self.chat(), self.open("chat_updates")
        for target, role in ((f"/api/users/chats/{chat.id}/send", "user"), (f"/api/dashboard/chats/{chat.id}/send", "agent"),
                             (f"/api/chats/{chat.id}/send", "agent")):
            self.post(target, {"content": "x"})
            self.assertNotice(ws.recv_json(), chat, role)

    def test_flat_format(self):
        chat, ws = self.chat(), self.open("chat_updates", format="flat")
        sent = chat.send("hello")
        self.assertEqual(ws.recv_json(), {"type": "chat_message_notification", "data": {
            "chat_id": chat.id, "message_role": "user", "timestamp": sent["timestamp"]}})

    def test_both_formats_side_by_side(self):
        chat, plain, flat = self.chat(), self.open("chat_updates"), self.open("chat_updates", format="flat")
        for i in range(20):
            chat.send(str(i))
        for _ in range(20):
            self.assertNotice(plain.recv_json(), chat)
            self.assertEqual(flat.recv_json()["type"], "chat_message_notification")

    def test_a_notice_is_small_and_carries_no_text(self):
        chat, ws = self.chat(), self.open("chat_updates")
        chat.send("a long secret text " * 100, "é" * 32)
        data = ws.recv_text()
        self.assertLess(len(data), 300)
        self.assertNotIn(b"secret", data)

    def test_no_notice_without_a_message(self):
        chat, ws = self.chat(), self.open("chat_updates")
        self.http.post(f"/api/chats/{chat.id}/send", {"content": ""})
        self.http.post("/api/chats/none/send", {"content": "x"})
        self.http.patch(f"/api/dashboard/chats/{chat.id}/ai-agent", {"enabled": False})
        stamp = chat.send("a real one")["timestamp"]
        self.assertEqual(ws.recv_json()["data"]["timestamp"], stamp, "nothing came before it")
        self.assertEqual(ws.until_pong(), [])

    def test_a_deduplicated_send_notifies_once(self):
        chat, ws = self.chat(), self.open("chat_updates")
        stamps = [chat.send("x", client_message_id=key)["timestamp"] for key in ("k", "k", "k", "other")]
        self.assertEqual([ws.recv_json()["data"]["timestamp"] for _ in range(2)], [stamps[0], stamps[3]])
        self.assertEqual(ws.until_pong(), [])

    def test_only_who_subscribed(self):
        chat = self.chat()
        never, counts, left = self.open(), self.open("unread_counts", "website_status"), self.open("chat_updates")
        ws = self.open("chat_updates")
        left.send_json({"action": "unsubscribe", "subscription_type": "chat_updates"})
        left.recv_json()
        chat.send("x")
        self.assertNotice(ws.recv_json(), chat)
        for other in (never, counts, left):
            self.assertEqual([m for m in other.until_pong() if m["type"] not in ("unread_counts", "website_status")], [])

    def test_unsubscribe_and_subscribe_again(self):
        """What the dashboard does while its list loads."""
        chat, ws = self.chat(), self.open("chat_updates")
        for _ in range(3):
            ws.send_json({"action": "unsubscribe", "subscription_type": "chat_updates"})
            self.assertEqual(ws.recv_json()["type"], "unsubscribed")
            ws.subscribe("chat_updates")
            chat.send("x")
            self.assertNotice(ws.recv_json(), chat)

    def test_subscribing_twice_notifies_once(self):
        chat, ws = self.chat(), self.open("chat_updates", "chat_updates")
        stamps = [chat.send("x")["timestamp"] for _ in range(3)]
        self.assertEqual([ws.recv_json()["data"]["timestamp"] for _ in range(3)], stamps)
        self.assertEqual(ws.until_pong(), [])

    def test_one_chat_only(self):
        mine, other = self.chat(), self.chat()
        ws, all_of_them = self.open("chat_updates", chat_id=mine.id), self.open("chat_updates")
        for i in range(5):
            other.send("x")
            mine.send("y")
        for _ in range(10):
            all_of_them.recv_json()
        self.assertEqual([ws.recv_json()["data"]["chat_id"] for _ in range(5)], [mine.id] * 5)
        self.assertEqual(ws.until_pong(), [])

    def test_one_chat_ends_with_unsubscribe(self):
        chat, ws, witness = self.chat(), self.open(), self.open("chat_updates")
        ws.subscribe("chat_updates", chat_id=chat.id)
        ws.send_json({"action": "unsubscribe", "subscription_type": "chat_updates", "chat_id": chat.id})
        self.assertEqual(ws.recv_json(), {"type": "unsubscribed", "subscription_type": "chat_updates", "chat_id": chat.id})
        chat.send("x")
        witness.recv_json()
        self.assertEqual(ws.until_pong(), [])

    def test_several_chats_on_one_connection(self):
        """A customer has several: the second subscription silenced the first."""
        first, second, third = self.chat(), self.chat(), self.chat()
        ws = self.open()
        for chat in (first, second, third):
            self.assertEqual(ws.subscribe("chat_updates", chat_id=chat.id), {
                "type": "subscribed", "subscription_type": "chat_updates", "chat_id": chat.id})
        for chat in (third, first, second):
            chat.send("x")
            self.assertNotice(ws.recv_json(), chat)
        ws.send_json({"action": "unsubscribe", "subscription_type": "chat_updates", "chat_id": second.id})
        ws.recv_json()
        for chat in (second, first):
            chat.send("x")
        self.assertNotice(ws.recv_json(), first)
        ws.send_json({"action": "unsubscribe", "subscription_type": "chat_updates"})
        self.assertEqual(ws.recv_json(), {"type": "unsubscribed", "subscription_type": "chat_updates"})
        for chat in (first, third):
            chat.send("x")
        self.assertEqual(ws.until_pong(), [])

    def test_too_many_chats_is_an_error_and_the_others_go_on(self):
        chat, ws = self.chat(), self.open()
        for i in range(63):
            ws.subscribe("chat_updates", chat_id=f"c{i}")
        ws.subscribe("chat_updates", chat_id=chat.id)
        ws.send_json({"action": "subscribe", "subscription_type": "chat_updates", "chat_id": "one more"})
        answer = ws.recv_json()
        self.assertEqual((answer["type"], answer["message"]), (
            "error", "A connection can follow 64 chats: unsubscribe from one before one more"))
        chat.send("x")
        self.assertNotice(ws.recv_json(), chat)

    def test_what_was_stored_before_the_subscribe_is_told(self):
        chat, other = self.chat(), self.chat()
        chat.send("while nobody listened")
        ws = self.open()
        target = f"/api/users/{chat.user_id}/chats"
        for options, cursor_of in (({}, "/api/debug/users-chats"), ({"chat_id": chat.id}, target)):
            ws.send_json({"action": "subscribe", "subscription_type": "chat_updates", **options})
            self.assertEqual(ws.recv_json()["type"], "subscribed")
            self.assertHint(ws.recv_json())
            cursor = self.get(cursor_of).json()["cursor"]
            ws.subscribe("chat_updates", since=cursor, **options)
            self.assertEqual(ws.until_pong(), [], "nothing has changed since")
            chat.send("and again")
            self.assertNotice(ws.recv_json(), chat)
            ws.subscribe("chat_updates", since=cursor, **options)
            self.assertHint(ws.recv_json())
        other.send("of another chat's customer")
        ws.subscribe("chat_updates", since=self.get(target).json()["cursor"], chat_id=chat.id)
        self.assertEqual(ws.until_pong(), [])

    def test_a_new_chat_is_one_hint(self):
        """Its numbers changed at once, and the list showed it with its first message only."""
        ws = self.open("chat_updates")
        chat = self.chat()
        self.assertHint(ws.recv_json())
        self.assertIn(chat.id, [c["chat_id"] for u in self.get("/api/debug/users-chats").json()["users"]
                                for c in u["chats"]])
        chat.send("x")
        self.assertNotice(ws.recv_json(), chat)
        self.assertEqual(ws.until_pong(), [])

    def test_min_interval_leading_edge(self):
        chat, other = self.chat(), self.chat()
        ws, witness = self.open("chat_updates", min_interval_ms=3600000), self.open("chat_updates")
        for _ in range(10):
            chat.send("x")
        other.send("x")
        for _ in range(11):
            witness.recv_json()
        self.assertEqual([ws.recv_json()["data"]["chat_id"] for _ in range(2)], [chat.id, other.id],
                         "the first of each chat at once")
        self.assertEqual(ws.until_pong(), [], "the rest held back")

    def test_min_interval_trailing_edge(self):
        chat, ws = self.chat(), self.open("chat_updates", min_interval_ms=300)
        for _ in range(5):
            last = chat.send("x")
        times = [ws.recv_json()["data"]["timestamp"]]
        while times[-1] != last["timestamp"]:  # ends only when the last message is told of
            times.append(ws.recv_json()["data"]["timestamp"])
        self.assertEqual(ws.until_pong(), [])

    # unread counts
    def counts(self, message):
        self.assertEqual(set(message), {"type", "data"})
        self.assertEqual(message["type"], "unread_counts")
        self.assertKeys(message["data"], "counts timestamp")
        self.assertTime(message["data"]["timestamp"])
        self.assertEqual(set(message["data"]["counts"]), COUNTS)
        return message["data"]["counts"]

    def counting(self):
        ws = self.server.websocket()
        self.addCleanup(ws.close)
        ws.greet()
        ws.subscribe("unread_counts")
        return ws, self.counts(ws.recv_json())

    def wait_for(self, ws, expected):
        """Each write that changes a number tells; what came last must be the truth."""
        seen = None
        while seen != expected:
            seen = self.counts(ws.recv_json())
        self.assertEqual(ws.until_pong(), [])

    def test_unread_counts_follow_category_and_status(self):
        ws, start = self.counting()
        chat = self.chat()
        moves = (
            (None, None, "agent-inbox-active"), ("agent-inbox", "resolved", "agent-inbox-resolved"),
            ("human-chats", "active", "my-inbox-chats"), ("human-chats", "escalated", "my-inbox-escalated"),
            ("human-chats", "resolved", "my-inbox-resolved"), ("elsewhere", "active", None),
            ("agent-inbox", "active", "agent-inbox-active"),
        )
        for category, status, key in moves:
            with self.subTest(category=category, status=status):
                if category:
                    self.post("/api/users/data", {"email": chat.email, "category": category, "status": status})
                expected = dict(start)
                expected["unified-inbox"] += 1
                if key:
                    expected[key] += 1
                self.wait_for(ws, expected)
        other, now = self.counting()
        self.assertEqual(now, expected, "a newcomer is told the same")

    def test_chats_are_counted_not_customers(self):
        ws, start = self.counting()
        chat = self.chat()
        for count in (1, 2, 3):
            self.wait_for(ws, {**start, "unified-inbox": start["unified-inbox"] + count,
                               "agent-inbox-active": start["agent-inbox-active"] + count})
            if count < 3:
                self.chat(email=chat.email)
        self.post("/api/users/data", {"email": chat.email, "category": "human-chats", "status": "active"})
        self.wait_for(ws, {**start, "unified-inbox": start["unified-inbox"] + 3, "my-inbox-chats": start["my-inbox-chats"] + 3})

    def test_nothing_when_no_number_changes(self):
        chat = self.chat()
        ws, _ = self.counting()
        witness = self.open("chat_updates")
        chat.send("x")
        witness.recv_json()
        self.post("/api/users/data", {"email": chat.email, "name": "Other"})
        self.assertEqual(ws.until_pong(), [])

    def test_connections_are_counted(self):
        def connections():
            return self.server.metrics().get("sakurad_websockets_open")

        self.eventually(lambda: connections() == 0, "those of the tests before gone")
        ws = self.open()
        self.assertEqual(connections(), 1)
        ws.send_frame(CLOSE, struct.pack(">H", 1000))
        ws.recv_close()
        self.eventually(lambda: connections() == 0, "the connection forgotten")


class Interval(ServerCase):
    """--notify-interval: for subscribers who ask for nothing themselves"""
    args = ("--notify-interval", "3600000")

    def test_the_rest_is_held_back(self):
        chat, other = self.chat(), self.chat()
        with self.server.subscriber() as ws:
            for _ in range(5):
                chat.send("x")
            other.send("x")
            self.assertEqual(ws.recv_json()["data"]["chat_id"], chat.id)
            self.assertEqual(ws.recv_json()["data"]["chat_id"], other.id)
            self.assertEqual(ws.until_pong(), [])


if __name__ == "__main__":
    main()
