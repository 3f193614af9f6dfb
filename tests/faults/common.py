"""What the fault tests share: senders that go on through any trouble and keep a ledger, and the tools that make trouble
in a running server and take it away again."""
import collections
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))

from harness.case import Chat  # noqa: E402
from harness.load import Sent, request  # noqa: E402
from harness.rawhttp import Client, Connection  # noqa: E402
from harness.server import Server as PlainServer  # noqa: E402

PAUSE = 0.05  # seconds after a refusal: Retry-After is honoured in spirit


class Patient(Client):
    """Honours Retry-After: what was refused for now is asked for again, for two minutes. Sends need a key of their own."""

    def request(self, *args, **rest):
        end = time.monotonic() + 120
        while True:
            r = super().request(*args, **rest)
            if r.status != 503 or not (r.header("Retry-After") or "").isdigit() or time.monotonic() > end:
                return r
            time.sleep(PAUSE)


def tool(name):
    path = shutil.which(name)
    if not path:
        raise RuntimeError(f"{name} is not installed; see tools/lib/packages.sh")
    return path


class Server(PlainServer):
    def __init__(self, *args, **options):
        super().__init__(*args, patient=True, **options)

    def patient(self):
        """Closed with the server."""
        client = Patient(self.address)
        self._others.append(client)
        return client


class Traffic:
    """A thread for each chat sends for as long as asked. An answer is 200 or a 503 with Retry-After, or the connection
    ends before one; anything else is a fault."""

    def __init__(self, address, chats, depth=4):
        self.address, self.depth = address, depth
        self.sent, self.faults, self.statuses = [], [], collections.Counter()
        self.closed = 0
        self.stopping = threading.Event()
        self._going = threading.Event()
        self._going.set()
        self._busy = 0  # threads that wait for answers
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(c.id,), daemon=True) for c in chats]

    def __enter__(self):
        for t in self._threads:
            t.start()
        return self

    def __exit__(self, *exc):
        self.stopping.set()
        self._going.set()
        for t in self._threads:
            t.join()

    @contextlib.contextmanager
    def paused(self):
        """Nothing is under way, for a with block."""
        self._going.clear()
        try:
            until(lambda: self._busy == 0, "the senders rest", 180)
            yield
        finally:
            self._going.set()

    def _may_begin(self):
        self._going.wait()
        with self._lock:
            going = self._going.is_set()
            self._busy += going
            return going

    def _rests(self):
        with self._lock:
            self._busy -= 1

    def count(self, status):
        with self._lock:
            return self.statuses[status]

    @property
    def acknowledged(self):
        return [s for s in self.sent if s.message_id]

    @property
    def unclear(self):
        """Refused, or not answered at all: may be stored or not, and a second try by the same key settles it."""
        return [s for s in self.sent if not s.message_id]

    def _run(self, chat):
        while not self.stopping.is_set():
            try:
                with Connection(self.address) as conn:
                    while not self.stopping.is_set():
                        if self._may_begin():
                            try:
                                self._round(conn, chat)
                            finally:
                                self._rests()
            except (OSError, ConnectionError):
                with self._lock:
                    self.closed += 1
                time.sleep(PAUSE)
            except (AssertionError, ValueError, KeyError) as fault:
                with self._lock:
                    self.faults.append(fault)
                return

    def _round(self, conn, chat):
        batch = [Sent(chat, uuid.uuid4().hex, f"{chat} {uuid.uuid4().hex}") for _ in range(self.depth)]
        with self._lock:
            self.sent += batch
        conn.send(b"".join(request(s) for s in batch))
        refused = False
        for s in batch:
            r = conn.response()
            if r.status == 200:
                s.message_id = r.json()["message_id"]
            elif r.status == 503 and (r.header("Retry-After") or "").isdigit() and r.detail:
                refused = True
            else:
                raise AssertionError(f"neither 200 nor a clear 503: {r}")
            with self._lock:
                self.statuses[r.status] += 1
        if refused:
            time.sleep(PAUSE)


def until(probe, what, seconds=180.0):
    """Far longer than it takes: the bound is for what never comes."""
    end = time.monotonic() + seconds
    while not probe():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


class Trouble:
    """strace holds the running server and makes its system calls fail, for a with block.

    calls: names by commas. inject: what strace says of a failure, such as "error=EIO" or "error=EIO:when=3+5"."""

    def __init__(self, server, calls, inject):
        self.pid = server.process.pid
        self.trace = os.path.join(server.directory, "strace")
        self.command = [tool("strace"), "-f", "-qq", "-o", self.trace, "-e", f"trace={calls}", "-e", "signal=none",
                        "-e", f"inject={calls}:{inject}", "-p", str(self.pid)]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 120
        while not self._held():
            if self.process.poll() is not None or time.monotonic() > end:
                self.process.kill()
                raise RuntimeError(f"strace cannot attach: {self.process.stderr.read()}")
            time.sleep(0.01)
        return self

    def _held(self):
        try:
            for thread in os.listdir(f"/proc/{self.pid}/task"):
                with open(f"/proc/{self.pid}/task/{thread}/status") as f:
                    if "TracerPid:\t0\n" in f.read():
                        return False
        except OSError:
            return False  # a thread has just ended: look again
        return True

    def __exit__(self, *exc):
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=180)

    @property
    def injected(self):
        with open(self.trace) as f:
            return sum("(INJECTED)" in line for line in f)

    @property
    def calls(self):
        with open(self.trace) as f:
            return sum("(" in line and "resumed>" not in line for line in f)  # written as it is entered


def verify(test, server, chats, traffic):
    """No false 200: everything acknowledged is stored, with its text. Then what is unclear is sent again by the same key,
    and everything is stored exactly once. Returns figures for a report. The trouble is over, but a store that is slow may
    still say "not now"."""
    for chat in chats:
        chat.client = server.patient()
    by_id, _ = stored(test, chats)
    gone = [s for s in traffic.acknowledged if by_id.get(s.message_id) != s.text]
    test.assertEqual(gone, [], "acknowledged and gone")
    again = traffic.unclear
    client = server.patient()
    for sent in again:
        r = client.post(f"/api/users/chats/{sent.chat}/send", {"content": sent.text, "client_message_id": sent.key})
        test.assertEqual(r.status, 200, r)
        sent.message_id = r.json()["message_id"]
    by_id, texts = stored(test, chats)
    test.assertEqual([s for s in traffic.sent if by_id.get(s.message_id) != s.text], [])
    test.assertEqual([t for t, n in texts.items() if n != 1], [], "stored twice")
    return {"acknowledged": len(traffic.sent) - len(again), "lost": len(gone), "refused or unanswered": len(again),
            "stored twice": 0}


def stored(test, chats):
    by_id, texts = {}, collections.Counter()
    for chat in chats:
        for m in chat.history(1000):
            test.assertNotIn(m["_id"], by_id)
            by_id[m["_id"]] = m["content"]
            texts[m["content"]] += 1
    return by_id, texts


def restart(test, server, chats):
    """What is on the disk is what counts: the process that answered is gone."""
    server.kill()
    server.start()
    for chat in chats:
        chat.client = server.http


def open_chats(server, count=6):
    return [Chat(server.http) for _ in range(count)]


def health(server):
    with Connection(server.address) as conn:
        r = conn.request("GET", "/api/health")
        return r.status, r.json()
