/* The writer thread.
 * Happy path: take what is queued → up to --batch ops → ids → links from memory → batch_apply (durable) → events to the
 * sinks, memory first → completions, one wake-up per producer. No timer: under load the next batch is what queued meanwhile.
 * The store is away (ERR_STORE, ERR_NOMEM): the batch stays as it is, ids included, and is tried again after a short
 * wait; ops past their deadline leave it with ERR_TIMEOUT. When that has gone on for --write-timeout the circuit opens:
 * everything queued is answered with ERR_STORE, submits are refused at once, and the store is probed until it is
 * well again. A store that was away at start begins that way, and is then prepared before the circuit closes.
 * One op can never work (anything else): where the store named it, it alone is answered and the rest goes on at once;
 * where not, it is looked for by halves: half as many are tried, from the oldest on, until it stands alone. A try that
 * succeeds answers its ops and lets the next one be twice as large. So a batch costs at most two tries an op.
 * An op that was tried and then given up is in doubt: the store may have it. Memory is told, and when the store is well
 * again everybody is told to look (EVENT_DOUBT, EVENT_RECOVERED). */
#include "write/writer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "handoff/gate.h"
#include "write/batch.h"
#include "write/kind.h"
#include "write/producer.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#define RETRY_FIRST_MS    20
#define RETRY_MOST_MS     500
#define MAINTAIN_EVERY_US 1000000
#define MAINTAIN_SOON_US  5000 /* while there is more of it: half of the time, so that who comes waits little */

struct writer {
    struct writer_options options;
    struct gate gate;
    struct mailbox *inbox;
    pthread_t thread;
    atomic_bool stopping; /* server.c writes, the writer reads */
    atomic_bool refusing; /* the circuit is open. The writer writes, any thread reads: a hint, so relaxed */
    /* the writer's own */
    struct mailbox_node *waiting, **waiting_tail; /* taken from the inbox, oldest first */
    struct op **batch;
    size_t batch_len;
    size_t try_most; /* of the batch at once: all, but while a guilty op is looked for */
    struct batch_room room;
    struct event *events; /* room for those of a batch */
    int64_t last_rev;
    int64_t doubt_from, doubt_to; /* revs of ops given up after a try, kept until the next are: they may land late */
    bool in_doubt;                /* some were, since the store was last well */
    int64_t failing_since_us;     /* 0: the store is well */
    int64_t retry_ms;
    int64_t maintained_us;
};

static void take_inbox(struct writer *w)
{
    struct mailbox_node *list = mailbox_take(w->inbox);
    if (!list)
        return;
    *w->waiting_tail = list;
    while (list->next)
        list = list->next;
    w->waiting_tail = &list->next;
}

static struct op *pop_waiting(struct writer *w)
{
    struct mailbox_node *node = w->waiting;
    if (!node)
        return NULL;
    w->waiting = node->next;
    if (!w->waiting)
        w->waiting_tail = &w->waiting;
    return (struct op *)node;
}

static void answer(struct op *op, enum err result)
{
    if (result == ERR_TIMEOUT)
        metrics_add(M_WRITE_TIMEOUT, 1);
    if (result == ERR_REFUSED || result == ERR_CONFLICT || result == ERR_TOO_LARGE || result == ERR_FAILED)
        metrics_add(M_STORE_REFUSED, 1);
    op_finish(op, result);
}

static void finish_one(struct writer *w, struct op *op, enum err result)
{
    gate_leave(&w->gate, 1);
    metrics_gauge(G_WRITER_QUEUE, -1);
    answer(op, result);
}

/* The first of the batch, which are durable. */
static void finish_first(struct writer *w, size_t count)
{
    int64_t now = clock_mono_us();
    gate_leave(&w->gate, (int64_t)count);
    metrics_gauge(G_WRITER_QUEUE, -(int64_t)count);
    for (size_t i = 0; i < count; i++) {
        struct op *op = w->batch[i];
        op->durable_us = now;
        metrics_observe(H_QUEUED_DURABLE, (uint64_t)(now - op->queued_us));
        answer(op, op->result);
    }
    w->batch_len -= count;
    memmove(w->batch, w->batch + count, w->batch_len * sizeof(*w->batch));
}

static int64_t next_rev(struct writer *w)
{
    int64_t now = clock_wall_us();
    w->last_rev = now > w->last_rev ? now : w->last_rev + 1;
    return w->last_rev;
}

