#include "cache_walk.h"

#include "base/clock.h"
#include "base/map.h"
#include "chat/customer.h"
#include "chat/email.h"
#include "read/cache/cache_change.h"
#include "read/cache/cache_int.h"
#include "read/resolve.h"
#include "store/ident.h"
#include "write/batch.h"
#include "json/json_in.h"

#include <stdio.h>
#include <stdlib.h>

#define BATCH_MAX   4
#define CACHE_BYTES ((size_t)150 << 10)
#define CHATS_MAX   120
#define NAMES_MAX   80                        /* those below, and ids that were made */
#define T0          INT64_C(1893456000000000) /* ahead of the clock: stamps are of the same time, so a lag is small */
#define OVERLAP     INT64_C(50000)

static const char *const texts[] = {"ann@x.io",
                                    "Ann@x.io",
                                    " ANN@X.IO",
                                    "bob@x.io",
                                    "BOB@x.io ",
                                    "eve@x.io",
                                    "ann",
                                    "Ann",
                                    "ref-1",
                                    "ref@x.io",
                                    "64b7f0c2aa01bb02cc03dd04",
                                    "64B7F0C2AA01BB02CC03DD04",
                                    "Unknown@example.com",
                                    "unknown@example.com",
                                    "guest@widget.local",
                                    "user_ann@widget.local",
                                    "USER_bob@x.io@Widget.Local",
                                    "user_64b7f0c2aa01bb02cc03dd04@widget.local",
                                    " ",
                                    "no sign"};
#define TEXTS ((int)(sizeof(texts) / sizeof(texts[0])))

struct walk {
    const struct store_factory *factory;
    struct store *store;
    struct store_reader *reader;
    struct store_vtable table; /* the reader's, with read_customer() below */
    struct cache *cache;       /* the one under test */
    struct cache *bypass;      /* asks the store each time */
    struct batch_room room;
    struct arena names_arena;
    struct slice names[NAMES_MAX];
    int name_count;
    char chats[CHATS_MAX][UUID_LEN + 1];
    int chat_count;
    bool shared;           /* now and then memory hears of what is stored later than of what came after it */
    struct map told;       /* the times of all messages that a client was told, who follows by cursor */
    struct slice cursor;   /* of its last answer; in names_arena */
    int64_t rev, switched; /* of the last op; of the last turn of an AI switch */
    unsigned seed;
    uint8_t tag[5];
    struct slice last;   /* that an op was made with */
    struct slice mostly; /* while set: every second pick */
    int interrupt; /* a batch comes between the answer of so manieth read_customer() and whoever asked; 0: none does */
};

static struct walk *walking; /* whose reader asks */

static int dice(struct walk *w, int sides)
{
    return (int)((unsigned)rand_r(&w->seed) % (unsigned)sides);
}

static struct slice pick(struct walk *w)
{
    bool same = w->mostly.len > 0 && dice(w, 2);
    return w->last = same ? w->mostly : w->names[dice(w, w->name_count)];
}

/* ---- the store and its caches ---- */

static struct cache *new_cache(struct walk *w, bool enabled)
{
    struct cache_options options = {.max_bytes = CACHE_BYTES, .max_rev = w->rev, .enabled = enabled};
    options.shared = w->shared;
    options.overlap_us = OVERLAP;
    memcpy(options.tag, w->tag, sizeof(options.tag));
    CU_ASSERT_EQUAL_FATAL(w->store->vtable->totals(w->store, &options.totals), OK);
    struct cache *c = cache_new(&options);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    return c;
}

static void one_batch(struct walk *w, bool late);
static void evict(struct walk *w);

static enum err read_customer(struct store_reader *r, enum customer_by by, struct slice value, struct arena *a,
                              struct customer *out)
{
    struct walk *w = walking;
    enum err err = w->store->vtable->read_customer(r, by, value, a, out);
    if (w->interrupt > 0 && --w->interrupt == 0) {
        one_batch(w, false);
        if (dice(w, 2)) /* and memory forgets again what it heard */
            evict(w);
    }
    return err;
}

