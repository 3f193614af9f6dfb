#include "stress.h"

#include "base/clock.h"

#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PAUSE_US 1000

int64_t stress_deadline_us(int argc, char **argv, double seconds)
{
    if (argc > 1)
        seconds = strtod(argv[1], NULL);
    if (!(seconds > 0 && seconds <= 600))
        seconds = 600;
    return clock_mono_us() + (int64_t)(seconds * 1e6);
}

bool stress_over(int64_t deadline_us, const _Atomic uint64_t *sleeps)
{
    if (clock_mono_us() < deadline_us)
        return false;
    if (atomic_load(sleeps) > 0)
        return true;
    while (atomic_load(sleeps) == 0)
        usleep(PAUSE_US);
    return false;
}

bool stress_wait(int fd, int most_ms)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    return poll(&wait, 1, most_ms) == 1;
}

_Noreturn void stress_fail(const char *file, int line, const char *cond, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "%s:%d: %s: ", file, line, cond);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

uint32_t stress_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

void stress_jitter(uint32_t *seed)
{
    uint32_t random = stress_random(seed);
    if (random % 64 == 0)
        sched_yield();
    else if (random % 512 == 1)
        usleep(random % 200);
    else if (random % 8 == 2)
        for (volatile uint32_t i = 0; i < random % 100; i++)
            ;
}
