"""Steady state as the driver saw it: no find and no aggregate for sends to known chats, two write commands for a batch."""
import unittest

from rig import Database, MongoServer, full, known_chats
from harness.case import main, report
from harness.load import pipelined
from harness.rawhttp import build
from harness.server import in_threads

SENDS, SENDERS = full(2000, 10000), 16
READS = ("find", "getMore", "aggregate", "count", "distinct")
WRITES = ("insert", "update", "delete", "findAndModify")


class Steady(unittest.TestCase):
    def counts(self):
        m = self.server.metrics()
        out = {name: m.get("sakurad_mongo_commands_total", command=name) for name in READS + WRITES}
        out["batches"] = m.get("sakurad_store_ops_total", kind="batch")
        return out

    def send(self, chats):
        def work(index):
            mine = [build("POST", f"/api/users/chats/{chats[i % len(chats)].id}/send", body={"content": f"n {i}"})
                    for i in range(index, SENDS, SENDERS)]
            for r in pipelined(self.server.address, mine):
                self.assertEqual(r.status, 200)
        in_threads(SENDERS, work)

    def test_commands(self):
        database = Database().start()
        self.addCleanup(database.discard)
        self.server = MongoServer(store=database.uri(patient=True)).start()
        self.addCleanup(self.server.discard)
        chats = known_chats(self.server, 50)
        before = self.counts()
        self.send(chats)
        rose = {name: int(n - before[name]) for name, n in self.counts().items()}
        report(f"{SENDS} sends", **{name: n for name, n in rose.items() if n}, reads=sum(rose[r] for r in READS))
        self.assertEqual({r: rose[r] for r in READS}, dict.fromkeys(READS, 0))
        self.assertGreater(rose["batches"], 0)
        self.assertLessEqual(sum(rose[w] for w in WRITES), 2 * rose["batches"])
        # The counters can rise: what is unknown is read.
        self.server.http.get("/api/users/nobody-known/chats")
        self.assertGreater(self.counts()["find"], before["find"])
        self.server.stop()


if __name__ == "__main__":
    main()