static void open_caches(struct walk *w)
{
    w->cache = new_cache(w, true);
    w->bypass = new_cache(w, false);
    if (dice(w, 2))
        CU_ASSERT_EQUAL(cache_warm(w->cache, w->reader, 20), OK);
}

static void close_caches(struct walk *w)
{
    cache_free(w->cache);
    cache_free(w->bypass);
}

static void open_store(struct walk *w)
{
    int64_t max_rev;
    CU_ASSERT_EQUAL_FATAL(w->factory->open(w->factory->arg, &w->store), OK);
    CU_ASSERT_EQUAL_FATAL(w->store->vtable->identity(w->store, &max_rev, w->tag), OK);
    if (max_rev > w->rev)
        w->rev = max_rev;
    CU_ASSERT_EQUAL_FATAL(w->store->vtable->reader_open(w->store, &w->reader), OK);
    w->table = *w->store->vtable;
    w->table.read_customer = read_customer;
    w->reader->vtable = &w->table;
}

static void close_store(struct walk *w)
{
    w->store->vtable->reader_close(w->reader);
    w->store->vtable->maintain(w->store, INT64_MAX / 4, true);
    w->store->vtable->close(w->store);
}

/* All of memory is thrown away; with it the store's own, where that costs little. */
static void restart(struct walk *w)
{
    close_caches(w);
    if (w->store->vtable->time_grain_us == 1) {
        close_store(w);
        open_store(w);
    }
    open_caches(w);
}

/* Contents, or some entries whole: what memory then knows of a customer is anything from all to nothing. */
static void evict(struct walk *w)
{
    struct cache *c = w->cache;
    cache_lock(c);
    for (int i = dice(w, 2) ? dice(w, 6) : CHATS_MAX; i > 0 && c->order.count > 0; i--) {
        struct customer_entry *u = entry_of(c->order.ends.prev, struct customer_entry, order);
        customer_leave_order(c, u);
        customer_relist(c, u);
    }
    c->max_bytes = 0;
    cache_evict(c, (unsigned)dice(w, 200));
    c->max_bytes = CACHE_BYTES;
    cache_unlock(c);
}

/* ---- what is done ---- */

static int64_t next_rev(struct walk *w)
{
    return w->rev += 1000; /* the coarsest grain that a store keeps of a time */
}

static struct slice numbered(struct arena *a, const char *before, int n)
{
    char text[64];
    snprintf(text, sizeof(text), "%s%d", before, n);
    return arena_slice(a, slice_cstr(text));
}

/* Never a default address; an ObjectId's digits would have to be small. */
static struct slice token_id(struct walk *w)
{
    struct slice id = pick(w);
    struct oid oid;
    return email_is_default(id) || oid_parse(id, &oid) ? SLICE_LIT("ann") : id;
}

static void make_scope(struct walk *w, struct op *op)
{
    int kind = dice(w, 10);
    if (kind < 2)
        op->scope = (struct scope){.kind = SCOPE_CUSTOMER, .id = token_id(w)};
    else if (kind == 2)
        op->scope = (struct scope){.kind = SCOPE_NOBODY};
    else if (kind == 3)
        op->scope = (struct scope){.kind = SCOPE_OWNER, .id = SLICE_LIT("o1")};
}

static void make_create(struct walk *w, struct op *op)
{
    struct create_chat *c = create_chat_of(op);
    op->kind = &write_create_chat.op;
    make_scope(w, op);
    if (op->scope.kind == SCOPE_CUSTOMER)
        c->customer_id = op->scope.id;
    else if (dice(w, 2))
        c->customer_id = pick(w);
    if (email_made_for(c->customer_id).len > 0)
        c->customer_id = SLICE_LIT("bob@x.io");
    if (dice(w, 3) || c->customer_id.len == 0)
        c->email = pick(w);
    uuid_v4(c->chat_id);
    oid_new(&c->new_customer);
    op->rev = op->now_us = next_rev(w);
}

