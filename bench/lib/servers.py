"""Starts and stops the servers that are measured: ours and the peers. Stops only what it started, by process id."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

BENCH = pathlib.Path(__file__).resolve().parent.parent
PEERS = pathlib.Path(os.environ.get("SAKURAD_PEERS", BENCH / "peers" / "installed"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """One running server. `pids` are the processes whose CPU and memory count."""

    def __init__(self, name, command, port, env=None, directory=None, workers=False):
        self.name = name
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.ws = f"ws://127.0.0.1:{port}"
        self.directory = directory
        self.log = open(os.path.join(directory, name + ".log"), "ab") if directory else subprocess.DEVNULL
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        env={**os.environ, **(env or {})}, cwd=directory)
        self._wait()
        self.pids = self._children() if workers else [self.process.pid]

    def _wait(self):
        limit = time.monotonic() + 20
        while time.monotonic() < limit:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended at once with status {self.process.returncode}: {self._tail()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.5).close()
                return
            except OSError:
                time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"{self.name} does not listen on port {self.port}")

    def _tail(self):
        if not self.directory:
            return ""
        return pathlib.Path(self.log.name).read_text(errors="replace")[-500:]

    def _children(self):
        pid = self.process.pid
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(p) for p in text.split()] or [pid]

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return answer.read()

    def metric(self, name):
        """The sum over a metric's label sets."""
        total = 0.0
        for line in self.get("/metrics").decode().splitlines():
            if line.split("{")[0].split(" ")[0] == name:
                total += float(line.rsplit(" ", 1)[1])
        return total

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.log is not subprocess.DEVNULL:
            self.log.close()
            self.log = subprocess.DEVNULL

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Bed:
    """Where servers live during a run: a directory of its own (on the disk that is measured), removed at the end."""

    def __init__(self, build, where=None):
        self.sakurad = pathlib.Path(build) / "sakurad"
        self.tool = pathlib.Path(build) / "sakurad-bench"
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="sakurad-bench-", dir=where))
        self.count = 0

    def close(self):
        shutil.rmtree(self.root, ignore_errors=True)

    def folder(self):
        self.count += 1
        path = self.root / f"{self.count:03d}"
        path.mkdir()
        return path

    def ours(self, store=None, options=()):
        folder, port = self.folder(), free_port()
        store = store or f"sqlite:{folder / 'bench.db'}"
        command = [str(self.sakurad), "--listen", f"127.0.0.1:{port}", "--store", store, "--log-level", "warn",
                   "--max-connections", "60000", "--ws-ping", "0", *options]
        return Server("sakurad", command, port, directory=folder)

    def _filled(self, template, folder, **values):
        text = (BENCH / "peers" / template).read_text()
        for key, value in {"DIR": folder, **values}.items():
            text = text.replace(f"@{key}@", str(value))
        path = folder / template.removesuffix(".in")
        path.write_text(text)
        return path

    def nginx(self, files=None):
        """files: name → bytes, served as /name; / answers /ok and /unchanged."""
        folder, port = self.folder(), free_port()
        for name, body in (files or {}).items():
            (folder / name).write_bytes(body)
        folder.chmod(0o755)
        conf = self._filled("nginx.conf.in", folder, PORT=port)
        return Server("nginx", ["nginx", "-e", str(folder / "error.log"), "-c", str(conf)], port, directory=folder)

    def nchan(self, workers=1):
        folder, port = self.folder(), free_port()
        conf = self._filled("nchan.conf.in", folder, PORT=port, WORKERS=workers)
        return Server("nchan", ["nginx", "-e", str(folder / "error.log"), "-c", str(conf)], port, directory=folder,
                      workers=True)

    def bare(self, kind, body=16):
        port = free_port()
        return Server("bare", [str(PEERS / "bare"), kind, str(port), str(body)], port, directory=self.folder())

    def uws(self):
        port = free_port()
        return Server("uws", [str(PEERS / "uws"), str(port)], port, directory=self.folder())

    def node(self):
        port = free_port()
        return Server("node", ["node", str(BENCH / "peers" / "fan.js"), str(port)], port, directory=self.folder(),
                      env={"NODE_PATH": str(PEERS / "node" / "node_modules")})

    def centrifugo(self):
        folder, port = self.folder(), free_port()
        conf = self._filled("centrifugo.json.in", folder, PORT=port)
        return Server("centrifugo", [str(PEERS / "centrifugo"), "-c", str(conf)], port, directory=folder)

    def secantus(self):
        folder, port = self.folder(), free_port()
        (folder / "data").mkdir()
        command = [str(PEERS / "bin" / "secantusd-rs"), "--port", str(port), "--storage-path", str(folder / "data"),
                   "--enable-test-commands", "--cache-size", "256M"]
        return Server("secantus", command, port, directory=folder)

    def old(self, mongo):
        port = free_port()
        return Server("old", [str(PEERS / "venv" / "bin" / "python"), str(BENCH / "peers" / "old.py"), str(port)], port,
                      directory=self.folder(), env={"MONGO_URI": mongo})


def have(*names):
    """Which of the peers are installed (bench/peers/setup)."""
    where = {"bare": PEERS / "bare", "sqlite": PEERS / "sqlite", "mongo": PEERS / "mongo", "uws": PEERS / "uws",
             "node": PEERS / "node" / "node_modules" / "ws", "centrifugo": PEERS / "centrifugo",
             "secantus": PEERS / "bin" / "secantusd-rs", "old": PEERS / "venv" / "bin" / "uvicorn",
             "nchan": pathlib.Path("/usr/lib/nginx/modules/ngx_nchan_module.so")}
    return [n for n in names if (shutil.which("nginx") if n == "nginx" else where[n].exists())]
