/* log_line.h: how a line of the log looks, in text and in JSON (log.h says what callers give).
 * Thread:  whose line it is.
 * Fails:   never: what does not fit into a line is left out. */
#pragma once
#include "base/log.h"

#define LOG_LINE_MAX 8192 /* bytes, escaped */

struct log_line {
    size_t len;
    char bytes[LOG_LINE_MAX];
};

void log_line_make(struct log_line *l, enum log_format format, enum log_level level, const char *thread,
                   const char *event, struct slice pairs); /* of now */