static void make_put(struct walk *w, struct op *op)
{
    struct put_customer *p = put_customer_of(op);
    op->kind = &write_put_customer.op;
    make_scope(w, op);
    p->given.email = pick(w);
    p->given.name = numbered(&op->arena, "Person ", dice(w, 1000));
    p->given.vibe = SLICE_LIT("neutral");
    p->given.category = slice_cstr(dice(w, 2) ? "agent-inbox" : "human-chats");
    p->given.status = slice_cstr(dice(w, 2) ? "active" : "resolved");
    p->given.owner = numbered(&op->arena, "o", dice(w, 3));
    p->set = CUSTOMER_EMAIL | CUSTOMER_NAME | CUSTOMER_CATEGORY | CUSTOMER_STATUS | CUSTOMER_OWNER;
    oid_new(&p->new_customer);
    op->rev = op->now_us = next_rev(w);
}

static void make_send(struct walk *w, struct op *op, const char *chat_id)
{
    static const char *const roles[] = {"user", "agent", "assistant"};
    op->kind = &write_send.op;
    send_of(op)->message.chat_id = slice_cstr(chat_id);
    send_of(op)->message.role = slice_cstr(roles[dice(w, 3)]);
    send_of(op)->message.via_widget = dice(w, 5) == 0;
    if (dice(w, 3) == 0) {
        send_of(op)->message.agent_id = numbered(&op->arena, "agent-", dice(w, 3));
        send_of(op)->message.agent_name = numbered(&op->arena, "Agent \"", dice(w, 3));
    }
    send_of(op)->message.text = numbered(&op->arena, "\"\xe2\x80\xa8 text ", dice(w, 1000));
    if (dice(w, 4) == 0)
        send_of(op)->message.client_key = numbered(&op->arena, "key", dice(w, 50));
    send_of(op)->message.rev = send_of(op)->message.timestamp_us = next_rev(w);
    cache_link(w->cache, send_of(op)->message.chat_id, &op->arena, &send_of(op)->message.link);
}

static void make_ai(struct walk *w, struct op *op)
{
    op->kind = &write_set_ai.op;
    set_ai_of(op)->chat_id = slice_cstr(w->chats[dice(w, w->chat_count)]);
    set_ai_of(op)->enabled = dice(w, 2);
    op->rev = op->now_us = w->switched = next_rev(w);
    cache_link(w->cache, set_ai_of(op)->chat_id, &op->arena, &set_ai_of(op)->link);
}

/* Up to any time: perhaps before what is read already, perhaps in another chat, never later than all that there is. */
static void make_mark(struct walk *w, struct op *op)
{
    struct mark_read *r = mark_read_of(op);
    op->kind = &write_mark_read.op;
    r->chat_id = slice_cstr(w->chats[dice(w, w->chat_count)]);
    r->side = dice(w, 2) ? SIDE_AGENTS : SIDE_CUSTOMER;
    r->mark = w->rev - 1000 * dice(w, dice(w, 2) ? 50 : 1000);
    op->rev = op->now_us = next_rev(w);
    cache_link(w->cache, r->chat_id, &op->arena, &r->link);
}

static int64_t row_rev(struct walk *w, struct slice chat_id)
{
    uint32_t hash = index_hash(chat_id);
    cache_lock(w->cache);
    const struct chat_entry *chat = index_chat(w->cache, chat_id, hash);
    int64_t rev = chat && chat->history ? chat->row_rev : 0;
    cache_unlock(w->cache);
    return rev;
}

static void make_change(struct walk *w, struct op *op)
{
    struct change_chat *c = change_chat_of(op);
    op->kind = &write_change_chat.op;
    c->chat_id = slice_cstr(w->chats[dice(w, w->chat_count)]);
    c->set_assigned = dice(w, 2);
    c->set_closed = !c->set_assigned || dice(w, 2);
    c->closed = dice(w, 3);
    if (dice(w, 4))
        c->assigned_to = numbered(&op->arena, "agent-", dice(w, 3));
    c->expected_rev = dice(w, 2) ? row_rev(w, c->chat_id) : 0;
    op->rev = op->now_us = next_rev(w);
    cache_link(w->cache, c->chat_id, &op->arena, &c->link);
}

