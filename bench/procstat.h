/* procstat.h: what a process has used: of the server by /proc or by its /metrics, and of ourselves.
 * Thread:  any; no state.
 * Fails:   a process that cannot be read gives ok = false. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct usage {
    bool ok;
    double cpu_s; /* user and system, all threads */
    double rss_bytes;
    double wakes; /* times that a thread began to run; by process id alone */
};

struct usage usage_of_self(void);
/* The sum over the processes. CPU from each thread's schedstat (nanoseconds) where the kernel has it. */
struct usage usage_of_pids(const long *pids, unsigned count);
struct usage usage_from_metrics(const char *text); /* process_cpu_seconds_total, process_resident_memory_bytes */
