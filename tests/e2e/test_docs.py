"""The documentation is held against the program, both ways: options, metrics, routes, frames, links, names of tests."""
import json
import os
import re
import shutil
import subprocess
import sys
import time
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.case import ServerCase, main
from harness.pages import DOCS, PAGES, ROOT, anchors, blocks, links, prose, quoted, read, section, table
from harness.server import binary, run

# What a block of a page may be. Who adds a kind says here what holds it to the truth.
KINDS = {"sh": "test_printed.py runs it", "sh by-hand": "test_printed.py has the reason", "console": "test_session.py plays it",
         "nginx": "test_printed.py compares it with dist/", "caddy": "test_printed.py compares it with dist/",
         "python": "test_programs.py", "js": "test_programs.py", "php": "test_programs.py", "go": "test_programs.py", "ruby": "test_programs.py",
         "text": "a drawing, or words of another program", "html": "the widget's tag: compared with its sources below"}
# Flags of other programs that pages name: nothing of ours.
FOREIGN_FLAGS = {"--rm", "--entrypoint", "--install", "--preset", "--build", "--checkJs", "--strict", "--now", "--uri", "--archive", "--gzip", "--drop"}
NO_METRICS = {"sakurad_connection"}  # a variable of nginx
TOOLS = ("tools/run", "tools/test", "tools/soak", "tools/fuzz", "tools/subscribe", "tools/devdb", "tools/screenshots", "bench/run")


def help_options():
    return set(re.findall(r"(--[a-z][a-z-]*)", " ".join(re.findall(r"^ +(?:-\w, )?--[a-z-]+.*$", run("--help")[1], re.M))))


class Pages(unittest.TestCase):
    def test_every_link_leads_somewhere(self):
        for name in PAGES:
            for link in links(name):
                with self.subTest(f"{name}: {link}"):
                    if re.match(r"https?://", link):
                        self.assertRegex(link, r"^https?://[a-z0-9.-]+(:\d+)?(/[\w./#?=&%-]*)?$")
                        continue
                    path, _, anchor = link.partition("#")
                    target = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
                    self.assertTrue(os.path.exists(os.path.join(ROOT, target)), target)
                    if anchor:
                        self.assertIn(anchor, anchors(target))

    def test_the_index_has_every_page(self):
        self.assertEqual(sorted(f"docs/{link}" for link in links("docs/README.md")), [d for d in DOCS if d != "docs/README.md"])

    def test_every_block_is_of_a_kind(self):
        for name in PAGES:
            for kind, text in blocks(name):
                with self.subTest(f"{name}: {text[:60]!r}"):
                    self.assertIn(kind, KINDS)

    def test_the_readme_is_of_a_screen_and_a_half(self):
        self.assertLessEqual(len(read("README.md").splitlines()), 100)

    def test_files_that_are_named_exist(self):
        """`docs/x.md`, `tests/e2e/test_y.py`, …: in a page, what looks like a file of this tree is one."""
        for name in PAGES:
            for text in quoted(prose(name)):
                if re.fullmatch(r"(src|include|tests|tools|docs|dist|bench|cmake)/[\w./-]+", text):
                    with self.subTest(f"{name}: {text}"):
                        self.assertTrue(os.path.exists(os.path.join(ROOT, text)), text)

    def test_tests_that_are_named_exist(self):
        known = {t for folder in ("tests", "bench/tests") for path in Path(ROOT, folder).rglob("CMakeLists.txt")
                 for t in re.findall(r"[\w]+", path.read_text())}
        for name in PAGES:
            for pattern in re.findall(r"ctest -[RL] \"?([\w\\|]+)", read(name)):
                for test in pattern.replace("\\", "").split("|"):
                    with self.subTest(f"{name}: {test}"):
                        stem = re.sub(r"^(e2e_mongo|e2e|unit|faults_mongo|faults|conformance)_", "", test)
                        self.assertTrue(test in known or stem in known, test)


class Sync(unittest.TestCase):
    def test_each_race_has_its_test_and_each_test_its_row(self):
        named = re.findall(r"\*([^*]+)\*$", "\n".join(row[3] for row in table(read("docs/sync.md"), "the race")), re.M)
        tests = [m[2] for m in re.finditer(r"^ *race\((['\"`])(.*?)\1, ", read("tests/web/client/races.test.mjs"), re.M)]
        self.assertGreater(len(tests), 12)
        patterns = [r"\w+".join(map(re.escape, re.split(r"\$\{\w+\}", t))) for t in tests]
        for name in named:
            with self.subTest(name):
                self.assertTrue(any(re.fullmatch(p, name) for p in patterns), name)
        for pattern in patterns:
            with self.subTest(pattern):
                self.assertTrue(any(re.fullmatch(pattern, name) for name in named), pattern)