static void make_change_customer(struct walk *w, struct op *op)
{
    struct change_customer *c = change_customer_of(op);
    op->kind = &write_change_customer.op;
    make_scope(w, op);
    c->ident = pick(w);
    c->set = dice(w, 2) ? CUSTOMER_NAME : CUSTOMER_CATEGORY | CUSTOMER_STATUS;
    c->name = numbered(&op->arena, "Agent's name for him ", dice(w, 1000));
    c->category = slice_cstr(dice(w, 2) ? "agent-inbox" : "human-chats");
    c->status = slice_cstr(dice(w, 2) ? "active" : "escalated");
    op->rev = op->now_us = next_rev(w);
}

static void make_op(struct walk *w, struct op *op)
{
    int kind = dice(w, 14);
    arena_init(&op->arena, 0);
    if (w->chat_count == 0 || (kind < 3 && w->chat_count < CHATS_MAX))
        make_create(w, op);
    else if (kind < 6)
        make_put(w, op);
    else if (kind < 7)
        make_ai(w, op);
    else if (kind < 8)
        make_change(w, op);
    else if (kind < 10)
        make_mark(w, op);
    else if (kind < 11)
        make_change_customer(w, op);
    else
        make_send(w, op, w->chats[dice(w, w->chat_count)]);
}

static void remember(struct walk *w, struct op *op)
{
    if (op->kind != &write_create_chat.op || op->result != OK)
        return;
    if (w->chat_count < CHATS_MAX)
        memcpy(w->chats[w->chat_count++], create_chat_of(op)->chat_id, UUID_LEN);
    if (create_chat_of(op)->before.id.len == 0 && w->name_count < NAMES_MAX)
        w->names[w->name_count++] = arena_slice(&w->names_arena, create_chat_of(op)->customer.id);
}

static void ask(struct walk *w, const struct view_query *q)
{
    struct view_answer out;
    struct arena a;
    arena_init(&a, 0);
    view_build(w->reader, w->cache, q, &a, &out);
    blob_drop(out.body);
    arena_fini(&a);
}

static void resolve(struct walk *w, struct slice ident)
{
    struct arena a;
    struct slice id;
    arena_init(&a, 0);
    (void)!resolve_ident(w->cache, w->reader, ident, &a, &id);
    arena_fini(&a);
}

/* What the writer does with a batch. late: a reader asks between commit and apply. */
static void one_batch(struct walk *w, bool late)
{
    union any_write ops[BATCH_MAX];
    struct op *list[BATCH_MAX];
    size_t count = 1 + (size_t)dice(w, BATCH_MAX);
    struct totals changed;
    for (size_t i = 0; i < count; i++) {
        ops[i] = (union any_write){0};
        list[i] = &ops[i].op;
        make_op(w, list[i]);
    }
    CU_ASSERT_EQUAL_FATAL(batch_apply(w->store, &w->room, list, count, &changed), OK);
    if (late)
        ask(w, &(struct view_query){
                   .view = dice(w, 2) ? VIEW_REFETCH : VIEW_POLL, .limit = 1 + dice(w, 20), .ident = pick(w)});
    tell_memory(w->cache, list, count, &changed);
    for (size_t i = 0; i < count; i++) {
        remember(w, list[i]);
        arena_fini(&list[i]->arena);
    }
}

/* ---- a client who follows by cursor ---- */

static void read_answer(struct walk *w, struct cache *c, const struct view_query *q, struct arena *a,
                        struct view_answer *out)
{
    cache_serve(c, q, out);
    if (out->result == VIEW_LOAD)
        view_build(w->reader, c, q, a, out);
}

