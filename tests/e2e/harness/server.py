"""The real program, started and ended as an operator would, in a directory of its own."""
import os
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import uuid

from .metrics import Metrics
from .rawhttp import Client, Connection
from .websocket import WebSocket

BINARY = os.environ.get("SAKURAD_BIN", "")
STORE = os.environ.get("SAKURAD_E2E_STORE", "sqlite")
MONGO_URI = os.environ.get("SAKURAD_TEST_MONGO_URI", "")
# A program to run the server under, such as "valgrind --error-exitcode=99 …" (tools/leakcheck).
WRAPPER = shlex.split(os.environ.get("SAKURAD_E2E_WRAPPER", ""))
START_TIMEOUT = 120.0
STOP_TIMEOUT = 120.0
# Deadlines that the server sets to others, so long that a test which got no turn at the core for a while does not meet
# them: for tests that are not about deadlines. Flags win over it.
PATIENT = {"SAKURAD_HEAD_TIMEOUT": "120000", "SAKURAD_BODY_TIMEOUT": "120000", "SAKURAD_RESPONSE_TIMEOUT": "120000",
           "SAKURAD_WRITE_TIMEOUT": "60000", "SAKURAD_DRAIN_TIMEOUT": "60000", "SAKURAD_IDLE_TIMEOUT": "3600000",
           "SAKURAD_WS_PING": "600000"}
# What libmongoc says before main() where a killed program of the same process id left its counters in shared memory.
DRIVER = re.compile(r"^.* WARNING: +mongoc: Falling back to malloc for counters\.\n", re.M)
REPORT = re.compile(r"(AddressSanitizer|ThreadSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:|"
                    r"must\(\)|FATAL: |Assertion .* failed|==\d+== (Invalid|Conditional|definitely))")


def free_port():
    """Below the ephemeral range, so that no client's own port can take it before the server does."""
    for _ in range(200):
        port = random.randint(12000, 31999)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")


def free_ports(count):
    ports = []
    while len(ports) < count:
        port = free_port()
        if port not in ports:
            ports.append(port)
    return ports


def binary():
    if not BINARY or not os.access(BINARY, os.X_OK):
        raise RuntimeError("SAKURAD_BIN must name the program to test")
    return BINARY


