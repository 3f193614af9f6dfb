/* sources.h: the pages' sources as they stand on the disk, for whoever works on them: debug builds only.
 * Thread:  any.
 * Owns:    nothing.
 * Blocks:  on the disk, which no release does for a request.
 * Fails:   ERR_NOT_FOUND: no such file below src/web, or one that is none of the web's; ERR_NOMEM. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

bool sources_served(void); /* false: a release, which has no way to a file */
/* The file at those steps below src/web, appended. A step is letters, digits, '-', '_' and '.', and does not begin with '.'. */
NODISCARD enum err source_read(const struct slice *steps, unsigned count, struct buf *out);
