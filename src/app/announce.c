#include "app/announce.h"

#include "base/clock.h"
#include "base/metrics.h"

/* One turn of the announcer: what all its events have in common. */
struct turn {
    struct announcer *a;
    int64_t now_us; /* mono */
    bool counts;    /* they have changed: one notice at the end */
};

static void push(const struct turn *t, const struct notice *n, bool fits)
{
    if (fits) /* what validation let through always does */
        publisher_push(t->a->publisher, n);
}

/* To subscribers of chat_events alone: something of the chat itself is not as it was. */
static void announce_change(struct turn *t, const struct event *e)
{
    struct notice n;
    push(t, &n, notice_chat_changed(&n, e->chat_id, e->at_us, t->now_us));
}

static void announce_message(struct turn *t, const struct event *e)
{
    struct notice n;
    bool heard = e->kind == EVENT_REPEATED && !e->unheard;
    if (!heard)
        push(t, &n, notice_message(&n, e->chat_id, e->message.role, e->at_us, t->now_us));
    if (e->reopened)
        announce_change(t, e);
}

/* There is something to see at the chat. */
static void announce_look(struct turn *t, const struct event *e)
{
    struct notice n;
    push(t, &n, notice_hint(&n, e->chat_id, e->at_us, t->now_us));
}

/* Dashboards list it at once, not with its first message. */
static void announce_chat(struct turn *t, const struct event *e)
{
    announce_look(t, e);
    t->counts = true;
}

/* An agent took it or closed it: the other dashboards show whose it is, those that know no chat_events too. */
static void announce_chat_changed(struct turn *t, const struct event *e)
{
    announce_change(t, e);
    announce_look(t, e);
}

static void announce_read(struct turn *t, const struct event *e)
{
    struct notice n;
    push(t, &n, notice_read(&n, e->chat_id, e->read.side, e->read.message_id, e->at_us, t->now_us));
}

/* Its chats may have gone from one inbox to another. What a widget reports of its customer was never a reason to look; what an
 * agent changes is shown to the others at once. */
static void announce_customer(struct turn *t, const struct event *e)
{
    struct notice n;
    const struct customer *before = e->customer.before, *now = e->customer.now;
    if (before->id.len == 0)
        return;
    push(t, &n, notice_customer_changed(&n, now->id, e->at_us, t->now_us));
    if (!slice_eq(before->owner, now->owner))
        push(t, &n, notice_owner_changed(&n, now->id, e->at_us, t->now_us));
    if (e->customer.by_agent)
        push(t, &n, notice_hint_of_customer(&n, now->id, e->at_us, t->now_us));
    t->counts |=
        now->chat_count > 0 && inbox_of(before->category, before->status) != inbox_of(now->category, now->status);
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
    [EVENT_MESSAGE] = announce_message,
    [EVENT_REPEATED] = announce_message,
    [EVENT_CHAT] = announce_chat,
    [EVENT_CUSTOMER] = announce_customer,
    [EVENT_CHAT_CHANGED] = announce_chat_changed,
    [EVENT_READ] = announce_read,
    [EVENT_AI] = announce_change,
    [EVENT_ELSEWHERE] = announce_look,
    [EVENT_RECOVERED] = announce_recovered,
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
