/* A chat's row: whose it is, whether it is open, how far its sides have read; and what existing documents say of that. */
#include "test_mongo_kit.h"
#include "test_mongo_suites.h"

#include "base/clock.h"
#include "base/metrics.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define T0   1764021360000000 /* 2025-11-24T21:56:00Z */
#define CHAT "{\"chat_id\":\"c\"}"

static struct chat found(struct kit *k, const char *chat_id)
{
    struct chat chat = {0};
    CU_ASSERT_EQUAL(k->store->vtable->find_chat(k->store, slice_cstr(chat_id), &k->arena, &chat), OK);
    return chat;
}

struct loaded {
    struct arena *a;
    const char *chat_id;
    struct chat chat;
    struct message last;
};

static enum err pass_customer(void *arg, const struct customer *u)
{
    (void)arg;
    (void)u;
    return OK;
}

static enum err keep_chat(void *arg, const struct chat *chat)
{
    struct loaded *l = arg;
    if (slice_eq(chat->chat_id, slice_cstr(l->chat_id))) {
        l->chat = *chat;
        l->chat.assigned_to = arena_slice(l->a, chat->assigned_to);
        l->chat.status = arena_slice(l->a, chat->status);
    }
    return OK;
}

static enum err keep_message(void *arg, const struct message *m)
{
    struct loaded *l = arg;
    l->last = *m;
    l->last.agent_id = arena_slice(l->a, m->agent_id);
    l->last.agent_name = arena_slice(l->a, m->agent_name);
    return OK;
}

static struct loaded loaded(struct kit *k, const char *ident, const char *chat_id)
{
    struct loaded l = {.a = &k->arena, .chat_id = chat_id};
    const struct load_sink sink = {.customer = pass_customer, .chat = keep_chat, .message = keep_message, .arg = &l};
    CU_ASSERT_EQUAL(k->reader->vtable->load_customer(k->reader, slice_cstr(ident), &sink), OK);
    return l;
}

static struct chat read_row(struct kit *k, const char *chat_id)
{
    struct chat chat = {0};
    CU_ASSERT_EQUAL(k->reader->vtable->read_chat(k->reader, slice_cstr(chat_id), &k->arena, &chat), OK);
    return chat;
}

/* The three ways to a chat's row say the same. */
static void expect_row(struct kit *k, int64_t rev, const char *status, const char *assigned_to, bool closed)
{
    struct chat ways[] = {found(k, "c"), read_row(k, "c"), loaded(k, "u", "c").chat};
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(ways[i].rev, rev);
        CU_ASSERT(slice_eq(ways[i].status, slice_cstr(status)));
        CU_ASSERT(slice_eq(ways[i].assigned_to, slice_cstr(assigned_to)));
        CU_ASSERT_EQUAL((ways[i].flags & CHAT_CLOSED) != 0, closed);
    }
}

static void expect_marks(struct kit *k, int64_t agents, int64_t customer)
{
    struct chat ways[] = {found(k, "c"), read_row(k, "c"), loaded(k, "u", "c").chat};
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(ways[i].agents_read, agents);
        CU_ASSERT_EQUAL(ways[i].customer_read, customer);
    }
}

static void begin(struct kit *k)
{
    kit_init(k);
    CU_ASSERT_EQUAL_FATAL(kit_open(k, NULL, KIT_PATIENT_MS), OK);
    kit_chat(k, "u", "c");
}

static enum err put(struct kit *k, const char *status, const char *assigned_to, int64_t rev)
{
    struct chat c = found(k, "c");
    c.status = slice_cstr(status);
    c.assigned_to = slice_cstr(assigned_to);
    c.rev = c.updated_us = rev;
    CU_ASSERT_EQUAL(k->store->vtable->begin(k->store), OK);
    enum err e = k->store->vtable->put_chat(k->store, &c);
    k->store->vtable->rollback(k->store);
    return e;
}

static void mark(struct kit *k, enum chat_side side, int64_t to)
{
    CU_ASSERT_EQUAL(k->store->vtable->set_mark(k->store, NULL, SLICE_LIT("c"), side, to), OK);
}

static void say(struct kit *k, const char *role, int64_t rev)
{
    struct kit_send op, *list[] = {&op};
    kit_send_init(&op, "c", role, "x", "", rev);
    CU_ASSERT_EQUAL(kit_apply(k, list, 1), OK);
    CU_ASSERT_EQUAL(op.m.result, OK);
    arena_fini(&op.arena);
}

