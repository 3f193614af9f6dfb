#include "scripted.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PATIENCE_S 30

static struct scripted *script_of(struct store *s)
{
    return (struct scripted *)s;
}

bool script_wait(struct scripted *s)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    return pthread_cond_timedwait(&s->changed, &s->lock, &until) != ETIMEDOUT;
}

/* ---- the store ---- */

static enum err begin(struct store *store)
{
    struct scripted *s = script_of(store);
    enum err e = OK;
    pthread_mutex_lock(&s->lock);
    s->tries++;
    s->tried_while_open += s->writer && !writer_available(s->writer);
    s->staged = 0;
    s->waiting++;
    pthread_cond_broadcast(&s->changed);
    while (s->held)
        pthread_cond_wait(&s->changed, &s->lock);
    s->waiting--;
    if (s->fail != 0) {
        s->fail -= s->fail > 0;
        e = ERR_STORE;
    }
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return e;
}

static enum err commit(struct store *store)
{
    struct scripted *s = script_of(store);
    enum err e = OK;
    pthread_mutex_lock(&s->lock);
    s->stored += s->staged;
    s->staged = 0;
    if (s->unclear > 0) {
        s->unclear--;
        e = ERR_STORE;
    }
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return e;
}

static void rollback(struct store *store)
{
    SCRIPT(script_of(store), script_of(store)->staged = 0);
}

static bool stands(struct store *store)
{
    (void)store;
    return true;
}

static enum err resolve(struct store *store, struct new_message *const *messages, size_t count)
{
    SCRIPT(script_of(store), script_of(store)->resolved += (int)count);
    for (size_t i = 0; i < count; i++)
        if (!messages[i]->link.known)
            messages[i]->link =
                (struct chat_link){.known = true, .chat_key = 1, .customer_key = 1, .customer_id = SLICE_LIT("u")};
    return OK;
}

static const struct script_row *row_of(const struct scripted *s, const struct new_message *send)
{
    for (size_t i = 0; i < s->stored + s->staged; i++) {
        const struct script_row *row = &s->rows[i];
        if (row->rev == send->rev || (send->client_key.len > 0 && slice_eq(slice_cstr(row->key), send->client_key)))
            return row;
    }
    return NULL;
}

static enum err stage(struct scripted *s, struct new_message *send)
{
    if (slice_starts(send->text, SLICE_LIT("poison")))
        return ERR_REFUSED;
    if (slice_starts(send->text, SLICE_LIT("odd")))
        return ERR_FAILED;
    if (slice_starts(send->text, SLICE_LIT("half")))
        return send->result = ERR_REFUSED;
    if (slice_starts(send->text, SLICE_LIT("taken"))) {
        send->result = ERR_CONFLICT;
        return OK;
    }
    const struct script_row *before = row_of(s, send);
    if (before) {
        send->duplicate = before->rev != send->rev;
        send->rev = before->rev;
        return OK;
    }
    struct script_row *row = &s->rows[s->stored + s->staged++];
    must(s->stored + s->staged < SCRIPT_MOST);
    snprintf(row->text, sizeof(row->text), "%.*s", SLICE_ARG(send->text));
    snprintf(row->key, sizeof(row->key), "%.*s", SLICE_ARG(send->client_key));
    row->rev = send->rev;
    return OK;
}

static enum err insert(struct store *store, struct new_message *const *messages, size_t count)
{
    struct scripted *s = script_of(store);
    enum err e = OK;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; e == OK && i < count; i++)
        if (messages[i]->result == OK)
            e = stage(s, messages[i]);
    pthread_mutex_unlock(&s->lock);
    return e;
}

static enum err add_totals(struct store *store, const struct totals *delta)
{
    (void)store, (void)delta;
    return OK;
}

static bool maintain(struct store *store, int64_t now_us, bool idle)
{
    (void)store, (void)now_us, (void)idle;
    return false;
}

static void health(struct store *store, struct store_health *out)
{
    struct scripted *s = script_of(store);
    pthread_mutex_lock(&s->lock);
    *out = (struct store_health){.ok = !s->unwell, .kind = "scripted"};
    pthread_mutex_unlock(&s->lock);
}

/* ---- the writer's hooks ---- */

static enum err prepare(void *arg, int64_t *max_rev)
{
    struct scripted *s = arg;
    enum err e = OK;
    pthread_mutex_lock(&s->lock);
    if (s->prepare_fails > 0) {
        s->prepare_fails--;
        e = ERR_STORE;
    } else {
        *max_rev = SCRIPT_PREPARED_REV;
    }
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return e;
}

