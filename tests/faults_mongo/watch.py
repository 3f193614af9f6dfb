"""Asks GET /api/health on several connections, in a process of its own so that the test's threads are not measured, until
its standard input ends; then prints what it saw as JSON: how many answers by status, and their times in milliseconds.
"asking" is printed first, when each connection has had an answer.

A time is the server's only without what the machine took: the longest that any of its threads, or this process, waited for a
core meanwhile (tests/faults/kept.py), or else how late this process's own clock went off. "excess" is the longest without it.
A worker that waits for the database waits for no core."""
import asyncio
import bisect
import collections
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "faults"))

from kept import rise, stolen, waited  # noqa: E402

REQUEST = b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
EVERY = 0.02


class Machine:
    """Samples, one each EVERY seconds."""

    def __init__(self, pid):
        self.pid, self.when, self.samples = pid, [], []

    def look(self):
        self.samples.append((waited(self.pid), waited(os.getpid()), stolen()))
        self.when.append(time.perf_counter())

    async def run(self):
        while True:
            self.look()
            await asyncio.sleep(EVERY)

    def took(self, begin, end):
        """Seconds, between the last sample before and the first after."""
        first = max(0, bisect.bisect_right(self.when, begin) - 1)
        last = min(len(self.when) - 1, bisect.bisect_left(self.when, end))
        late = max((b - a - EVERY for a, b in zip(self.when[first:last], self.when[first + 1:last + 1])), default=0.0)
        return max(late, sum(rise(b, a) for b, a in zip(self.samples[first], self.samples[last])))


async def ask(port, times, statuses, first):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        begin = time.perf_counter()
        writer.write(REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
        await reader.readexactly(length)
        times.append((begin, time.perf_counter()))
        first.set()
        statuses[head.split(b" ", 2)[1].decode()] += 1
        await asyncio.sleep(EVERY)


async def main(port, connections, pid):
    times, statuses, machine = [], collections.Counter(), Machine(pid)
    firsts = [asyncio.Event() for _ in range(connections)]
    tasks = [asyncio.create_task(ask(port, times, statuses, first)) for first in firsts]
    tasks.append(asyncio.create_task(machine.run()))
    asking = asyncio.gather(*(first.wait() for first in firsts))
    await asyncio.wait([asking, *tasks], return_when=asyncio.FIRST_COMPLETED)
    if asking.done():
        print("asking", flush=True)
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await asyncio.wait([ended, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        if task.done():
            task.result()  # a connection that ended: health was not answered
        task.cancel()
    machine.look()
    excess = max(end - begin - machine.took(begin, end) for begin, end in times) * 1000
    times = sorted((end - begin) * 1000 for begin, end in times)
    print(json.dumps({"answers": len(times), "statuses": statuses, "max": times[-1], "excess": max(0.0, excess),
                      "median": times[len(times) // 2], "p99": times[len(times) * 99 // 100]}))


asyncio.run(main(*map(int, sys.argv[1:4])))