static void row_has_a_rev_of_its_own(void)
{
    struct kit k;
    begin(&k);
    int64_t made = found(&k, "c").rev, now = clock_wall_us() + 1000000;
    expect_row(&k, made, "open", "", false);
    say(&k, "agent", now);
    expect_row(&k, made, "open", "", false);
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, CHAT, "rev"), now);
    CU_ASSERT_EQUAL(put(&k, "open", "ann", now + 1000), OK);
    expect_row(&k, now + 1000, "open", "ann", false);
    CU_ASSERT_EQUAL(put(&k, "closed", "ann", now + 2000), OK);
    say(&k, "agent", now + 3000);
    expect_row(&k, now + 2000, "closed", "ann", true);
    CU_ASSERT_EQUAL(put(&k, "open", "", now + 4000), OK);
    expect_row(&k, now + 4000, "open", "", false);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CHATS, "{\"assigned_to\":{\"$exists\":true}}"), 0);
    CU_ASSERT_EQUAL(k.store->vtable->set_chat_flags(k.store, NULL, SLICE_LIT("c"), CHAT_AI_DISABLED, now + 5000, now),
                    OK);
    expect_row(&k, now + 5000, "open", "", false);
    CU_ASSERT_EQUAL(put(&k, "open", "bad \xff", now + 6000), ERR_REFUSED);
    struct chat none = {.chat_id = SLICE_LIT("none"), .status = SLICE_LIT("open")};
    CU_ASSERT_EQUAL(k.store->vtable->put_chat(k.store, &none), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CHATS, "{}"), 1);
    kit_fini(&k);
}

/* What was written behind says which roles there are, and nothing of what may have been switched since. */
static void switches_are_the_rows(void)
{
    struct kit k;
    begin(&k);
    const struct store_vtable *v = k.store->vtable;
    bool broken = kit_owns_server();
    CU_ASSERT_EQUAL(v->set_chat_flags(k.store, NULL, SLICE_LIT("c"), CHAT_AI_DISABLED, T0, T0), OK);
    CU_ASSERT_EQUAL(put(&k, "closed", "", T0 + 1), OK);
    say(&k, "agent", T0 + 2);
    CU_ASSERT_EQUAL(v->set_chat_flags(k.store, NULL, SLICE_LIT("c"), 0, T0 + 3, T0 + 3), OK);
    CU_ASSERT_EQUAL(put(&k, "open", "", T0 + 4), OK);
    if (broken)
        kit_break(&k, -1, "\"update\"", "\"errorCode\":13"); /* so that nothing is written meanwhile */
    CU_ASSERT_EQUAL(found(&k, "c").flags & (CHAT_AI_DISABLED | CHAT_CLOSED), 0);
    if (broken)
        kit_heal(&k);
    kit_fini(&k);
}

static void marks_go_forwards(void)
{
    struct kit k;
    begin(&k);
    say(&k, "user", T0);
    CU_ASSERT(kit_settle(&k));
    char *before = kit_get(&k, MONGO_CHATS, CHAT);
    mark(&k, SIDE_AGENTS, T0);
    expect_marks(&k, T0, 0);
    mark(&k, SIDE_CUSTOMER, T0 - 5);
    mark(&k, SIDE_AGENTS, T0 - 1);
    expect_marks(&k, T0, T0 - 5);
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, CHAT, "agents_read"), T0);
    mark(&k, SIDE_AGENTS, T0 - 1); /* once the other is stored */
    expect_marks(&k, T0, T0 - 5);
    CU_ASSERT_EQUAL(k.store->vtable->set_mark(k.store, NULL, SLICE_LIT("none"), SIDE_AGENTS, T0), OK);
    CU_ASSERT(kit_settle(&k));
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CHATS, "{}"), 1);
    mongoc_collection_t *chats = mongoc_database_get_collection(k.database, MONGO_CHATS);
    bson_t *all = bson_new(),
           *unset = BCON_NEW("$unset", "{", "agents_read", BCON_UTF8(""), "customer_read", BCON_UTF8(""), "}");
    CU_ASSERT(mongoc_collection_update_one(chats, all, unset, NULL, NULL, NULL));
    char *after = kit_get(&k, MONGO_CHATS, CHAT); /* nothing else was changed: no count, no time, no rev */
    CU_ASSERT_STRING_EQUAL(after, before);
    bson_destroy(all);
    bson_destroy(unset);
    mongoc_collection_destroy(chats);
    bson_free(before);
    bson_free(after);
    kit_fini(&k);
}

