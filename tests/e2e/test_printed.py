"""What README.md, docs/security.md and dist/ print is run as it is printed: on the program under test, with a scratch folder
for /etc and /usr/local. A command that cannot run here is excused in NOT_HERE, with the reason; any other must work."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from harness.case import Chat, main
from harness.server import Server, binary, clean_environment, run

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.dirname(os.path.realpath(binary()))
CMAKE = os.environ.get("SAKURAD_CMAKE", "cmake")

# What begins a command in a sentence; other `words` there are names and values.
PROGRAMS = ("sakurad ", "sqlite3 ", "cmake ", "systemctl", "mongodump", "head -c", "top ", "curl ", "install ", "tools/", "kill ")
NOT_HERE = (
    (r"tools/(run|test)( --build-only)?$", "builds: whoever runs this has done so"),
    (r"tools/(soak|fuzz|devdb)\b", "takes long, or a database; CI runs them"),
    (r"tools/(check-layers|format|leakcheck)$", "CI runs it"),
    (r"tools/(try|subscribe)\b", "test_session.py runs it"),
    (r"(curl|tools/subscribe) .*localhost:8000", "the session: test_session.py runs it and compares what it prints"),
    (r"systemctl\b", "no systemd runs where tests do; what it would run is run below"),
    (r"mongodump$", "needs a MongoDB with data"),
    (r"top -H", "draws on a terminal until it is stopped"),
    (r"sakurad --migrate$", "needs a MongoDB with data; unit_mongo runs it"),
    (r"sakurad --store 'mongodb\+srv:", "its name is looked up in the DNS, which does not know it"),
    (r"sakurad --help$", "test_cli.py reads it"),
)


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return f.read()


def fences(text):
    """[(language, lines)]"""
    return [(m[1], m[2].splitlines()) for m in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)]


def commands(name):
    """Every command of the file: lines of its blocks without the remark, and what stands in `…` in its sentences."""
    text = read(*name)
    found = []
    for language, lines in fences(text):
        if language:  # a configuration
            continue
        if any(line.startswith("$ ") for line in lines):
            lines = [line[2:] for line in lines if line.startswith("$ ")]
        found += [re.sub(r"\s+#.*$", "", line).strip() for line in lines if line.strip()]
    sentences = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    found += [c for c in (" ".join(c.split()) for c in re.findall(r"`([^`]+)`", sentences)) if c.startswith(PROGRAMS)]
    return found


def excuse(command):
    return next((why for pattern, why in NOT_HERE if re.match(pattern, command)), None)


class Printed(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.mkdtemp(prefix="sakurad-printed-")
        self.addCleanup(shutil.rmtree, self.place)

    def shell(self, command):
        """In the scratch folder, whose own etc/ and usr/local/ are meant."""
        command = re.sub(r"(?<!\S)(/etc/|/usr/local/)", self.place + r"\1", command)
        path = os.path.join(self.place, "usr/local/bin") + os.pathsep + os.environ["PATH"]
        done = subprocess.run(["bash", "-ec", command], cwd=self.place, env=clean_environment({"PATH": path}), text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}")
        return done.stdout

    def install(self):
        return self.shell(f"'{CMAKE}' --install '{BUILD}' --prefix {self.place}/usr/local")

    def run_printed(self, command):
        if command.startswith("cmake --install build/release"):
            self.install()
        elif command.startswith("sakurad --store"):  # as far as it goes without that database
            self.shell(command + " --check-config")
        elif command.startswith("sqlite3 PATH"):
            self.back_up(command)
        else:
            self.shell(command)

    def back_up(self, command):
        """Of a running server, into a file that another one serves."""
        server = Server(store_kind="sqlite", patient=True).start()
        self.addCleanup(server.discard)
        chat = Chat(server.http)
        sent = chat.send("to be kept")
        copy = os.path.join(self.place, "copy.db")
        self.shell(command.replace("PATH", server.store.partition(":")[2]).replace("COPY", copy))
        server.stop()
        server.store = f"sqlite:{copy}"
        server.start()
        chat.client = server.http
        self.assertEqual([m["_id"] for m in chat.history()], [sent["message_id"]])
        server.stop()

    def test_every_command(self):
        self.install()
        run_here = 0
        for name in (("docs", "security.md"), ("README.md",)):
            listed = commands(name)
            self.assertGreater(len(listed), 5, name)
            for command in listed:
                if excuse(command):
                    continue
                with self.subTest(command):
                    self.run_printed(command)
                    run_here += 1
        self.assertGreater(run_here, 8)
        self.assertEqual(os.stat(os.path.join(self.place, "etc/sakurad/auth-key")).st_mode & 0o777, 0o600)
        for command in re.findall(r"^#   (head -c .*)$", read("dist", "sakurad.env"), re.M):
            with self.subTest(command):
                self.shell(command)
                self.shell("sakurad --auth-key /etc/sakurad/auth-key --check-config")

    def test_every_excuse_is_needed(self):
        listed = commands(("README.md",)) + commands(("docs", "security.md"))
        listed += ["tools/soak", "tools/fuzz", "tools/check-layers", "tools/format", "tools/leakcheck"]  # CONTRIBUTING's
        for pattern, why in NOT_HERE:
            self.assertTrue(any(re.match(pattern, c) for c in listed), (pattern, why))

    def test_an_install_has_what_the_unit_names(self):
        """Right after tools/run, which builds the server alone: what was not built is not missed."""
        self.install()
        unit = self.shell("cat /usr/local/lib/systemd/system/sakurad.service")
        program = os.path.join(self.place, "usr/local/bin/sakurad")
        self.assertIn(f"\nExecStart={program}\n", unit)
        self.assertIn(f"\nExecStartPre={program} --check-config\n", unit)
        self.assertEqual(self.shell(program + " --version"), run("--version")[1])
        reload = re.search(r"^ExecReload=(\S+) -HUP \$MAINPID$", unit, re.M)
        self.assertTrue(reload and os.access(reload[1], os.X_OK), unit)
        for name in ("sakurad.env", "nginx.conf", "Caddyfile"):
            self.assertEqual(self.shell(f"cat /usr/local/share/sakurad/{name}"), read("dist", name))
        with open(os.path.join(BUILD, "bench", "cmake_install.cmake"), encoding="utf-8") as f:
            script = f.read().replace(os.path.join(BUILD, "sakurad-bench"), os.path.join(self.place, "not-built"))
        self.assertIn("not-built", script)
        with open(os.path.join(self.place, "bench.cmake"), "w", encoding="utf-8") as f:
            f.write(script)
        self.shell(f"'{CMAKE}' -DCMAKE_INSTALL_PREFIX={self.place}/elsewhere -P bench.cmake")

    def test_the_unit_starts_what_the_environment_says(self):
        """ExecStartPre and ExecStart with the sample of /etc/sakurad/sakurad.env, a key beside it, ports and data moved."""
        self.install()
        self.shell("head -c 48 /dev/urandom | base64 -w0 > auth-key; install -D -m 600 auth-key /etc/sakurad/auth-key")
        env = dict(re.findall(r"^(SAKURAD_[A-Z_]+)=(.*)$", read("dist", "sakurad.env"), re.M))
        env["SAKURAD_AUTH_KEY"] = os.path.join(self.place, "etc/sakurad/auth-key")
        os.makedirs(os.path.join(self.place, "var/lib/sakurad"))  # systemd does: StateDirectory=sakurad
        env["SAKURAD_STORE"] = env["SAKURAD_STORE"].replace("/var/lib/", self.place + "/var/lib/")
        code, out, err = run("--check-config", env=env)
        self.assertEqual((code, out), (0, "configuration is valid\n"), err)
        env["SAKURAD_ADMIN_LISTEN"] = "127.0.0.1:0"
        server = Server(env=env, store_kind="sqlite", patient=True).start()
        self.addCleanup(server.discard)
        self.assertEqual(server.http.get("/api/users").status, 401)
        token = run("--issue-token", "dashboard", "--auth-key", env["SAKURAD_AUTH_KEY"])[1].strip()
        self.assertEqual(server.http.get("/api/users", [("Authorization", f"Bearer {token}")]).status, 200)
        server.stop()

    def test_the_proxies_in_the_text_are_those_in_dist(self):
        """nginx and Caddy are not started: their packages begin to serve on the machine that they are installed on."""
        text = read("docs", "security.md")
        dist = {"nginx": read("dist", "nginx.conf"), "": read("dist", "Caddyfile")}
        squeezed = {k: {re.sub(r"\s*#.*$", "", line).strip() for line in v.splitlines()} for k, v in dist.items()}
        nginx = next(lines for language, lines in fences(text) if language == "nginx")
        for line in (re.sub(r"\s*#.*$", "", line).strip() for line in nginx):
            self.assertIn(line, squeezed["nginx"])
        caddy = next(lines for _, lines in fences(text) if lines[0].startswith("chat.example.com"))
        for line in (line.strip() for line in caddy):
            self.assertTrue(line in squeezed[""] or line + " {" in squeezed[""], line)


if __name__ == "__main__":
    main()
