"""5,000 clients that send their heads or bodies by drops, or read their answers by drops (slowhttptest), while others work:
nobody who behaves is refused, and each of the slow ones is cut by its deadline."""
import os
import re
import resource
import subprocess
import tempfile
import threading
import time
import unittest

from common import Chat, Server, open_chats, tool, until

from harness.case import main, percentile, report

CONNECTIONS = int(os.environ.get("SAKURAD_SLOW_CLIENTS", "5000"))
SECONDS = int(os.environ.get("SAKURAD_SLOW_SECONDS", "12"))
DEADLINE_MS = 4000
PLAIN_SECONDS = 3
CHAT_MESSAGES = 100  # then another chat: answers stay so small that they leave at once, whenever they are read


def raise_descriptors(wanted):
    """For this process and what it starts. The number of slow clients that fit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limit = wanted + 2000 if hard == resource.RLIM_INFINITY else min(hard, wanted + 2000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return min(wanted, limit - 1000)


class Healthy:
    """Sends, polls and refetches one after the other, for a with block; each must succeed."""

    def __init__(self, server):
        self.client = server.client()
        self.times, self.sent, self.failures = [], [], []  # sent: chats, each with its messages' ids
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.stopping.set()
        self.thread.join()

    def _run(self):
        try:
            while not self.stopping.is_set():
                if not self.sent or len(self.sent[-1][1]) == CHAT_MESSAGES:
                    self.sent.append((Chat(self.client), []))
                chat, ids = self.sent[-1]
                for target in (f"/api/users/{chat.user_id}/chats", f"/api/chats/{chat.id}", "/api/health"):
                    self._timed(lambda t=target: self.client.get(t))
                body = {"content": f"message {len(ids)}", "role": "user"}
                r = self._timed(lambda b=body: self.client.post(f"/api/users/chats/{chat.id}/send", b))
                ids.append(r.json()["message_id"])
        except Exception as failure:  # noqa: BLE001 - judged by the test
            self.failures.append(failure)

    def _timed(self, call):
        begin = time.perf_counter()
        r = call()
        self.times.append(time.perf_counter() - begin)
        if r.status != 200:
            raise AssertionError(f"a client that behaves was answered {r}")
        return r

    @property
    def figures(self):
        return {"requests": len(self.times), "p50": f"{percentile(self.times, 0.5) * 1000:.2f} ms",
                "p99": f"{percentile(self.times, 0.99) * 1000:.2f} ms"}


class Slow(unittest.TestCase):
    def setUp(self):
        self.connections = raise_descriptors(CONNECTIONS)
        self.server = Server("--head-timeout", str(DEADLINE_MS), "--body-timeout", str(DEADLINE_MS), "--response-timeout",
                             str(DEADLINE_MS), store_kind="sqlite").start()
        self.addCleanup(self.server.discard)
        (self.target,) = open_chats(self.server, 1)

    def attack(self, mode, options, path, over):
        """slowhttptest until over(), or its own end: after a time that a busy machine needs to open that many. It reads so
        slowly that it may take minutes to see that it was cut. What it counted last."""
        command = [tool("slowhttptest"), mode, "-c", str(self.connections), "-r", "2500", "-l", str(SECONDS * 25), "-p", "60",
                   "-u", f"http://127.0.0.1:{self.server.ports[0]}{path}", *options]
        with tempfile.TemporaryFile("w+", errors="replace") as out:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
            try:
                until(lambda: over() or process.poll() is not None, "the attack is over", SECONDS * 25 + 120)
            finally:
                process.kill()
                process.wait()
            out.seek(0)
            text = re.sub(r"\x1b\[[0-9;]*m", "", out.read())
        return {k: int(v) for k, v in re.findall(r"^(initializing|pending|connected|error|closed):\s+(\d+)", text, re.M)}

    def cut(self, reason):
        return self.server.metrics().get("sakurad_connections_cut_total", reason=reason)

    def slow(self, title, mode, options, path, reason):
        server = self.server
        with Healthy(server) as alone:
            time.sleep(PLAIN_SECONDS)
        before, accepted = self.cut(reason), server.metrics().get("sakurad_connections_accepted_total")
        with Healthy(server) as healthy:
            counted = self.attack(mode, options, path, lambda: self.cut(reason) - before >= self.connections * 0.9)
        self.assertEqual(alone.failures + healthy.failures, [])
        self.assertGreaterEqual(self.cut(reason) - before, self.connections * 0.9, counted)
        came = int(server.metrics().get("sakurad_connections_accepted_total") - accepted)
        self.assertGreaterEqual(came, self.connections * 0.9, counted)
        report(title, connections=came, cut_by_deadline=int(self.cut(reason) - before))
        report("a client that behaves, alone", **alone.figures)
        report("the same meanwhile", **healthy.figures)
        self.assertEqual(server.http.get("/api/health").status, 200)
        for chat, ids in alone.sent + healthy.sent:
            chat.client = server.http
            self.assertEqual([m["_id"] for m in chat.history()], ids)
        server.stop()

    def test_heads(self):
        self.slow("slow heads", "-H", ["-i", "1"], "/api/health", "head")

    def test_bodies(self):
        self.slow("slow bodies", "-B", ["-i", "1", "-s", "8192", "-f", "application/json"],
                  f"/api/users/chats/{self.target.id}/send", "body")

    def test_readers(self):
        for _ in range(60):
            self.target.send("x" * 100000)
        self.slow("slow readers", "-X", ["-n", "1", "-z", "16", "-w", "64", "-y", "512"],
                  f"/api/users/{self.target.user_id}/chats", "write")


if __name__ == "__main__":
    main()
