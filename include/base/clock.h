/* clock.h: time. Loops read the clock once per turn and pass the value on.
 * Thread:  any.
 * Units:   mono_us: microseconds since an arbitrary start, never goes back (CLOCK_MONOTONIC);
 *          wall_us: microseconds since 1970-01-01 UTC (CLOCK_REALTIME), may jump. */
#pragma once
#include "base/buf.h"

#include <pthread.h>
#include <time.h>

int64_t clock_mono_us(void);
int64_t clock_wall_us(void);
/* For timed waits, which take a point in time: us from now, for a condition that clock_cond_init() made. */
struct timespec clock_mono_after(int64_t us);
void clock_cond_init(pthread_cond_t *cond);

#define TIME_TEXT_LEN 27 /* "2026-11-24T21:56:00.588000Z" */
/* RFC 3339, UTC, microseconds: exactly TIME_TEXT_LEN bytes, no NUL. Years 0000–9999; others are clamped.
 * Caches the last second per thread, since most calls fall in the same one. */
void time_format(int64_t wall_us, char out[static TIME_TEXT_LEN]);
/* RFC 3339 and what Python or JavaScript write: a date alone (its midnight), or date, 'T' or space, time, optional fraction
 * (any digits), optional Z, ±hh:mm or ±hhmm (none = UTC). Or a date of RFC 1123, as toUTCString() writes it: "Tue, 24 Nov
 * 2026 21:56:00 GMT", the day's name left unread. false when it is none of these. */
bool time_parse(struct slice text, int64_t *wall_us);

#define HTTP_DATE_LEN 29 /* "Tue, 24 Nov 2026 21:56:00 GMT" (RFC 9110, 5.6.7) */
void http_date_format(int64_t wall_us, char out[static HTTP_DATE_LEN]);