/* Times name messages: each has its own here. keep: they are told; else, false: one was not. */
static bool all_told(struct walk *w, struct json_value customers, bool keep)
{
    struct json_value customer, chat, message, none;
    struct slice time = {0};
    for (struct json_iter u = json_iter(customers); json_next(&u, &none, &customer);)
        for (struct json_iter c = json_iter(json_get(customer, SLICE_LIT("chats"))); json_next(&c, &none, &chat);)
            for (struct json_iter m = json_iter(json_get(chat, SLICE_LIT("messages")));
                 json_next(&m, &none, &message);) {
                CU_ASSERT_EQUAL_FATAL(json_string(json_get(message, SLICE_LIT("timestamp")), &time), OK);
                bool told = map_get(&w->told, time) != NULL;
                if (keep && !told)
                    CU_ASSERT_EQUAL_FATAL(map_put(&w->told, arena_slice(&w->names_arena, time), w), OK);
                if (!keep && !told) {
                    fprintf(stderr, "never told to who follows: the message of %.*s\n", SLICE_ARG(time));
                    return false;
                }
            }
    return true;
}

/* One answer taken in. True: it was cut. */
static bool take_answer(struct walk *w, const struct view_query *q, struct cache *c, bool keep, bool *same)
{
    struct view_answer out;
    struct arena a;
    struct json_doc doc;
    struct json_error why;
    struct slice cursor;
    arena_init(&a, 0);
    read_answer(w, c, q, &a, &out);
    CU_ASSERT_EQUAL_FATAL(out.result, VIEW_OK);
    CU_ASSERT_EQUAL_FATAL(json_parse(blob_slice(out.body), &a, &doc, &why), OK);
    *same = all_told(w, json_get(json_root(&doc), SLICE_LIT("users")), keep);
    CU_ASSERT_EQUAL_FATAL(json_string(json_get(json_root(&doc), SLICE_LIT("cursor")), &cursor), OK);
    if (keep)
        w->cursor = arena_slice(&w->names_arena, cursor);
    bool more = false;
    (void)!json_bool(json_get(json_root(&doc), SLICE_LIT("more")), &more);
    blob_drop(out.body);
    arena_fini(&a);
    return more;
}

/* Who asks is now and then somebody else, to whom this process's cursor is no better than another's. */
static void follow(struct walk *w)
{
    bool more = true, same;
    for (int page = 0; more && page < 200; page++) {
        struct view_query q = {.view = VIEW_REFETCH, .limit = 1 + dice(w, 12)};
        if (dice(w, 6) == 0)
            q.viewer.id = SLICE_LIT("somebody else");
        view_parse_cursor(w->cursor, &q);
        if (!q.has_since)
            q.limit = 1000;
        more = take_answer(w, &q, w->cache, true, &same);
    }
    CU_ASSERT_FALSE(more);
}

/* Whatever the store has was told. */
static bool nothing_missed(struct walk *w)
{
    bool same;
    follow(w);
    take_answer(w, &(struct view_query){.view = VIEW_REFETCH, .limit = 1000}, w->bypass, false, &same);
    return same;
}

/* A message that memory hears of only when it knows a later one of the same chat. */
static void late_batch(struct walk *w)
{
    union any_write ops[2];
    struct op *first = &ops[0].op, *second = &ops[1].op;
    struct totals changed[2];
    const char *chat = w->chats[dice(w, w->chat_count)];
    for (int i = 0; i < 2; i++) {
        ops[i] = (union any_write){0};
        arena_init(&ops[i].op.arena, 0);
        make_send(w, &ops[i].op, chat);
        send_of(&ops[i].op)->message.link = (struct chat_link){0}; /* memory does not know what the first one adds */
    }
    CU_ASSERT_EQUAL_FATAL(batch_apply(w->store, &w->room, &first, 1, &changed[0]), OK);
    if (dice(w, 2)) /* no other of its time: both would be the last of that chat */
        follow(w);
    CU_ASSERT_EQUAL_FATAL(batch_apply(w->store, &w->room, &second, 1, &changed[1]), OK);
    tell_memory(w->cache, &second, 1, &changed[1]);
    if (dice(w, 2))
        follow(w);
    tell_memory(w->cache, &first, 1, &changed[0]);
    for (int i = 0; i < 2; i++)
        arena_fini(&ops[i].op.arena);
}

