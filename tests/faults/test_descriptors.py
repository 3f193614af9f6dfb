"""Descriptors run out: those who are connected are served, the others are turned away at once, nothing spins, and all is
well by itself afterwards."""
import os
import resource
import time
import unittest

from common import Server, Traffic, Trouble, open_chats, restart, until, verify

from harness.case import main, report
from harness.rawhttp import Connection

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


class Descriptors(unittest.TestCase):
    def setUp(self):
        self.server = Server(store_kind="sqlite").start()
        self.addCleanup(self.server.discard)

    def refused(self):
        return self.server.metrics().get("sakurad_connections_refused_total", reason="descriptors")

    def test_accept_fails_with_EMFILE(self):
        server, chats = self.server, open_chats(self.server)
        with Connection(server.address) as known:
            self.assertEqual(known.request("GET", "/api/health").status, 200)  # accepted, not only connected
            with Trouble(server, "accept4,accept", "error=EMFILE") as trouble:
                late = [Connection(server.address, timeout=180) for _ in range(20)]  # the kernel connects them
                for c in late:
                    c.send(b"GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n")
                until(lambda: trouble.injected > 3, "accept fails")
                for _ in range(10):
                    self.assertEqual(known.request("GET", "/api/health").status, 200)
                calls, begin = trouble.calls, time.monotonic()
                time.sleep(2)
                rate = (trouble.calls - calls) / (time.monotonic() - begin)
                self.assertLess(rate, 200, "accept spins")  # it pauses for 100 ms, two calls each
            for c in late:
                self.assertEqual(c.response().status, 200)  # nobody was lost: the kernel kept them
                c.close()
        report("EMFILE on every accept", failed_calls=trouble.injected, accepts_per_second=round(rate, 1))
        with Traffic(server.address, chats) as traffic:
            until(lambda: traffic.count(200) > 100, "as before")
        restart(self, server, chats)
        verify(self, server, chats, traffic)
        server.stop()

    def test_the_limit_is_reached(self):
        server, chats = self.server, open_chats(self.server)
        pid = server.process.pid
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        with Traffic(server.address, chats) as traffic:
            until(lambda: traffic.count(200) > 50, "a first load")
            used = len(os.listdir(f"/proc/{pid}/fd"))
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 20, limits[1]))
            before, crowd, turned_away = self.refused(), [], 0
            for _ in range(60):
                c = Connection(server.address, timeout=60)
                try:
                    status = c.request("GET", "/api/health").status
                except (ConnectionError, BrokenPipeError):
                    status = 503  # the reset overtook the answer
                if status == 200:
                    crowd.append(c)
                else:
                    self.assertEqual(status, 503)
                    turned_away += 1
                    c.close()
            self.assertGreater(turned_away, 20)
            self.assertGreater(len(crowd), 5)
            begin_cpu, begin, answered = cpu_seconds(pid), time.monotonic(), traffic.count(200)
            until(lambda: traffic.count(200) > answered + 100, "the connected are served")
            for c in crowd:
                self.assertEqual(c.request("GET", "/api/health").status, 200)
                c.close()
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
            until(lambda: self.refused() > before, "it was counted")
        self.assertEqual(traffic.faults, [])
        self.assertEqual(traffic.closed, 0, "a sender that was connected was cut")
        report("the limit of descriptors", connected=len(crowd), turned_away=turned_away,
               cpu=f"{cpu_seconds(pid) - begin_cpu:.2f} s of {time.monotonic() - begin:.2f} s")
        restart(self, server, chats)
        report("afterwards", **verify(self, server, chats, traffic))
        server.stop()


if __name__ == "__main__":
    main()