/* Ids and times are given once, before the first try: a retry cannot write anything twice. */
static void give_ids(struct writer *w, struct op *op)
{
    int64_t rev = next_rev(w);
    int64_t now = clock_wall_us();
    now -= now % w->options.store->vtable->time_grain_us; /* as the store keeps it, so as a later read will say */
    batch_give_ids(op, rev, now);
}

static void fill_batch(struct writer *w)
{
    int64_t now = clock_mono_us();
    while (w->batch_len < (size_t)w->options.batch_max) {
        struct op *op = pop_waiting(w);
        if (!op)
            break;
        if (op->deadline_us && now > op->deadline_us) {
            finish_one(w, op, ERR_TIMEOUT);
            continue;
        }
        give_ids(w, op);
        w->batch[w->batch_len++] = op;
    }
}

/* Known chats cost the store nothing. Asked before every try: an earlier batch may have made one known. While something is in
 * doubt the store itself is asked: what was given up may have closed the chat, or opened it. */
static void link_batch(struct writer *w, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct op *op = w->batch[i];
        const struct write_kind *kind = write_kind_of(op);
        struct slice chat_id;
        struct chat_link *link = kind->link ? kind->link(op, &chat_id) : NULL;
        op->result = OK;
        if (link && w->in_doubt)
            link->known = false;
        else if (link && !link->known && w->options.link)
            w->options.link(w->options.link_arg, chat_id, &op->arena, link);
    }
}

/* It was tried, and the answer may be all that was lost. The first since the store was well begins a new range of doubt:
 * what was in the range before has been told to everybody. */
static void give_up(struct writer *w, struct op *op, enum err result)
{
    struct event event = {.kind = EVENT_DOUBT, .rev = op->rev};
    if (!w->in_doubt)
        w->doubt_from = w->doubt_to = 0;
    w->doubt_from = w->doubt_from == 0 || op->rev < w->doubt_from ? op->rev : w->doubt_from;
    w->doubt_to = op->rev > w->doubt_to ? op->rev : w->doubt_to;
    w->in_doubt = true;
    if (write_kind_of(op)->doubt)
        write_kind_of(op)->doubt(op, &event);
    events_tell(&w->options.sinks, &event, 1);
    finish_one(w, op, result);
}

static void tell_recovered(struct writer *w)
{
    w->in_doubt = false;
    events_tell(&w->options.sinks, &(struct event){.kind = EVENT_RECOVERED}, 1);
}

/* What happened, in the order of the ops. Of a message whose answer was lost nobody has heard: the one that repeats it says
 * so. */
static void tell_durable(struct writer *w, size_t ops, const struct totals *changed)
{
    size_t count = 0;
    w->events[count++] = (struct event){.kind = EVENT_TOTALS, .totals = changed};
    for (size_t i = 0; i < ops; i++)
        count += write_kind_of(w->batch[i])->raise(w->batch[i], &w->events[count]);
    for (size_t i = 0; w->doubt_to != 0 && i < count; i++) {
        struct event *e = &w->events[i];
        if (e->kind == EVENT_REPEATED)
            e->unheard = e->rev >= w->doubt_from && e->rev <= w->doubt_to;
    }
    events_tell(&w->options.sinks, w->events, count);
}

static void note_well(struct writer *w)
{
    if (w->failing_since_us)
        log_info("store is back", "after_ms=%lld", (long long)(clock_mono_us() - w->failing_since_us) / 1000);
    w->failing_since_us = 0;
    if (w->in_doubt)
        tell_recovered(w);
}

static void note_failing(struct writer *w, int64_t since_us, enum err e)
{
    if (w->failing_since_us)
        return;
    w->failing_since_us = since_us;
    w->retry_ms = RETRY_FIRST_MS;
    log_warn("batch failed", "ops=%zu error=\"%s\"", w->batch_len, err_text(e));
}

