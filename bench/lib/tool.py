"""Runs sakurad-bench and the stores' programs, and takes medians."""

import json
import statistics
import subprocess
import sys

from . import servers


def say(text):
    print(text, file=sys.stderr, flush=True)


class Result(dict):
    """One run of sakurad-bench: the object it printed, with short ways to what is compared."""

    def op(self, name):
        return self["operations"].get(name, {"per_s": 0.0, "p50_us": 0.0, "p99_us": 0.0, "count": 0, "errors": {}})

    def failures(self):
        return {f"{op} {kind}": n for op, v in self["operations"].items() for kind, n in v["errors"].items()}

    @property
    def cpu(self):
        """Server CPU in µs per primary operation."""
        return self.get("server", {}).get("cpu_us_per_op", float("nan"))


def run(bed, mode, server, *options, **named):
    """named: option names with _ for -; True for a flag."""
    command = [str(bed.tool), mode, "--json", "--url", server.url, "--pid", ",".join(map(str, server.pids))]
    for name, value in named.items():
        flag = "--" + name.replace("_", "-")
        command += [flag] if value is True else [flag, str(value)]
    command += map(str, options)
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    result = Result(json.loads(done.stdout))
    failures = result.failures()
    if failures:
        say(f"  note: {mode} against {server.name}: {failures}")
    return result


def fill(bed, server, **named):
    command = [str(bed.tool), "fill", "--url", server.url]
    for name, value in named.items():
        command += ["--" + name.replace("_", "-"), str(value)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")


def store_alone(program, *arguments):
    done = subprocess.run([str(servers.PEERS / program), *map(str, arguments)], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(f"{program}: {done.stderr.strip()}")
    return json.loads(done.stdout)


class Series(dict):
    """name → what each round measured; alternate() fills it, median() reads it."""

    def add(self, name, values):
        for key, value in values.items():
            self.setdefault((name, key), []).append(value)

    def median(self, name, key):
        values = self.get((name, key))
        return statistics.median(values) if values else float("nan")

    def has(self, name):
        return any(n == name for n, _ in self)


def alternate(rounds, measures):
    """measures: name → function that returns {key: value}. Each round runs them all, every second one backwards, so
    that a machine that drifts does not favour one side. One that fails is said and missing."""
    series = Series()
    for i in range(rounds):
        order = list(measures.items())
        for name, measure in order if i % 2 == 0 else reversed(order):
            try:
                values = measure()
            except (RuntimeError, OSError, subprocess.SubprocessError) as why:
                say(f"  {name}: failed: {why}")
                continue
            series.add(name, values)
            say(f"  round {i + 1} {name}: " + ", ".join(f"{k} {v:,.6g}" for k, v in values.items()))
    return series
