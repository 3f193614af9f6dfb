"""Asks GET /api/health on several connections, in a process of its own so that the test's threads are not measured, until
its standard input ends; then prints what it saw as JSON: how many answers by status, and their times in milliseconds."""
import asyncio
import collections
import json
import sys
import time

REQUEST = b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
EVERY = 0.02


async def ask(port, times, statuses):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        begin = time.perf_counter()
        writer.write(REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
        await reader.readexactly(length)
        times.append((time.perf_counter() - begin) * 1000)
        statuses[head.split(b" ", 2)[1].decode()] += 1
        await asyncio.sleep(EVERY)


async def main(port, connections):
    times, statuses = [], collections.Counter()
    tasks = [asyncio.create_task(ask(port, times, statuses)) for _ in range(connections)]
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await asyncio.wait([ended, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        if task.done():
            task.result()  # a connection that ended: health was not answered
        task.cancel()
    times.sort()
    print(json.dumps({"answers": len(times), "statuses": statuses, "max": times[-1], "median": times[len(times) // 2],
                      "p99": times[len(times) * 99 // 100]}))


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