/* A row of before: any id, reference and address, also such as are refused today. */
static void put_row(struct walk *w)
{
    const struct store_vtable *v = w->store->vtable;
    struct arena a;
    struct customer before, u = {.id = pick(w), .email = pick(w), .name = SLICE_LIT("Old")};
    arena_init(&a, 0);
    if (dice(w, 2))
        u.reference = pick(w);
    u.rev = u.created_us = u.last_seen_us = u.activity_us = next_rev(w);
    CU_ASSERT_EQUAL_FATAL(v->begin(w->store), OK);
    if (v->find_customer(w->store, CUSTOMER_BY_ID, u.id, &a, &before) == ERR_NOT_FOUND) {
        CU_ASSERT_EQUAL_FATAL(v->put_customer(w->store, &u), OK);
        CU_ASSERT_EQUAL_FATAL(v->add_totals(w->store, &(struct totals){.customers = 1}), OK);
    }
    CU_ASSERT_EQUAL_FATAL(v->commit(w->store), OK);
    arena_fini(&a);
}

/* ---- what is read ---- */

/* The body without its cursor, which is of the cache's own time. */
static struct slice without_cursor(const struct view_answer *out)
{
    if (!out->body)
        return (struct slice){0};
    struct slice s = blob_slice(out->body);
    const char *at = memmem(s.ptr, s.len, ",\"cursor\":", 10);
    return at ? slice_of(s.ptr, (size_t)(at - s.ptr)) : s;
}

/* From a little before the place where the two differ. */
static struct slice excerpt(struct slice s, struct slice other)
{
    size_t at = 0;
    while (at < s.len && at < other.len && s.ptr[at] == other.ptr[at])
        at++;
    at = at > 300 ? at - 300 : 0;
    return slice_of(s.ptr + at, s.len - at < 600 ? s.len - at : 600);
}

/* As if the cache had given the cursor itself, when all marks were told: that it alone knows some is seen elsewhere
 * (test_marks_since.c). */
static struct view_query signed_by(const struct cache *c, const struct view_query *q)
{
    struct view_query own = *q;
    struct cursor cursor = {.stamp = q->since};
    if (!q->has_since)
        return own;
    cursor_sign(c, &q->viewer, &cursor);
    own.since_form = cursor.form;
    own.since_sign = cursor.sign;
    own.since_read = INT64_MAX;
    return own;
}

static bool same_view(struct walk *w, const struct view_query *asked)
{
    struct view_answer ours, theirs;
    struct view_query own = signed_by(w->cache, asked), other = signed_by(w->bypass, asked), *q = &own;
    struct arena a;
    arena_init(&a, 0);
    cache_serve(w->cache, q, &ours);
    if (ours.result == VIEW_LOAD)
        view_build(w->reader, w->cache, q, &a, &ours);
    /* A node that is bypassed hears of no writes; here its answers are to be equal. */
    w->bypass->applied = w->bypass->change = w->rev;
    view_build(w->reader, w->bypass, &other, &a, &theirs);
    struct slice x = without_cursor(&ours), y = without_cursor(&theirs);
    bool same = ours.result == theirs.result && slice_eq(x, y);
    if (!same)
        fprintf(stderr, "view %d \"%.*s\" \"%.*s\" since %lld:\n  memory (%d): %.*s\n  store (%d):  %.*s\n",
                (int)q->view, SLICE_ARG(q->ident), SLICE_ARG(q->email), (long long)q->since, (int)ours.result,
                SLICE_ARG(excerpt(x, y)), (int)theirs.result, SLICE_ARG(excerpt(y, x)));
    blob_drop(ours.body);
    blob_drop(theirs.body);
    arena_fini(&a);
    return same;
}

