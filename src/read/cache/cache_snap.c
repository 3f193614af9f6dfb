#include "cache_snap.h"

#include "cache_change.h"

#include <stdlib.h>

void snap_init(struct snap *s, size_t customer_slots)
{
    *s = (struct snap){.customer_count = customer_slots, .chats = s->few, .chat_cap = SNAP_FEW};
    s->customers = customer_slots > 1 ? calloc(customer_slots, sizeof(*s->customers)) : &s->one;
    if (!s->customers) {
        s->customer_count = 0;
        s->failed = true;
    }
}

void snap_fini(struct snap *s)
{
    for (size_t i = 0; i < s->customer_count; i++) {
        content_drop(s->customers[i].content);
        blob_drop(s->customers[i].opening);
    }
    if (s->customers != &s->one)
        free(s->customers);
    if (s->chats != s->few)
        free(s->chats);
    *s = (struct snap){0};
}

static bool chats_reserve(struct snap *s, size_t more)
{
    if (s->chat_count + more <= s->chat_cap)
        return true;
    bool inside = s->chats == s->few;
    size_t cap = inside ? s->customer_count + more : s->chat_cap * 2; /* most customers have one chat */
    if (cap < s->chat_count + more)
        cap = s->chat_count + more;
    struct history_span *grown = reallocarray(inside ? NULL : s->chats, cap, sizeof(*grown));
    if (!grown)
        return false;
    if (inside)
        memcpy(grown, s->few, s->chat_count * sizeof(*grown));
    s->chats = grown;
    s->chat_cap = cap;
    return true;
}

static int64_t newer_than(const struct snap_customer *u, int64_t since)
{
    return u->newest <= since ? INT64_MAX : revs_after(since, u->late, u->lag_us);
}

void snap_fill(struct snap *s, size_t slot, const struct snap_customer *from, struct told told)
{
    if (slot >= s->customer_count || !chats_reserve(s, from->content->history_count)) {
        s->failed = true;
        return;
    }
    struct snap_customer *u = &s->customers[slot];
    *u = *from;
    content_hold(u->content);
    blob_hold(u->opening);
    u->first_chat = s->chat_count;
    u->total_chats = u->content->history_count;
    int64_t after = newer_than(u, told.stamp);
    for (const struct history *h = u->content->first; h; h = h->next)
        if (h->rev > after || h->marked > told.read)
            history_span_take(h, &s->chats[s->chat_count++]);
    u->chats = s->chat_count - u->first_chat;
}

void snap_since(struct snap *s, int64_t since)
{
    for (size_t i = 0; since > 0 && i < s->customer_count; i++) {
        const struct snap_customer *u = &s->customers[i];
        for (size_t chat = u->first_chat; chat < u->first_chat + u->chats; chat++)
            history_span_since(&s->chats[chat], newer_than(u, since));
    }
}

uint64_t snap_bytes(const struct snap *s)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < s->chat_count; i++)
        bytes += s->chats[i].bytes;
    return bytes;
}

const struct history_span *snap_chat(const struct snap *s, size_t slot, struct slice chat_id)
{
    const struct snap_customer *u = &s->customers[slot];
    for (size_t i = 0; i < u->chats; i++)
        if (slice_eq(history_chat_id(s->chats[u->first_chat + i].history), chat_id))
            return &s->chats[u->first_chat + i];
    return NULL;
}
