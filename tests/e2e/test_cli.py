"""The command line: what it says, and that every bad value is a clear error with exit 2."""
import contextlib
import json
import os
import re
import shutil
import tempfile
import time
import unittest

from harness.case import main
from harness.rawhttp import Connection
from harness.server import Server, binary, free_port, run

DESIGNED = ("listen", "store", "workers", "readers", "broadcasters", "queue", "batch", "write-timeout", "cache-mb",
            "max-connections", "max-body", "cors-origin", "notify-interval", "ws-ping", "drain-timeout", "log-level",
            "log-format")
ACTIONS = ("help", "version", "check-config", "print-config")


def options():
    """What --print-config shows: {option: value}."""
    code, out, err = run("--print-config")
    if code != 0 or err:
        raise AssertionError((code, out, err))
    return dict(line.split(" = ", 1) for line in out.splitlines() if not line.startswith("#"))


def environment_name(option):
    return "SAKURAD_" + option.upper().replace("-", "_")


class Text(unittest.TestCase):
    def test_version(self):
        code, out, err = run("--version")
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"^sakurad \d+\.\d+\.\d+")

    def test_short_ones(self):
        self.assertEqual(run("-V"), run("--version"))
        self.assertEqual(run("-h"), run("--help"))

    def test_help_names_every_option(self):
        code, out, err = run("--help")
        self.assertEqual((code, err), (0, ""))
        for name in set(options()) | set(DESIGNED) | set(ACTIONS):
            with self.subTest(name):
                self.assertRegex(out, rf"(?m)^\s+(?:-[hV], )?--{name}\b")
        for name in set(options()):
            with self.subTest(name):
                self.assertIn(environment_name(name), re.sub(r"\s+", " ", out))
        self.assertGreaterEqual(len(re.findall(r"(?m)^\S.*:$", out)), 4, "grouped")
        self.assertLessEqual(max(map(len, out.splitlines())), 100)

    def test_help_gives_defaults_units_and_ranges(self):
        _, out, _ = run("--help")
        words = re.sub(r"\s+", " ", out)
        for text in ("Default: 127.0.0.1:8000,127.0.0.1:8001.", "Default: sqlite:sakurad.db.", "Default: 5000 ms.",
                     "Default: 256 MiB.", "Default: 1048576 bytes.", "Range: 1 to 64 threads."):
            with self.subTest(text):
                self.assertIn(text, words)

    def test_print_config_has_every_option(self):
        shown = options()
        for name in DESIGNED:
            self.assertIn(name, shown)
        self.assertEqual(shown["listen"], "127.0.0.1:8000,127.0.0.1:8001")

    def test_print_config_shows_what_was_given(self):
        code, out, _ = run("--print-config", "--workers", "3", "--cache-mb=17", "--listen", "[::1]:9000", "--log-format", "json")
        self.assertEqual(code, 0)
        for line in ("workers = 3", "cache-mb = 17", "listen = [::1]:9000", "log-format = json"):
            self.assertIn(line, out.splitlines())

    def test_passwords_are_not_shown(self):
        for args, env in ((["--store", "mongodb://ann:s3cret@h/d"], {}), ([], {"SAKURAD_STORE": "mongodb://ann:s3cret@h/d"})):
            for action in ("--print-config", "--check-config"):
                code, out, err = run(*args, action, env=env)
                self.assertEqual(code, 0)
                self.assertNotIn("s3cret", out + err)
        code, out, err = run("--store", "mongod://ann:s3cret@h/d")
        self.assertEqual(code, 2)
        self.assertNotIn("s3cret", out + err)

    def test_check_config(self):
        self.assertEqual(run("--check-config")[0], 0)
        self.assertEqual(run("--check-config", "--workers", "0")[0], 2)
        self.assertEqual(run("--check-config", env={"SAKURAD_WORKERS": "0"})[0], 2)

    def test_what_a_start_refuses_the_check_refuses(self):
        """In the same words: an address of another machine, folders and files that are no database, files that are not there."""
        with tempfile.TemporaryDirectory() as directory:
            with open(os.path.join(directory, "text"), "w", encoding="utf-8") as f:
                f.write("no database at all, but longer than the head of one: " * 4)
            for args, words in (
                    (("--listen", "203.0.113.9:8000"), "cannot listen on 203.0.113.9:8000"),
                    (("--admin-listen", "203.0.113.9:8000"), "cannot listen on 203.0.113.9:8000"),
                    (("--store", f"sqlite:{directory}/none/a.db"), "a.db"),
                    (("--store", f"sqlite:{directory}"), "not a regular file"),
                    (("--store", f"sqlite:{directory}/text"), "not a "),
                    (("--store", f"sqlite:{directory}/a.db?cache=1"), "unknown option 'cache'"),
                    (("--store", f"mongodb://h/x?tls=true&tlsCAFile={directory}/ca.pem"), "ca.pem: No such file"),
                    (("--store", "mongodb://h/x?maxPoolSize=2", "--readers", "4"), "--readers 4 needs 6 connections"),
                    (("--store", "mongodb://h/x?w=0"), "asks for w=0")):
                with self.subTest(args):
                    code, out, err = run(*args, "--insecure-no-auth", "--check-config", cwd=directory)
                    self.assertEqual((code, out), (2, ""), err)
                    self.assertIn(words, err)
                    if "--listen" not in args:
                        args += ("--listen", "127.0.0.1:0")
                    code, _, err = run(*args, "--insecure-no-auth", cwd=directory)
                    self.assertIn(code, (1, 2), err)
                    self.assertIn(words, err)

    def test_a_slip_in_a_name_is_said(self):
        code, out, err = run("--check-config", env={"SAKURAD_CACHE_MBB": "1", "SAKURAD_WORKERS": "2"})
        self.assertEqual((code, out), (0, "configuration is valid\n"))
        self.assertEqual(err, "sakurad: warning: SAKURAD_CACHE_MBB (environment) is no option of this version; "
                              "did you mean SAKURAD_CACHE_MB?\n")

    def test_a_database_that_is_away_is_a_warning(self):
        code, out, err = run("--check-config", "--store", "mongodb://joe:s3cret@127.0.0.1:9/x")
        self.assertEqual((code, out), (0, "configuration is valid\n"))
        self.assertRegex(err, r"^sakurad: warning: the store mongodb://joe:\*\*\*@127\.0\.0\.1:9/x cannot be reached now: ")

    def test_actions_touch_nothing(self):
        directory = tempfile.mkdtemp()
        try:
            for action in ACTIONS:
                self.assertEqual(run("--" + action, cwd=directory)[0], 0)
            self.assertEqual(os.listdir(directory), [])
        finally:
            shutil.rmtree(directory)


