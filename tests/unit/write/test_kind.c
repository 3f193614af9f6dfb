/* A kind of write that exists here only: a struct, a file and a row are all that it takes. And producers that are no
 * workers. */
#include "sqlite_files.h"
#include "write/producer.h"
#include "write/writer.h"
#include "write_suites.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>

/* ---- the kind: somebody is in a mood ---- */

struct set_vibe {
    struct op op;
    struct slice customer_id;
    struct slice vibe;
    struct customer before, customer;
};

static struct set_vibe *set_vibe_of(struct op *op)
{
    return (struct set_vibe *)op;
}

static enum err apply_vibe(struct attempt *try, struct op *op)
{
    struct set_vibe *v = set_vibe_of(op);
    struct store *s = try->store;
    enum err e = s->vtable->find_customer(s, CUSTOMER_BY_ID, v->customer_id, &op->arena, &v->customer);
    if (e != OK)
        return e;
    v->before = v->customer;
    v->customer.vibe = v->vibe;
    v->customer.rev = op->rev;
    return s->vtable->put_customer(s, &v->customer);
}

static size_t raise_vibe(struct op *op, struct event *out)
{
    struct set_vibe *v = set_vibe_of(op);
    if (op->result != OK)
        return 0;
    *out = (struct event){.kind = EVENT_CUSTOMER, .rev = op->rev, .at_us = op->now_us, .customer_id = v->customer.id};
    out->customer.before = &v->before;
    out->customer.now = &v->customer;
    return 1;
}

static const struct write_kind set_vibe = {
    .op = {.bytes = sizeof(struct set_vibe)}, .apply = apply_vibe, .raise = raise_vibe};

/* ---- a writer, and who hears of what it does ---- */

struct heard {
    pthread_mutex_t lock;
    unsigned count[EVENT_KINDS];
};

static void hear(void *arg, const struct event *events, size_t count)
{
    struct heard *h = arg;
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; i < count; i++)
        h->count[events[i].kind]++;
    pthread_mutex_unlock(&h->lock);
}

struct house {
    struct rig rig;
    struct cache *cache;
    struct writer *writer;
    struct heard heard;
    const char *chat; /* ann's */
};

static bool house_open(struct house *h)
{
    *h = (struct house){.heard = {.lock = PTHREAD_MUTEX_INITIALIZER}};
    if (!rig_open(&h->rig, &sqlite_factory))
        return false;
    h->chat = rig_chat(&h->rig, "ann");
    struct cache_options memory = {.max_bytes = 4 << 20, .enabled = true, .max_rev = h->rig.rev, .totals.customers = 1};
    h->cache = cache_new(&memory);
    struct writer_options options = {.store = h->rig.store,
                                     .link = cache_link,
                                     .link_arg = h->cache,
                                     .queue_max = 10000,
                                     .batch_max = 16,
                                     .write_timeout_ms = 60000,
                                     .max_rev = h->rig.rev,
                                     .sinks = {.at = {{cache_take, h->cache}, {hear, &h->heard}}, .count = 2}};
    CU_ASSERT_EQUAL_FATAL(writer_start(&options, &h->writer), OK);
    return true;
}

static void house_close(struct house *h)
{
    writer_stop(h->writer);
    writer_free(h->writer);
    cache_free(h->cache);
    rig_close(&h->rig);
}

/* Waits until `count` ops are back, and puts them back; how many ended with OK. */
static unsigned take_all(struct producer *p, unsigned count)
{
    unsigned good = 0;
    for (unsigned back = 0; back < count;) {
        struct op *list = producer_take(p);
        if (!list) {
            struct pollfd fd = {.fd = mailbox_fd(p->inbox), .events = POLLIN};
            mailbox_sleeping(p->inbox);
            list = producer_take(p);
            if (!list)
                CU_ASSERT_EQUAL_FATAL(poll(&fd, 1, 60000), 1);
            mailbox_awake(p->inbox);
        }
        while (list) {
            struct op *op = list;
            list = (struct op *)op->node.next;
            CU_ASSERT_PTR_EQUAL(op->reply_to, p);
            good += op->result == OK;
            back++;
            op_put(p->ops, op);
        }
    }
    return good;
}

