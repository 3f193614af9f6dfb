"""A WebSocket client of our own: each frame is made and read here, so that a test can also send what no client would."""
import base64
import hashlib
import json
import os
import struct
import time

from .rawhttp import TIMEOUT, Connection, ProtocolError, build

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PATH = "/ws/dashboard"


def mask_bytes(payload, key):
    if not payload:
        return b""
    size = len(payload)
    stream = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")


def frame(opcode, payload=b"", fin=True, mask=True, rsv=0):
    head = bytearray([(0x80 if fin else 0) | (rsv << 4) | opcode])
    bit = 0x80 if mask else 0
    if len(payload) < 126:
        head.append(bit | len(payload))
    elif len(payload) < 65536:
        head.append(bit | 126)
        head += struct.pack(">H", len(payload))
    else:
        head.append(bit | 127)
        head += struct.pack(">Q", len(payload))
    if not mask:
        return bytes(head) + payload
    key = os.urandom(4)
    return bytes(head) + key + mask_bytes(payload, key)


def upgrade_headers(key=None, version="13", origin=None, extra=()):
    """key, version: None leaves the field out."""
    headers = [("Connection", "Upgrade"), ("Upgrade", "websocket")]
    if key is not None:
        headers.append(("Sec-WebSocket-Key", key))
    if version is not None:
        headers.append(("Sec-WebSocket-Version", version))
    if origin is not None:
        headers.append(("Origin", origin))
    return headers + list(extra)


def new_key():
    return base64.b64encode(os.urandom(16)).decode()


class WebSocket:
    def __init__(self, address, path=PATH, origin=None, headers=(), with_upgrade=b"", **conn_options):
        """with_upgrade: bytes that go out in the same write as the request."""
        self.conn = Connection(address, **conn_options)
        key = new_key()
        self.conn.send(build("GET", path, upgrade_headers(key, origin=origin, extra=headers)) + with_upgrade)
        self.upgrade = self.conn.response()
        if self.upgrade.status != 101:
            self.conn.close()
            raise ProtocolError(f"not upgraded: {self.upgrade}")
        expected = base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()
        if self.upgrade.header("Sec-WebSocket-Accept") != expected:
            raise ProtocolError(f"wrong Sec-WebSocket-Accept: {self.upgrade.raw_head!r}")
        if self.upgrade.header("Upgrade").lower() != "websocket":
            raise ProtocolError(f"wrong Upgrade: {self.upgrade.raw_head!r}")
        if self.upgrade.header("Connection").lower() != "upgrade":
            raise ProtocolError(f"wrong Connection: {self.upgrade.raw_head!r}")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.conn.close()

    def close(self):
        self.conn.close()

    # out
    def send_frame(self, opcode, payload=b"", **options):
        self.conn.send(frame(opcode, payload, **options))

    def send_json(self, value):
        self.send_frame(TEXT, json.dumps(value).encode())

    # in
    def recv_frame(self):
        """(opcode, payload) of the next frame; server frames are whole, unmasked and use no reserved bit."""
        first, second = self.conn.take(2)
        if not first & 0x80 or first & 0x70 or second & 0x80:
            raise ProtocolError(f"fragmented, reserved bits or masked: {first:02x} {second:02x}")
        size = second & 0x7F
        if size == 126:
            size = struct.unpack(">H", self.conn.take(2))[0]
            if size < 126:
                raise ProtocolError("length not in its shortest form")
        elif size == 127:
            size = struct.unpack(">Q", self.conn.take(8))[0]
            if size < 65536:
                raise ProtocolError("length not in its shortest form")
        opcode = first & 0x0F
        if opcode not in (TEXT, BINARY, CLOSE, PING, PONG) or (opcode >= CLOSE and size > 125):
            raise ProtocolError(f"bad frame: opcode {opcode}, {size} bytes")
        return opcode, self.conn.take(size)

    def recv_text(self):
        """The next text message; pings are answered on the way, but do not let it wait for ever."""
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            opcode, payload = self.recv_frame()
            if opcode == PING:
                self.send_frame(PONG, payload)
            elif opcode == TEXT:
                return payload
            elif opcode == CLOSE:
                raise ProtocolError(f"closed: {close_code(payload)}")
            else:
                raise ProtocolError(f"unexpected opcode {opcode}")
        raise TimeoutError("only pings came")

    def recv_json(self):
        return json.loads(self.recv_text().decode("utf-8"))

    def recv_close(self):
        """Reads to the close frame, past anything else; its code, or None for an empty one."""
        while True:
            opcode, payload = self.recv_frame()
            if opcode == CLOSE:
                return close_code(payload)

    # the dashboards' protocol
    def greet(self):
        hello = self.recv_json()
        if hello.get("type") != "connected":
            raise ProtocolError(f"not greeted: {hello}")
        return hello

    def subscribe(self, kind="chat_updates", **options):
        """Takes off the hint to look that follows a subscribe to chat_updates without a cursor, too."""
        self.send_json({"action": "subscribe", "subscription_type": kind, **options})
        answer = self.recv_json()
        if answer.get("type") != "subscribed":
            raise ProtocolError(f"not subscribed: {answer}")
        if kind == "chat_updates" and "since" not in options:
            self.take_hint()
        return answer

    def take_hint(self):
        hint = self.recv_json()
        if hint["data"].get("chat_id") != "*":
            raise ProtocolError(f"not the hint to look: {hint}")

    def until_pong(self):
        """All messages that come before the answer to a ping: proves that nothing more was on its way."""
        self.send_json({"action": "ping"})
        seen = []
        while True:
            message = self.recv_json()
            if message["type"] == "pong":
                return seen
            seen.append(message)


def close_code(payload):
    return struct.unpack(">H", payload[:2])[0] if payload else None
