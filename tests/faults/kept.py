"""What a busy machine keeps a program from: the time that its threads were ready to run and did not get to. It is taken off
where a test holds the program to a time, so that the time is the program's: one that sleeps, or waits for what it must not
wait for, is not waiting for a core.

Linux counts it (the second figure of /proc/PID/task/TID/schedstat), and what a hypervisor took (steal in /proc/stat). Where
it does not, nothing is taken off."""
import os
import time

TICK = os.sysconf("SC_CLK_TCK")


def waited(pid):
    """Thread → seconds that it has waited for a core."""
    out = {}
    try:
        for tid in os.listdir(f"/proc/{pid}/task"):
            try:
                with open(f"/proc/{pid}/task/{tid}/schedstat") as f:
                    out[tid] = int(f.read().split()[1]) / 1e9
            except (OSError, IndexError):
                pass  # it has just ended
    except OSError:
        pass  # the process has
    return out


def stolen():
    """Core → seconds."""
    with open("/proc/stat") as f:
        rows = [line.split() for line in f if line.startswith("cpu") and not line.startswith("cpu ")]
    return {row[0]: int(row[8]) / TICK for row in rows if len(row) > 8}


def rise(before, after):
    """Of the one that rose most."""
    return max((value - before.get(key, 0.0) for key, value in after.items()), default=0.0)


class Kept:
    """From its making on: .elapsed, .kept and .excess = .elapsed - .kept, in seconds. The processes are those that have to
    run one after the other for the thing to be done; of each the thread that waited most counts. This one is among them."""

    def __init__(self, *pids):
        self.pids = (os.getpid(), *pids)
        self.before, self.stolen, self.begin = [waited(pid) for pid in self.pids], stolen(), time.monotonic()

    @property
    def elapsed(self):
        return time.monotonic() - self.begin

    @property
    def kept(self):
        return rise(self.stolen, stolen()) + sum(rise(b, waited(pid)) for b, pid in zip(self.before, self.pids))

    @property
    def excess(self):
        elapsed = self.elapsed
        return max(0.0, elapsed - self.kept)