/* The store answered, and will not do what was tried: the ops that it named leave, else it is looked for by halves. */
static void single_out(struct writer *w, size_t tried, enum err e)
{
    size_t kept = 0;
    for (size_t i = 0; i < w->batch_len; i++) {
        struct op *op = w->batch[i];
        enum err result = i >= tried ? OK : tried == 1 ? e : op->result;
        if (result == OK)
            w->batch[kept++] = op;
        else if (w->failing_since_us) /* the try before may have stored it all the same */
            give_up(w, op, result);
        else
            finish_one(w, op, result);
    }
    if (kept == w->batch_len)
        w->try_most = tried / 2;
    w->batch_len = kept;
    if (w->failing_since_us)
        note_well(w);
}

/* One try. False: the store is away, and the ops are as they came; else some are answered, or fewer are tried next. */
static bool apply_batch(struct writer *w)
{
    struct totals changed = {0};
    size_t count = w->batch_len < w->try_most ? w->batch_len : w->try_most;
    link_batch(w, count);
    int64_t before = clock_mono_us();
    enum err e = batch_apply(w->options.store, &w->room, w->batch, count, &changed);
    int64_t after = clock_mono_us();
    if (e != OK) {
        bool away = e == ERR_STORE || e == ERR_NOMEM;
        metrics_add(M_STORE_ERROR, 1);
        if (away)
            note_failing(w, before, e);
        else
            single_out(w, count, e);
        return !away;
    }
    note_well(w);
    size_t most = (size_t)w->options.batch_max;
    w->try_most = w->try_most < most / 2 ? w->try_most * 2 : most;
    metrics_add(M_STORE_BATCH, 1);
    metrics_observe(H_COMMIT, (uint64_t)(after - before));
    metrics_observe(H_BATCH_OPS, count);
    tell_durable(w, count, &changed);
    finish_first(w, count);
    return true;
}

/* Ops past their deadline leave the failed batch and the queue behind it; or all do. */
static void turn_away(struct writer *w, bool all, enum err result)
{
    int64_t now = clock_mono_us();
    size_t kept = 0;
    for (size_t i = 0; i < w->batch_len; i++) {
        struct op *op = w->batch[i];
        if (all || (op->deadline_us && now > op->deadline_us))
            give_up(w, op, result);
        else
            w->batch[kept++] = op;
    }
    w->batch_len = kept;
    struct mailbox_node *list = w->waiting;
    w->waiting = NULL;
    w->waiting_tail = &w->waiting;
    while (list) {
        struct op *op = (struct op *)list;
        list = list->next;
        if (all || (op->deadline_us && now > op->deadline_us)) {
            finish_one(w, op, result);
            continue;
        }
        op->node.next = NULL;
        *w->waiting_tail = &op->node;
        w->waiting_tail = &op->node.next;
    }
}

/* True: there is more to do soon. */
static bool maintain(struct writer *w, bool idle)
{
    w->maintained_us = clock_mono_us();
    return w->options.store->vtable->maintain(w->options.store, w->maintained_us, idle);
}

/* A plain sleep: new ops must not shorten the wait, or a busy server would hammer a sick store. */
static void sleep_ms(const struct writer *w, int64_t ms)
{
    if (w->options.retry_most_ms && ms > w->options.retry_most_ms)
        ms = w->options.retry_most_ms;
    struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};
    (void)nanosleep(&ts, NULL);
}

static void retry_later(struct writer *w)
{
    metrics_add(M_STORE_RETRY, 1);
    sleep_ms(w, w->retry_ms);
    w->retry_ms = w->retry_ms * 2 > RETRY_MOST_MS ? RETRY_MOST_MS : w->retry_ms * 2;
    take_inbox(w);
    turn_away(w, false, ERR_TIMEOUT);
    struct store_health health;
    w->options.store->vtable->health(w->options.store, &health);
    if (!health.closed && clock_mono_us() - w->failing_since_us < w->options.write_timeout_ms * 1000)
        return;
    log_error("store is away", "answering=503 queued=%lld", (long long)gate_inside(&w->gate));
    atomic_store_explicit(&w->refusing, true, memory_order_relaxed);
    turn_away(w, true, ERR_STORE);
}

static bool store_is_well(struct writer *w)
{
    struct store_health health;
    w->options.store->vtable->health(w->options.store, &health);
    return health.ok;
}

