#include "write/set_ai.h"

static struct chat_link *link_of(struct op *op, struct slice *chat_id)
{
    *chat_id = set_ai_of(op)->chat_id;
    return &set_ai_of(op)->link;
}

static enum err apply(struct attempt *try, struct op *op)
{
    struct store *s = try->store;
    struct set_ai *ai = set_ai_of(op);
    enum err err = chat_reach(s, op, ai->chat_id, &ai->link);
    if (err != OK)
        return err;
    unsigned kept = ai->link.flags & ~(unsigned)CHAT_AI_DISABLED;
    uint8_t flags = (uint8_t)(kept | (ai->enabled ? 0u : CHAT_AI_DISABLED));
    return s->vtable->set_chat_flags(s, &ai->link, ai->chat_id, flags, op->rev, op->now_us);
}

static size_t raise(struct op *op, struct event *out)
{
    struct set_ai *ai = set_ai_of(op);
    if (op->result != OK)
        return 0;
    *out = (struct event){.kind = EVENT_AI, .rev = op->rev, .at_us = op->now_us, .chat_id = ai->chat_id};
    out->ai.enabled = ai->enabled;
    out->ai.link = &ai->link;
    return 1;
}

/* No doubt(): a switch is answered without a load of its chat, so what is in doubt is everything.
 * In order: a message before it in the batch may open the chat, and a chat's row never gets the rev of an older change. */
const struct write_kind write_set_ai = {
    .op = {.bytes = sizeof(struct set_ai)}, .link = link_of, .apply = apply, .in_order = true, .raise = raise};
