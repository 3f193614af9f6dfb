/* writes.h: every kind of write, and what the writer does with a durable batch, for tests that play its part. */
#pragma once
#include "read/cache.h"
#include "write/change_chat.h"
#include "write/change_customer.h"
#include "write/create_chat.h"
#include "write/mark_read.h"
#include "write/put_customer.h"
#include "write/send.h"
#include "write/set_ai.h"

/* An op of whatever kind, where a test needs no pool. */
union any_write {
    struct op op; /* first of each */
    struct send send;
    struct create_chat create;
    struct put_customer put_customer;
    struct set_ai set_ai;
    struct change_chat change_chat;
    struct change_customer change_customer;
    struct mark_read mark_read;
};

/* The ops' events to memory, one op at a time. */
static inline void tell_memory(struct cache *c, struct op *const *ops, size_t count, const struct totals *changed)
{
    struct event events[WRITE_EVENTS_MAX], totals = {.kind = EVENT_TOTALS, .totals = changed};
    cache_take(c, &totals, 1);
    for (size_t i = 0; i < count; i++)
        cache_take(c, events, write_kind_of(ops[i])->raise(ops[i], events));
}

/* The writer gave the op up after a try. */
static inline void doubt_in_memory(struct cache *c, struct op *op)
{
    struct event e = {.kind = EVENT_DOUBT, .rev = op->rev};
    if (write_kind_of(op)->doubt)
        write_kind_of(op)->doubt(op, &e);
    cache_take(c, &e, 1);
}

static inline void recover_memory(struct cache *c)
{
    cache_take(c, &(struct event){.kind = EVENT_RECOVERED}, 1);
}
