"""The files of the embedded store, as an operator may treat them: a second server on them, a log that a script deletes."""
import os
import unittest

from harness.case import Chat, ServerCase, main
from harness.load import Ledger
from harness.rawhttp import Connection
from harness.server import Server, free_port, run


class OneServer(ServerCase):
    """Two servers on one file would answer 200 for what the other does not see."""

    def assertRefused(self, path):
        code, out, err = run("--store", f"sqlite:{path}", "--listen", f"127.0.0.1:{free_port()}")
        self.assertEqual((code, out), (1, ""), err)
        self.assertIn(f"is in use by another server (process {self.server.process.pid})", err)

    def test_a_second_one_is_refused_by_whatever_name(self):
        path = self.server.store.partition(":")[2]
        os.symlink(path, path + ".symbolic")
        os.link(path, path + ".hard")
        folder = path + ".folder"
        os.symlink(os.path.dirname(path), folder)
        names = (path, path + ".symbolic", path + ".hard", os.path.join(folder, os.path.basename(path)))
        for name in names:
            with self.subTest(name):
                self.assertRefused(name)
        os.unlink(path + "-lock")  # a lock file removed by hand guards nothing
        for name in names:
            with self.subTest(name, lock="removed"):
                self.assertRefused(name)
        os.unlink(path + ".hard")
        chat = self.chat()
        chat.send("the first goes on")
        self.assertEqual([m["content"] for m in chat.poll()["messages"]], ["the first goes on"])


class Deleted(unittest.TestCase):
    def until(self, probe, what):
        return ServerCase.eventually(self, probe, what, 120)

    def health(self, server):
        with Connection(server.address) as conn:
            return conn.request("GET", "/api/health")

    def test_a_log_deleted_under_load_loses_nothing_to_a_kill(self):
        """A clean-up script: 200 must not go on for what a kill would take."""
        for suffixes in (("-wal",), ("-wal", "-shm")):
            with self.subTest(suffixes):
                server = Server("--write-timeout", "1000", store_kind="sqlite").start()
                self.addCleanup(server.discard)
                chats = [Chat(server.http) for _ in range(4)]
                ledger = Ledger(server.address, [c.id for c in chats]).start().wait(20)
                for suffix in suffixes:
                    os.unlink(server.store.partition(":")[2] + suffix)
                self.until(lambda: ledger.refused > 20, "sends are refused")
                self.until(lambda: self.health(server).status == 503, "health says so")
                answer = self.health(server).json()
                self.assertEqual((answer["status"], answer["store"]["status"], answer["store"]["reason"]),
                                 ("unavailable", "unhealthy", "files"))
                with Connection(server.address) as conn:  # the other probe says the same
                    probe = conn.request("GET", "/health")
                    self.assertEqual((probe.status, probe.json()["status"], probe.json()["mongo"]), (200, "ok", "unhealthy"))
                self.assertIn("-wal file was moved, deleted or replaced", answer["store"]["detail"])
                server.logged(r"store failed .*-wal file was moved, deleted or replaced")
                server.logged(r"the open log was moved into the database")
                server.kill()
                ledger.join()
                self.assertEqual(ledger.faults, [])
                server.start()
                stored = {}
                for chat in chats:
                    chat.client = server.http
                    stored.update({m["_id"]: m["content"] for m in chat.history(1000)})
                self.assertEqual([s for s in ledger.acknowledged if stored.get(s.message_id) != s.text], [])
                self.assertGreaterEqual(len(ledger.acknowledged), 80)
                chats[0].send("a clean start")
                server.stop()


if __name__ == "__main__":
    main()
