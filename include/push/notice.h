/* notice.h: what a producer tells the broadcasters, by value, as it travels through a ring.
 * Thread:  plain data.
 * Fails:   notice_message() returns false when a text does not fit (callers validated them long before). */
#pragma once
#include "base/buf.h"

#define NOTICE_CHAT_ID_MAX 64
#define NOTICE_ROLE_MAX    128 /* 32 characters of at most 4 bytes */
#define NOTICE_COUNTS_LEN  6

enum notice_kind { NOTICE_MESSAGE = 1, NOTICE_COUNTS };

/* The order of the counts in a frame (hub_options.counts). */
enum notice_count {
    COUNT_UNIFIED_INBOX,
    COUNT_AGENT_INBOX_ACTIVE,
    COUNT_AGENT_INBOX_RESOLVED,
    COUNT_MY_INBOX_CHATS,
    COUNT_MY_INBOX_ESCALATED,
    COUNT_MY_INBOX_RESOLVED
};

struct notice {
    int64_t wall_us;        /* the message's own time */
    int64_t raised_mono_us; /* when it was pushed, for the stage histogram */
    uint8_t kind;
    uint8_t chat_id_len;
    uint8_t role_len;
    char chat_id[NOTICE_CHAT_ID_MAX];
    char role[NOTICE_ROLE_MAX];
};

static inline struct slice notice_chat_id(const struct notice *n)
{
    return slice_of(n->chat_id, n->chat_id_len);
}

static inline struct slice notice_role(const struct notice *n)
{
    return slice_of(n->role, n->role_len);
}

static inline bool notice_message(struct notice *n, struct slice chat_id, struct slice role, int64_t wall_us,
                                  int64_t mono_us)
{
    if (chat_id.len == 0 || chat_id.len > NOTICE_CHAT_ID_MAX || role.len > NOTICE_ROLE_MAX)
        return false;
    n->wall_us = wall_us;
    n->raised_mono_us = mono_us;
    n->kind = NOTICE_MESSAGE;
    n->chat_id_len = (uint8_t)chat_id.len;
    n->role_len = (uint8_t)role.len;
    memcpy(n->chat_id, chat_id.ptr, chat_id.len);
    if (role.len)
        memcpy(n->role, role.ptr, role.len);
    return true;
}

/* Without the numbers: they would be of the moment when this was raised, and rings of several producers are emptied in
 * no order of time. The hub asks for them when it sends. */
static inline void notice_counts_changed(struct notice *n, int64_t mono_us)
{
    n->wall_us = 0;
    n->raised_mono_us = mono_us;
    n->kind = NOTICE_COUNTS;
    n->chat_id_len = n->role_len = 0;
}