/* Beside messages that are added, and beside those that are counted because their update found its guard passed. */
static void marks_beside_counts(void)
{
    struct kit k;
    begin(&k);
    struct mongo_store *s = (struct mongo_store *)k.store;
    say(&k, "user", T0);
    mark(&k, SIDE_AGENTS, T0);
    expect_marks(&k, T0, 0);
    say(&k, "user", T0 + 1);
    mark(&k, SIDE_AGENTS, T0 + 1);
    mongo_counters_doubt(s->counters, &(struct mongo_added){.chat_id = SLICE_LIT("c"), .rev = T0 + 1});
    expect_marks(&k, T0 + 1, 0);
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, CHAT, "total_messages"), 2);
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, CHAT, "last_rev"), T0 + 1);
    kit_fini(&k);
}

/* The database fails: they are written once it can; and at the latest as the store closes. */
static void marks_outlive_trouble(void)
{
    struct kit k;
    begin(&k);
    if (kit_owns_server()) {
        kit_break(&k, -1, "\"update\"", "\"closeConnection\":true");
        mark(&k, SIDE_AGENTS, T0);
        CU_ASSERT_FALSE(kit_settle(&k));
        mark(&k, SIDE_CUSTOMER, T0 + 1); /* in the other table */
        CU_ASSERT_EQUAL(found(&k, "c").agents_read, T0);
        CU_ASSERT_EQUAL(found(&k, "c").customer_read, T0 + 1);
        kit_heal(&k);
        expect_marks(&k, T0, T0 + 1);
        CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, CHAT, "agents_read"), T0);
        CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, CHAT, "customer_read"), T0 + 1);
        /* Nothing but marks comes: their batch must not say that the database is well again. */
        kit_break(&k, -1, "\"update\"", "\"closeConnection\":true");
        CU_ASSERT_EQUAL(put(&k, "open", "ann", T0 + 2), ERR_STORE);
        CU_ASSERT_EQUAL(k.store->vtable->set_mark(k.store, NULL, SLICE_LIT("c"), SIDE_AGENTS, T0 + 3), ERR_STORE);
        kit_heal(&k);
        mark(&k, SIDE_AGENTS, T0 + 4);
        CU_ASSERT_EQUAL(found(&k, "c").agents_read, T0 + 4);
    }
    mark(&k, SIDE_AGENTS, T0 + 7);
    kit_close_store(&k);
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, CHAT, "agents_read"), T0 + 7);
    kit_fini(&k);
}

static int64_t close_chat(struct kit *k, int64_t rev)
{
    CU_ASSERT_EQUAL(put(k, "closed", "ann", rev), OK);
    CU_ASSERT(kit_settle(k));
    return rev;
}

static uint64_t updates(void)
{
    static const char name[] = "sakurad_mongo_commands_total{command=\"update\",result=\"ok\"} ";
    struct buf b;
    buf_init(&b);
    metrics_render(&b);
    const char *at = strstr(buf_cstr(&b), name);
    uint64_t n = at ? strtoull(at + strlen(name), NULL, 10) : 0;
    buf_fini(&b);
    return n;
}

/* However many there are, they are one command some time later; and an opening of chats is one, too. */
static void few_commands(void)
{
    struct kit k;
    begin(&k);
    kit_chat(&k, "v", "d");
    CU_ASSERT(kit_settle(&k));
    uint64_t before = updates();
    int64_t start = clock_mono_us();
    for (int i = 0; i < 1000; i++)
        mark(&k, i % 2 ? SIDE_AGENTS : SIDE_CUSTOMER, T0 + i);
    CU_ASSERT(kit_settle(&k));
    int64_t rounds = 1 + (clock_mono_us() - start) / 1000000; /* should it take that long */
    CU_ASSERT(updates() - before >= 1);
    CU_ASSERT((int64_t)(updates() - before) <= rounds);
    expect_marks(&k, T0 + 999, T0 + 998);
    int64_t now = close_chat(&k, clock_wall_us() + 1000000);
    struct chat d = found(&k, "d");
    d.status = SLICE_LIT("closed");
    d.rev = now;
    CU_ASSERT_EQUAL(k.store->vtable->put_chat(k.store, &d), OK);
    struct kit_send ops[3], *list[] = {&ops[0], &ops[1], &ops[2]};
    for (int i = 0; i < 3; i++)
        kit_send_init(&ops[i], i == 1 ? "d" : "c", "user", "x", "", now + 1 + i);
    before = updates();
    CU_ASSERT_EQUAL(kit_apply(&k, list, 3), OK);
    CU_ASSERT_EQUAL(updates() - before, 1); /* their counters follow two seconds later */
    CU_ASSERT(ops[0].m.reopened && ops[1].m.reopened && !ops[2].m.reopened);
    for (int i = 0; i < 3; i++)
        arena_fini(&ops[i].arena);
    kit_fini(&k);
}