def clean_environment(extra=None):
    """The tests' environment without any option of ours in it."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("SAKURAD_")}
    env.update(extra or {})
    return env


def run(*args, env=None, timeout=60, cwd=None):
    """Runs the program to its end: (exit code, stdout, stderr)."""
    done = subprocess.run([binary(), *args], env=clean_environment(env), timeout=timeout, cwd=cwd, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, done.stdout, DRIVER.sub("", done.stderr)


def fresh_store(directory, query="", kind=STORE):
    """A store that nobody has used yet. query: SQLite only."""
    if kind == "mongo":
        if not MONGO_URI:
            raise RuntimeError("SAKURAD_E2E_STORE=mongo needs SAKURAD_TEST_MONGO_URI")
        base, question, options = MONGO_URI.partition("?")
        scheme, _, rest = base.partition("://")
        return f"{scheme}://{rest.split('/')[0]}/e2e_{uuid.uuid4().hex[:16]}{question}{options}"
    return f"sqlite:{directory}/sakurad.db{query}"


class Server:
    """start() … stop(). The directory, the store and the ports stay the same over restarts.

    args: further flags. store: None for a fresh one, by default of the kind under test. listeners: how many --listen.
    patient: see PATIENT.
    """

    def __init__(self, *args, store=None, store_kind=STORE, store_query="", env=None, listeners=1, log_level="info",
                 patient=False):
        self.directory = tempfile.mkdtemp(prefix="sakurad-e2e-")
        self.store = store or fresh_store(self.directory, store_query, store_kind)
        self.args = list(args)
        self.env = {**(PATIENT if patient else {}), **(env or {})}
        self.log_level = log_level
        self.ports = free_ports(listeners)
        self.process = None
        self.log_path = os.path.join(self.directory, "log")
        self.http = None
        self._others = []

    # life
    @property
    def address(self):
        return ("127.0.0.1", self.ports[0])

    def command(self):
        out = WRAPPER + [binary(), "--store", self.store, "--log-level", self.log_level]
        for port in self.ports:
            out += ["--listen", f"127.0.0.1:{port}"]
        return out + self.args

    def start(self):
        for attempt in range(3):
            self._launch()
            try:
                self._wait_healthy()
                break
            except RuntimeError:
                if attempt == 2 or "in use" not in self.log().lower():
                    self.discard()
                    raise
                self.ports = free_ports(len(self.ports))  # somebody was faster
        self.http = Client(self.address)
        return self

    def _launch(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), env=clean_environment(self.env), cwd=self.directory,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _wait_healthy(self):
        end = time.monotonic() + START_TIMEOUT
        while time.monotonic() < end:
            code = self.process.poll()
            if code is not None:
                raise RuntimeError(f"ended with {code} while starting:\n{self.log()}")
            try:
                with Connection(self.address) as c:
                    if c.request("GET", "/api/health").status == 200:
                        return
            except OSError:
                pass
            time.sleep(0.02)
        raise RuntimeError(f"not healthy after {START_TIMEOUT} s:\n{self.log()}")

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=STOP_TIMEOUT):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._end_now()
            raise AssertionError(f"did not end within {timeout} s:\n{self.log()[-5000:]}") from None

    def stop(self):
        """SIGTERM; asserts exit 0 and a clean log."""
        self._close_clients()
        self.signal(signal.SIGTERM)
        code = self.wait()
        self.assert_clean()
        if code != 0:
            raise AssertionError(f"exit code {code} after SIGTERM:\n{self.log()[-5000:]}")

    def kill(self):
        """SIGKILL: no chance to write anything."""
        self._close_clients()
        self._end_now()
        self.assert_clean()

    def _end_now(self):
        self.process.kill()
        self.process.wait()

    def discard(self):
        """Whatever its state: end it and remove its directory."""
        self._close_clients()
        if self.process and self.process.poll() is None:
            self._end_now()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _close_clients(self):
        for client in [self.http, *self._others]:
            if client:
                client.close()
        self.http, self._others = None, []

    # what it says
    def log(self):
        with open(self.log_path, "rb") as f:
            return f.read().decode("utf-8", "backslashreplace")

    def logged(self, pattern, timeout=60):
        """Waits for it: lines are written by a thread of their own, after what they tell of."""
        limit = time.monotonic() + timeout
        while not (found := re.search(pattern, self.log())):
            if time.monotonic() > limit:
                raise AssertionError(f"not logged: {pattern}\n{self.log()[-5000:]}")
            time.sleep(0.01)
        return found

    def assert_clean(self):
        text = self.log()
        found = REPORT.search(text)
        if found:
            start = max(0, found.start() - 500)
            raise AssertionError(f"the server reported a fault:\n{text[start:start + 8000]}")

    def metrics(self):
        with Connection(self.address) as c:
            r = c.request("GET", "/metrics")
        if r.status != 200:
            raise AssertionError(f"/metrics: {r}")
        return Metrics(r.body.decode("utf-8"))

    # clients
    def connect(self, **options):
        return Connection(self.address, **options)

    def client(self):
        """A keep-alive client for another thread; closed with the server."""
        client = Client(self.address)
        self._others.append(client)
        return client

    def websocket(self, **options):
        return WebSocket(self.address, **options)

    def subscriber(self, kind="chat_updates", **options):
        """A greeted WebSocket with one subscription."""
        ws = WebSocket(self.address)
        ws.greet()
        ws.subscribe(kind, **options)
        return ws


def in_threads(count, work):
    """Runs work(index) in threads; the first failure is raised here."""
    failures = []

    def guarded(index):
        try:
            work(index)
        except BaseException as failure:  # noqa: BLE001 - handed to the caller's thread
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failures:
        raise failures[0]
