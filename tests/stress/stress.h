/* stress.h: what the stress programs share: how long to run, how to fail, a random pause. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Seconds to run: the first argument, at most 600, or the default. */
int64_t stress_deadline_us(int argc, char **argv, double seconds);
/* A producer asks before each batch, and makes at least one. After the deadline it holds still until the consumer has
 * slept, then makes another: whether the consumer sleeps under full load is the scheduler's choice. */
bool stress_over(int64_t deadline_us, const _Atomic uint64_t *sleeps);
/* The consumer's sleep; false when nothing woke it. Where there is something all the same, its wake-up must be on the
 * way: its producer may be kept from the processor in between for as long as STRESS_LATE_MS. */
bool stress_wait(int fd, int most_ms);
#define STRESS_WAIT_MS 2000
#define STRESS_LATE_MS 30000
/* Ends the program with a message when a promise of the module is broken. */
#define stress_check(cond, ...) ((cond) ? (void)0 : stress_fail(__FILE__, __LINE__, #cond, __VA_ARGS__))
_Noreturn void stress_fail(const char *file, int line, const char *cond, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Now and then gives the processor away or spins a little, so that threads meet at all points of the protocols. */
void stress_jitter(uint32_t *seed);
uint32_t stress_random(uint32_t *seed);