class Bad(unittest.TestCase):
    def assertRefused(self, args, env=None, names=()):
        code, out, err = run(*args, env=env)
        self.assertEqual(code, 2, (args, env, out, err))
        self.assertEqual(out, "", "an error goes to stderr")
        for name in names:
            self.assertIn(name, err)
        self.assertLessEqual(len(err.splitlines()), 2, err)

    def numeric(self):
        """Options whose value is a whole number."""
        found = [n for n, v in options().items() if v.isdigit()]
        self.assertGreaterEqual(len(found), 10)
        return found

    def test_every_number(self):
        for name in self.numeric():
            for value in ("", "x", "-1", "1x", "1.5", " 1", "0x10", "99999999999999999999", "1e3", "١"):
                with self.subTest(f"--{name} '{value}'"):
                    self.assertRefused([f"--{name}", value], names=["--" + name])
                    self.assertRefused([f"--{name}={value}"], names=["--" + name])
                    if value:
                        self.assertRefused([], {environment_name(name): value}, [environment_name(name)])

    def test_every_number_past_its_range(self):
        _, text, _ = run("--help")
        ranges, joined = {}, ""
        block = None
        for line in text.splitlines():
            flag = re.match(r"^  (?:-[hV], )?--([a-z-]+)", line)
            if flag:
                block, joined = flag[1], ""
            elif block:
                joined += " " + line.strip()
                span = re.search(r"Range: (\d+) to (\d+)", joined)
                if span:
                    ranges[block] = (int(span[1]), int(span[2]))
        self.assertEqual(set(ranges), set(self.numeric()))
        for name, (low, high) in ranges.items():
            with self.subTest(name):
                self.assertRefused([f"--{name}", str(high + 1)], names=["--" + name, str(low), str(high)])
                if low > 0:
                    self.assertRefused([f"--{name}", str(low - 1)], names=["--" + name, str(low), str(high)])
                for good in (low, high):
                    self.assertEqual(run("--check-config", f"--{name}", str(good))[0], 0, (name, good))

    def test_the_rest(self):
        rows = (
            ("listen", ("", "8000", "localhost:8000", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x",
                        "256.0.0.1:80", "[::1", "::1:80", "127.0.0.1:-1", "127.0.0.1:80/x", "[127.0.0.1]:80")),
            ("cors-origin", ("", "*", "example.com", "http://", "http://x/", "http://x:0", "http://x:99999", "http://x y",
                             "http://x?y", "http://ann@x", "null", "http://127.1", "http://bü.example", "@")),
            ("store", ("", "x", "sqlite:", "sakurad.db", "postgres://h/d", "mongodb://")),
            ("log-level", ("", "loud", "INFO", "1")),
            ("log-format", ("", "xml", "JSON")),
        )
        for name, values in rows:
            for value in values:
                with self.subTest(f"--{name} '{value}'"):
                    self.assertRefused([f"--{name}", value], names=["--" + name])
                    if value:
                        self.assertRefused([], {environment_name(name): value}, [environment_name(name)])

    def test_store_options(self):
        for value in ("sqlite:x?durability=maybe", "sqlite:x?unknown=1"):
            with self.subTest(value):
                code, out, err = run("--store", value, "--listen", f"127.0.0.1:{free_port()}")
                self.assertEqual((code, out), (2, ""), err)
                self.assertIn("sqlite", err.splitlines()[-1])

    def test_what_is_no_option(self):
        for args, name in ((["--nonsense"], "--nonsense"), (["--worker", "1"], "--worker"), (["serve"], "serve"), (["-x"], "-x"),
                           (["--"], "--"), ([""], "option"), (["--workers"], "--workers"), (["--help=x"], "--help"),
                           (["--Workers", "1"], "did you mean --workers?"), (["--wokers=1"], "did you mean --workers?")):
            with self.subTest(args):
                self.assertRefused(args, names=[name])

    def test_a_list_that_repeats_itself(self):
        self.assertRefused(["--listen", "127.0.0.1:9000", "--listen", "127.0.0.1:9000"], names=["--listen"])

    def test_a_listener_that_cannot_be_had(self):
        server = Server(patient=True).start()
        try:
            code, _, err = run("--store", f"sqlite:{server.directory}/other.db", "--listen", f"127.0.0.1:{server.ports[0]}")
            self.assertNotEqual(code, 0)
            self.assertIn(str(server.ports[0]), err)
            code, _, err = run("--store", f"sqlite:{server.directory}/other.db", "--listen", "192.0.2.1:9000")
            self.assertNotEqual(code, 0)
            self.assertIn("192.0.2.1", err)
            server.stop()
        finally:
            server.discard()

    def test_a_store_that_cannot_be_made(self):
        code, _, err = run("--store", "sqlite:/no/such/directory/x.db", "--listen", f"127.0.0.1:{free_port()}")
        self.assertEqual(code, 1)
        self.assertIn("/no/such/directory", err)