/* What memory says of whether a token may see the customer that it asks for by this text. */
static bool same_sight(struct walk *w, struct slice ident, enum err found, const struct customer *meant,
                       struct arena *a)
{
    struct customer self;
    struct slice id = {0};
    const struct scope owner = {.kind = SCOPE_OWNER, .id = SLICE_LIT("o1")};
    const struct scope customer = {.kind = SCOPE_CUSTOMER, .id = token_id(w)};
    enum sight sight = cache_sees_customer(w->cache, ident, &owner, a, &id);
    bool same = sight == SIGHT_UNKNOWN ||
                (found == OK && (sight == SIGHT_YES) == scope_allows(&owner, meant->id, meant->owner));
    sight = cache_sees_customer(w->cache, ident, &customer, a, &id);
    if (!same || sight == SIGHT_UNKNOWN)
        return same;
    enum err err = w->reader->vtable->read_customer(w->reader, CUSTOMER_BY_ID, customer.id, a, &self);
    return err == OK && (sight == SIGHT_YES) == scope_names(&self, ident);
}

static bool same_ident(struct walk *w, struct slice ident)
{
    struct arena a;
    struct customer u = {0};
    struct slice id = {0};
    arena_init(&a, 0);
    enum err store = ident_read(w->reader, ident, &a, &u);
    bool sights = same_sight(w, ident, store, &u, &a);
    enum err memory = resolve_ident(w->cache, w->reader, ident, &a, &id);
    bool same = memory == store && (store != OK || slice_eq(id, u.id));
    if (!same || !sights)
        fprintf(stderr, "ident \"%.*s\": memory %.*s (%s), store %.*s (%s)%s\n", SLICE_ARG(ident), SLICE_ARG(id),
                err_text(memory), SLICE_ARG(u.id), err_text(store), sights ? "" : ", and tokens' sights differ");
    arena_fini(&a);
    return same && sights;
}

static struct view_query any_view(struct walk *w)
{
    struct view_query q = {.view = VIEW_POLL, .limit = 1 + dice(w, 30), .ident = pick(w)};
    if (dice(w, 4) == 0) /* what a customer is told of what is read is another thing */
        q.viewer = (struct scope){SCOPE_CUSTOMER, q.ident};
    bool one_only = dice(w, 4) > 0 && w->store->vtable->time_grain_us > 1; /* a listing is a hundred queries there */
    switch (one_only ? 3 + 2 * dice(w, 3) : dice(w, 8)) {
    case 0:
        q.view = VIEW_REFETCH;
        q.owner = dice(w, 2) ? SLICE_LIT("o1") : q.owner;
        break;
    case 1:
        if (w->cache->lag_us > 0) /* some are told twice, but by the store alone */
            break;
        q.view = VIEW_REFETCH;
        q.has_since = true;
        q.since = w->cache->applied - 1000 * dice(w, 40);
        if (q.since < w->switched) /* no list shows it, but MongoDB's changes name its chat */
            q.since = w->switched;
        q.limit = 60;
        break;
    case 2:
        q.view = VIEW_CUSTOMERS;
        q.skip = dice(w, 30);
        break;
    case 3:
        q.view = dice(w, 2) ? VIEW_CHAT : VIEW_AI;
        q.ident = slice_cstr(w->chats[dice(w, w->chat_count)]);
        break;
    case 4:
        q.view = VIEW_CHATS;
        q.email = dice(w, 2) ? pick(w) : (struct slice){0};
        break;
    case 5:
        q.view = VIEW_CUSTOMER;
        break;
    default:
        break;
    }
    return q;
}

/* What If-Match is held against. */
static bool same_row(struct walk *w)
{
    struct slice chat_id = slice_cstr(w->chats[dice(w, w->chat_count)]);
    int64_t rev = row_rev(w, chat_id);
    struct chat row = {0};
    struct arena a;
    arena_init(&a, 0);
    CU_ASSERT_EQUAL(w->store->vtable->read_chat(w->reader, chat_id, &a, &row), OK);
    bool same = rev == 0 || rev == row.rev;
    if (!same)
        fprintf(stderr, "row of chat %.*s: memory %lld, store %lld\n", SLICE_ARG(chat_id), (long long)rev,
                (long long)row.rev);
    arena_fini(&a);
    return same;
}

