"""A long run of everything at once: sends, retries, polls, refetches, chats created, connections opened and dropped in every
way, dashboards that read and dashboards that never do. At the end nothing is missing, nothing is held, and memory is what
it was at the second minute.

Usage: SAKURAD_BIN=… soak.py MINUTES [--rss]     --rss: a difference in memory above 2 % is a failure
"""
import collections
import os
import random
import resource
import socket
import struct
import sys
import threading
import time
import uuid

from common import Chat

from harness.rawhttp import Connection, ProtocolError, build
from harness.server import Server  # with the deadlines that it has by default
from harness.websocket import TEXT, WebSocket, frame, mask_bytes  # noqa: F401

CHATS = 200  # in use at once
CHAT_MESSAGES = 60  # then the visitor leaves and another comes
MESSAGE = "0123456789abcdef" * 48  # bytes of each message beside its own text
SENDS_PER_SECOND = 300
DEAF = 50
READERS = 8
WARM_SECONDS = 120
ALLOWED = 0.02
# Small, so that caches are full long before the second minute and what grows after it is a leak.
ARGS = ("--cache-mb", "16", "--ws-backlog", "8192", "--max-connections", "4000", "--queue", "4096")


class Known(Chat):
    """A chat that the soak itself has made."""

    def __init__(self, chat_id, user_id):
        self.id, self.user_id, self.client = chat_id, user_id, None