/* Marks that cannot be written take no more than their room. */
static void no_more_than_their_room(void)
{
    enum { MOST = 65536 };
    struct kit k;
    begin(&k);
    if (kit_owns_server()) {
        enum err e = OK;
        int marks = 0;
        kit_break(&k, -1, "\"update\"", "\"errorCode\":13");
        for (; e == OK && marks <= 3 * MOST; marks++) {
            char chat_id[32];
            snprintf(chat_id, sizeof(chat_id), "chat %d", marks);
            e = k.store->vtable->set_mark(k.store, NULL, slice_cstr(chat_id), SIDE_AGENTS, T0);
        }
        CU_ASSERT_EQUAL(e, ERR_STORE);
        CU_ASSERT(marks > MOST);
        CU_ASSERT(marks <= 2 * MOST + 1); /* in the table, and in the one that is being written */
        kit_close_store(&k);
        kit_heal(&k);
    }
    kit_fini(&k);
}

/* A mark is stored by itself, without anybody who reads. */
static void stored_soon(void)
{
    struct kit k;
    begin(&k);
    CU_ASSERT(kit_settle(&k));
    mongoc_collection_t *chats = mongoc_database_get_collection(k.database, MONGO_CHATS);
    bson_t *filter = BCON_NEW("agents_read", BCON_INT64(T0));
    int64_t start = clock_mono_us(), there = 0;
    mark(&k, SIDE_AGENTS, T0);
    while (there == 0 && clock_mono_us() - start < 20000000) {
        usleep(20000);
        there = mongoc_collection_count_documents(chats, filter, NULL, NULL, NULL, NULL);
    }
    CU_ASSERT_EQUAL(there, 1);
    bson_destroy(filter);
    mongoc_collection_destroy(chats);
    kit_fini(&k);
}

/* Documents of existing deployments: what a field of ours holds there is read where it can be, and else is not there. */
static void odd_rows(void)
{
    struct kit k;
    kit_init(&k);
    kit_put(&k, MONGO_CUSTOMERS, "{\"_id\":\"u\"}");
    kit_put(&k, MONGO_CHATS,
            "{\"chat_id\":\"c\",\"user_id\":\"u\",\"status\":\"closed\",\"assigned_to\":{\"$oid\":"
            "\"65a00000000000000000000e\"},\"agents_read\":{\"$numberDouble\":\"2.0\"},\"customer_read\":-1}");
    kit_put(
        &k, MONGO_CHATS,
        "{\"_id\":\"own\",\"chat_id\":\"odd\",\"user_id\":\"u\",\"status\":{\"a\":1},\"assigned_to\":{\"b\":1},"
        "\"agents_read\":\"yes\",\"customer_read\":true,\"changed_rev\":\"no\",\"messages\":[{\"role\":\"agent\","
        "\"text\":\"x\",\"read\":true,\"agent\":\"Ann\"},{\"role\":\"agent\",\"agent\":{\"id\":1,\"name\":\"Ann\"}},"
        "{\"role\":\"user\",\"agent\":{\"id\":\"a\",\"name\":\"Ann\"}}]}");
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    struct chat chat = found(&k, "c");
    CU_ASSERT(chat.flags & CHAT_CLOSED);
    CU_ASSERT(slice_eq(chat.assigned_to, SLICE_LIT("65a00000000000000000000e")));
    CU_ASSERT(chat.rev > 0);
    expect_marks(&k, 2, 0);
    struct loaded odd = loaded(&k, "u", "odd");
    CU_ASSERT_EQUAL(odd.chat.rev, found(&k, "odd").rev);
    CU_ASSERT(odd.chat.rev > 0);
    CU_ASSERT_EQUAL(odd.chat.assigned_to.len, 0);
    CU_ASSERT_EQUAL(odd.chat.agents_read + odd.chat.customer_read, 0);
    CU_ASSERT_EQUAL(odd.last.agent_name.len + odd.last.agent_id.len, 0);
    /* Until this server has something to write there. */
    CU_ASSERT_EQUAL(k.store->vtable->set_mark(k.store, NULL, SLICE_LIT("odd"), SIDE_AGENTS, 3), OK);
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, "{\"_id\":\"own\"}", "agents_read"), 3);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CHATS, "{\"customer_read\":true}"), 1);
    kit_fini(&k);
}

