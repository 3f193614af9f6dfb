"""Every message is told of, only when a refetch can show it; a subscriber that does not read costs bounded memory."""
import json
import select
import time

from harness.case import ServerCase, fewer_on_mongo, in_threads, main, percentile, report
from harness.disk import DiskProbe
from harness.load import pipelined
from harness.rawhttp import build
from harness.websocket import TEXT, WebSocket, frame

SENDS = fewer_on_mongo(1000, 200)
MOST_SENDS = 50000


def milliseconds(seconds):
    return f"{seconds * 1000:.3f} ms"


class Visible(ServerCase):
    def test_each_send_is_told_of_only_when_a_refetch_shows_it(self):
        chats = [self.chat() for _ in range(10)]
        poster, reader = self.server.connect(), self.server.connect()
        ws = self.server.subscriber()
        disk = DiskProbe(self.server.directory)
        for closing in (poster, reader, ws, disk):
            self.addCleanup(closing.close)
        times, sizes = [], []
        for i in range(SENDS):
            chat, text = chats[i % 10], f"message number {i};"
            data = build("POST", f"/api/users/chats/{chat.id}/send", body={"content": text})
            begin = time.perf_counter()
            poster.send(data)
            notice = ws.recv_text()
            times.append(time.perf_counter() - begin)
            sizes.append(len(notice))
            # At once, whether the POST has been answered or not.
            shown = reader.request("GET", "/api/debug/users-chats").body
            self.assertIn(text.encode(), shown, f"notice {i} came before its message could be read")
            self.assertEqual(json.loads(notice)["data"]["chat_id"], chat.id)
            self.assertEqual(poster.response().status, 200)
            disk.ask()
        self.assertEqual(ws.until_pong(), [], "one notice per message")
        self.assertLess(max(sizes), 300)
        report("first byte of the POST to the frame", p50=milliseconds(percentile(times, 0.5)),
               p99=milliseconds(percentile(times, 0.99)), largest_frame=f"{max(sizes)} bytes")
        report("the disk's own fdatasync", p50=milliseconds(percentile(disk.times, 0.5)),
               p99=milliseconds(percentile(disk.times, 0.99)))

    def test_poll_shows_it_too(self):
        chat = self.chat()
        with self.server.subscriber(chat_id=chat.id) as ws, self.server.connect() as poster, self.server.connect() as reader:
            for i in range(200):
                text = f"poll number {i};"
                poster.send(build("POST", f"/api/users/chats/{chat.id}/send", body={"content": text}))
                ws.recv_text()
                self.assertIn(text.encode(), reader.request("GET", f"/api/users/{chat.email}/chats").body)
                self.assertEqual(poster.response().status, 200)

    def test_a_burst_reaches_every_subscriber(self):
        chats = [self.chat() for _ in range(5)]
        sockets = [self.server.subscriber() for _ in range(20)]
        for ws in sockets:
            self.addCleanup(ws.close)
        requests = [build("POST", f"/api/users/chats/{chats[i % 5].id}/send", body={"content": f"b {i}"}) for i in range(500)]
        answers = pipelined(self.server.address, requests, 100)
        for start in range(0, 500, 100):  # read after each hundred: one that lags far behind is told less
            expected = []
            for i in range(start, start + 100):
                r = next(answers)
                self.assertEqual(r.status, 200)
                expected.append((chats[i % 5].id, r.json()["timestamp"]))
            for ws in sockets:
                seen = [(m["data"]["chat_id"], m["data"]["timestamp"]) for m in (ws.recv_json() for _ in range(100))]
                self.assertEqual(sorted(seen), sorted(expected))
        for ws in sockets:
            self.assertEqual(ws.until_pong(), [])


class Slow(ServerCase):
    args = ("--ws-backlog", "4096", "--ws-ping", "0")

    def cut(self):
        return self.server.metrics().get("sakurad_websockets_total", event="cut_slow")

    def close_of_one_that_never_reads(self, chat):
        """The code that it reads once it is cut. None: it came too late to read it, for after two seconds the rest is
        dropped."""
        before = self.cut()
        lazy = WebSocket(self.server.address, receive_buffer=4096)
        self.addCleanup(lazy.close)
        lazy.greet()
        lazy.subscribe("chat_updates")
        send = build("POST", f"/api/users/chats/{chat.id}/send", body={"content": "n"})
        sends = 0

        def work(_):
            for r in pipelined(self.server.address, [send] * 10, 10):
                self.assertEqual(r.status, 200)
        while True:
            not_yet = time.monotonic()
            if self.cut() > before:
                break
            uncut_at = not_yet
            self.assertLess(sends, MOST_SENDS, "never cut")
            in_threads(10, work)
            sends += 100
        report("a subscriber that never reads", cut_within=f"{sends} notices")
        try:
            return lazy.recv_close()
        except ConnectionError:
            self.assertGreater(time.monotonic() - uncut_at, 1.9, "no close frame though it reads")
            return None

    def test_one_that_never_reads_is_closed_with_1013(self):
        chat = self.chat()
        codes = (self.close_of_one_that_never_reads(chat) for _ in range(20))
        self.assertEqual(next((code for code in codes if code is not None), None), 1013)
        with self.server.subscriber() as again:  # what it does next: connect again and refetch
            self.assertEqual(self.get(f"/api/chats/{chat.id}/messages?limit=1").status, 200)
            self.assertEqual(again.until_pong(), [])

    def test_others_hear_everything_while_one_never_reads(self):
        chat = self.chat()
        lazy = WebSocket(self.server.address, receive_buffer=4096)
        self.addCleanup(lazy.close)
        lazy.greet()
        lazy.subscribe("chat_updates")
        healthy = self.server.subscriber()
        self.addCleanup(healthy.close)
        requests = [build("POST", f"/api/users/chats/{chat.id}/send", body={"content": f"n {i}"}) for i in range(3000)]
        answers = pipelined(self.server.address, requests, 50)
        for _ in range(60):
            for _ in range(50):
                self.assertEqual(next(answers).status, 200)
            for _ in range(50):
                self.assertEqual(healthy.recv_json()["data"]["chat_id"], chat.id)
        self.assertEqual(healthy.until_pong(), [])
        self.assertLess(self.server.metrics().get("sakurad_websocket_pending_bytes"), 65536)


class Asking(ServerCase):
    args = ("--ws-ping", "1000")

    def test_one_that_asks_and_never_reads_is_not_read_any_more(self):
        """Its requests wait in its own socket, their answers take bounded memory; silence ends it."""
        ws = WebSocket(self.server.address, receive_buffer=4096)
        self.addCleanup(ws.close)
        ws.conn.sock.setblocking(False)
        data = frame(TEXT, b'{"action":"ping"}') * 100
        most, ended, full_since = 0, False, None
        while not ended:
            try:
                ws.conn.sock.send(data)
                full_since = None
            except BlockingIOError:
                full_since = full_since or time.monotonic()
                self.assertLess(time.monotonic() - full_since, 60, "neither read nor ended")
                select.select([], [ws.conn.sock], [], 0.05)
            except OSError:
                ended = True
            most = max(most, self.server.metrics().get("sakurad_websocket_pending_bytes"))
        self.assertLess(most, 1 << 20)
        self.eventually(lambda: self.server.metrics().get("sakurad_websocket_pending_bytes") == 0, "its bytes freed")


if __name__ == "__main__":
    main()
