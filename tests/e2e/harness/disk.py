"""What the disk itself takes: the time beside which durable figures are printed."""
import os
import time


def fdatasync_times(directory, count=200, size=250):
    """Seconds of each of `count` small writes with fdatasync, in the server's own directory: over blocks that the file
    has already, as a database's log does once it has reached its size."""
    path = os.path.join(directory, "fdatasync-probe")
    out = []
    fd = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        os.write(fd, bytes(count * size))
        os.fsync(fd)
        for i in range(count):
            begin = time.perf_counter()
            os.pwrite(fd, b"x" * size, i * size)
            os.fdatasync(fd)
            out.append(time.perf_counter() - begin)
    finally:
        os.close(fd)
        os.unlink(path)
    return out
