/* log.h: one line per event, to standard error, written by one log thread.
 * Thread:  log_* from any; log_start/log_stop from main. Each thread formats into its own line buffer and
 *          hands the line to a queue of 1 MiB; where that is full the line is dropped and counted, so nobody waits.
 * Owns:    the log thread. Before log_start() and after log_stop() lines are written directly.
 * Fails:   log_start(): ERR_NOMEM; ERR_IO (errno): no thread. A line never: what is too long for one is cut.
 * Privacy: the text of messages, tokens and passwords are never logged: callers pass ids and lengths. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

NODISCARD enum err log_start(enum log_level level, enum log_format format);
void log_set_format(enum log_format format); /* for lines before log_start() */
/* Why the process ends, written at once: an error event in JSON; in text, for whoever sits there, "sakurad: WHY". */
void log_last_words(const char *event, const char *why);
void log_stop(void);                    /* waits until all is written, about a second where nobody reads */
void log_thread_name(const char *name); /* also pthread_setname_np; at most 15 bytes; call once per thread */
bool log_enabled(enum log_level level);

/* event: a fixed short phrase ("listening", "batch failed"). Then key/value pairs made by fmt as
 * `key=value key2="two words"` (printf). Text format: time level thread event key=value…; JSON format: the
 * same keys as an object's members (numbers, unless in quotes, are numbers; all else strings). Control characters in
 * values are escaped. */
void log_event(enum log_level level, const char *event, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#define log_error(event, ...) log_event(LOG_ERROR, event, __VA_ARGS__)
#define log_warn(event, ...)  (log_enabled(LOG_WARN) ? log_event(LOG_WARN, event, __VA_ARGS__) : (void)0)
#define log_info(event, ...)  (log_enabled(LOG_INFO) ? log_event(LOG_INFO, event, __VA_ARGS__) : (void)0)
#define log_debug(event, ...) (log_enabled(LOG_DEBUG) ? log_event(LOG_DEBUG, event, __VA_ARGS__) : (void)0)
uint64_t log_dropped(void); /* lines, since the process began */