class Environment(unittest.TestCase):
    def shown(self, *args, **env):
        code, out, err = run("--print-config", *args, env=env)
        self.assertEqual(code, 0, err)
        return dict(line.split(" = ", 1) for line in out.splitlines() if not line.startswith("#"))

    def test_every_option_is_read(self):
        for name, value in options().items():
            if value.isdigit():
                other = str(int(value) + 1 if name != "readers" else 3)
            else:
                other = {"listen": "127.0.0.1:9001,[::1]:9002", "cors-origin": "https://a.example,https://b.example",
                         "store": "sqlite:other.db", "log-level": "warn", "log-format": "json",
                         "admin-listen": "127.0.0.1:9003", "trusted-proxy": "192.0.2.0/24", "user": "nobody",
                         "auth-key": __file__}.get(
                    name, {"false": "true", "true": "false"}.get(value))
            with self.subTest(name):
                self.assertIsNotNone(other, f"no other value for {name} = {value}")
                self.assertEqual(self.shown(**{environment_name(name): other})[name], other)

    def test_flags_win(self):
        self.assertEqual(self.shown("--workers", "5", SAKURAD_WORKERS="7")["workers"], "5")
        self.assertEqual(self.shown("--listen", "127.0.0.1:1", SAKURAD_LISTEN="127.0.0.1:2,127.0.0.1:3")["listen"], "127.0.0.1:1")

    def test_an_empty_variable_counts_as_none(self):
        self.assertEqual(self.shown(SAKURAD_STORE="")["store"], "sqlite:sakurad.db")

    def test_the_server_obeys_it(self):
        server = Server(env={"SAKURAD_MAX_BODY": "1000"}, patient=True).start()
        try:
            self.assertEqual(server.http.post("/api/users/data", {"name": "x" * 2000}).status, 413)
            server.stop()
        finally:
            server.discard()


