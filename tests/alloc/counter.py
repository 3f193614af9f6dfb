"""What the threads of a running server ask of the heap, as tests/support/malloc_count.c counts it."""
import collections
import mmap
import os
import re
import shutil
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))

from harness.server import Server  # noqa: E402

LIBRARY = os.environ.get("SAKURAD_MALLOC_COUNT", "")
HEAD = struct.Struct("=QQ")  # ready, trace
THREAD = struct.Struct("=16sQQQQ")  # name, calls by the program, by SQLite, by others, traced
TRACED_AT = THREAD.size - 8
PROGRAM, SQLITE, OTHERS = 1, 2, 4  # bits of trace
FRAME = re.compile(r"^(\S+?)\(\+(0x[0-9a-f]+)\)", re.M)

Calls = collections.namedtuple("Calls", "program sqlite others")


class CountedServer(Server):
    """A server with the library in it."""

    def __init__(self, *args, **options):
        if not LIBRARY or not os.access(LIBRARY, os.R_OK):
            raise RuntimeError("SAKURAD_MALLOC_COUNT must name the counting library")
        super().__init__(*args, **options)
        self.count_path = os.path.join(self.directory, "heap-calls")
        self.env = {**self.env, "LD_PRELOAD": LIBRARY, "MALLOC_COUNT_FILE": self.count_path}
        self._map = None

    def start(self):
        super().start()
        with open(self.count_path, "r+b") as f:
            self._map = mmap.mmap(f.fileno(), 0)
        if HEAD.unpack_from(self._map)[0] != 1:
            raise AssertionError("the counting library did not come up")
        return self

    def discard(self):
        if self._map:
            self._map.close()
            self._map = None
        super().discard()

    def calls(self):
        """Thread name → Calls, from the start on."""
        out = {}
        for at in range(HEAD.size, len(self._map), THREAD.size):
            name, program, sqlite, others, _ = THREAD.unpack_from(self._map, at)
            if name[0]:
                out[name.rstrip(b"\0").decode()] = Calls(program, sqlite, others)
        return out

    def during(self, work, trace=PROGRAM | OTHERS):
        """What each thread asked for while work() ran. trace: of whose first calls stacks are kept (see stacks()); SQLite's
        would leave no room for the others on the writer."""
        for at in range(HEAD.size, len(self._map), THREAD.size):
            struct.pack_into("=Q", self._map, at + TRACED_AT, 0)
        before = self.calls()
        struct.pack_into("=Q", self._map, 8, trace)
        work()
        struct.pack_into("=Q", self._map, 8, 0)
        none = Calls(0, 0, 0)
        return {name: Calls(*(b - a for a, b in zip(before.get(name, none), after)))
                for name, after in self.calls().items()}

    def stacks(self):
        """The stacks kept since the last time, with names where the tools for them are there."""
        path = self.count_path + ".trace"
        with open(path, "r+", encoding="utf-8", errors="replace") as f:
            text = f.read()
            f.truncate(0)
        tool = shutil.which("addr2line")
        if not tool:
            return text
        wanted = sorted({m for m in FRAME.findall(text) if os.path.basename(m[0]) == "sakurad"})
        names = {}
        for program in {p for p, _ in wanted}:
            places = [a for p, a in wanted if p == program]
            done = subprocess.run([tool, "-f", "-s", "-e", program, *places], text=True, stdout=subprocess.PIPE, check=False)
            lines = done.stdout.splitlines()
            names.update({a: f"{lines[2 * i]} {lines[2 * i + 1]}" for i, a in enumerate(places) if len(lines) > 2 * i + 1})
        return FRAME.sub(lambda m: f"{m[0]} {names.get(m[2], '')}", text)
