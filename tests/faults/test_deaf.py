"""1,000 subscribers that subscribe and never read, some coming back when they have been cut, while 1,000 messages a second flow:
memory stays inside the budget that --print-config states, they are cut, those who read hear every message, and a refetch
shows everything. The times of those who read are printed, with and without the others."""
import multiprocessing
import os
import re
import resource
import select
import time
import unittest

from common import Chat, Server, until

from harness.case import main, percentile, report
from harness.load import Sent, request
from harness.rawhttp import Connection, ProtocolError
from harness.server import run
from harness.websocket import WebSocket

DEAF = int(os.environ.get("SAKURAD_DEAF", "1000"))
SECONDS = float(os.environ.get("SAKURAD_DEAF_SECONDS", "10"))
ALONE_SECONDS = float(os.environ.get("SAKURAD_DEAF_ALONE_SECONDS", str(min(SECONDS, 10))))
RATE = 1000  # messages a second
TICK = 0.02
AHEAD_MOST = 250  # messages that those who read have not heard yet: a reader that gets no turn at a core is waited for
HEALTHY = 4
SENDERS = 10  # connections, a chat each: one connection's requests are answered one by one
COME_BACK = 10  # each fifth of a second
ARGS = ("--max-connections", "4000", "--cache-mb", "64", "--buffer-mb", "64", "--queue", "8192")


def listen(address, ready, stop, out, heard):
    """A process: HEALTHY subscribers; when each notice came, by subscriber and chat. heard: how many the slowest has."""
    sockets = [WebSocket(address) for _ in range(HEALTHY)]
    for ws in sockets:
        ws.greet()
        ws.subscribe("chat_updates")
    came = [{} for _ in sockets]
    counts = [0] * HEALTHY
    by_fd = {ws.conn.sock.fileno(): i for i, ws in enumerate(sockets)}
    poll = select.poll()
    for fd in by_fd:
        poll.register(fd, select.POLLIN)
    ready.set()
    quiet = 0
    while quiet < 20:  # a second without anything after the end
        events = poll.poll(50)
        quiet = quiet + 1 if not events and stop.is_set() else 0
        for fd, _ in events:
            ws, times = sockets[by_fd[fd]], came[by_fd[fd]]
            while True:
                message = ws.recv_json()
                if message["type"] == "chat_updates":
                    times.setdefault(message["data"]["chat_id"], []).append(time.monotonic())
                    counts[by_fd[fd]] += 1
                if not ws.conn.input:
                    break
        heard.value = min(counts)
    for ws in sockets:
        ws.close()
    out.put(came)


def keep_deaf(address, ready, stop, out, _):
    """A process: DEAF subscribers that never read; when they have been cut, others come, COME_BACK at a time."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    held, opened, most_rss = [], 0, 0

    def come():
        ws = WebSocket(address, receive_buffer=2048)
        ws.greet()
        ws.subscribe("chat_updates")
        ws.conn.sock.setblocking(False)
        held.append(ws)

    while not stop.is_set():
        with Connection(address) as c:
            text = c.request("GET", "/metrics").body.decode()
        present = int(re.search(r"^sakurad_websockets_open (\d+)", text, re.M)[1]) - HEALTHY
        most_rss = max(most_rss, int(re.search(r"^process_resident_memory_bytes (\d+)", text, re.M)[1]))
        missing = max(0, DEAF - present)
        for _ in range(min(missing, COME_BACK) if ready.is_set() else missing):
            try:
                come()
                opened += 1
            except (OSError, ConnectionError, ProtocolError):
                break
        while len(held) > 2 * DEAF:
            held.pop(0).close()
        if present >= DEAF * 0.9 and not ready.is_set():
            ready.set()
        time.sleep(0.2)
    for ws in held:
        ws.close()
    out.put((opened, most_rss))


class Sender:
    """One chat's connection: what was sent, and when."""

    def __init__(self, address, chat):
        self.chat, self.conn, self.sent, self.when, self.due = chat, Connection(address), [], [], []

    def send(self, count):
        now = time.monotonic()
        self.due = [Sent(self.chat.id, f"{self.chat.id}-{len(self.sent) + i}", f"message {len(self.sent) + i}")
                    for i in range(count)]
        self.conn.send(b"".join(request(s) for s in self.due))
        self.when += [now] * count

    def collect(self):
        for s in self.due:
            r = self.conn.response()
            if r.status != 200:
                raise AssertionError(f"refused: {r}")
            s.message_id = r.json()["message_id"]
        self.sent += self.due


