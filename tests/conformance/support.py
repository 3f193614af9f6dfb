"""What the conformance suites share: the echo program, and a pinned suite from PyPI in the build folder."""
import fcntl
import os
import signal
import subprocess
import sys
import time
import venv

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))

ECHO = os.environ.get("SAKURAD_ECHO", "")
TOOLS = os.environ.get("SAKURAD_SUITES", "")  # where the suites are installed: a folder of the build


class Echo:
    """sakurad-echo on a free port, for a with block. Its log must be free of sanitizer reports and its exit clean."""

    def __init__(self, *args):
        self.args = args
        self.log_path = None

    def __enter__(self):
        from harness.server import clean_environment
        if not os.access(ECHO, os.X_OK):
            raise RuntimeError("SAKURAD_ECHO must name the echo program")
        os.makedirs(TOOLS, exist_ok=True)
        self.log_path = os.path.join(TOOLS, f"echo-{os.getpid()}.log")
        self.log = open(self.log_path, "w+b")
        self.process = subprocess.Popen([ECHO, "--listen", "127.0.0.1:0", *self.args], env=clean_environment(),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log)
        line = self.process.stdout.readline().decode().split()
        if line[:1] != ["listening"]:
            raise RuntimeError(f"sakurad-echo did not start: {self.said()}")
        host, _, port = line[1].rpartition(":")
        self.address = (host, int(port))
        return self

    def __exit__(self, kind, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.process.stdout.close()
        said = self.said()
        self.log.close()
        os.unlink(self.log_path)
        if kind is None:
            from harness.server import REPORT
            if code != 0 or REPORT.search(said):
                raise AssertionError(f"sakurad-echo ended with {code}:\n{said[-8000:]}")

    def said(self):
        self.log.flush()
        with open(self.log_path, "rb") as f:
            return f.read().decode("utf-8", "backslashreplace")


def persistently(command):
    """What comes over the network may come at the second try."""
    for pause in (5, 20, 60):
        if subprocess.run(command).returncode == 0:
            return
        time.sleep(pause)
    subprocess.run(command, check=True)


def installed(name, *requirements):
    """The bin folder of a virtual environment with exactly these requirements, made when missing or changed."""
    if not TOOLS:
        raise RuntimeError("SAKURAD_SUITES must name a folder of the build")
    os.makedirs(TOOLS, exist_ok=True)
    home = os.path.join(TOOLS, name)
    with open(home + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two presets' tests may share the folder
        stamp, wanted = os.path.join(home, "requirements"), "\n".join(requirements)
        if not os.path.exists(stamp) or open(stamp).read() != wanted:
            venv.create(home, clear=True, with_pip=True)
            persistently([os.path.join(home, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check",
                          *requirements])
            with open(stamp, "w") as f:
                f.write(wanted)
    return os.path.join(home, "bin")
