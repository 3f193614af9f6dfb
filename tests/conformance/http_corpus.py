"""HTTP/1.1 requests, good and bad, each with its exact verdict, against sakurad-echo: fed whole, byte by byte, and cut
at every point. The corpus is http_corpus.json: groups, each named by what it covers; a case is

    [name, input, answer…, end]

input    characters are bytes; <<TEXT*N>> stands for TEXT N times
answer   a string: answered 200 with this body; a number: an error of this status
end      "open": a request sent right behind the input is answered (so the input's last request ended where it says);
         "closed": it is not, the last answer said Connection: close and the end of the stream came;
         "waits": no answer but those listed until the client ends its half, then the end of the stream.
         Missing after 101: the connection is a WebSocket then.

Refused by choice where the RFC leaves it open: field values folded over lines (RFC 9112, 5.2), a message with both
Content-Length and Transfer-Encoding (RFC 9112, 6.1), equal lengths repeated (RFC 9110, 8.6), codings other than chunked
(RFC 9112, 6.1), bare LF as a line end (RFC 9112, 2.2), blanks after a chunk's size and around its extensions (RFC 9112,
7.1.1: bad whitespace, which nobody may send), a tab after a length (RFC 9110, 5.5 would drop it; llhttp does not), an empty
Host (RFC 9112, 3.2 and RFC 9110, 4.2.1), CONNECT (RFC 9110, 9.3.6: for proxies).
"""
import json
import os
import re
import select
import socket
import sys
import time

from support import HERE, Echo

from harness.rawhttp import Connection, ProtocolError

LIMITS = ("--max-head", "2048", "--max-body", "1000", "--max-target", "512")
BATCH = 400  # connections at once
DEADLINE = 120.0  # seconds until every answer of a batch must be there
LINGER = 2.0  # seconds that the server takes what comes after an answer which closes (http/session.c)
SENTINEL = (b"POST /sentinel HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 8\r\n\r\nsentinel")
REPEAT = re.compile(r"<<(.*?)\*(\d+)>>", re.S)


class Case:
    def __init__(self, group, row):
        self.name = f"{group}: {row[0]}"
        self.input = REPEAT.sub(lambda m: m[1] * int(m[2]), row[1]).encode("latin-1")
        ends = isinstance(row[-1], str)
        self.end = row[-1] if ends else "upgraded"
        self.answers = row[2:-1] if ends else row[2:]
        if self.end not in ("open", "closed", "waits", "upgraded") or (self.end == "upgraded") != (101 in self.answers):
            raise ValueError(f"{self.name}: no such end")
        self.tail = SENTINEL if self.end in ("open", "closed") else b""


class Received(Connection):
    """What came, to be parsed by the strict client; there is no more."""

    def __init__(self, data):
        self.input = bytearray(data)

    def _more(self):
        raise ProtocolError(f"cut off: {bytes(self.input[:200])!r}")


