#include "app/announce.h"

#include "base/clock.h"
#include "base/metrics.h"

/* One turn of the announcer: what all its events have in common. */
struct turn {
    struct announcer *a;
    int64_t now_us; /* mono */
    bool counts;    /* they have changed: one notice at the end */
};

static void announce_message(struct turn *t, const struct event *e)
{
    struct notice n;
    bool heard = e->kind == EVENT_REPEATED && !e->unheard;
    /* A chat id or role that validation let through always fits. */
    if (!heard && notice_message(&n, e->chat_id, e->message.role, e->at_us, t->now_us))
        publisher_push(t->a->publisher, &n);
}

/* There is something to see at the chat. */
static void announce_look(struct turn *t, const struct event *e)
{
    struct notice n;
    if (notice_hint(&n, e->chat_id, e->at_us, t->now_us))
        publisher_push(t->a->publisher, &n);
}

/* Dashboards list it at once, not with its first message. */
static void announce_chat(struct turn *t, const struct event *e)
{
    announce_look(t, e);
    t->counts = true;
}

/* Its chats may have gone from one inbox to another. */
static void announce_customer(struct turn *t, const struct event *e)
{
    const struct customer *before = e->customer.before, *now = e->customer.now;
    t->counts |= before->id.len > 0 && now->chat_count > 0 &&
                 inbox_of(before->category, before->status) != inbox_of(now->category, now->status);
}

/* While the store was away requests were refused, and a message whose answer was lost may have been stored without a
 * notice. Dashboards poll nothing: they are told to look again. */
static void announce_recovered(struct turn *t, const struct event *e)
{
    (void)e;
    for (unsigned i = 0; i < t->a->count; i++)
        broadcaster_ask(t->a->broadcasters[i], BROADCASTER_REFETCH);
}

/* NULL: nobody is told. */
static void (*const notices[EVENT_KINDS])(struct turn *t, const struct event *e) = {
    [EVENT_MESSAGE] = announce_message,   [EVENT_REPEATED] = announce_message, [EVENT_CHAT] = announce_chat,
    [EVENT_CUSTOMER] = announce_customer, [EVENT_ELSEWHERE] = announce_look,   [EVENT_RECOVERED] = announce_recovered,
};

void announce(void *announcer, const struct event *events, size_t count)
{
    struct turn t = {.a = announcer, .now_us = clock_mono_us()};
    for (size_t i = 0; i < count; i++)
        if (notices[events[i].kind])
            notices[events[i].kind](&t, &events[i]);
    if (t.counts) {
        struct notice n;
        notice_counts_changed(&n, t.now_us);
        publisher_push(t.a->publisher, &n);
    }
    publisher_flush(t.a->publisher);
}

void count_events(void *arg, const struct event *events, size_t count)
{
    (void)arg;
    for (size_t i = 0; i < count; i++)
        if (events[i].kind == EVENT_REPEATED)
            metrics_add(M_DEDUPLICATED, 1);
}
