/* media.h: media types and their parameters (RFC 9110, 8.3; RFC 7578, 4.2). Private to src/http.
 * Thread:  pure functions. */
#pragma once
#include "base/arena.h"
#include "base/err.h"

/* "type/subtype" before the first ';', trimmed, as it came. Empty when there is none. */
struct slice media_type(struct slice header);
/* The parameter of that name (without case); a quoted value is unescaped into the arena when it has to be.
 * ERR_NOT_FOUND; ERR_INVALID: malformed, or given twice; ERR_NOMEM. */
NODISCARD enum err media_param(struct slice header, struct slice name, struct arena *a, struct slice *out);
