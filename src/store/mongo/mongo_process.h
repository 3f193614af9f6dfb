/* mongo_process.h: which process a lease names, and whether it has ended.
 * Thread:  any; no state. Reads /proc.
 * Only of a process of this boot of this machine and of this process's own pid namespace can it be said that it lives
 * or has ended; of all others, and where /proc does not say (systemd's ProcSubset=pid), nothing is known. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct process_name {
    char host[65];
    char boot[37];   /* the boot's id; empty: not known */
    char pid_ns[48]; /* the namespace that pid counts in */
    int64_t pid;
    int64_t started; /* clock ticks after the boot: tells apart processes that have had one pid */
};

enum process_state { PROCESS_UNKNOWN, PROCESS_ALIVE, PROCESS_ENDED };

void process_self(struct process_name *out);
enum process_state process_state(const struct process_name *p, const struct process_name *self);
