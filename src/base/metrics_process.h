/* metrics_process.h: CPU, memory, descriptors and start of the process. Private to src/base.
 * Thread:  any.
 * Fails:   what /proc does not tell is left out. */
#pragma once
#include "base/buf.h"

void metrics_render_process(struct buf *out);
