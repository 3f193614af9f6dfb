#include "mongo_process.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A small file whole, as a string without its last newline; empty where it cannot be read. */
static void read_text(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, out, size - 1) : 0;
    if (fd >= 0)
        close(fd);
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

struct stat_line {
    char state;
    int64_t threads, started;
};

/* Of /proc/PID/stat: the name in parentheses may hold anything, so what counts stands behind its last one. */
static bool read_stat(int64_t pid, struct stat_line *out)
{
    char path[48], text[1024];
    (void)snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
    read_text(path, text, sizeof(text));
    const char *at = strrchr(text, ')');
    enum { STATE = 3, THREADS = 20, STARTED = 22 };
    for (int field = STATE; at && field <= STARTED; field++) {
        at = strchr(at + 1, ' ');
        if (!at)
            return false;
        if (field == STATE)
            out->state = at[1];
        else if (field == THREADS)
            out->threads = strtoll(at + 1, NULL, 10);
        else if (field == STARTED)
            out->started = strtoll(at + 1, NULL, 10);
    }
    return at != NULL;
}

void process_self(struct process_name *out)
{
    struct stat_line line;
    *out = (struct process_name){.pid = getpid()};
    if (gethostname(out->host, sizeof(out->host) - 1) != 0)
        out->host[0] = '\0';
    read_text("/proc/sys/kernel/random/boot_id", out->boot, sizeof(out->boot));
    ssize_t n = readlink("/proc/self/ns/pid", out->pid_ns, sizeof(out->pid_ns) - 1);
    out->pid_ns[n > 0 ? n : 0] = '\0';
    out->started = read_stat(out->pid, &line) ? line.started : 0;
}

enum process_state process_state(const struct process_name *p, const struct process_name *self)
{
    struct stat_line line = {0};
    bool comparable = self->boot[0] && self->pid_ns[0] && strcmp(p->boot, self->boot) == 0 &&
                      strcmp(p->pid_ns, self->pid_ns) == 0 && p->pid > 0 && p->pid <= INT32_MAX && p->started > 0;
    if (!comparable)
        return PROCESS_UNKNOWN;
    if (kill((pid_t)p->pid, 0) != 0 && errno == ESRCH)
        return PROCESS_ENDED;
    if (!read_stat(p->pid, &line))
        return PROCESS_UNKNOWN;
    bool buried = (line.state == 'Z' || line.state == 'X') &&
                  line.threads <= 1; /* a zombie: it has ended, and its parent has not asked how */
    return line.started != p->started || buried ? PROCESS_ENDED : PROCESS_ALIVE;
}
