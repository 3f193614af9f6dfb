/* marks.h: what a side of a chat says that it has read goes to the writer where it is news. Private to api/.
 * Thread:  that of the producer.
 * Owns:    nothing; the op owns copies, and comes back to the producer.
 * Fails:   MARK_NO_CHAT, MARK_NO_MESSAGE: as far as memory knows. Where it is news, with the writer's errors or ERR_NOMEM. */
#pragma once
#include "read/cache.h"
#include "write/producer.h"

struct api;

struct mark_wish {
    struct scope scope;
    enum chat_side side;
    struct slice chat_id, message_id;
    struct op_origin origin; /* of the request that waits for it; zeroed: none does */
    int64_t parsed_us;       /* mono: when it came */
};

/* MARK_FURTHER: *e is OK, and the op is under way, or it says why not. MARK_OLD: there is nothing to do. */
enum mark_answer mark_submit(const struct api *api, struct producer *p, const struct mark_wish *wish,
                             op_complete_fn complete, enum err *e);