def flow(senders, seconds, heard):
    """As many messages as make RATE a second, in step with the clock, spread over the senders; fewer a second where the machine
    or the readers do not keep up, but as many in the end. heard: see listen()."""
    sent, total, at = 0, int(RATE * seconds), time.monotonic()
    while sent < total:
        until(lambda: sent - heard.value <= AHEAD_MOST, "those who read hear what was sent")
        each = min(int((time.monotonic() - at) * RATE), AHEAD_MOST) // len(senders)
        if each > 0:
            at = time.monotonic()
            for s in senders:
                s.send(each)
            for s in senders:
                s.collect()
            sent += each * len(senders)
        time.sleep(TICK)
    until(lambda: heard.value >= sent, "those who read hear everything")


class Helper:
    def __init__(self, work, address):
        self.ready, self.stop, self.out = multiprocessing.Event(), multiprocessing.Event(), multiprocessing.Queue()
        self.heard = multiprocessing.Value("q", 0)
        args = (address, self.ready, self.stop, self.out, self.heard)
        self.process = multiprocessing.Process(target=work, args=args, daemon=True)
        self.process.start()

    def wait_ready(self):
        if not self.ready.wait(300):
            raise AssertionError("a helper did not come up")

    def end(self):
        self.stop.set()
        result = self.out.get(timeout=120)
        self.process.join(30)
        return result


def budget():
    code, out, err = run("--print-config", *ARGS)
    match = re.search(r"memory at most.*?: ([0-9.]+) MiB", out)
    if code != 0 or not match:
        raise AssertionError(f"no budget in --print-config: {err}")
    return float(match[1]) * 1048576


class Deaf(unittest.TestCase):
    def setUp(self):
        self.server = Server(*ARGS, store_kind="sqlite").start()
        self.addCleanup(self.server.discard)

    def measured(self, title, seconds):
        """One flow with its listeners; every listener must have heard of every message."""
        senders = [Sender(self.server.address, Chat(self.server.http)) for _ in range(SENDERS)]
        listeners = Helper(listen, self.server.address)
        listeners.wait_ready()
        flow(senders, seconds, listeners.heard)
        came = listeners.end()
        times, client = [], self.server.client()
        for sender in senders:
            sender.conn.close()
            sender.chat.client = client
            shown = [m["_id"] for m in sender.chat.history(1000)]
            self.assertEqual(shown, [s.message_id for s in sender.sent], "a refetch shows all, once, in order")
            for heard in came:
                heard = heard.get(sender.chat.id, [])
                self.assertEqual(len(heard), len(sender.sent), "one who reads missed a notice")
                times += [at - begin for begin, at in zip(sender.when, heard)]
        report(title, messages=sum(len(s.sent) for s in senders), listeners=HEALTHY, p50=f"{percentile(times, 0.5) * 1000:.2f} ms",
               p99=f"{percentile(times, 0.99) * 1000:.2f} ms")
        return percentile(times, 0.99)

    def cut(self):
        return self.server.metrics().get("sakurad_websockets_total", event="cut_slow")

    def test_those_who_never_read(self):
        allowed = budget()
        alone = self.measured("send to notice, alone", ALONE_SECONDS)
        deaf = Helper(keep_deaf, self.server.address)
        deaf.wait_ready()
        beside = self.measured(f"send to notice, beside {DEAF} that never read", SECONDS)
        until(lambda: self.cut() >= DEAF * 0.5, "they are cut", 60)
        opened, rss = deaf.end()
        cut = int(self.cut())
        report("those who never read", came=opened, cut_with_1013=cut, p99_ratio=f"{beside / alone:.2f}",
               most_rss=f"{rss / 1048576:.1f} MiB", budget=f"{allowed / 1048576:.1f} MiB")
        self.assertLessEqual(rss, allowed)
        with open("/proc/net/sockstat") as f:
            print("  " + next(line for line in f if line.startswith("TCP:")).strip(), flush=True)
        self.server.stop()


if __name__ == "__main__":
    main()