class File(unittest.TestCase):
    """--config: the flags' names, a line each; flags and the environment win; an error names file and line."""

    def setUp(self):
        self.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.directory)
        self.path = os.path.join(self.directory, "sakurad.conf")

    def write(self, text):
        with open(self.path, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())

    def shown(self, text, *args, **env):
        self.write(text)
        code, out, err = run("--config", self.path, "--print-config", *args, env=env)
        self.assertEqual((code, err), (0, ""))
        return dict(line.split(" = ", 1) for line in out.splitlines() if not line.startswith("#"))

    def refused(self, text, message):
        self.write(text)
        for action in ((), ("--check-config",), ("--print-config",)):
            code, out, err = run("--config", self.path, *action)
            self.assertEqual((code, out), (2, ""), err)
            self.assertEqual(err.splitlines()[0], f"sakurad: {message}")

    def test_forms(self):
        for text, name, value in (
                ("workers = 3", "workers", "3"), ("workers 3\n", "workers", "3"), ("workers=3\r\n", "workers", "3"),
                ("  workers\t=\t3  # a comment\n# and = another\n\n", "workers", "3"), ("typing-preview", "typing-preview", "true"),
                ("typing-preview = no", "typing-preview", "false"), ("head-timeout = 2m", "head-timeout", "120000"),
                ("store = sqlite:a#b.db", "store", "sqlite:a#b.db"), ("store =", "store", "sqlite:sakurad.db"),
                ("listen = 127.0.0.1:1\nlisten = [::1]:2\n", "listen", "127.0.0.1:1,[::1]:2"),
                ("listen = 127.0.0.1:1, [::1]:2", "listen", "127.0.0.1:1,[::1]:2"), ("listen = :8000", "listen", ":8000")):
            with self.subTest(text):
                self.assertEqual(self.shown(text)[name], value)

    def test_who_wins(self):
        text = "workers = 3\nbatch = 4\nqueue = 5\nlisten = 127.0.0.1:1\n"
        shown = self.shown(text, "--workers", "6", "--listen", "127.0.0.1:2", SAKURAD_WORKERS="7", SAKURAD_BATCH="8")
        self.assertEqual([shown[n] for n in ("workers", "batch", "queue", "listen")], ["6", "8", "5", "127.0.0.1:2"])
        self.shown("workers = nonsense", "--workers", "1")  # what a flag overrides need not be right

    def test_errors(self):
        for text, message in (
                ("# a\n\nworkers = x\n", f"{self.path}:3: workers: 'x' is not a whole number; give 1 to 256 threads"),
                ("wokers = 3", f"{self.path}:1: wokers is not an option; did you mean workers?"),
                ("--workers = 3", f"{self.path}:1: --workers is not an option; did you mean workers?"),
                ("xyzzy", f"{self.path}:1: xyzzy is not an option; see sakurad --help"),
                ("= 3", f"{self.path}:1:  is not an option; see sakurad --help"),
                ("help", f"{self.path}:1: help goes with the command line only"),
                ("config = other", f"{self.path}:1: config goes with the command line only"),
                ("batch = 1\nbatch = 2", f"{self.path}:2: batch is given twice, first in line 1; give it once"),
                ("workers = 1\0", f"--config {self.path}: is not text"),
                ("#" * 262145, f"--config {self.path}: is larger than 256 KiB")):
            with self.subTest(text[:40]):
                self.refused(text, message)

    def test_files_that_are_none(self):
        self.write("workers = 3")
        os.chmod(self.path, 0o646)
        for path, words in ((self.path, "can be written by everybody"), (self.path + "x", "No such file"),
                            (self.directory, "is not a regular file"), ("/dev/null", "is not a regular file"), ("", "is empty")):
            code, out, err = run("--config", path, "--check-config")
            self.assertEqual((code, out), (2, ""), err)
            self.assertIn(words, err)

    def test_what_is_printed_can_be_read_again(self):
        """And says where each value is from."""
        self.write("queue = 5\n")
        code, first, err = run("--config", self.path, "--print-config", "--workers", "3", "--listen", ":8000", "--listen",
                               "[::1]:8001", "--insecure-no-auth", env={"SAKURAD_BATCH": "8", "SAKURAD_ADMIN_LISTEN": ":1"})
        self.assertEqual((code, err), (0, ""))
        for line in ("# by --workers:", "# by SAKURAD_BATCH of the environment:", f"# by {self.path}:1:"):
            self.assertIn(line, first.splitlines())
        values = [line for line in first.splitlines() if not line.startswith("#")]
        self.assertEqual(values, [line for line in run_print(self, first).splitlines() if not line.startswith("#")])

    def test_the_server_obeys_it(self):
        self.write("max-body = 1K\nlog-format = json\n")
        server = Server("--config", self.path, patient=True).start()
        try:
            self.assertEqual(server.http.post("/api/users/data", {"name": "x" * 2000}).status, 413)
            server.stop()
            self.assertIsInstance(json.loads(server.log().splitlines()[0]), dict)
        finally:
            server.discard()


