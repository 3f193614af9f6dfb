"""SIGKILL of the database and of the server, under load: no acknowledged message is missing, none is there twice, nothing
unstored is answered 200, and the server goes on by itself."""
import random
import time
import unittest

from rig import Database, Kept, MongoServer, RECOVERY, Traffic, full, known_chats, recovered, until, verify
from harness.case import main, report

KILLS = full(4, 20)
WRITE_TIMEOUT = 1.0  # seconds: some outages are shorter, others longer


class Kill(unittest.TestCase):
    def setUp(self):
        self.database = Database().start()
        self.addCleanup(self.database.discard)
        self.server = MongoServer("--write-timeout", str(int(WRITE_TIMEOUT * 1000)), store=self.database.uri()).start()
        self.addCleanup(self.server.discard)
        self.chats = known_chats(self.server, 4)

    def check(self, traffic, title, **more):
        """Against what a server that has seen nothing yet reads from the database."""
        self.assertEqual(traffic.faults, [])
        self.server.kill()
        self.server.start()
        for chat in self.chats:
            chat.client = self.server.http
        figures = verify(self, self.server, self.chats, traffic)
        self.assertGreater(figures["acknowledged"], KILLS * len(self.chats), "there was no load to kill under")
        doubles = self.database.script("doubles.py")
        self.assertEqual(doubles, {"documents": len(traffic.sent) + len(self.chats), "doubles": []})
        report(title, **figures, doubles_by_key=0, **more)

    def under_load(self, traffic, before):
        until(lambda: traffic.count(200) > before + len(self.chats) or traffic.faults, "there is load")
        time.sleep(random.uniform(0.02, 0.3))

    def test_the_database_is_killed(self):
        recoveries, outages = [], []
        with Traffic(self.server.address, self.chats) as traffic:
            for i in range(KILLS):
                self.under_load(traffic, traffic.count(200))
                refused = traffic.count(503)
                self.database.kill()
                dead = time.monotonic()
                if i % 2:
                    time.sleep(WRITE_TIMEOUT + random.uniform(0.2, 0.8))
                    until(lambda: traffic.count(503) > refused, "the outage is seen")
                before = traffic.count(200)
                self.database.start()
                outages.append(time.monotonic() - dead)
                recoveries.append(recovered(traffic, Kept(self.server.process.pid, self.database.process.pid), before))
        self.check(traffic, f"{KILLS} SIGKILLs of the database", refused=traffic.count(503),
                   outage_s=f"{min(outages):.1f}…{max(outages):.1f}", recovery_s_max=f"{max(recoveries):.2f}")
        self.assertLess(max(recoveries), RECOVERY)
        self.server.stop()

    def test_the_server_is_killed(self):
        starts = []
        with Traffic(self.server.address, self.chats) as traffic:
            for _ in range(KILLS):
                self.under_load(traffic, traffic.count(200))
                self.server.kill()
                since, before = Kept(), traffic.count(200)
                self.server.start()
                starts.append(recovered(traffic, since, before))
        self.check(traffic, f"{KILLS} SIGKILLs of the server", recovery_s_max=f"{max(starts):.2f}")
        self.server.stop()


if __name__ == "__main__":
    main()
