"""The disk fails while messages are sent: a full disk, failing syncs, a file that may not grow. Never a 200 for what is
not stored (docs/architecture.md, invariant 1), a clear 503 meanwhile, and the server goes on by itself once the disk is well."""
import os
import resource
import subprocess
import tempfile
import time
import unittest

from common import Server, Traffic, Trouble, health, open_chats, restart, until, verify

from harness.case import main, report

SYNCS = "fdatasync,fsync,sync_file_range"
WRITES = "pwrite64,pwritev,ftruncate,fallocate"


class Disk(unittest.TestCase):
    def serve(self, *args, **options):
        server = Server("--write-timeout", "1000", *args, store_kind="sqlite", **options).start()
        self.addCleanup(server.discard)
        return server

    def goes_on(self, traffic, what):
        before = traffic.count(200)
        until(lambda: traffic.count(200) > before + 50, f"stores again after {what}")

    def says(self, status, word):
        """Health; the two never contradict each other."""
        got = health(self.server)
        self.assertEqual(got[0] == 503, got[1]["status"] == "unavailable", got)
        return (got[0], got[1]["status"]) == (status, word)

    def through(self, title, begin, end, figures=lambda: {}):
        """Load; trouble from begin() until writes have been refused for a while; end(); load again; the ledger."""
        server, chats = self.server, open_chats(self.server)
        with Traffic(server.address, chats) as traffic:
            until(lambda: traffic.count(200) > 100, "a first load")
            begin()
            until(lambda: traffic.count(503) > 20, "writes are refused")
            until(lambda: self.says(503, "unavailable"), "health says so")
            self.assertEqual(server.client().get("/api/debug/users-chats").status, 200)  # reads go on
            ask = server.client().post("/api/chat", {"message": "x", "session_id": "s"})  # nobody responds to what is not stored
            self.assertEqual((ask.status, ask.header("Retry-After")), (503, "1"), ask)
            time.sleep(1)
            more = figures()
            end()
            self.goes_on(traffic, title)
        self.assertEqual(traffic.faults, [])
        until(lambda: self.says(200, "healthy"), "health is well again")
        restart(self, server, chats)
        report(title, **verify(self, server, chats, traffic), **more)
        server.stop()

    def traced(self, title, calls, inject):
        self.server = self.serve()
        trouble = Trouble(self.server, calls, inject)
        self.through(title, trouble.__enter__, lambda: trouble.__exit__(None, None, None),
                     lambda: {"failed calls": trouble.injected})

    def test_syncs_fail_with_EIO(self):
        self.traced("EIO on every sync", SYNCS, "error=EIO")

    def test_writes_fail_with_ENOSPC(self):
        self.traced("ENOSPC on every write", WRITES, "error=ENOSPC")

    def test_writes_fail_with_EIO(self):
        self.traced("EIO on every write", WRITES, "error=EIO")

    def sporadic(self, title, calls, inject):
        """A failure now and then is tried again: nobody hears of it but the log and the metrics."""
        self.server = server = self.serve()
        chats = open_chats(server)
        with Traffic(server.address, chats) as traffic:
            until(lambda: traffic.count(200) > 100, "a first load")
            with Trouble(server, calls, inject) as trouble:
                until(lambda: trouble.injected >= 20, "failures happen")
            self.goes_on(traffic, title)
        self.assertEqual(traffic.faults, [])
        restart(self, server, chats)
        report(title, **verify(self, server, chats, traffic), **{"failed calls": trouble.injected})
        server.stop()

    def test_every_seventh_sync_fails(self):
        self.sporadic("EIO on every 7th sync", SYNCS, "error=EIO:when=1+7")

    def test_every_seventh_write_fails(self):
        self.sporadic("ENOSPC on every 7th write", WRITES, "error=ENOSPC:when=1+7")

    def test_the_file_may_not_grow(self):
        """A limit on the size of files stands in for a quota: EFBIG, and SIGXFSZ, which must not end the process."""
        self.server = server = self.serve()
        pid = server.process.pid
        hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
        self.through("a limit on the file's size",
                     lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, hard)),
                     lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard)))

    def test_a_full_file_system(self):
        """A real one of 48 MiB, filled by a file and by messages; where mounting is not allowed, this is left to ENOSPC as
        injected above."""
        place = tempfile.mkdtemp(prefix="sakurad-full-")
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", place], stderr=subprocess.DEVNULL).returncode:
            os.rmdir(place)
            print("  no right to mount a file system here", flush=True)
            return
        try:
            self.server = self.serve(store=f"sqlite:{place}/sakurad.db")
            filler = os.path.join(place, "filler")

            def fill():
                with open(filler, "wb", buffering=0) as f:
                    try:
                        while True:
                            f.write(bytes(65536))
                    except OSError:
                        pass

            self.through("a full file system", fill, lambda: os.unlink(filler))
        finally:
            subprocess.run(["umount", "-l", place], check=True)
            os.rmdir(place)


if __name__ == "__main__":
    main()
