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


def run(bin_dir, address, report):
    command = [os.path.join(bin_dir, "kosoku"), "-o", report]
    for pattern in LEFT_OUT:
        command += ["-x", pattern]
    return subprocess.run([*command, f"{address[0]}:{address[1]}"], timeout=900).returncode


def main():
    bin_dir = installed("kosoku", KOSOKU)
    report = os.path.join(TOOLS, f"websocket-report-{os.getpid()}")
    with Echo() as echo:
        code = run(bin_dir, echo.address, report)
    with open(os.path.join(report, "index.json")) as f:
        (results,) = json.load(f).values()
    failed = {case: r for case, r in sorted(results.items())
              if r["behavior"] not in PASSED or r["behaviorClose"] not in PASSED}
    print(f"{len(results) - len(failed)} of {len(results)} cases passed, {CASES} expected")
    for case, r in failed.items():
        print(f"  {case}: {r['behavior']}, close {r['behaviorClose']}")
    if failed or code != 0 or len(results) != CASES:
        print(f"the reports are in {report}")
        return 1
    shutil.rmtree(report)
    return 0


sys.exit(main())
