"""In steady state a request asks the heap for nothing: the calls of each thread are counted, not its time measured.

What is allowed is written where it is allowed, and why. A count that should be 0 and is not is shown with its stacks.
"""
import math
import os
import random

from counter import CountedServer
from harness.case import Chat, ServerCase, main, report
from harness.rawhttp import build
from harness.tokens import bearer, claims, forge

KEY = b"k" * 48
CHATS, CONNECTIONS = 20, 4
WARM, MEASURED = 1000, 2000
BROWSER = [("Origin", "http://localhost:3000"), ("Accept", "*/*"), ("Accept-Encoding", "gzip, deflate, br"),
           ("Accept-Language", "en-GB,en;q=0.9"), ("Referer", "http://localhost:3000/"),
           ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")]
# SQLite's own, per send: its cursors and its record, made anew each time a statement runs. Debian builds it without
# lookaside, which would lend them. A statement that is prepared again costs fifty and more.
SQLITE_PER_SEND = 5


class Hot:
    """The tests; the two classes below run them without and with tokens."""

    signed = False

    @classmethod
    def setUpClass(cls):
        # No timeouts and no pings: what is counted must not depend on how long a busy machine takes for it.
        args = ["--workers", "2", "--readers", "2", "--broadcasters", "1", "--idle-timeout", "3600000", "--head-timeout",
                "120000", "--body-timeout", "120000", "--write-timeout", "120000", "--ws-ping", "0"]
        cls.server = CountedServer(*args, *(["--auth-key", "key"] if cls.signed else []))
        if cls.signed:
            file = os.path.join(cls.server.directory, "key")
            with open(file, "wb") as f:
                f.write(KEY + b"\n")
            os.chmod(file, 0o600)
        cls.server.start()
        cls.http = cls.server.http
        cls.dashboard = BROWSER + (bearer(forge(claims("dashboard"), KEY)) if cls.signed else [])
        cls.chats = [Chat(cls.http) for _ in range(CHATS)]
        cls.connections = [cls.server.connect() for _ in range(CONNECTIONS)]
        cls.subscribers = []
        cls.sent = 0
        for i in range(2 * CONNECTIONS):  # whatever comes in pieces from now on, each worker has a buffer for it
            cls.send_in_two_pieces(i)

    @classmethod
    def tearDownClass(cls):
        for c in [*cls.connections, *cls.subscribers]:
            c.close()
        super().tearDownClass()

    # requests
    @classmethod
    def widget(cls, chat):
        """The headers of the customer that the chat belongs to."""
        if not cls.signed:
            return BROWSER
        if not hasattr(chat, "headers"):
            chat.headers = BROWSER + bearer(forge(claims("widget", sub=chat.user_id), KEY))
        return chat.headers

    def poll(self, chat, *headers):
        return build("GET", f"/api/users/{chat.user_id}/chats", [*self.widget(chat), *headers])

    def refetch(self, *headers):
        return build("GET", "/api/debug/users-chats", [*self.dashboard, *headers])

    def a_send(self, chat, text="hello, is anybody there?", **body):
        return build("POST", f"/api/users/chats/{chat.id}/send", self.widget(chat), {"content": text, **body})

    def ask(self, request, status, at=0):
        """One request over one of the kept connections."""
        c = self.connections[at % CONNECTIONS]
        c.send(request)
        r = c.response()
        self.assertEqual(r.status, status, r)
        return r

    @classmethod
    def send_in_two_pieces(cls, at):
        """The server has read the head before there is a body: made certain by waiting for 100 Continue."""
        chat, c = cls.chats[at % CHATS], cls.connections[at % CONNECTIONS]
        whole = build("POST", f"/api/users/chats/{chat.id}/send", [*cls.widget(chat), ("Expect", "100-continue")],
                      {"content": "hello"})
        head, mark, body = whole.partition(b"\r\n\r\n")
        for piece, status in ((head + mark, 100), (body, 200)):
            c.send(piece)
            r = c.response()
            if r.status != status:
                raise AssertionError(f"not {status}: {r}")

    def asks(self, request, status):
        def work(count):
            for i in range(count):
                self.ask(request, status, i)
        return work

    # counts
    def steady(self, what, work, warm=WARM, measured=MEASURED):
        """work(warm), then what work(measured) costs. Nothing on any thread that serves."""
        work(warm)
        calls = self.server.during(lambda: work(measured))
        stacks = self.server.stacks()
        serving = {name: c for name, c in calls.items() if name.startswith(("worker-", "broadcast-"))}
        self.assertEqual(len(serving), 3, "two workers and a broadcaster")
        self.assertEqual({n: tuple(c) for n, c in serving.items() if any(c)}, {}, f"{what}: not 0\n{stacks}")
        return calls, stacks

    def read_only(self, what, work):
        calls, stacks = self.steady(what, work)
        for name in ("reader-0", "reader-1", "acceptor"):
            self.assertEqual(sum(calls.get(name, ())), 0, f"{what}: {name}\n{stacks}")

    # tests
    def test_health(self):
        self.read_only("health", self.asks(build("GET", "/api/health", BROWSER), 200))

    def test_poll_that_has_not_changed(self):
        chat = self.chats[0]
        self.ask(self.a_send(chat), 200)
        etag = self.ask(self.poll(chat), 200).header("ETag")
        self.read_only("poll 304", self.asks(self.poll(chat, ("If-None-Match", etag)), 304))
        self.read_only("poll 200", self.asks(self.poll(chat), 200))

    def test_refetch_that_has_not_changed(self):
        etag = self.ask(self.refetch(), 200).header("ETag")
        self.read_only("refetch 304", self.asks(self.refetch(("If-None-Match", etag)), 304))
        self.read_only("refetch 200", self.asks(self.refetch(), 200))

    def test_send_and_its_notices(self):
        sockets = [self.subscribe(), self.subscribe(), self.subscribe(format="flat"),
                   self.subscribe(chat_id=self.chats[0].id)]

        def work(count):
            for i in range(count):
                self.ask(self.a_send(self.chats[i % CHATS]), 200, i)
                for ws in sockets[:4 if i % CHATS == 0 else 3]:
                    ws.recv_text()
        self.send_is_free("send, four subscribers", work)

    def test_send_with_a_key(self):
        def work(count):
            for i in range(count):
                self.ask(self.a_send(self.chats[i % CHATS], client_message_id=f"key-{random.getrandbits(96):024x}"), 200, i)
        self.send_is_free("send with a key", work)

    def test_sends_in_bursts(self):
        """Pipelined: what waits behind a deferred request is kept."""
        burst = 10

        def work(count):
            for i in range(0, count, burst):
                c = self.connections[i // burst % CONNECTIONS]
                c.send(b"".join(self.a_send(self.chats[k % CHATS]) for k in range(burst)))
                for _ in range(burst):
                    self.assertEqual(c.response().status, 200)
        self.send_is_free("sends in bursts", work)

    def test_send_in_two_pieces(self):
        """Head and body come apart, as many clients write them."""
        def work(count):
            for i in range(count):
                self.send_in_two_pieces(i)
        self.send_is_free("send in two pieces", work)

    def test_send_of_any_kind(self):
        """Texts up to 3,000 bytes, as JSON, a form or multipart. Longer ones take a block of their own, which is given back."""
        target = f"/api/users/chats/{self.chats[0].id}/send"
        headers = self.widget(self.chats[0])
        kinds = []
        for size in (1, 100, 1000, 3000):
            text = "x" * size
            kinds += [build("POST", target, headers, {"content": text, "role": "user"}),
                      build("POST", target, [*headers, ("Content-Type", "application/x-www-form-urlencoded")],
                            f"content={text}&role=user"),
                      build("POST", target, [*headers, ("Content-Type", "multipart/form-data; boundary=b")],
                            f'--b\r\nContent-Disposition: form-data; name="content"\r\n\r\n{text}\r\n--b--\r\n')]

        def work(count):
            for i in range(count):
                self.ask(kinds[i // CONNECTIONS % len(kinds)], 200, i)
        self.steady("send of any kind", work, warm=100, measured=400)

    def subscribe(self, **options):
        headers = self.dashboard if self.signed else []
        ws = self.server.websocket(headers=headers)
        self.subscribers.append(ws)
        self.addCleanup(ws.close)
        ws.greet()
        ws.subscribe(**options)
        return ws

    def send_is_free(self, what, work):
        calls, stacks = self.steady(what, work)
        writer = calls["writer"]
        # A history in memory grows by chunks of half its size (at least 1.4 times, with the index), so n messages more cost
        # a chat log(after / before) of them; lists that double come on top. By far less than one in ten sends.
        before = (type(self).sent + WARM) / CHATS
        type(self).sent += WARM + MEASURED
        allowed = CHATS * (math.log((before + MEASURED / CHATS) / before, 1.4) + 2) + 16
        report(what, sends=MEASURED, writer=writer.program, allowed=int(allowed), sqlite=writer.sqlite)
        self.assertLess(allowed, MEASURED / 10)
        self.assertLessEqual(writer.program, allowed, stacks)
        self.assertEqual(writer.others, 0, stacks)
        # The statements of upkeep are prepared when they are first needed: a few hundred, once.
        self.assertLessEqual(writer.sqlite, MEASURED * SQLITE_PER_SEND + 2000, stacks)

    def test_what_changes_is_composed_once(self):
        """After a send the next poll and refetch are made anew: the body that is then kept, and little else."""
        chats = [Chat(self.http) for _ in range(5)]
        rounds = 100

        def work(count):
            for i in range(count):
                chat = chats[i % len(chats)]
                self.ask(self.a_send(chat), 200, i)
                for k in range(3):
                    self.ask(self.poll(chat), 200, k)
                    self.ask(self.refetch(), 200, k)
        work(20)
        calls = self.server.during(lambda: work(rounds))
        stacks = self.server.stacks()
        workers = sum(sum(c) for n, c in calls.items() if n.startswith("worker-"))
        readers = sum(sum(c) for n, c in calls.items() if n.startswith("reader-"))
        report("changed", rounds=rounds, workers=workers, readers=readers)
        self.assertGreaterEqual(workers + readers, 2 * rounds, "a body each")
        self.assertLessEqual(workers, rounds, f"more than the poll's body\n{stacks}")
        # The refetch's body; the snapshot's customers and chats; its ids.
        self.assertLessEqual(readers, 4 * rounds, stacks)

    def test_the_counter_can_rise(self):
        """What is not steady is counted, on the thread that does it: the tests above could fail."""
        calls = self.server.during(lambda: self.ask(build("GET", "/metrics", self.dashboard), 200))
        self.assertGreater(sum(c.program for n, c in calls.items() if n.startswith("worker-")), 0, calls)
        self.assertRegex(self.server.stacks(), r"(?s)worker-\d: \w+ of \d+ bytes\n.*malloc_count.*sakurad")
        calls = self.server.during(lambda: self.subscribe(chat_id=self.chats[1].id))
        self.assertGreater(calls["broadcast-0"].program, 0, calls)
        calls = self.server.during(lambda: Chat(self.http))
        self.assertGreater(calls["writer"].program, 0, calls)
        self.assertGreater(calls["writer"].sqlite, 0, calls)


class Open(Hot, ServerCase):
    pass


class Signed(Hot, ServerCase):
    signed = True


if __name__ == "__main__":
    main()
