#include "procstat.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static bool read_rss(const char *path, double *bytes)
{
    FILE *f = fopen(path, "re");
    unsigned long total, resident;
    bool ok = f && fscanf(f, "%lu %lu", &total, &resident) == 2;
    if (f)
        fclose(f);
    if (ok)
        *bytes = (double)resident * (double)sysconf(_SC_PAGESIZE);
    return ok;
}

struct usage usage_of_self(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    struct usage u = {.ok = true, .cpu_s = seconds(r.ru_utime) + seconds(r.ru_stime)};
    read_rss("/proc/self/statm", &u.rss_bytes);
    return u;
}

/* utime and stime of /proc/PID/stat, in clock ticks; they also count threads that have ended. */
static bool read_stat(long pid, double *cpu_s)
{
    char path[64];
    char line[1024];
    snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "re");
    bool ok = f && fgets(line, sizeof(line), f);
    if (f)
        fclose(f);
    char *after_name = ok ? strrchr(line, ')') : NULL;
    unsigned long user, system;
    if (!after_name ||
        sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        return false;
    *cpu_s = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
    return true;
}

static bool read_schedstat(long pid, double *cpu_s, double *wakes)
{
    char path[300];
    snprintf(path, sizeof(path), "/proc/%ld/task", pid);
    DIR *dir = opendir(path);
    if (!dir)
        return false;
    double sum_ns = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "/proc/%ld/task/%s/schedstat", pid, e->d_name);
        FILE *f = fopen(path, "re");
        double ns, began;
        if (f && fscanf(f, "%lf %*f %lf", &ns, &began) == 2) {
            sum_ns += ns;
            *wakes += began;
        }
        if (f)
            fclose(f);
    }
    closedir(dir);
    *cpu_s = sum_ns / 1e9;
    return sum_ns > 0;
}

struct usage usage_of_pids(const long *pids, unsigned count)
{
    struct usage sum = {.ok = count > 0};
    for (unsigned i = 0; i < count; i++) {
        char path[64];
        double cpu_s = 0, rss = 0, wakes = 0;
        snprintf(path, sizeof(path), "/proc/%ld/statm", pids[i]);
        if ((!read_schedstat(pids[i], &cpu_s, &wakes) && !read_stat(pids[i], &cpu_s)) || !read_rss(path, &rss))
            return (struct usage){0};
        sum.cpu_s += cpu_s;
        sum.rss_bytes += rss;
        sum.wakes += wakes;
    }
    return sum;
}

static bool metric(const char *text, const char *name, double *value)
{
    size_t len = strlen(name);
    for (const char *line = text; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
        if (strncmp(line, name, len) == 0 && line[len] == ' ') {
            *value = strtod(line + len, NULL);
            return true;
        }
    }
    return false;
}

struct usage usage_from_metrics(const char *text)
{
    struct usage u = {0};
    u.ok = text && metric(text, "process_cpu_seconds_total", &u.cpu_s) &&
           metric(text, "process_resident_memory_bytes", &u.rss_bytes);
    return u;
}