class Feed:
    """One case on one connection, its input in parts."""

    def __init__(self, case, parts, how, address):
        self.case, self.parts, self.how = case, parts, how
        self.got, self.ended, self.broken = bytearray(), False, False
        self.first = self.last = 0.0  # when the first part went, and the last
        self.sock = socket.create_connection(address, timeout=DEADLINE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)

    def send(self, step):
        if step >= len(self.parts) or self.broken:
            return
        self.first = self.first or time.monotonic()
        try:
            self.sock.sendall(self.parts[step])
        except (BrokenPipeError, ConnectionResetError):
            self.broken = True  # refused long ago and given up on: what was answered can still be read
        self.last = time.monotonic()

    def half_close(self):
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.broken = True

    def read(self):
        """Takes what is there; True at the end."""
        while not self.ended:
            try:
                data = self.sock.recv(65536)
            except BlockingIOError:
                break
            except ConnectionResetError:
                # A part that a busy machine sent too late meets a connection that is rightly gone.
                if not self.broken and self.last - self.first < LINGER:
                    self.fail("reset")
                data = b""
            self.got += data
            self.ended = not data
        return self.ended

    def fail(self, what):
        raise AssertionError(f"{self.case.name}, {self.how}: {what}; input {self.case.input[:300]!r}, "
                             f"got {bytes(self.got[:600])!r}")

    def close(self):
        # Both sides are done: no TIME_WAIT, of which a run would leave tens of thousands.
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    # the verdict
    def check(self):
        try:
            self._check(Received(self.got))
        except (ProtocolError, ValueError) as fault:
            self.fail(fault)

    def _check(self, stream):
        case = self.case
        wanted = list(case.answers) + (["sentinel"] if case.end == "open" else [])
        for i, want in enumerate(wanted):
            answer = self._next(stream, want)
            last = i == len(wanted) - 1
            closes = "close" in (answer.header("Connection") or "").lower()
            if closes != (last and case.end in ("open", "closed")):
                self.fail(f"answer {i + 1} says {answer.header('Connection')!r} for the connection")
        if case.end != "upgraded" and stream.input:
            self.fail("more than was asked for")

    def _next(self, stream, want):
        while True:
            if not stream.input:
                self.fail(f"no answer where {want!r} was due")
            answer = stream.response()
            if answer.status != 100 or b"Expect" not in self.case.input:
                break
        if isinstance(want, str):
            if answer.status != 200 or answer.body != want.encode("latin-1"):
                self.fail(f"{answer} instead of {want!r}")
        elif answer.status != want:
            self.fail(f"{answer} instead of {want}")
        elif want != 101 and (list(answer.json()) != ["detail"] or not answer.detail):
            self.fail(f"no detail: {answer}")
        return answer


class Barrier:
    """Answered only after the one worker has read what came before: two parts are never one read."""

    def __init__(self, address):
        self.conn = Connection(address)

    def wait(self):
        if self.conn.request("POST", "/barrier", b"now").body != b"now":
            raise AssertionError("the barrier is not echoed")


def run_batch(jobs, address, barrier):
    feeds = [Feed(case, parts, how, address) for case, parts, how in jobs]
    Barrier(address).wait()  # accepted after all of them, so they are with the worker
    for step in range(max(len(f.parts) for f in feeds)):
        for f in feeds:
            f.send(step)
        if step + 1 < max(len(f.parts) for f in feeds):
            barrier.wait()
    barrier.wait()
    for f in feeds:
        if f.case.end in ("waits", "upgraded"):
            f.half_close()
    finish(feeds)
    for f in feeds:
        f.check()
        f.close()


def finish(feeds):
    poll, waiting = select.poll(), {}
    for f in feeds:
        waiting[f.sock.fileno()] = f
        poll.register(f.sock, select.POLLIN)
    end = time.monotonic() + DEADLINE
    while waiting:
        ready = poll.poll(1000)
        for fd, _ in ready:
            if waiting[fd].read():
                poll.unregister(fd)
                del waiting[fd]
        if not ready and time.monotonic() > end:
            next(iter(waiting.values())).fail(f"no end of the stream within {DEADLINE} s")


def jobs_of(cases):
    for case in cases:
        yield case, [case.input + case.tail], "whole"
    for case in cases:
        yield case, [case.input[i:i + 1] for i in range(len(case.input))] + [case.tail], "byte by byte"
    for case in cases:
        for cut in range(1, len(case.input)):
            yield case, [case.input[:cut], case.input[cut:] + case.tail], f"cut at {cut}"


def load():
    with open(os.path.join(HERE, "http_corpus.json")) as f:
        groups = json.load(f)
    return [Case(group, row) for group, rows in groups.items() for row in rows]


def main():
    cases = load()
    if len(cases) < 300 or len({c.name for c in cases}) != len(cases):
        raise AssertionError(f"{len(cases)} cases, or a name twice")
    count, failures = 0, []
    with Echo(*LIMITS) as echo:
        barrier = Barrier(echo.address)
        jobs = list(jobs_of(cases))
        for start in range(0, len(jobs), BATCH):
            try:
                run_batch(jobs[start:start + BATCH], echo.address, barrier)
            except AssertionError as failure:
                failures.append(failure)
                if len(failures) > 10:
                    break
            count += len(jobs[start:start + BATCH])
    for failure in failures:
        print(failure)
    print(f"{len(cases)} requests with their verdicts, fed in {count} ways: {len(failures)} failures")
    return 1 if failures else 0


sys.exit(main())
