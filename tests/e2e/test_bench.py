"""sakurad-bench's modes for live signals: what they say was heard and complete is."""
import json
import os
import subprocess
import tempfile

from harness.auth import KEY, AuthCase
from harness.case import ServerCase, main
from harness.server import binary
from harness.tokens import claims, forge

BENCH = os.path.join(os.path.dirname(binary()), "sakurad-bench")


def bench(server, mode, *args):
    out = subprocess.run([BENCH, mode, "--url", f"http://127.0.0.1:{server.ports[0]}", "--json", *args],
                         capture_output=True, text=True, timeout=120, check=False)
    if out.returncode != 0:
        raise AssertionError(out.stderr)
    return json.loads(out.stdout)


class Modes(ServerCase):
    def assertNoErrors(self, result):
        for name, op in result["operations"].items():
            self.assertEqual(op["errors"], {}, name)

    def test_signals(self):
        r = bench(self.server, "signals", "--publishers", "12", "--subscribers", "6", "--threads", "2", "--duration", "3")
        self.assertNoErrors(r)
        self.assertGreater(r["signals"]["sent"], 12)
        self.assertEqual(r["signals"]["heard"], r["signals"]["expected"])
        self.assertGreater(r["operations"]["customer"]["count"], 0)

    def test_storm(self):
        r = bench(self.server, "storm", "--subscribers", "50", "--duration", "2")
        self.assertNoErrors(r)
        self.assertEqual(r["storm"]["complete"], 50)

    def test_idle_with_everything(self):
        r = bench(self.server, "idle", "--everything", "--subscribers", "50", "--duration", "1")
        self.assertNoErrors(r)
        self.assertEqual(r["idle"]["open"], 50)


class Storm(AuthCase):
    def test_of_agents_with_names(self):
        with tempfile.NamedTemporaryFile("w", suffix=".tokens") as f:
            for i in range(20):
                print(forge(claims("dashboard", sub=f"a{i}", name=f"Agent {i}"), KEY), file=f)
            f.flush()
            r = bench(self.server, "storm", "--subscribers", "40", "--duration", "2", "--tokens", f.name)
        self.assertEqual(r["storm"]["complete"], 40)
        self.assertGreater(r["storm"]["bytes_each"], 20 * len('{"id":"a0","name":"Agent 0"}'), "all were named")


if __name__ == "__main__":
    main()
