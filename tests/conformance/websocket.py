"""Autobahn's WebSocket cases, as kosoku runs them, against sakurad-echo: every case must pass.

Covers RFC 6455: framing (1), pings and pongs (2), reserved bits (3), opcodes (4), fragmentation (5), UTF-8 (6), close
handling (7), limits and performance (9, messages of up to 16 MiB, which the echo program accepts; the product's own
limit is tested in tests/e2e and tests/faults), and fragments as sent by real clients (10).
Left out: 12 and 13, permessage-deflate. RFC 7692, 5: an extension is used only when both sides agree on it; the server
offers none and answers a handshake that does without it (RFC 6455, 9.1: it may ignore what it does not support).
"""
import json
import os
import shutil
import subprocess
import sys

from support import TOOLS, Echo, installed

KOSOKU = "kosoku==0.1.0"
CASES = 301
LEFT_OUT = ("12.*", "13.*")
# 7.1.6, 7.13.1, 7.13.2: the suite itself passes no judgement (what a peer does after a close, codes nobody may send).
PASSED = ("OK", "INFORMATIONAL")

# Most cases give the peer one second, by the clock on the wall, and that cannot be changed: on a machine that stands still
# for a second any of them fails. What a peer does wrong it does each time: a case that failed is repeated alone, and has
# failed unless it passes this many times in a row.
REPEATS = 3
REPEATED_MOST = 30  # more that fail are no accident


def run(bin_dir, address, report, *choice):
    """Case → its result."""
    subprocess.run([os.path.join(bin_dir, "kosoku"), "-o", report, *choice, f"{address[0]}:{address[1]}"], timeout=1500)
    with open(os.path.join(report, "index.json")) as f:
        (results,) = json.load(f).values()
    return results


def failed_of(results):
    return {case: r for case, r in sorted(results.items())
            if r["behavior"] not in PASSED or r["behaviorClose"] not in PASSED}


def fails_again(bin_dir, address, report, case):
    for i in range(REPEATS):
        results = run(bin_dir, address, f"{report}-{case}-{i}", "-i", case)
        if set(results) != {case} or failed_of(results):
            return True
        shutil.rmtree(f"{report}-{case}-{i}")
    print(f"{case}: failed, then passed {REPEATS} times in a row: the machine was late", flush=True)
    return False


def main():
    bin_dir = installed("kosoku", KOSOKU)
    report = os.path.join(TOOLS, f"websocket-report-{os.getpid()}")
    with Echo() as echo:
        results = run(bin_dir, echo.address, report, *(word for pattern in LEFT_OUT for word in ("-x", pattern)))
        failed = failed_of(results)
        if len(failed) <= REPEATED_MOST:
            failed = {case: r for case, r in failed.items() if fails_again(bin_dir, echo.address, report, case)}
    print(f"{len(results) - len(failed)} of {len(results)} cases passed, {CASES} expected")
    for case, r in failed.items():
        print(f"  {case}: {r['behavior']}, close {r['behaviorClose']}")
    if failed or len(results) != CASES:
        print(f"the reports are in {report}*")
        return 1
    shutil.rmtree(report)
    return 0


sys.exit(main())