/* Circuit open: nothing is accepted; the store is asked every RETRY_MOST_MS whether it is well. */
static void probe(struct writer *w)
{
    take_inbox(w); /* those that were submitted while the circuit opened */
    turn_away(w, true, ERR_STORE);
    maintain(w, true);
    bool well = store_is_well(w);
    if (well && w->options.prepare && w->options.prepare(w->options.prepare_arg, &w->last_rev) == OK)
        w->options.prepare = NULL;
    if (well && !w->options.prepare) {
        note_well(w);
        tell_recovered(w); /* requests were refused meanwhile: also where nothing is in doubt */
        atomic_store_explicit(&w->refusing, false,
                              memory_order_relaxed); /* what prepare() made it has released itself */
        return;
    }
    sleep_ms(w, RETRY_MOST_MS);
}

/* Nothing to do: upkeep, then sleep until a submit wakes us or the next upkeep is due. Where all that failed was given up
 * before the circuit opened, no batch will show that the store is well again: it is asked here. */
static void rest(struct writer *w)
{
    int64_t wait_us = maintain(w, true) ? MAINTAIN_SOON_US : MAINTAIN_EVERY_US;
    if (w->failing_since_us && store_is_well(w))
        note_well(w);
    mailbox_sleeping(w->inbox);
    take_inbox(w);
    if (!w->waiting && !atomic_load_explicit(&w->stopping, memory_order_acquire))
        (void)poll(&(struct pollfd){.fd = mailbox_fd(w->inbox), .events = POLLIN}, 1, (int)(wait_us / 1000));
    mailbox_awake(w->inbox);
}

static void *writer_main(void *arg)
{
    struct writer *w = arg;
    log_thread_name("writer");
    metrics_thread_init();
    for (;;) {
        take_inbox(w);
        /* With the circuit open nothing is tried: who slipped in as it opened is answered by probe(). */
        bool refusing = atomic_load_explicit(&w->refusing, memory_order_relaxed);
        if (w->batch_len == 0 && !refusing)
            fill_batch(w);
        bool stopping = atomic_load_explicit(&w->stopping, memory_order_acquire);
        if (w->batch_len == 0) {
            if (stopping && !w->waiting && gate_inside(&w->gate) == 0)
                break;
            refusing ? probe(w) : rest(w);
            continue;
        }
        if (!apply_batch(w))
            retry_later(w);
        else if (clock_mono_us() - w->maintained_us > MAINTAIN_EVERY_US)
            maintain(w, false);
    }
    maintain(w, true);
    return NULL;
}

enum err writer_start(const struct writer_options *options, struct writer **out)
{
    struct writer *w = aligned_alloc(64, (sizeof(*w) + 63) / 64 * 64);
    if (!w)
        return ERR_NOMEM;
    *w = (struct writer){.options = *options, .last_rev = options->max_rev, .maintained_us = clock_mono_us()};
    w->waiting_tail = &w->waiting;
    w->try_most = (size_t)options->batch_max;
    atomic_init(&w->refusing, options->prepare != NULL);
    w->failing_since_us = options->prepare ? w->maintained_us : 0;
    gate_init(&w->gate, options->queue_max);
    w->inbox = mailbox_new();
    w->batch = calloc((size_t)options->batch_max, sizeof(struct op *));
    w->events = calloc(WRITER_EVENTS((size_t)options->batch_max), sizeof(struct event));
    if (!w->inbox || !w->batch || !w->events || pthread_create(&w->thread, NULL, writer_main, w) != 0) {
        writer_free(w);
        return ERR_NOMEM;
    }
    *out = w;
    return OK;
}

enum err writer_submit(struct writer *w, struct op *op)
{
    if (!writer_available(w))
        return ERR_STORE;
    if (!gate_enter(&w->gate)) {
        metrics_add(M_QUEUE_FULL_WRITER, 1);
        return ERR_BUSY;
    }
    must(!op->in_flight);
    op->in_flight = true;
    metrics_gauge(G_WRITER_QUEUE, 1);
    mailbox_push(w->inbox, &op->node);
    return OK;
}

bool writer_available(const struct writer *w)
{
    return !atomic_load_explicit(&w->refusing, memory_order_relaxed);
}

void writer_stop(struct writer *w)
{
    atomic_store_explicit(&w->stopping, true, memory_order_release);
    mailbox_poke(w->inbox);
    pthread_join(w->thread, NULL);
}

void writer_free(struct writer *w)
{
    if (!w)
        return;
    mailbox_free(w->inbox);
    batch_room_fini(&w->room);
    free(w->batch);
    free(w->events);
    free(w);
}
