#include "app/announce.h"

#include "base/clock.h"

static void announce_message(struct announcer *a, const struct op_send *send, int64_t now_us)
{
    struct notice n;
    /* A chat id or role that validation let through always fits. */
    if ((!send->message.duplicate || send->unheard) &&
        notice_message(&n, send->message.chat_id, send->message.role, send->message.timestamp_us, now_us))
        publisher_push(a->publisher, &n);
}

/* Dashboards list it at once, not with its first message. */
static void announce_chat(struct announcer *a, const struct op_create_chat *create, int64_t now_us)
{
    struct notice n;
    if (notice_hint(&n, create->chat.chat_id, create->now_us, now_us))
        publisher_push(a->publisher, &n);
}

/* A customer's chats went from one inbox to another. */
static bool has_moved(const struct op_put_user *p)
{
    return p->before.id.len > 0 && p->user.chat_count > 0 &&
           inbox_of(p->before.category, p->before.status) != inbox_of(p->user.category, p->user.status);
}

void announce(void *announcer, struct op *const *ops, size_t count)
{
    struct announcer *a = announcer;
    int64_t now_us = clock_mono_us();
    bool counts_changed = false;
    for (size_t i = 0; i < count; i++) {
        const struct op *op = ops[i];
        if (op->result != OK)
            continue;
        if (op->kind == OP_SEND)
            announce_message(a, &op->send, now_us);
        if (op->kind == OP_CREATE_CHAT)
            announce_chat(a, &op->create, now_us);
        counts_changed |= op->kind == OP_CREATE_CHAT || (op->kind == OP_PUT_USER && has_moved(&op->put_user));
    }
    if (counts_changed) {
        struct notice n;
        notice_counts_changed(&n, now_us);
        publisher_push(a->publisher, &n);
    }
    publisher_flush(a->publisher);
}

void announce_recovery(void *announcer)
{
    struct announcer *a = announcer;
    for (unsigned i = 0; i < a->count; i++)
        broadcaster_ask(a->broadcasters[i], BROADCASTER_REFETCH);
}