static struct op *new_vibe(struct producer *p, const char *customer_id, const char *vibe)
{
    struct op *op = producer_op(p, &set_vibe.op, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(op);
    set_vibe_of(op)->customer_id = slice_cstr(customer_id);
    set_vibe_of(op)->vibe = slice_cstr(vibe);
    return op;
}

static void kind_by_one_file_and_one_row(void)
{
    struct house h;
    struct producer p;
    if (!house_open(&h))
        return;
    CU_ASSERT_EQUAL_FATAL(producer_init(&p, 16, 0), OK);
    CU_ASSERT_EQUAL(writer_submit(h.writer, new_vibe(&p, "ann", "delighted")), OK);
    CU_ASSERT_EQUAL(writer_submit(h.writer, new_vibe(&p, "nobody", "lost")), OK);
    CU_ASSERT_EQUAL(take_all(&p, 2), 1);
    /* Durable, in memory, and heard of. */
    struct customer ann;
    CU_ASSERT_EQUAL(
        h.rig.reader->vtable->read_customer(h.rig.reader, CUSTOMER_BY_ID, SLICE_LIT("ann"), &h.rig.arena, &ann), OK);
    CU_ASSERT(slice_eq(ann.vibe, SLICE_LIT("delighted")));
    struct view_query q = {.view = VIEW_CUSTOMER, .ident = SLICE_LIT("ann")};
    struct view_answer out;
    view_build(h.rig.reader, h.cache, &q, &h.rig.arena, &out);
    CU_ASSERT_EQUAL_FATAL(out.result, VIEW_OK);
    CU_ASSERT_PTR_NOT_NULL(memmem(out.body->data, out.body->len, "\"vibe\":\"delighted\"", 18));
    blob_drop(out.body);
    CU_ASSERT_EQUAL(h.heard.count[EVENT_CUSTOMER], 1);
    producer_fini(&p);
    house_close(&h);
}

/* ---- producers ---- */

#define WRITES 500

struct source {
    struct house *house;
    struct producer producer;
    pthread_t thread;
    unsigned good;
};

static void *run_source(void *arg)
{
    struct source *s = arg;
    for (unsigned i = 0; i < WRITES; i++) {
        struct op *op = producer_op(&s->producer, &write_send.op, NULL);
        must(op != NULL);
        struct new_message *m = &send_of(op)->message;
        m->chat_id = slice_cstr(s->house->chat);
        m->role = SLICE_LIT("user");
        m->text = SLICE_LIT("hi");
        must(writer_submit(s->house->writer, op) == OK);
    }
    s->good = take_all(&s->producer, WRITES);
    return NULL;
}

static void any_thread_may_produce(void)
{
    struct house h;
    struct source sources[3];
    if (!house_open(&h))
        return;
    for (int i = 0; i < 3; i++) {
        sources[i] = (struct source){.house = &h};
        CU_ASSERT_EQUAL_FATAL(producer_init(&sources[i].producer, WRITES, 0), OK);
        CU_ASSERT_EQUAL_FATAL(pthread_create(&sources[i].thread, NULL, run_source, &sources[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(sources[i].thread, NULL);
        CU_ASSERT_EQUAL(sources[i].good, WRITES);
        producer_fini(&sources[i].producer);
    }
    CU_ASSERT_EQUAL(h.heard.count[EVENT_MESSAGE], 3 * WRITES);
    CU_ASSERT_EQUAL(rig_totals(&h.rig).messages, 3 * WRITES);
    house_close(&h);
}

const CU_TestInfo kind_tests[] = {
    {"a kind of write is one file and one row", kind_by_one_file_and_one_row},
    {"any thread with a producer may write", any_thread_may_produce},
    CU_TEST_INFO_NULL,
};
