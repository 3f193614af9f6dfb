"""What the disk itself takes: the time beside which durable figures are printed."""
import os
import time

BLOCK = 4096


class DiskProbe:
    """One block written over and fdatasync, in the server's own directory: what a database's log does once it has
    reached its size. Meant to be asked between the measured steps, so that both meet the same noise."""

    def __init__(self, directory, blocks=256):
        self.path = os.path.join(directory, "fdatasync-probe")
        self.fd = os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600)
        os.write(self.fd, bytes(blocks * BLOCK))
        os.fsync(self.fd)
        self.blocks = blocks
        self.times = []

    def ask(self):
        at = len(self.times) % self.blocks
        begin = time.perf_counter()
        os.pwrite(self.fd, b"x" * BLOCK, at * BLOCK)
        os.fdatasync(self.fd)
        self.times.append(time.perf_counter() - begin)

    def close(self):
        os.close(self.fd)
        os.unlink(self.path)