class Soak:
    def __init__(self, server):
        self.server, self.address = server, server.address
        self.stopping = threading.Event()
        self.counts = collections.Counter()
        self.faults = []
        self.lock = threading.Lock()
        self.chats = [Chat(server.http) for _ in range(CHATS)]
        self.ids = {c.id: [] for c in self.chats}  # of every chat ever, in the order of the answers
        self.threads = []

    def start(self):
        work = [(self.send, i) for i in range(2)] + [(self.poll, 0), (self.refetch, 0)]
        work += [(self.churn, i) for i in range(2)] + [(self.listen, 0), (self.deaf, 0)]
        for function, index in work:
            thread = threading.Thread(target=self._guarded, args=(function, index), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _guarded(self, function, index):
        try:
            function(index)
        except Exception as fault:  # noqa: BLE001 - judged at the end
            self.faults.append((function.__name__, repr(fault)))

    def stop(self):
        self.stopping.set()
        for t in self.threads:
            t.join()

    def count(self, what, by=1):
        with self.lock:
            self.counts[what] += by

    def paced(self, per_second):
        """Turns, in step with the clock, until the end."""
        begin, turn = time.monotonic(), 0
        while not self.stopping.is_set():
            turn += 1
            wait = begin + turn / per_second - time.monotonic()
            if wait > 0:
                self.stopping.wait(wait)
            elif wait < -1:  # the machine is too slow for the pace: no catching up
                begin, turn = time.monotonic(), 0
            yield

    # what clients do
    def send(self, index):
        """Each thread has places of its own, so the order of its answers is the order of the messages."""
        places = range(index, CHATS, 2)
        conn, used = Connection(self.address), 0
        for _ in self.paced(SENDS_PER_SECOND / 2 / 10):
            if used > 500:  # restarts of connections
                conn.close()
                conn, used = Connection(self.address), 0
            batch = []
            for _ in range(10):
                chat, key = self.chats[random.choice(places)], uuid.uuid4().hex
                body = {"content": f"{key} {MESSAGE}", "role": random.choice(("user", "agent")), "client_message_id": key}
                batch.append((chat.id, build("POST", f"/api/users/chats/{chat.id}/send", body=body)))
            conn.send(b"".join(data for _, data in batch))
            for chat_id, _ in batch:
                self.ids[chat_id].append(self.answered(conn.response()).json()["message_id"])
            if used % 50 == 0:  # a retry by the same key: the same message
                conn.send(batch[-1][1])
                if self.answered(conn.response()).json()["message_id"] != self.ids[batch[-1][0]][-1]:
                    raise AssertionError("a retry made another message")
            used += 10
            self.count("sends", 10)
            for place in places:
                if len(self.ids[self.chats[place].id]) >= CHAT_MESSAGES:
                    self.chats[place] = self.newcomer(conn)
        conn.close()

    def answered(self, r, *statuses):
        if r.status not in (statuses or (200,)):
            raise AssertionError(f"answered {r}")
        return r

    def poll(self, _):
        etags = {}
        conn = Connection(self.address)
        for _ in self.paced(100):
            chat = random.choice(self.chats)
            target = random.choice((f"/api/chats/{chat.id}/messages?limit=50", f"/api/chats/{chat.id}/messages?limit=5",
                                    f"/api/dashboard/chats/{chat.id}/ai-agent", "/api/reports/stats"))
            headers = [("If-None-Match", etags[target])] if target in etags else []
            r = self.answered(conn.request("GET", target, headers=headers), 200, 304)
            if r.header("ETag"):
                etags[target] = r.header("ETag")
            self.count(f"polls {r.status}")
        conn.close()

    def refetch(self, _):
        """As a dashboard after a notification, but only what changed: whole ones would be most of what is measured."""
        conn, cursor = Connection(self.address), None
        for _ in self.paced(5):
            target = "/api/debug/users-chats?limit=3" + (f"&since={cursor}" if cursor else "")
            cursor = self.answered(conn.request("GET", target)).json().get("cursor", cursor)
            self.count("refetches")
        conn.close()

    def newcomer(self, conn):
        body = {"email": f"{uuid.uuid4().hex}@x.io", "name": "Ann"}
        answer = self.answered(conn.request("POST", "/api/users/chats/create", body)).json()
        chat = Known(answer["chat_id"], answer["user_id"])
        self.ids[chat.id] = []
        self.count("chats created")
        return chat

    def churn(self, _):
        """Connections that end in every way there is."""
        ways = [self.silent, self.half_head, self.half_body, self.reset, self.garbage, self.half_websocket,
                self.short_websocket, self.unread_answer]
        for _ in self.paced(60):
            try:
                random.choice(ways)()
            except (OSError, ConnectionError, ProtocolError):
                self.count("churned: cut by the server")
            self.count("churned")

    def silent(self):
        Connection(self.address).close()

    def half_head(self):
        with Connection(self.address) as c:
            c.send(b"GET /api/health HTTP/1.1\r\nHos")

    def half_body(self):
        with Connection(self.address) as c:
            c.send(build("POST", f"/api/users/chats/{self.chats[0].id}/send", [("Content-Length", "90000")]) + b"x" * 40000)

    def reset(self):
        with Connection(self.address) as c:
            c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            c.send(build("GET", "/api/users"))

    def garbage(self):
        with Connection(self.address) as c:
            c.send(os.urandom(300))
            self.answered(c.response(), 400, 501)

    def half_websocket(self):
        with WebSocket(self.address) as ws:
            ws.conn.send(frame(TEXT, b'{"action":"subscribe"')[:10])

    def short_websocket(self):
        with WebSocket(self.address) as ws:
            ws.greet()
            ws.subscribe("chat_updates", chat_id=random.choice(self.chats).id)
            if random.random() < 0.5:
                ws.send_frame(8, struct.pack(">H", 1000))
                ws.recv_close()

    def unread_answer(self):
        c = Connection(self.address, receive_buffer=2048)
        c.send(build("GET", f"/api/chats/{random.choice(self.chats).id}/messages?limit=1000") * 3)
        c.close()

    def listen(self, _):
        sockets = [WebSocket(self.address) for _ in range(READERS)]
        for ws in sockets:
            ws.greet()
            ws.subscribe("chat_updates")
        for turn in self.paced(20):
            for ws in sockets:
                self.count("notices heard", len(ws.until_pong()))
        for ws in sockets:
            ws.close()

    def deaf(self, _):
        held = collections.deque()
        for _ in self.paced(5):
            ws = WebSocket(self.address, receive_buffer=2048)
            ws.greet()
            ws.subscribe("chat_updates")
            held.append(ws)
            if len(held) > DEAF:
                held.popleft().close()
            self.count("dashboards that never read")
        for ws in held:
            ws.close()

    # the end
    def missing(self):
        """Each chat's history is exactly what was acknowledged, in that order."""
        wrong = 0
        for chat_id, acknowledged in self.ids.items():
            chat = Known(chat_id, None)
            chat.client = self.server.http
            wrong += [m["_id"] for m in chat.history(1000)] != acknowledged
        return wrong


def rss(pid):
    with open(f"/proc/{pid}/statm") as f:
        return int(f.read().split()[1]) * resource.getpagesize()


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def watch(soak, seconds):
    """Memory once a second, until the end."""
    samples, begin, pid = [], time.monotonic(), soak.server.process.pid
    while time.monotonic() - begin < seconds:
        time.sleep(1)
        if soak.server.process.poll() is not None or soak.faults:
            break
        samples.append(rss(pid))
        if len(samples) % 60 == 0:
            print(f"  minute {len(samples) // 60}: {samples[-1] / 1048576:.1f} MiB, {descriptors(pid)} descriptors, "
                  f"{soak.counts['sends']} sends", flush=True)
    return samples


def mean(values):
    return sum(values) / len(values)


def settle(server):
    end = time.monotonic() + 120
    while time.monotonic() < end:
        m = server.metrics()
        held = {name: m.get(name) for name in ("sakurad_websockets_open", "sakurad_websocket_pending_bytes",
                                               "sakurad_queue_depth", "sakurad_buffer_bytes")}
        if not any(held.values()):
            return {}
        time.sleep(0.2)
    return {k: v for k, v in held.items() if v}


def main():
    minutes, judge = float(sys.argv[1]), "--rss" in sys.argv
    server = Server(*ARGS, store_kind="sqlite").start()
    failures = []
    try:
        before = descriptors(server.process.pid)
        soak = Soak(server)
        soak.start()
        samples = watch(soak, minutes * 60)
        soak.stop()
        failures += [f"{name}: {fault}" for name, fault in soak.faults]
        if server.process.poll() is not None:
            failures.append(f"the server ended: {server.log()[-3000:]}")
        else:
            server.http.close()
            held = settle(server)
            left = descriptors(server.process.pid) - before
            wrong = soak.missing()
            failures += [f"still held: {held}"] if held else []
            failures += [f"{left} descriptors more than before"] if left > 4 else []
            failures += [f"{wrong} chats whose history is not what was acknowledged"] if wrong else []
            server.stop()
        print("  " + ", ".join(f"{k} {v}" for k, v in sorted(soak.counts.items())))
        print(f"  {sum(len(v) for v in soak.ids.values())} messages acknowledged, {len(soak.ids)} histories compared")
        if len(samples) > WARM_SECONDS + 60:
            early, late = mean(samples[WARM_SECONDS - 10:WARM_SECONDS + 10]), mean(samples[-20:])
            change = late / early - 1
            print(f"  memory at minute {WARM_SECONDS // 60}: {early / 1048576:.1f} MiB, at the end: {late / 1048576:.1f} MiB, "
                  f"{change * 100:+.2f} %")
            if judge and abs(change) > ALLOWED:
                failures.append(f"memory changed by {change * 100:.2f} %")
    finally:
        server.discard()
    for failure in failures:
        print(f"FAILED: {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
