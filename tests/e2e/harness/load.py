"""Senders that keep a ledger: what was sent, what was answered, and what the store must therefore hold."""
import json
import threading
import time
import uuid

from .rawhttp import Connection, ProtocolError, build

LOST = (OSError, ConnectionError)


class Sent:
    __slots__ = ("chat", "key", "text", "message_id")

    def __init__(self, chat, key, text):
        self.chat, self.key, self.text = chat, key, text
        self.message_id = None  # set once acknowledged


class Ledger:
    """Sends to `chats` from one thread per chat until stopped or the server is gone."""

    def __init__(self, address, chats, depth=8):
        self.address = address
        self.chats = chats
        self.depth = depth  # sends in flight on each connection (pipelined)
        self.sent = []
        self.refused = 0  # answered with an error: must not be believed stored
        self.faults = []  # answers that are neither
        self.answered = dict.fromkeys(chats, 0)  # chat → how many so far
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._threads = []

    def start(self):
        self._threads = [threading.Thread(target=self._run, args=(c,), daemon=True) for c in self.chats]
        for t in self._threads:
            t.start()
        return self

    def wait(self, count, seconds=120.0):
        """Until each chat has so many answers: the load is there. At once when a sender has met a fault."""
        end = time.monotonic() + seconds
        while min(self.answered.values()) < count and not self.faults:
            if time.monotonic() > end:
                raise AssertionError(f"not {count} answers for each within {seconds} s: {self.answered}, "
                                     f"{self.refused} refused")
            time.sleep(0.01)
        return self

    def stop(self):
        self.stopping.set()
        self.join()

    def join(self):
        for t in self._threads:
            t.join()

    @property
    def acknowledged(self):
        return [s for s in self.sent if s.message_id]

    @property
    def unanswered(self):
        return [s for s in self.sent if not s.message_id]

    def _run(self, chat):
        mine = []
        try:
            with Connection(self.address) as conn:
                while not self.stopping.is_set():
                    batch = [Sent(chat, uuid.uuid4().hex, f"{chat} {uuid.uuid4().hex}") for _ in range(self.depth)]
                    mine += batch
                    conn.send(b"".join(request(s) for s in batch))
                    for s in batch:
                        self._answer(s, conn.response())
        except LOST:
            pass
        except (ProtocolError, AssertionError, ValueError, KeyError) as fault:
            self.faults.append(fault)
        with self._lock:
            self.sent += mine

    def _answer(self, sent, response):
        if response.status == 200:
            sent.message_id = response.json()["message_id"]
            self.answered[sent.chat] += 1
        elif response.status == 503:
            self.refused += 1
        else:
            self.faults.append(response)


def request(sent):
    body = json.dumps({"content": sent.text, "client_message_id": sent.key})
    return build("POST", f"/api/users/chats/{sent.chat}/send", [("Content-Type", "application/json")], body)


def pipelined(address, requests, depth=32):
    """Sends the requests (bytes) over one connection, `depth` in flight; yields the answers in order."""
    with Connection(address) as conn:
        for start in range(0, len(requests), depth):
            part = requests[start:start + depth]
            conn.send(b"".join(part))
            for _ in part:
                yield conn.response()