def run_print(case, text):
    case.write(text)
    code, out, err = run("--config", case.path, "--print-config")
    case.assertEqual((code, err), (0, ""))
    return out


class Start(unittest.TestCase):
    def test_every_address(self):
        server = Server("--listen", ":0", "--insecure-no-auth", patient=True).start()
        try:
            port = int(server.logged(r"listening address=(?:\[::\]|0\.0\.0\.0):(\d+)")[1])
            with Connection(("127.0.0.1", port)) as c:
                self.assertEqual(c.request("GET", "/api/health").status, 200)
            server.stop()
        finally:
            server.discard()
        self.assertEqual(run("--listen", ":8000")[0], 2, "beyond loopback: not without a key")

    def test_the_log_says_what_a_person_wants(self):
        server = Server(listeners=2, patient=True).start()
        try:
            server.stop()
            log = server.log()
            for port in server.ports:
                self.assertIn(f"127.0.0.1:{port}", log)
            for word in (server.store.split("?")[0].split(":")[0], "worker", "curl"):
                self.assertIn(word, log)
        finally:
            server.discard()

    def test_log_format_json(self):
        server = Server("--log-format", "json", patient=True).start()
        try:
            server.http.get("/api/health")
            server.stop()
            lines = [line for line in server.log().splitlines() if "mongoc:" not in line]
            self.assertGreater(len(lines), 3)
            for line in lines:
                self.assertIsInstance(json.loads(line), dict)
            self.assertIsInstance(next(e for e in map(json.loads, lines) if e["event"] == "sakurad")["pid"], int)
        finally:
            server.discard()

    def test_the_reason_why_it_ends_is_an_error_event(self):
        """Whoever collects JSON lines does not lose the one that matters."""
        rows = ((1, "cannot start", ["--store", "sqlite:/no/such/directory/x.db"], {"SAKURAD_LOG_FORMAT": "json"}),
                (1, "cannot start", ["--log-format", "json", "--store", "sqlite:/no/such/directory/x.db"], {}),
                (2, "bad configuration", ["--log-format=json", "--workers", "0"], {}),
                (2, "bad configuration", ["--nonsense"], {"SAKURAD_LOG_FORMAT": "json"}),
                (2, "bad configuration", ["--log-format", "json", "--listen", "0.0.0.0:8000"], {}))
        for status, event, args, env in rows:
            with self.subTest(args):
                code, _, err = run(*args, env=env)
                self.assertEqual(code, status, err)
                last = json.loads(err.splitlines()[-1])
                self.assertEqual((last["level"], last["event"]), ("error", event))
                self.assertTrue(last["error"])

    def test_ipv6(self):
        server = Server("--listen", "[::1]:0", patient=True).start()
        try:
            port = int(server.logged(r"listening address=\[::1\]:(\d+)")[1])
            with Connection(("::1", port)) as c:
                self.assertEqual(c.request("GET", "/api/health").status, 200)
            server.stop()
        finally:
            server.discard()

    def test_port_0_takes_any_and_says_which(self):
        server = Server("--listen", "127.0.0.1:0", patient=True).start()
        try:
            known = "|".join(map(str, server.ports))
            port = int(server.logged(rf"listening address=127\.0\.0\.1:(?!(?:{known})\b)(\d+)")[1])
            with Connection(("127.0.0.1", port)) as c:
                self.assertEqual(c.request("GET", "/api/health").status, 200)
            server.stop()
        finally:
            server.discard()

    def thread_names(self, server):
        base = f"/proc/{server.process.pid}/task"
        for task in os.listdir(base):
            with contextlib.suppress(FileNotFoundError), open(f"{base}/{task}/comm", encoding="ascii") as f:
                yield f.read().strip()  # else it ended meanwhile

    def test_threads_carry_their_names(self):
        server = Server("--workers", "2", "--readers", "3", "--broadcasters", "2", patient=True).start()
        try:
            expected = {"acceptor", "writer", *(f"worker-{i}" for i in range(2)), *(f"reader-{i}" for i in range(3)),
                        *(f"broadcast-{i}" for i in range(2))}
            # a thread names itself in its first lines: on a busy machine those may run after the server has answered
            limit = time.monotonic() + 60
            while (missing := expected - set(self.thread_names(server))) and time.monotonic() < limit:
                time.sleep(0.01)
            self.assertEqual(missing, set())
            server.stop()
        finally:
            server.discard()


if __name__ == "__main__":
    binary()
    main()
