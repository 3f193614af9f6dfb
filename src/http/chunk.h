/* chunk.h: the line before a chunk's data (RFC 9112, 7.1 and 7.1.1). Private to src/http.
 * Thread:  pure functions. */
#pragma once
#include "base/buf.h"

/* line: without its end, free of control characters but tab. *size_len: the bytes of the number, which are all that
 * matters; what follows are extensions, known to nobody and ignored. False: malformed, or a number that does not fit. */
bool chunk_line_read(struct slice line, size_t *size, size_t *size_len);