static void agents_sign_their_messages(void)
{
    struct kit k;
    begin(&k);
    struct kit_send op, *list[] = {&op};
    kit_send_init(&op, "c", "agent", "x", "", T0);
    op.m.agent_id = SLICE_LIT("ann");
    op.m.agent_name = SLICE_LIT("Ann \xc3\x84");
    CU_ASSERT_EQUAL(kit_apply(&k, list, 1), OK);
    arena_fini(&op.arena);
    struct loaded l = loaded(&k, "u", "c");
    CU_ASSERT(slice_eq(l.last.agent_id, SLICE_LIT("ann")));
    CU_ASSERT(slice_eq(l.last.agent_name, SLICE_LIT("Ann \xc3\x84")));
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_MESSAGES, "{\"agent.id\":\"ann\",\"agent.name\":\"Ann \xc3\x84\"}"), 1);
    kit_send_init(&op, "c", "agent", "y", "", T0 + 1);
    op.m.agent_id = op.m.agent_name = SLICE_LIT("bad \xff");
    CU_ASSERT_EQUAL(kit_apply(&k, list, 1), OK);
    CU_ASSERT_EQUAL(op.m.result, ERR_INVALID);
    arena_fini(&op.arena);
    say(&k, "agent", T0 + 2);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_MESSAGES, "{\"agent\":{\"$exists\":false}}"), 1);
    CU_ASSERT_EQUAL(loaded(&k, "u", "c").last.agent_id.len, 0);
    kit_fini(&k);
}

/* --- closed chats that their customers write to --- */

static void a_customers_message_opens(void)
{
    struct kit k;
    begin(&k);
    kit_chat(&k, "v", "d");
    int64_t now = close_chat(&k, clock_wall_us() + 1000000);
    struct kit_send ops[4], *list[4] = {&ops[0], &ops[1], &ops[2], &ops[3]};
    kit_send_init(&ops[0], "c", "agent", "1", "", now + 1);
    kit_send_init(&ops[1], "d", "user", "2", "", now + 2);
    kit_send_init(&ops[2], "c", "user", "3", "key", now + 3);
    kit_send_init(&ops[3], "c", "user", "4", "", now + 4);
    CU_ASSERT_EQUAL(kit_apply(&k, list, 1), OK); /* an agent's does not */
    expect_row(&k, now, "closed", "ann", true);
    for (int try = 0; try < 2; try++) { /* the second: its answer was lost, and it is known that it did */
        CU_ASSERT_EQUAL(kit_apply(&k, list, 4), OK);
        for (size_t i = 0; i < 4; i++) {
            CU_ASSERT_EQUAL(ops[i].m.result, OK);
            CU_ASSERT_EQUAL(ops[i].m.reopened, i == 2);
        }
        expect_row(&k, now + 3, "open", "ann", false);
    }
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, CHAT, "total_messages"), 3);
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, CHAT, "rev"), now + 4);
    (void)close_chat(&k, now + 10);
    struct kit_send again, late, *again_list[] = {&again}, *late_list[] = {&late};
    kit_send_init(&again, "c", "user", "3", "key", now + 11); /* it was said before */
    CU_ASSERT_EQUAL(kit_apply(&k, again_list, 1), OK);
    CU_ASSERT(again.m.duplicate && !again.m.reopened);
    ops[2].m.link.flags |= CHAT_CLOSED; /* a batch that comes again as a whole, after the change that was behind it */
    CU_ASSERT_EQUAL(kit_apply(&k, list + 2, 1), OK);
    expect_row(&k, now + 10, "closed", "ann", true);
    (void)put(&k, "open", "ann", now + 12);
    kit_send_init(&late, "c", "user", "5", "", now + 13);
    late.m.link = (struct chat_link){.known = true, .flags = CHAT_CLOSED}; /* what was true once */
    CU_ASSERT_EQUAL(kit_apply(&k, late_list, 1), OK);
    CU_ASSERT_FALSE(late.m.reopened);
    expect_row(&k, now + 12, "open", "ann", false);
    for (size_t i = 0; i < 4; i++)
        arena_fini(&ops[i].arena);
    arena_fini(&again.arena);
    arena_fini(&late.arena);
    kit_fini(&k);
}

