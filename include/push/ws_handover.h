/* ws_handover.h: a connection on its way from a worker to a broadcaster: the upgrade is agreed, nothing is written yet.
 * Thread:  made by the worker, given away by broadcaster_adopt().
 * Owns:    copies of all that it names but the descriptor, which stays the caller's until it is given away.
 * Fails:   ws_handover_new() NULL: no memory. */
#pragma once
#include "base/buf.h"
#include "handoff/mailbox.h"
#include "push/ws_app.h"

struct ws_handover {
    struct mailbox_node node;
    int fd;                         /* non-blocking; removed from the worker's loop */
    uint32_t head_len;              /* bytes: the 101 response's head … */
    uint32_t rest_len;              /* … then what was read after the request's head */
    struct ws_principal *principal; /* with its texts in one block; NULL: anonymous. The connection takes it over */
    uint64_t tag;                   /* given back to on_closed: the caller's own (an address's slot, …) */
    char bytes[];
};

/* principal: NULL where anonymous. */
struct ws_handover *ws_handover_new(int fd, struct slice head, struct slice rest, const struct ws_principal *principal);
void ws_handover_free(struct ws_handover *h); /* fd is not closed */
