"""What these tests share: a database of their own that may be killed, the server on it, and the watch on its health."""
import glob
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "faults"))

import proxy  # noqa: E402
from common import Server, Traffic, until, verify  # noqa: E402,F401 - the path to the harness comes with it
from kept import Kept  # noqa: E402
from harness.case import Chat, report  # noqa: E402
from harness.rawhttp import Client, Connection  # noqa: E402
from harness.server import free_port  # noqa: E402

DEVDB = os.path.join(ROOT, "tools", "devdb")
CACHE = os.environ.get("SAKURAD_DEVDB_CACHE", os.path.join(ROOT, ".cache", "devdb"))
# What is held to a time is held to it without the time that a busy machine kept it waiting for a core (tests/faults/kept.py).
RECOVERY = 5.0  # seconds, from the database's answer to the server's
# A worker that waits for the database waits for hundreds of milliseconds at least. The figure itself is printed.
HEALTH_MS = float(os.environ.get("SAKURAD_TEST_HEALTH_MS", "500"))


def full(few, many):
    """How many times: few in CI, many where SAKURAD_TEST_FULL=1 asks for the whole measure."""
    return many if os.environ.get("SAKURAD_TEST_FULL") == "1" else few


class Database:
    """A database process of our own; directory and port stay the same over restarts."""

    def __init__(self, standalone=False):
        self.directory = tempfile.mkdtemp(prefix="sakurad-faults-mongo-")
        self.port = free_port()
        self.flags = ["--standalone"] if standalone else []
        self.name = f"faults_{uuid.uuid4().hex[:12]}"
        self.process = None

    def uri(self, port=None, patient=False):
        """port: the proxy's. Direct: the members that a replica set names would lead around the proxy. patient: an answer may
        take a minute, for tests in which the database is only slow."""
        options = "&socketTimeoutMS=60000&connectTimeoutMS=30000" if patient else ""
        return f"mongodb://127.0.0.1:{port or self.port}/{self.name}?directConnection=true{options}"

    def start(self):
        subprocess.run([DEVDB, "install"], check=True, stdout=subprocess.DEVNULL)
        with open(os.path.join(self.directory, "log"), "ab") as log:
            command = [DEVDB, "run", "--dir", self.directory, "--port", str(self.port), *self.flags]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self.answers, "the database answers")
        return self

    def answers(self):
        if self.process.poll() is not None:
            with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as log:
                raise AssertionError(f"the database ended with {self.process.returncode}: {log.read()[-3000:]}")
        body = b"\x10hello\x00\x01\x00\x00\x00\x02$db\x00\x06\x00\x00\x00admin\x00\x00"
        message = struct.pack("<iBi", 0, 0, len(body) + 4) + body
        try:
            with socket.create_connection(("127.0.0.1", self.port), 10) as s:
                s.sendall(struct.pack("<iiii", 16 + len(message), 1, 0, 2013) + message)
                return len(s.recv(64)) >= 16
        except OSError:
            return False

    def kill(self):
        """SIGKILL, and gone: its directory and port are free."""
        self.process.kill()
        self.process.wait()

    def discard(self):
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def script(self, name, *args):
        """Runs a script of this folder with a MongoDB driver: the interpreter that the database came with has one."""
        python = glob.glob(os.path.join(CACHE, "python-*", "bin", "python"))
        done = subprocess.run([python[0], os.path.join(HERE, name), self.uri(), self.name, *args], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=240)
        if done.returncode != 0:
            raise AssertionError(f"{name}: {done.stderr}")
        return json.loads(done.stdout)


class MongoServer(Server):
    def launch(self):
        """Starts without waiting for health: the database may be away. Waits for an answer of any kind."""
        self._launch()
        until(self.answers, "the server answers")
        self.http = Client(self.address)
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"ended with {self.process.returncode}:\n{self.log()}")
        try:
            self.health()
            return True
        except OSError:
            return False

    def health(self):
        with Connection(self.address) as c:
            r = c.request("GET", "/api/health")
            return r.status, r.json()


class Watch:
    """Measures health for a with block; afterwards .seen."""

    def __init__(self, server, connections=4):
        self.command = [sys.executable, os.path.join(HERE, "watch.py"), str(server.ports[0]), str(connections),
                        str(server.process.pid)]
        self.seen = None

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "asking\n":
            raise AssertionError("health was not answered before there was trouble")
        return self

    def __exit__(self, kind, *_):
        out, _ = self.process.communicate("", timeout=180)
        if self.process.returncode != 0 and kind is None:
            raise AssertionError("health was not answered")
        self.seen = json.loads(out) if out else None

    def check(self, test, title):
        seen = self.seen
        report(f"{title}: health", answers=seen["answers"], statuses=seen["statuses"], median_ms=f"{seen['median']:.1f}",
               p99_ms=f"{seen['p99']:.1f}", max_ms=f"{seen['max']:.1f}",
               max_without_waits_for_a_core_ms=f"{seen['excess']:.1f}")
        test.assertLess(seen["excess"], HEALTH_MS, "a worker was blocked")


def recovered(traffic, since, before):
    """Seconds from `since`, a Kept, to the first send acknowledged after `before` of them."""
    until(lambda: traffic.count(200) > before or traffic.faults, "a send is acknowledged again")
    return since.excess


def known_chats(server, count):
    """Chats with a message each, made by a client that waits for a store which is slow at first."""
    client, chats = server.patient(), []
    for _ in range(count):
        chat = Chat(client)
        chat.send(f"known before {chat.id}", client_message_id=f"known {chat.id}")
        chats.append(chat)
    return chats