/* The message is stored, and the update that opens its chat fails: the batch comes again, or is given up, or the process
 * dies before either. */
static void stored_and_not_opened(void)
{
    enum { AGAIN, GIVEN_UP, CRASHED, ENDS };
    for (int end = AGAIN; end < ENDS; end++) {
        struct kit k;
        begin(&k);
        if (!kit_owns_server()) {
            kit_fini(&k);
            return;
        }
        int64_t now = close_chat(&k, clock_wall_us() + 1000000);
        struct kit_send op, *list[] = {&op};
        kit_send_init(&op, "c", "user", "x", "", now + 1);
        kit_break(&k, -1, "\"update\"", "\"closeConnection\":true");
        CU_ASSERT_EQUAL(kit_apply(&k, list, 1), ERR_STORE);
        CU_ASSERT(found(&k, "c").flags & CHAT_CLOSED);
        if (end == CRASHED)
            kit_close_store(&k);
        kit_heal(&k);
        if (end == CRASHED)
            CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
        if (end == AGAIN) {
            CU_ASSERT_EQUAL(kit_apply(&k, list, 1), OK);
            CU_ASSERT(op.m.reopened);
        }
        CU_ASSERT(kit_settle(&k));
        expect_row(&k, now + 1, "open", "ann", false);
        CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, CHAT, "total_messages"), 1);
        arena_fini(&op.arena);
        kit_fini(&k);
    }
}

/* What is in doubt opens nothing that was closed after it, that is not stored, or that this server never closed. */
static void doubt_opens_no_more(void)
{
    struct kit k;
    begin(&k);
    struct mongo_store *s = (struct mongo_store *)k.store;
    int64_t now = clock_wall_us() + 1000000;
    say(&k, "user", now);
    (void)close_chat(&k, now + 1);
    struct mongo_added doubted[] = {{.chat_id = SLICE_LIT("c"), .rev = now, .opens_rev = now},
                                    {.chat_id = SLICE_LIT("c"), .rev = now + 2, .opens_rev = now + 2}};
    for (size_t i = 0; i < 2; i++) {
        mongo_counters_doubt(s->counters, &doubted[i]);
        CU_ASSERT(kit_settle(&k));
        expect_row(&k, now + 1, "closed", "ann", true);
    }
    kit_put(&k, MONGO_CHATS, "{\"chat_id\":\"old\",\"user_id\":\"u\",\"status\":\"closed\"}");
    kit_put(&k, MONGO_MESSAGES, "{\"chat_id\":\"old\",\"role\":\"user\",\"text\":\"x\"}");
    CU_ASSERT_EQUAL(mongo_recover_tail(s->counters, &s->writer, now), OK);
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, "{\"chat_id\":\"old\"}", "total_messages"), 1);
    CU_ASSERT(found(&k, "old").flags & CHAT_CLOSED);
    kit_fini(&k);
}

const CU_TestInfo mongo_chat_tests[] = {
    {"a row has a rev of its own", row_has_a_rev_of_its_own},
    {"switches are the row's", switches_are_the_rows},
    {"marks go forwards", marks_go_forwards},
    {"marks beside counts", marks_beside_counts},
    {"marks outlive trouble", marks_outlive_trouble},
    {"few commands", few_commands},
    {"stored soon", stored_soon},
    {"no more than their room", no_more_than_their_room},
    {"odd rows", odd_rows},
    {"agents sign their messages", agents_sign_their_messages},
    {"a customer's message opens a closed chat", a_customers_message_opens},
    {"stored, and the chat not opened", stored_and_not_opened},
    {"doubt opens no more than that", doubt_opens_no_more},
    CU_TEST_INFO_NULL,
};
