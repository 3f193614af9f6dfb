"""A TCP proxy that makes trouble, in a process of its own: what stands between the server and its database in a bad network.

start(upstream) is what tests use. The process forwards and listens on its standard input for what to do:
    pass            forwards
    latency MS      holds back each piece of an answer for that long
    reset           resets every connection, old and new
    blackhole       accepts and takes bytes, and passes none on in either direction. Connections stay open, and when the
                    trouble ends they go on with what was held: late, as retransmitted packets are. (A link that forgets
                    is `reset`.)
    deaf            as blackhole, for answers only: what is asked for is done, and nobody hears of it
    away            refuses: nobody listens
Where SAKURAD_TOXIPROXY names toxiproxy's server program (go install github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0),
the same words are spoken by it instead: a check of this file by another's work. It needs Go, so CI does without.
"""
import asyncio
import json
import os
import socket
import struct
import subprocess
import sys
import urllib.request

TOXIPROXY = os.environ.get("SAKURAD_TOXIPROXY", "")


class Relay:
    def __init__(self, port, upstream):
        self.port, self.upstream = port, upstream
        self.mode, self.delay = "pass", 0.0
        self.writers = set()
        self.asks, self.answers = asyncio.Event(), asyncio.Event()  # set while bytes may flow that way
        self.asks.set()
        self.answers.set()
        self.server = None

    async def listen(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port, reuse_address=True)

    async def set(self, words):
        self.mode = words[0]
        self.delay = float(words[1]) / 1000 if self.mode == "latency" else 0.0
        for way, held in ((self.asks, ("blackhole",)), (self.answers, ("blackhole", "deaf"))):
            (way.clear if self.mode in held else way.set)()
        if self.mode in ("reset", "away"):
            for writer in list(self.writers):
                reset(writer)
        if self.mode == "away" and self.server:
            self.server.close()
            self.server = None
        elif self.mode != "away" and not self.server:
            await self.listen()

    async def serve(self, reader, writer):
        self.writers.add(writer)
        try:
            await self.asks.wait()
            if self.mode in ("reset", "away"):
                reset(writer)
                return
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
            self.writers.add(up_writer)
            try:
                await asyncio.gather(self.pump(reader, up_writer, self.asks), self.pump(up_reader, writer, self.answers))
            finally:
                self.writers.discard(up_writer)
                up_writer.close()
        except OSError:
            pass
        finally:
            self.writers.discard(writer)
            writer.close()

    async def pump(self, reader, writer, way):
        try:
            while data := await reader.read(1 << 16):
                if way is self.answers and self.delay:
                    await asyncio.sleep(self.delay)
                await way.wait()
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()  # either end closes both: the database's connections know no half


def reset(writer):
    """Closed with RST, as by a machine that lost its memory."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
    writer.transport.abort()


async def relay(port, upstream):
    it = Relay(port, upstream)
    await it.listen()
    print("ready", flush=True)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        await it.set(line.decode().split())
        print("done", flush=True)


class Own:
    def __init__(self, port, upstream):
        self.process = subprocess.Popen([sys.executable, __file__, str(port), str(upstream)], text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.heard("ready")

    def heard(self, word):
        line = self.process.stdout.readline().strip()
        if line != word:
            self.close()
            raise RuntimeError(f"the proxy said {line!r}, not {word!r}")

    def set(self, mode, ms=0):
        self.process.stdin.write(f"{mode} {ms}\n")
        self.heard("done")

    def close(self):
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


class Toxiproxy:
    """Its blackhole forgets what it swallowed, and ends the connections when it is taken away."""

    TOXICS = {"latency": ("latency", lambda ms: {"latency": ms}),
              "reset": ("reset_peer", lambda ms: {"timeout": 0}),
              "blackhole": ("timeout", lambda ms: {"timeout": 0}),
              "deaf": ("timeout", lambda ms: {"timeout": 0})}

    def __init__(self, port, upstream):
        self.api = port + 1
        self.process = subprocess.Popen([TOXIPROXY, "-host", "127.0.0.1", "-port", str(self.api)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for attempt in range(100):
            try:
                self.ask("POST", "/proxies", {"name": "db", "listen": f"127.0.0.1:{port}",
                                              "upstream": f"127.0.0.1:{upstream}", "enabled": True})
                return
            except OSError:
                if attempt == 99:
                    raise
                asyncio.run(asyncio.sleep(0.05))

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.api}{path}", data, method=method,
                                         headers={"User-Agent": "tests", "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def set(self, mode, ms=0):
        for toxic in self.ask("GET", "/proxies/db/toxics"):
            self.ask("DELETE", f"/proxies/db/toxics/{toxic['name']}")
        self.ask("POST", "/proxies/db", {"enabled": mode != "away"})
        if mode in self.TOXICS:
            kind, attributes = self.TOXICS[mode]
            for stream in ("downstream",) if mode in ("latency", "deaf") else ("upstream", "downstream"):
                self.ask("POST", "/proxies/db/toxics", {"name": f"{kind}-{stream}", "type": kind, "stream": stream,
                                                        "attributes": attributes(ms)})

    def close(self):
        self.process.terminate()
        self.process.wait()


def start(upstream, free_port):
    """A proxy, and its port. free_port: gives one that is free now; somebody may be faster."""
    for attempt in range(5):
        port = free_port()
        try:
            return (Toxiproxy if TOXIPROXY else Own)(port, upstream), port
        except RuntimeError:
            if attempt == 4:
                raise


if __name__ == "__main__":
    asyncio.run(relay(int(sys.argv[1]), int(sys.argv[2])))