static void on_events(void *arg, const struct event *events, size_t count)
{
    struct scripted *s = arg;
    for (size_t i = 0; i < count; i++) {
        SCRIPT(s, s->unheard += events[i].kind == EVENT_REPEATED && events[i].unheard);
        SCRIPT(s, s->recovered += events[i].kind == EVENT_RECOVERED);
    }
}

/* ---- life ---- */

void script_open(struct scripted *s, const struct script_options *options)
{
    *s = (struct scripted){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    s->table = (struct store_vtable){.kind = "scripted",
                                     .time_grain_us = 1,
                                     .health = health,
                                     .begin = begin,
                                     .commit = commit,
                                     .rollback = rollback,
                                     .stands = stands,
                                     .resolve_chats = resolve,
                                     .insert_messages = insert,
                                     .add_totals = add_totals,
                                     .maintain = maintain};
    s->base.vtable = &s->table;
    s->back_tail = &s->back;
    must(producer_init(&s->producer, 1 << 20, 1 << 16) == OK);
    s->cache = cache_new(&(struct cache_options){.max_bytes = 8 << 20, .enabled = true});
    must(s->cache != NULL);
    s->prepare_fails = options->away_at_start ? 2 : 0;
    struct writer_options writer = {.store = &s->base,
                                    .link = cache_link,
                                    .link_arg = s->cache,
                                    .queue_max = 1 << 20,
                                    .batch_max = options->batch_max ? options->batch_max : 512,
                                    .write_timeout_ms = options->write_timeout_ms,
                                    .retry_most_ms = 1,
                                    .prepare = options->away_at_start ? prepare : NULL,
                                    .prepare_arg = s,
                                    .sinks = {.at = {{cache_take, s->cache}, {on_events, s}}, .count = 2}};
    struct writer *w = NULL;
    must(writer_start(&writer, &w) == OK);
    SCRIPT(s, s->writer = w);
}

void script_close(struct scripted *s)
{
    SCRIPT(s, s->held = false);
    writer_stop(s->writer);
    script_free(s);
}

void script_free(struct scripted *s)
{
    CU_ASSERT_PTR_NULL(s->back);
    CU_ASSERT_PTR_NULL(mailbox_take(s->producer.inbox));
    CU_ASSERT_EQUAL(s->tried_while_open, 0);
    writer_free(s->writer);
    cache_free(s->cache);
    producer_fini(&s->producer);
}

/* ---- the worker's side ---- */

struct op *script_send(struct scripted *s, const char *text, const char *key, int64_t deadline_ms)
{
    struct op *op = producer_op(&s->producer, &write_send.op, NULL);
    must(op != NULL);
    send_of(op)->message.chat_id = SLICE_LIT("c");
    send_of(op)->message.role = SLICE_LIT("user");
    send_of(op)->message.text = arena_slice(&op->arena, slice_cstr(text));
    send_of(op)->message.client_key = slice_cstr(key);
    op->queued_us = clock_mono_us();
    op->deadline_us = deadline_ms ? op->queued_us + deadline_ms * 1000 : 0;
    return op;
}

void script_submit(struct scripted *s, struct op *op)
{
    CU_ASSERT_EQUAL_FATAL(writer_submit(s->writer, op), OK);
}

static void take_back(struct scripted *s)
{
    struct mailbox_node *list = mailbox_take(s->producer.inbox);
    if (!list)
        return;
    *s->back_tail = list;
    while (list->next)
        list = list->next;
    s->back_tail = &list->next;
}

struct op *script_next(struct scripted *s)
{
    int64_t until_us = clock_mono_us() + PATIENCE_S * INT64_C(1000000);
    take_back(s);
    while (!s->back && clock_mono_us() < until_us) { /* a wake-up may be of ops that were taken already */
        mailbox_sleeping(s->producer.inbox);
        take_back(s);
        struct pollfd pfd = {.fd = mailbox_fd(s->producer.inbox), .events = POLLIN};
        if (!s->back)
            (void)poll(&pfd, 1, PATIENCE_S * 1000);
        mailbox_awake(s->producer.inbox);
        take_back(s);
    }
    struct mailbox_node *node = s->back;
    CU_ASSERT_PTR_NOT_NULL_FATAL(node);
    s->back = node->next;
    if (!s->back)
        s->back_tail = &s->back;
    return (struct op *)node;
}

enum err script_result(struct scripted *s, struct op **op)
{
    enum err e = (*op)->result;
    op_put(s->producer.ops, *op);
    *op = NULL;
    return e;
}

const char *script_stored(struct scripted *s, char *out, size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->stored && len < size; i++)
        len += (size_t)snprintf(out + len, size - len, " %s", s->rows[i].text);
    pthread_mutex_unlock(&s->lock);
    return out;
}
