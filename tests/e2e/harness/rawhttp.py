"""An HTTP/1.1 client that shows every byte: what is sent is what the test wrote, what comes back is parsed strictly.

Every response that passes through here is held to the rules that all answers share (see Response.check), so no test
has to repeat them.
"""
import email.utils
import gzip
import json
import re
import socket
import time

TIMEOUT = 60.0  # seconds that any answer may take; generous, because sanitizer builds on busy machines are slow
TOKEN = re.compile(rb"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
STATUS_LINE = re.compile(rb"^HTTP/1\.1 ([1-5][0-9][0-9]) ([\x20-\x7e]+)$")
ONCE = (b"content-length", b"content-type", b"date", b"etag", b"allow", b"location", b"retry-after", b"connection",
        b"access-control-allow-origin", b"access-control-allow-credentials", b"vary")
BODYLESS = (204, 304)


class ProtocolError(AssertionError):
    """The server's bytes are not HTTP."""


class Response:
    def __init__(self, status, reason, headers, body, raw_head):
        self.status = status
        self.reason = reason
        self.headers = headers  # [(lower-case name, value)], bytes
        self.body = body
        self.raw_head = raw_head

    def __repr__(self):
        return f"<{self.status} {self.reason}, {len(self.body)} bytes: {self.body[:200]!r}>"

    def header(self, name):
        """The value as text, or None."""
        wanted = name.lower().encode()
        for key, value in self.headers:
            if key == wanted:
                return value.decode("latin-1")
        return None

    @property
    def plain(self):
        """The body as it was before it was compressed."""
        return gzip.decompress(self.body) if self.header("Content-Encoding") == "gzip" and self.body else self.body

    def json(self):
        return json.loads(self.plain.decode("utf-8"))

    @property
    def detail(self):
        return self.json()["detail"]

    def check(self):
        for name in ONCE:
            if sum(1 for key, _ in self.headers if key == name) > 1:
                raise ProtocolError(f"{name!r} came twice: {self.raw_head!r}")
        if self.status < 200:
            return self
        date = self.header("Date")
        if date is None:
            raise ProtocolError(f"no Date: {self.raw_head!r}")
        when = email.utils.parsedate_to_datetime(date)
        if email.utils.format_datetime(when, usegmt=True) != date:
            raise ProtocolError(f"Date is not an IMF-fixdate: {date!r}")
        if abs(when.timestamp() - time.time()) > 120:
            raise ProtocolError(f"Date is off: {date!r}")
        if self.status not in BODYLESS and self.body and self.header("Content-Type") is None:
            raise ProtocolError(f"a body without Content-Type: {self.raw_head!r}")
        if (self.header("Content-Type") or "").startswith("application/json") and self.body:
            self.json()
        return self


def build(method, target, headers=(), body=None, version="HTTP/1.1", host="localhost"):
    """The bytes of a request. body: bytes, str, or anything else for JSON. headers: [(name, value)]."""
    lines = [f"{method} {target} {version}"]
    given = {name.lower() for name, _ in headers}
    extra = []
    if host is not None and "host" not in given:
        extra.append(("Host", host))
    if body is not None:
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            if "content-type" not in given:
                extra.append(("Content-Type", "application/json"))
        if isinstance(body, str):
            body = body.encode("utf-8")
        if "content-length" not in given and "transfer-encoding" not in given:
            extra.append(("Content-Length", str(len(body))))
    for name, value in list(extra) + list(headers):
        lines.append(f"{name}: {value}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


class Connection:
    """One socket. Not for several threads at once."""

    def __init__(self, address, timeout=TIMEOUT, receive_buffer=None, source=None):
        """source: the address to come from; all of 127.0.0.0/8 is this machine."""
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if source:
                self.sock.bind((source, 0))
            self.sock.connect(address)
        except OSError:
            self.sock.close()
            raise
        self.input = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def send_slowly(self, data, pause=0.0):
        """One byte per write."""
        for i in range(len(data)):
            self.sock.sendall(data[i:i + 1])
            if pause:
                time.sleep(pause)

    def _more(self):
        data = self.sock.recv(1 << 18)
        if not data:
            raise ConnectionError(f"closed by the server, {len(self.input)} bytes of an answer: {bytes(self.input[:200])!r}")
        self.input += data

    def take(self, count):
        while len(self.input) < count:
            self._more()
        out = bytes(self.input[:count])
        del self.input[:count]
        return out

    def take_until(self, mark):
        start = 0
        while True:
            at = self.input.find(mark, start)
            if at >= 0:
                return self.take(at + len(mark))
            start = max(0, len(self.input) - len(mark))
            self._more()

    def response(self, head=False):
        """The next answer. head: it answers a HEAD, so no body follows."""
        raw = self.take_until(b"\r\n\r\n")
        lines = raw[:-4].split(b"\r\n")
        match = STATUS_LINE.match(lines[0])
        if not match:
            raise ProtocolError(f"not a status line: {lines[0]!r}")
        headers = []
        for line in lines[1:]:
            name, colon, value = line.partition(b":")
            if not colon or not TOKEN.match(name) or b"\r" in value or b"\n" in value:
                raise ProtocolError(f"not a header field: {line!r}")
            headers.append((name.lower(), value.strip(b" \t")))
        status = int(match[1])
        r = Response(status, match[2].decode(), headers, b"", raw)
        length = r.header("Content-Length")
        if status < 200 or status in BODYLESS:
            if length is not None and status != 304:
                raise ProtocolError(f"Content-Length on {status}")
        elif head:
            pass
        elif length is None:
            raise ProtocolError(f"no Content-Length: {raw!r}")
        else:
            r.body = self.take(int(length))
        return r.check()

    def request(self, method, target, body=None, headers=(), **rest):
        self.send(build(method, target, headers, body, **rest))
        return self.response(head=method == "HEAD")

    def at_end(self):
        """True when the server closes now, without another byte."""
        if self.input:
            return False
        try:
            return self.sock.recv(1) == b""
        except ConnectionResetError:
            return True

    def silent(self, seconds=0.2):
        """True when nothing comes for a moment: for what must not be answered yet."""
        if self.input:
            return False
        self.sock.settimeout(seconds)
        try:
            data = self.sock.recv(1)
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(TIMEOUT)
        self.input += data
        return False


class Client:
    """Keep-alive convenience for one thread: reconnects when the server has closed."""

    def __init__(self, address, headers=()):
        self.address = address
        self.headers = tuple(headers)  # on every request
        self.conn = None

    def close(self):
        if self.conn:
            self.conn.close()
            self.conn = None

    def request(self, method, target, body=None, headers=(), **rest):
        headers = list(self.headers) + list(headers)
        if self.conn is None:
            self.conn = Connection(self.address)
        try:
            r = self.conn.request(method, target, body, headers, **rest)
        except Exception:
            self.close()
            raise
        if (r.header("Connection") or "").lower() == "close":
            self.close()
        return r

    def get(self, target, headers=()):
        return self.request("GET", target, headers=headers)

    def post(self, target, body=None, headers=()):
        return self.request("POST", target, body, headers)

    def patch(self, target, body=None, headers=()):
        return self.request("PATCH", target, body, headers)
