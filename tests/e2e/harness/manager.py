"""What a service manager does for the server, as systemd would: it holds the sockets and hears what it is told."""
import fcntl
import os
import socket
import subprocess
import time

from .server import Server, clean_environment

# LISTEN_PID is the server's own process id: exec keeps the shell's.
EXEC = 'LISTEN_PID=$$ exec "$@"'


def listening(count=1, family=socket.AF_INET):
    held = []
    for _ in range(count):
        s = socket.socket(family, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        s.listen(4096)
        held.append(s)
    return held


def passing(sockets, names, command, env):
    """(argv, keywords of Popen) of a process that has the sockets as descriptors 3 and on."""
    high = [fcntl.fcntl(s, fcntl.F_DUPFD_CLOEXEC, 100) for s in sockets]  # out of the way of what they become
    moves = " ".join(f"{3 + i}<&{fd} {fd}<&-" for i, fd in enumerate(high))
    argv = ["bash", "-c", f"exec {moves}; {EXEC}" if sockets else 'exec "$@"', "manager", *command]
    more = {"LISTEN_FDS": str(len(sockets)), "LISTEN_FDNAMES": ":".join(names)} if sockets else {}
    return argv, {"env": clean_environment({**env, **more}), "pass_fds": high}


def start(sockets, names, command, env, **keywords):
    argv, more = passing(sockets, names, command, env)
    try:
        return subprocess.Popen(argv, **more, **keywords)
    finally:
        for fd in more["pass_fds"]:
            os.close(fd)


class Managed(Server):
    """A server that is started with sockets and told where to say that it is ready."""

    def __init__(self, *args, sockets=None, names=None, **options):
        super().__init__(*args, **options)
        self.sockets = listening() if sockets is None else sockets
        self.names = names or ["sakurad.socket"] * len(self.sockets)
        self.ports = [s.getsockname()[1] for s in self.sockets] or self.ports
        self.ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ear.bind(os.path.join(self.directory, "notify"))
        self.env["NOTIFY_SOCKET"] = os.path.join(self.directory, "notify")
        self.told = []

    def command(self):
        words = Server.command(self)
        while self.sockets and "--listen" in words[:-len(self.args) or None]:
            at = words.index("--listen")
            del words[at:at + 2]
        return words

    def _launch(self):
        with open(self.log_path, "ab") as log:
            self.process = start(self.sockets, self.names, self.command(), self.env, cwd=self.directory,
                                 stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def hears(self, word, timeout=60):
        """Waits for the message that has it; keeps (when, message) of all in `told`."""
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            self.ear.settimeout(left)
            try:
                message = self.ear.recv(4096).decode()
            except TimeoutError:
                break
            self.told.append((time.monotonic(), message))
            if word in message.split("\n"):
                return message
        return None

    def discard(self):
        super().discard()
        self.ear.close()
        for s in self.sockets:
            s.close()
