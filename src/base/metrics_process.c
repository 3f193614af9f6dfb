/* What the kernel knows of the process, under the names that Prometheus has for it. */
#include "metrics_process.h"

#include "base/clock.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static void render_plain(struct buf *out, const char *name, const char *type, const char *help, double value)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.15g\n", name, help, name, type, name, value);
}

/* Reads at most len - 1 bytes of a file of /proc; false when it is not there (a container may hide it). */
static bool read_proc(const char *path, char *text, size_t len)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    size_t n = fread(text, 1, len - 1, f);
    text[n] = '\0';
    fclose(f);
    return n > 0;
}

static void render_memory(struct buf *out)
{
    char text[256];
    unsigned long long pages_virtual, pages_resident;
    if (!read_proc("/proc/self/statm", text, sizeof(text)) ||
        sscanf(text, "%llu %llu", &pages_virtual, &pages_resident) != 2)
        return;
    double page = (double)sysconf(_SC_PAGESIZE);
    render_plain(out, "process_resident_memory_bytes", "gauge", "Resident memory.", (double)pages_resident * page);
    render_plain(out, "process_virtual_memory_bytes", "gauge", "Virtual memory.", (double)pages_virtual * page);
}

static void render_descriptors(struct buf *out)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        render_plain(out, "process_max_fds", "gauge", "Limit of open descriptors.", (double)limit.rlim_cur);
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return;
    double count = 0;
    for (const struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    render_plain(out, "process_open_fds", "gauge", "Open descriptors.", count - 1); /* less the directory's own */
}

/* Field 22 of /proc/self/stat, in ticks since boot; the name in field 2 may itself contain spaces. */
static void render_start_time(struct buf *out)
{
    char text[1024];
    if (!read_proc("/proc/self/stat", text, sizeof(text)))
        return;
    char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    struct timespec boot;
    if (!at || clock_gettime(CLOCK_BOOTTIME, &boot) != 0)
        return;
    double up = (double)boot.tv_sec + (double)boot.tv_nsec / 1e9;
    double started = strtod(at + 1, NULL) / (double)sysconf(_SC_CLK_TCK);
    render_plain(out, "process_start_time_seconds", "gauge", "Start of the process, since 1970.",
                 (double)clock_wall_us() / 1e6 - up + started);
}

void metrics_render_process(struct buf *out)
{
    struct timespec cpu;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) == 0)
        render_plain(out, "process_cpu_seconds_total", "counter", "CPU time, user and system.",
                     (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9);
    render_memory(out);
    render_descriptors(out);
    render_start_time(out);
}
