/* load.h: one run of load: threads, their connections, what they count, and the phases warm-up, run, drain.
 * Thread:  load_run() from main; each worker runs its own epoll loop; a connection never leaves its worker.
 * Owns:    the load owns its workers, a worker its connections' descriptors and its counters (merged after the join).
 * Phases:  connect everything, then all start together; what begins before run_ns is warm-up and not counted; from
 *          end_ns on nothing new begins, and what is under way may finish until --timeout.
 * Time:    nanoseconds of CLOCK_MONOTONIC. A worker reads it after each wait and after each read. */
#pragma once
#include "load_state.h"

/* Runs the mode with load->threads threads; totals are in the load afterwards. */
void load_run(struct load *l);
void load_fini(struct load *l);
struct usage load_server_usage(const struct load *l);
