/* notice.h: what a producer tells the broadcasters, by value, as it travels through a ring.
 * Chats:   an id of more than NOTICE_CHAT_ID_MAX bytes, which only existing data has, travels as its hash, so that all
 *          the others' records stay small. Its followers find it by that; what they are sent names no chat ("*": look).
 * Thread:  plain data.
 * Fails:   the constructors return false when a text does not fit (callers validated them long before). */
#pragma once
#include "base/map.h"
#include "chat/model.h"

#define NOTICE_CHAT_ID_MAX 64
#define NOTICE_ROLE_MAX    128 /* 32 characters of at most 4 bytes */
#define NOTICE_COUNTS_LEN  6

enum notice_kind {
    NOTICE_MESSAGE = 1,
    NOTICE_HINT, /* there is something to see at that chat, and no message: those who may see it are told to look. No chat_id:
                  * at that customer; role: its id */
    NOTICE_COUNTS,
    NOTICE_OWNER_CHANGED, /* no chat_id; role: the id of a customer whose chats others may see than before */
    /* To subscribers of chat_events alone. */
    NOTICE_READ_BY_AGENTS,   /* chat_id; role: the message's id */
    NOTICE_READ_BY_CUSTOMER, /* the same */
    NOTICE_CHAT_CHANGED,     /* chat_id */
    NOTICE_CUSTOMER_CHANGED, /* no chat_id; role: the customer's id */
    NOTICE_KINDS
};

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

#define NOTICE_HASHED '\xff' /* begins no text in UTF-8 */

/* What stands for a chat's id in notices and among the hub's followers: itself or, in room, what a long one becomes. */
static inline struct slice notice_short_id(struct slice chat_id, char room[static NOTICE_CHAT_ID_MAX])
{
    if (chat_id.len <= NOTICE_CHAT_ID_MAX)
        return chat_id;
    uint64_t hash = hash_bytes(chat_id.ptr, chat_id.len);
    room[0] = NOTICE_HASHED;
    memcpy(room + 1, &hash, sizeof(hash));
    return slice_of(room, 1 + sizeof(hash));
}

static inline bool notice_id_is_hash(struct slice id)
{
    return id.len > 0 && id.ptr[0] == NOTICE_HASHED;
}

static inline bool notice_message(struct notice *n, struct slice chat_id, struct slice role, int64_t wall_us,
                                  int64_t mono_us)
{
    char room[NOTICE_CHAT_ID_MAX];
    if (chat_id.len == 0 || role.len > NOTICE_ROLE_MAX)
        return false;
    chat_id = notice_short_id(chat_id, room);
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

/* What subscribers of chat_events alone are told of a chat. */
static inline bool notice_chat_changed(struct notice *n, struct slice chat_id, int64_t wall_us, int64_t mono_us)
{
    bool fits = notice_message(n, chat_id, slice_of(NULL, 0), wall_us, mono_us);
    n->kind = NOTICE_CHAT_CHANGED;
    return fits;
}

static inline bool notice_read(struct notice *n, struct slice chat_id, enum chat_side side, struct slice message_id,
                               int64_t wall_us, int64_t mono_us)
{
    bool fits = notice_message(n, chat_id, message_id, wall_us, mono_us);
    n->kind = side == SIDE_AGENTS ? NOTICE_READ_BY_AGENTS : NOTICE_READ_BY_CUSTOMER;
    return fits;
}

static inline bool notice_customer_changed(struct notice *n, struct slice customer_id, int64_t wall_us, int64_t mono_us)
{
    if (customer_id.len == 0 || customer_id.len > NOTICE_ROLE_MAX)
        return false;
    n->wall_us = wall_us;
    n->raised_mono_us = mono_us;
    n->kind = NOTICE_CUSTOMER_CHANGED;
    n->chat_id_len = 0;
    n->role_len = (uint8_t)customer_id.len;
    memcpy(n->role, customer_id.ptr, customer_id.len);
    return true;
}

static inline bool notice_hint(struct notice *n, struct slice chat_id, int64_t wall_us, int64_t mono_us)
{
    bool fits = notice_message(n, chat_id, slice_of(NULL, 0), wall_us, mono_us);
    n->kind = NOTICE_HINT;
    return fits;
}

/* The same at a customer, whatever chats it has. */
static inline bool notice_hint_of_customer(struct notice *n, struct slice customer_id, int64_t wall_us, int64_t mono_us)
{
    bool fits = notice_customer_changed(n, customer_id, wall_us, mono_us);
    n->kind = NOTICE_HINT;
    return fits;
}

static inline bool notice_owner_changed(struct notice *n, struct slice customer_id, int64_t wall_us, int64_t mono_us)
{
    bool fits = notice_customer_changed(n, customer_id, wall_us, mono_us);
    n->kind = NOTICE_OWNER_CHANGED;
    return fits;
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