static bool same_totals(struct walk *w)
{
    struct totals ours, theirs;
    cache_totals(w->cache, &ours);
    CU_ASSERT_EQUAL(w->store->vtable->read_totals(w->reader, &theirs), OK);
    bool same = memcmp(&ours, &theirs, sizeof(ours)) == 0;
    if (!same)
        fprintf(stderr, "totals: memory %lld customers %lld chats %lld messages, store %lld %lld %lld\n",
                (long long)ours.customers, (long long)ours.chats, (long long)ours.messages, (long long)theirs.customers,
                (long long)theirs.chats, (long long)theirs.messages);
    return same;
}

static bool all_same(struct walk *w)
{
    bool same = same_totals(w);
    for (int i = 0; same && i < w->name_count; i++)
        same =
            same_ident(w, w->names[i]) && same_view(w, &(struct view_query){.view = VIEW_POLL, .ident = w->names[i]});
    return same;
}

/* ---- the walk ---- */

static bool step(struct walk *w)
{
    int kind = dice(w, 100);
    w->last = w->names[0];
    if (kind == 0)
        restart(w);
    else if (kind < 10)
        evict(w);
    else if (kind < 12)
        w->store->vtable->maintain(w->store, clock_mono_us() + dice(w, 2) * INT64_C(60000000), dice(w, 2));
    else if (kind < 20) {
        evict(w);
        w->mostly = w->names[dice(w, TEXTS)];
        w->interrupt = 1 + dice(w, 2);
        if (dice(w, 2))
            ask(w, &(struct view_query){.view = VIEW_POLL, .ident = w->mostly});
        else
            resolve(w, w->mostly);
        w->interrupt = 0;
        w->last = w->mostly;
        w->mostly = (struct slice){0};
        if (dice(w, 2)) /* who was born meanwhile is forgotten again */
            evict(w);
    } else if (kind < 24 && w->shared && w->chat_count > 0) {
        late_batch(w);
    } else {
        one_batch(w, kind < 30);
    }
    if (dice(w, w->store->vtable->time_grain_us > 1 ? 40 : 4) == 0)
        follow(w);
    if (dice(w, w->store->vtable->time_grain_us > 1 ? 100 : 10) == 0 && !nothing_missed(w))
        return false;
    bool same = same_ident(w, w->last) && same_ident(w, pick(w));
    if (!same || w->chat_count == 0)
        return same;
    struct view_query q = any_view(w);
    return same_row(w) && same_view(w, &q);
}

bool walk_run(const struct store_factory *factory, unsigned seed, int steps)
{
    struct walk w = {.factory = factory, .seed = seed, .rev = T0};
    bool same = true;
    int at = 0;
    walking = &w;
    map_init(&w.told);
    w.shared = dice(&w, 2);
    arena_init(&w.names_arena, 0);
    for (w.name_count = 0; w.name_count < TEXTS; w.name_count++)
        w.names[w.name_count] = slice_cstr(texts[w.name_count]);
    factory->wipe(factory->arg);
    open_store(&w);
    for (int i = dice(&w, 12); i > 0; i--)
        put_row(&w);
    open_caches(&w);
    for (; same && at < steps; at++)
        same = step(&w);
    same = same && all_same(&w) && nothing_missed(&w);
    if (!same)
        fprintf(stderr, "seed %u, step %d of %d\n", seed, at, steps);
    close_caches(&w);
    close_store(&w);
    factory->wipe(factory->arg);
    batch_room_fini(&w.room);
    map_fini(&w.told);
    arena_fini(&w.names_arena);
    return same;
}

void walk_all(const struct store_factory *factory, int walks, int steps)
{
    bool same = true;
    for (int i = 1; same && i <= walks; i++) {
        unsigned seed = i < walks ? (unsigned)i : (unsigned)clock_wall_us();
        same = walk_run(factory, seed, steps);
    }
    CU_ASSERT_TRUE(same);
}
