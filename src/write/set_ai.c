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
    if (!ai->link.known) {
        struct chat chat = {0};
        enum err err = s->vtable->find_chat(s, ai->chat_id, &op->arena, &chat);
        if (err != OK)
            return err == ERR_NOT_FOUND && op->scope.kind != SCOPE_ALL ? scope_refusal(&op->scope) : err;
        /* Not marked as known: a retry asks again, since a chat of this batch may then have another key. */
        ai->link = (struct chat_link){.flags = chat.flags,
                                      .chat_key = chat.key,
                                      .customer_key = chat.customer_key,
                                      .customer_id = chat.customer_id};
        struct customer customer = {0};
        err = s->vtable->find_customer(s, CUSTOMER_BY_ID, chat.customer_id, &op->arena, &customer);
        if (err != OK && err != ERR_NOT_FOUND)
            return err;
        ai->link.owner = customer.owner;
        ai->link.owner_known = true;
    }
    enum err err = scope_check_link(s, &op->scope, &ai->link, &op->arena);
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

/* No doubt(): a switch is answered without a load of its chat, so what is in doubt is everything. */
const struct write_kind write_set_ai = {
    .op = {.bytes = sizeof(struct set_ai)}, .link = link_of, .apply = apply, .raise = raise};