class Widget(unittest.TestCase):
    """The page says what the head of src/web/widget/widget.js says, and that is in its sources."""

    def setUp(self):
        self.page = section("docs/clients.md", "The widget")
        head = " ".join(line.strip(" *") for line in read("src/web/widget/widget.js").split("*/")[0].splitlines())
        self.head = re.sub(r" \([^()]*\)", "", head)  # without remarks
        self.source = "".join(read(f"src/web/widget/{name}").split("*/", 1)[-1] for name in os.listdir(os.path.join(ROOT, "src/web/widget")))

    def said(self, begin, end):
        return self.head.split(begin, 1)[1].split(end, 1)[0]

    def test_attributes(self):
        described = {q for row in table(self.page, "attribute") for q in quoted(row[0])}
        names = re.split(r"; | and ", self.said("may be left out: ", "."))
        self.assertEqual(described, {f"data-{name}" for name in names})
        for name in names:
            self.assertRegex(self.source, rf"\b{name}\b")
        for page in PAGES:
            for kind, text in blocks(page):
                if kind == "html":
                    self.assertIn('/widget.js"', text)
                    self.assertLessEqual(set(re.findall(r"\bdata-\w+", text)), described)

    def test_languages(self):
        said = next(row[1] for row in table(self.page, "attribute") if row[0] == "`data-lang`")
        known = re.search(r"LANGUAGES = \[(.*?)\]", read("src/web/widget/labels.js"))[1]
        self.assertEqual(sorted(re.findall(r"\b[a-z]{2}\b(?=[,.])", said)), sorted(re.findall(r"\w+", known)))

    def test_calls(self):
        rows = table(self.page, "call")
        calls = re.findall(r"(\w+)\(", self.said("window.Sakura: ", " Before"))
        self.assertEqual(sorted(c for row in rows for c in re.findall(r"`Sakura\.(\w+)", row[0])), sorted(calls))
        events = re.findall(r"\w+", self.said("with the events ", "."))
        self.assertEqual(next(quoted(row[1]) for row in rows if "Sakura.on" in row[0]), events)
        for name in calls + events:
            self.assertRegex(self.source, rf"\b{name}\b")


class Options(unittest.TestCase):
    def test_every_flag_that_is_named_exists(self):
        ours = help_options()
        self.assertGreater(len(ours), 40)
        tools = {f for tool in TOOLS for f in re.findall(r"--[a-z][a-z-]*", read(tool))}
        bench = set(re.findall(r"--[a-z][a-z-]*", read("bench/option_table.c") + read("bench/README.md"))) | {
            "--" + f for f in re.findall(r'"([a-z][a-z-]+)"', read("bench/option_table.c"))}
        for name in PAGES:
            allowed = ours | FOREIGN_FLAGS | tools | (bench if name.startswith("bench/") else set())
            for flag in set(re.findall(r"(?<![\w-])--[A-Za-z][\w-]*", re.sub(r"<!--|-->", "", read(name)))):
                with self.subTest(f"{name}: {flag}"):
                    self.assertIn(flag.rstrip("-"), allowed)

    def test_every_variable_that_is_named_exists(self):
        ours = {"SAKURAD_" + flag[2:].replace("-", "_").upper() for flag in help_options()}
        for name in PAGES:
            for variable in set(re.findall(r"SAKURAD_[A-Z_]*[A-Z]", read(name))):
                with self.subTest(f"{name}: {variable}"):
                    if not variable.startswith("SAKURAD_TEST_") and not variable.startswith("SAKURAD_DEAF_"):
                        self.assertIn(variable, ours)


