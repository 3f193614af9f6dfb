"""SIGTERM and SIGINT: accept stops, requests finish, what was answered is real, subscribers get 1001, exit 0."""
import os
import signal
import threading
import time
import unittest

from harness.case import Chat, main
from harness.load import Ledger
from harness.rawhttp import Connection, build
from harness.server import Server
from harness.websocket import CLOSE, close_code


class Stop(unittest.TestCase):
    def start(self, *args, env=None):
        server = Server(*args, env=env).start()
        self.addCleanup(server.discard)
        return server

    def test_under_load_every_answered_send_is_real(self):
        server = self.start()
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number.name):
                chats = {c.id: c for c in (Chat(server.http) for _ in range(6))}
                subscribers = [server.subscriber() for _ in range(3)]
                codes = []
                readers = [threading.Thread(target=lambda ws=ws: codes.append(self.read_to_the_close(ws))) for ws in subscribers]
                for reader in readers:
                    reader.start()
                ledger = Ledger(server.address, list(chats)).start()
                time.sleep(0.5)
                server.http.close()
                server.signal(number)
                ledger.join()
                for reader in readers:
                    reader.join()
                self.assertEqual(server.wait(), 0, server.log()[-3000:])
                server.assert_clean()
                self.assertEqual(codes, [1001] * 3)
                self.assertEqual(ledger.faults, [])
                self.assertGreater(len(ledger.acknowledged), len(chats), "there was no load to stop under")
                server.start()
                stored = {}
                for chat in chats.values():
                    chat.client = server.http
                    for m in chat.history(1000):
                        stored[m["_id"]] = m["content"]
                for sent in ledger.acknowledged:
                    self.assertEqual(stored.get(sent.message_id), sent.text)
                print(f"  {number.name}: {len(ledger.acknowledged)} answered, {ledger.refused} refused, 0 lost", flush=True)
        server.stop()

    def read_to_the_close(self, ws):
        while True:
            opcode, payload = ws.recv_frame()
            if opcode == CLOSE:
                code = close_code(payload)
                ws.send_frame(CLOSE, payload)
                ws.close()
                return code

    def test_a_notice_goes_out_before_the_close(self):
        """Each send that was answered was told of, also when the stop came right after it."""
        server = self.start()
        chat = Chat(server.http)
        ws = server.subscriber()
        for i in range(20):
            chat.send(f"n {i}")
        server.signal(signal.SIGTERM)
        notices = 0
        while True:
            opcode, payload = ws.recv_frame()
            if opcode == CLOSE:
                self.assertEqual(close_code(payload), 1001)
                break
            notices += 1
        ws.close()
        self.assertEqual(notices, 20)
        self.assertEqual(server.wait(), 0)
        server.assert_clean()

    def test_a_subscriber_that_never_answers_the_close_does_not_hold_it(self):
        server = self.start("--drain-timeout", "1000")
        ws = server.subscriber()
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(), 0)
        server.assert_clean()
        ws.close()

    def test_a_request_in_flight_is_answered(self):
        server = self.start()
        with server.connect() as slow:
            slow.send(build("POST", "/api/chat", [("Content-Type", "application/json"), ("Content-Length", "33")], b'{"message":'))
            time.sleep(0.1)
            server.http.close()
            server.signal(signal.SIGTERM)
            time.sleep(0.2)
            slow.send(b'"m","session_id":"s"}'.ljust(33 - len(b'{"message":')))
            r = slow.response()
            self.assertEqual(r.status, 200)
            self.assertEqual(r.header("Connection"), "close")
            self.assertTrue(slow.at_end())
        self.assertEqual(server.wait(), 0)
        server.assert_clean()

    def test_an_idle_connection_does_not_hold_it(self):
        server = self.start()
        with server.connect() as idle, server.connect() as never:
            idle.request("GET", "/api/health")
            begin = time.monotonic()
            server.stop()
            print(f"  measured: stop with two idle connections: {time.monotonic() - begin:.3f} s", flush=True)
            self.assertTrue(idle.at_end())
            self.assertTrue(never.at_end())

    def test_nothing_is_accepted_any_more(self):
        server = self.start()
        with server.connect() as slow:
            slow.send(b"GET /api/health HTT")  # keeps the drain going
            time.sleep(0.1)
            server.signal(signal.SIGTERM)
            self.assertTrue(self.refused(server.address), "still accepting")
            slow.send(b"P/1.1\r\nHost: x\r\n\r\n")
            self.assertEqual(slow.response().status, 200)
        self.assertEqual(server.wait(), 0)

    def refused(self, address):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                with Connection(address, timeout=5) as c:
                    c.request("GET", "/api/health")
            except OSError:
                return True
            time.sleep(0.01)
        return False

    def test_a_second_signal_ends_it_at_once(self):
        for second in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(second.name):
                # Threads that run when the process ends at once are the point here, not a leak.
                leaks = {"TSAN_OPTIONS": os.environ.get("TSAN_OPTIONS", "") + ":report_thread_leaks=0"}
                server = self.start("--drain-timeout", "600000", "--head-timeout", "600000", "--ws-ping", "0", env=leaks)
                with server.connect() as slow:
                    slow.send(b"GET /api/health HTT")
                    time.sleep(0.1)
                    server.signal(signal.SIGTERM)
                    self.assertTrue(self.refused(server.address))
                    self.assertIsNone(server.process.poll(), "the unfinished request should hold it")
                    server.signal(second)
                    self.assertNotEqual(server.wait(60), 0)
                    server.assert_clean()

    def test_the_drain_ends_by_itself(self):
        server = self.start("--drain-timeout", "500", "--head-timeout", "600000")
        with server.connect() as slow:
            slow.send(b"GET /api/health HTT")
            time.sleep(0.1)
            server.signal(signal.SIGTERM)
            self.assertEqual(server.wait(), 0)
            server.assert_clean()

    def test_other_signals_do_no_harm(self):
        server = self.start()
        for number in (signal.SIGPIPE, signal.SIGWINCH):
            server.signal(number)
            time.sleep(0.05)
            self.assertEqual(server.http.get("/api/health").status, 200, number.name)
        server.stop()


if __name__ == "__main__":
    main()
