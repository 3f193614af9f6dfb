"""The report: what was measured, on what, and how it stands to the goals."""

import os
import pathlib
import platform
import re
import subprocess


def _first(pattern, path):
    try:
        found = re.search(pattern, pathlib.Path(path).read_text())
    except OSError:
        return ""
    return found.group(1).strip() if found else ""


def machine(build):
    memory = int(_first(r"MemTotal:\s+(\d+)", "/proc/meminfo") or 0) / 1024**2
    flags = _first(r"CMAKE_BUILD_TYPE:\w+=(.*)", pathlib.Path(build) / "CMakeCache.txt")
    lto = _first(r"CMAKE_INTERPROCEDURAL_OPTIMIZATION:\w+=(.*)", pathlib.Path(build) / "CMakeCache.txt")
    compiler = _first(r"CMAKE_C_COMPILER:\w+=(.*)", pathlib.Path(build) / "CMakeCache.txt")
    version = subprocess.run([compiler or "cc", "--version"], capture_output=True, text=True).stdout.splitlines()
    revision = subprocess.run(["git", "-C", str(pathlib.Path(__file__).parent), "describe", "--always", "--dirty"],
                              capture_output=True, text=True).stdout.strip()
    return [("Processor", _first(r"model name\s*:\s*(.*)", "/proc/cpuinfo") + f", {len(os.sched_getaffinity(0))} cores"),
            ("Memory", f"{memory:.0f} GiB"), ("Kernel", platform.release()),
            ("Compiler", version[0] if version else "?"),
            ("Build", f"{flags}{', link-time optimisation' if lto == 'ON' else ''}"), ("Revision", revision or "?"),
            ("Load average at the start", f"{os.getloadavg()[0]:.2f} (should be near 0)")]


def figure(value, unit=""):
    if value is None or value != value:
        return "–"
    if unit == "µs" and abs(value) >= 1000:
        return f"{value / 1000:.2f} ms"
    if abs(value) >= 1000:
        return f"{value:,.0f}{' ' + unit if unit else ''}"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f}{' ' + unit if unit else ''}"


class Row:
    """One line of a table: a figure of ours beside a reference's and the goal."""

    def __init__(self, what, ours, reference, goal, reached, note=""):
        self.what, self.ours, self.reference, self.goal, self.reached, self.note = what, ours, reference, goal, reached, note


def at_least(what, ours, reference, factor, unit="/s", name="", note=""):
    ratio = ours / reference if reference else float("nan")
    return Row(what, figure(ours, unit), f"{name} {figure(reference, unit)}".strip(), f"≥ {factor:g} ×: {ratio:.2f} ×",
               None if ratio != ratio else ratio >= factor, note)


def at_most(what, ours, limit, unit="µs", name="", note=""):
    return Row(what, figure(ours, unit), name or "", f"≤ {figure(limit, unit)}",
               None if ours != ours or limit != limit else ours <= limit, note)


WORDS = {True: "yes", False: "**no**", None: "not measured"}
MARKS = ("<!-- what bench/run --readme writes begins here -->", "<!-- and ends here -->")

# The README's few: a row of the report by section and how it begins, and what it is called there.
HEADLINES = (
    ("P1", "durable sends", "messages stored durably, 64 senders"),
    ("P1", "p99 of those", "the same: 99 of 100 answered within"),
    ("P2", "the same, p99", "message sent → told to a dashboard, 99 of 100 within"),
    ("P3", "10,000 subscribers, 4 publishers: deliveries", "notifications delivered to 10,000 listeners"),
    ("P4", "memory of an idle", "memory of an idle listener"),
    ("P6", "refetch of", "an inbox of 100 customers, fetched whole"),
    ("P9", "server CPU", "CPU for 2,000 open widgets, 50 agents, 200 messages/s"),
)


def goals_table(rows, of_all=False):
    """of_all: the rows of many sections, each with its section's name."""
    head = ["what", "sakurad", "beside it", "goal", "reached"]
    body = [(f"{r.section}: " * of_all + r.what + (f" ({r.note})" if r.note else ""), r.ours, r.reference, r.goal,
             WORDS[r.reached]) for r in rows]
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    return "\n".join(lines + ["| " + " | ".join(str(c) for c in row) + " |" for row in body]) + "\n"


class Document:
    def __init__(self, title):
        self.parts = [f"# {title}\n"]
        self.rows = []
        self.images = []
        self.current = ""  # the section's short name

    def text(self, text):
        self.parts.append(text + "\n")

    def section(self, name):
        self.current = name.partition(":")[0]
        self.parts.append(f"## {name}\n")

    def table(self, head, body):
        lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
        lines += ["| " + " | ".join(str(c) for c in row) + " |" for row in body]
        self.parts.append("\n".join(lines) + "\n")

    def goals(self, rows):
        self.rows += rows
        for r in rows:
            r.section = self.current
        self.parts.append(goals_table(rows))

    def image(self, path, alt):
        self.parts.append(f"![{alt}]({path})\n")
        self.images.append((alt, path))

    def summary(self):
        reached = sum(r.reached is True for r in self.rows)
        return f"{reached} of {len(self.rows)} goals reached.\n"

    def write(self, path):
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([self.parts[0], self.summary(), *self.parts[1:]]))

    def write_readme(self, root, report):
        """The plots and all goals into docs/benchmarks.md, headline figures into the README, each between the marks."""
        page = root / "docs" / "benchmarks.md"
        folder = pathlib.Path(os.path.relpath(report.parent.resolve(), page.parent.resolve())).as_posix()
        images = [f"![{alt}]({folder}/{path})\n" for alt, path in self.images]
        between_marks(page, [f"{self.summary()[:-2]} in [the report]({folder}/{report.name}), which also has the peers' figures "
                             "and the machine.\n", *images, "<details><summary>Every goal</summary>\n",
                             goals_table(self.rows, of_all=True), "</details>"])
        between_marks(root / "README.md", [self.headlines()])

    def headlines(self):
        """What was not measured in this run is left out."""
        lines = ["| | sakurad | beside it |", "| --- | --- | --- |"]
        for section, beginning, name in HEADLINES:
            lines += [f"| {name} | {r.ours} | {r.reference} |" for r in self.rows
                      if r.section == section and r.what.startswith(beginning)][:1]
        return "\n".join(lines)


def between_marks(path, parts):
    before, _, rest = path.read_text().partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    path.write_text(f"{before}{MARKS[0]}\n\n" + "\n".join(parts) + f"\n\n{MARKS[1]}{after}")