class Generated(unittest.TestCase):
    """What the build prints from the tables of options (cmake/docs.cmake)."""
    made = os.path.join(os.path.dirname(os.path.realpath(binary())), "docs")

    def text(self, name):
        with open(os.path.join(self.made, name), encoding="utf-8") as f:
            return f.read()

    def test_the_page_is_the_generated_one(self):
        self.assertEqual(read("docs/configuration.md"), self.text("configuration.md"),
                         "docs are generated: build, then cp build/debug/docs/configuration.md docs/")

    def test_the_page_has_every_option(self):
        shown = set(re.findall(r"`(--[a-z-]+)", self.text("configuration.md")))
        self.assertEqual(help_options() - shown, set())

    def test_the_man_pages_have_every_option_and_no_fault(self):
        for name, options in (("sakurad.8", help_options()), ("sakurad-bench.1", self.bench_options())):
            if not os.path.exists(os.path.join(self.made, name)):
                self.assertEqual(name, "sakurad-bench.1", "built without the bench")
                continue
            text = self.text(name)
            described = set(re.findall(r"(?m)^(?:\\fB\\-\w\\fR, )?\\fB((?:\\-|[a-z])+)\\fR", text))
            self.assertEqual(described, {o.replace("-", "\\-") for o in options})
            if shutil.which("man"):
                done = subprocess.run(["man", "--warnings", "-l", os.path.join(self.made, name)], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def bench_options(self):
        return {"--" + n for n in re.findall(r'(?m)^    [A-Z]+\("([a-z-]+)"', read("bench/option_table.c"))}

    def complete(self, *words):
        script = f'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sakurad; printf "%s\\n" "${{COMPREPLY[@]}}"'
        done = subprocess.run(["bash", "-uc", script, "bash", os.path.join(self.made, "completion"), "sakurad", *words],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
        return done.stdout.split()

    def test_completion(self):
        self.assertEqual(set(self.complete("--")), help_options())
        self.assertEqual(self.complete("--work"), ["--workers"])
        self.assertEqual(self.complete("--log-level", "w"), ["warn"])
        self.assertEqual(self.complete("--log-level", "=", "d"), ["debug"])
        self.assertEqual(self.complete("--log-format", "="), ["text", "json"])
        self.assertEqual(self.complete("--auth-key", self.made + "/sakurad.8"), [self.made + "/sakurad.8"])
        self.assertEqual(self.complete("--workers", ""), [])


class Program(ServerCase):
    args = ("--notify-interval", "200")

    def test_metrics(self):
        """What /metrics has, the table has; what the table, the alerts and the board name, /metrics has."""
        self.chat().send("x")
        served = self.server.metrics()
        rows = table(section("docs/operations.md", "Metrics"), "metric")
        described = [name for row in rows for name in quoted(row[0])]
        self.assertEqual(sorted(described), sorted(served.types))
        labels = {}
        for (name, pairs), _ in served.series.items():
            family = re.sub(r"_(bucket|sum|count)$", "", name) if name not in served.types else name
            labels.setdefault(family, set()).update(k for k, _ in pairs if k != "le")
        for row in rows:
            with self.subTest(row[0]):
                self.assertEqual(set(quoted(row[1])), set().union(*(labels.get(name, set()) for name in quoted(row[0]))))
        names = set(served.types) | {n for n, _ in served.series}
        for name in (*PAGES, "dist/alerts.yml", "dist/grafana.json"):
            for metric in set(re.findall(r"\b(?:sakurad|process)_[a-z_]*[a-z]\b", read(name))) - NO_METRICS:
                with self.subTest(f"{name}: {metric}"):
                    self.assertIn(metric, names)

    def test_label_values_that_are_named_are_served(self):
        """stage="…" and the like, in a page, an alert or the board."""
        values = {pair for _, pairs in self.server.metrics().series for pair in pairs}
        for name in ("docs/operations.md", "dist/alerts.yml", "dist/grafana.json"):
            for label, value in re.findall(r"\b(stage|queue|event|kind|reason|result|what|outcome)=\\?\"([^\"\\]+)\\?\"", read(name)):
                with self.subTest(f"{name}: {label}={value}"):
                    for one in value.split("|"):
                        self.assertIn((label, one), values)

    def test_alerts_and_board_are_whole(self):
        """No parser of YAML is among the tests' packages, so only the form of our own file is looked at."""
        alerts = read("dist/alerts.yml")
        names = re.findall(r"^      - alert: (Sakurad\w+)$", alerts, re.M)
        self.assertEqual((len(set(names)), alerts.count("expr: "), alerts.count("summary: ")), (len(names),) * 3)
        board = json.loads(read("dist/grafana.json"))
        self.assertEqual(len({p["id"] for p in board["panels"]}), len(board["panels"]))
        for panel in board["panels"]:
            for target in panel["targets"]:
                self.assertEqual([target["expr"].count(c) for c in "({["], [target["expr"].count(c) for c in ")}]"], target)

    def test_routes(self):
        served = {f"{verb.upper()} {path}" for path, item in self.get("/api/openapi.json").json()["paths"].items()
                  for verb in item if verb in ("get", "post", "patch")}
        self.assertEqual({q for row in table(section("docs/clients.md", "HTTP"), "route") for q in quoted(row[0])}, served)

    def test_the_table_of_the_program_is_the_described_one(self):
        """src/api/routes.c and openapi.json have the same rows; /dev is of debug builds, and not for clients."""
        rows = [r for r in re.findall(r'^ +\{([A-Z]+), "([^"]+)"', read("src/api/routes.c"), re.M) if not r[1].startswith("/dev/")]
        self.assertGreater(len(rows), 25)
        document = self.get("/api/openapi.json").json()["paths"]
        served = {(verb.upper(), path) for path, item in document.items() for verb in item if verb in ("get", "post", "patch")}
        self.assertEqual(set(rows), served)

    def test_routes_that_pages_name(self):
        """METHOD /path in any page is a route."""
        document = self.get("/api/openapi.json").json()["paths"]
        served = {(verb.upper(), re.sub(r"\{\w+\}", "{}", path)) for path, item in document.items() for verb in item}
        for name in PAGES:
            for verb, path in re.findall(r"`(GET|POST|PATCH) (/(?:api/)?[\w/{}.-]*)", prose(name)):
                with self.subTest(f"{name}: {verb} {path}"):
                    self.assertIn((verb, re.sub(r"\{\w+\}", "{}", path)), served)

    def test_frames(self):
        messages = self.get("/api/asyncapi.json").json()["components"]
        page = section("docs/clients.md", "WebSocket")
        for head, kind in (("frame", "frame_"), ("action", "action_")):
            described = {m["name"] for key, m in messages["messages"].items() if key.startswith(kind)}
            self.assertEqual({q for row in table(page, head) for q in quoted(row[0])}, described)
        self.assertEqual({q for row in table(page, "type") for q in quoted(row[0])}, set(messages["schemas"]["Topic"]["enum"]))

    def test_a_burst_costs_what_the_page_says(self):
        """clients-in-the-field.md: 50 messages within a second, --notify-interval 200: 6 notifications."""
        self.assertIn("50 messages in one\nsecond costs each dashboard 6 fetches", read("docs/clients-in-the-field.md"))
        chat = self.chat()
        with self.server.subscriber() as ws:
            ws.until_pong()
            begin = time.monotonic()
            last = [chat.send(f"{i}") for i in range(50)][-1]["timestamp"]
            heard = []
            while not heard or heard[-1] != last:
                heard.append(ws.recv_json()["data"]["timestamp"])
            self.assertLessEqual(len(heard), (time.monotonic() - begin) / 0.2 + 2)


class Benchmarks(unittest.TestCase):
    def test_pages_have_the_figures_of_the_report(self):
        """docs/benchmarks.md and the README print nothing that bench/report/report.md has not."""
        report = read("bench/report/report.md")
        rows = re.findall(r"^\| P\d+: (.*) \| (.*) \| (.*) \| (.*) \| (.*) \|$", read("docs/benchmarks.md"), re.M)
        self.assertGreater(len(rows), 40)
        for what, *cells in rows:
            with self.subTest(what):
                self.assertIn(f"| {what} | {' | '.join(cells)} |", report)
        for name, ours, beside in table(section("README.md", "Figures"), ""):
            with self.subTest(name):
                self.assertTrue(any(ours == cells[0] and beside == cells[1] for _, *cells in rows), (ours, beside))

    def test_a_run_writes_both(self):
        sys.path.insert(0, os.path.join(ROOT, "bench"))
        from lib import document
        with TemporaryDirectory() as place:
            root = Path(place)
            for name in ("README.md", "docs/benchmarks.md"):
                (root / name).parent.mkdir(exist_ok=True)
                (root / name).write_text(read(name))
            doc = document.Document("x")
            doc.section("P4: idle")
            doc.goals([document.at_most("memory of an idle subscribed WebSocket", 123, 512, "B", "nobody")])
            doc.image("plot.svg", "a plot")
            doc.write_readme(root, root / "bench" / "report" / "report.md")
            readme, page = (root / "README.md").read_text(), (root / "docs/benchmarks.md").read_text()
        self.assertIn("| memory of an idle listener | 123 B | nobody |", readme)
        self.assertNotIn("70,390", readme)
        self.assertIn("![a plot](../bench/report/plot.svg)", page)
        self.assertIn("1 of 1 goals reached in [the report](../bench/report/report.md)", page)
        for text, name in ((readme, "README.md"), (page, "docs/benchmarks.md")):
            self.assertEqual([m for m in document.MARKS if text.count(m) != 1], [], name)
            self.assertEqual(text.partition(document.MARKS[1])[2], read(name).partition(document.MARKS[1])[2])


if __name__ == "__main__":
    main()
