/* The messages of a batch: one insert.
 * Happy path: each message → a document whose _id is its rev → one unordered insert → what was added to which chat goes
 *   to mongo_counters.c, which writes it to the chats behind. Closed chats that their customers write to are opened by one
 *   update (mongo_reopen.c), after the insert: before it, a message that came again would open them.
 * A document that the insert refuses:
 *   duplicate _id, the message there is this one  → an earlier try stored it: done;
 *   duplicate _id, the message there is another's → another node made the same microsecond: again, with an _id that
 *                                                   has this process's own tag;
 *   duplicate client key on this chat             → the first message is the answer;
 *   duplicate of another kind                     → an index of the operator's own: tried once more, should what was in
 *                                                   the way be gone, then that message's ERR_CONFLICT;
 *   anything else                                 → that message's result, or, where the code says that the server was
 *                                                   not able to (failover, shutdown), ERR_STORE for the batch.
 * A command that is refused whole says nothing of the others: the writer looks for the guilty document (writer.c).
 * Without the unique index on client keys (existing data did not allow it) the keys are looked up before. */
#include "bson_map.h"
#include "mongo_counters.h"
#include "mongo_cursor.h"
#include "mongo_error.h"
#include "mongo_identity.h"
#include "mongo_reopen.h"

#include "base/log.h"
#include "base/map.h"
#include "base/metrics.h"

#define DOCUMENT_MAX (16 * 1024 * 1024 - 16384) /* MongoDB's limit for one document, less our other fields */

enum plan_state {
    PLAN_INSERT,  /* to insert */
    PLAN_CLASH,   /* something with its _id or its key is there */
    PLAN_FOREIGN, /* the _id belongs to another message */
    PLAN_STORED,
    PLAN_TWIN,     /* same key as `first`, in this batch */
    PLAN_ANSWERED, /* an earlier message has its key */
    PLAN_FAILED
};

struct plan {
    struct new_message *m;
    enum plan_state state;
    struct oid id;
    struct plan *first;
    struct slice key; /* chat_id NUL client_key: for maps; empty = no client key */
    int64_t rev;      /* what the message is told at the end; until then it keeps its own, for the next try */
    int64_t timestamp_us;
};

struct insertion {
    struct mongo_store *s;
    struct plan *plans;
    size_t count;
    struct arena *a;
    bson_error_t refusal; /* of a document, for the log */
};

static void fail(struct plan *p, enum err e)
{
    p->state = PLAN_FAILED;
    p->m->result = e;
}

static enum err client_key(struct insertion *in, struct slice chat_id, struct slice key, struct slice *out)
{
    char *bytes = arena_alloc(in->a, chat_id.len + key.len + 1);
    if (!bytes)
        return ERR_NOMEM;
    memcpy(bytes, chat_id.ptr, chat_id.len);
    bytes[chat_id.len] = '\0';
    memcpy(bytes + chat_id.len + 1, key.ptr, key.len);
    *out = slice_of(bytes, chat_id.len + key.len + 1);
    return OK;
}

/* Text that is not UTF-8 would make the driver refuse the whole command. */
static enum err check(const struct new_message *m)
{
    if (m->text.len > DOCUMENT_MAX / 2)
        return ERR_TOO_LARGE;
    bool good = slice_is_utf8(m->text) && slice_is_utf8(m->role) && slice_is_utf8(m->client_key) &&
                slice_is_utf8(m->chat_id) && slice_is_utf8(m->agent_id) && slice_is_utf8(m->agent_name);
    return good ? OK : ERR_INVALID;
}

static enum err make_plans(struct insertion *in, struct new_message *const *messages, size_t count)
{
    struct map keys;
    map_init(&keys);
    in->plans = arena_zalloc(in->a, (count + 1) * sizeof(*in->plans));
    enum err e = in->plans ? OK : ERR_NOMEM;
    for (size_t i = 0; e == OK && i < count; i++) {
        struct new_message *m = messages[i];
        if (m->result != OK)
            continue;
        struct plan *p = &in->plans[in->count++];
        m->timestamp_us -= m->timestamp_us % 1000; /* what a later read will say: dates hold milliseconds */
        *p = (struct plan){
            .m = m, .id = oid_from_rev(m->rev, in->s->tag), .rev = m->rev, .timestamp_us = m->timestamp_us};
        m->duplicate = false;
        enum err bad = check(m);
        if (bad != OK)
            fail(p, bad);
        if (bad != OK || m->client_key.len == 0)
            continue;
        e = client_key(in, m->chat_id, m->client_key, &p->key);
        p->first = e == OK ? map_get(&keys, p->key) : NULL;
        if (p->first)
            p->state = PLAN_TWIN;
        else if (e == OK)
            e = map_put(&keys, p->key, p);
    }
    map_fini(&keys);
    return e;
}

/* --- the insert command --- */

/* Errors of single documents, by their place in the command. ERR_STORE: one of them is a reason to try all again. */
static enum err take_write_errors(struct insertion *in, const bson_t *reply, const bson_error_t *first,
                                  struct plan *const *sent, size_t count)
{
    struct mongo_refusal r = {0};
    enum err e = OK;
    in->refusal = *first;
    while (mongo_refusal_next(reply, &r)) {
        enum err verdict = mongo_sort_code(r.code);
        if (r.index < 0 || (size_t)r.index >= count || verdict == ERR_STORE)
            e = ERR_STORE;
        else if (verdict == ERR_CONFLICT)
            sent[r.index]->state = PLAN_CLASH;
        else
            fail(sent[r.index], verdict);
    }
    if (e != OK)
        mongo_note_away(&in->s->writer, "inserting messages", first);
    else if (mongo_sort(first) != ERR_CONFLICT) /* those of repeated messages are our own */
        mongo_note_refused(&in->s->writer, "inserting a message", first);
    return e;
}

static enum err insert_command(struct insertion *in, struct plan *const *sent, const bson_t **docs, size_t count)
{
    bson_error_t error;
    bson_t reply;
    bson_t opts = BSON_INITIALIZER;
    BSON_APPEND_BOOL(&opts, "ordered", false);
    BSON_APPEND_BOOL(&opts, "validate", false); /* the keys are ours, and check() has seen the text */
    for (size_t i = 0; i < count; i++)
        sent[i]->state = PLAN_STORED;
    bool ok = mongo_lease_good(in->s->lease)
                  ? mongoc_collection_insert_many(in->s->writer.messages, docs, count, &opts, &reply, &error)
                  : mongo_lease_refuses(&reply, &error);
    enum err e = OK;
    if (!ok && !mongo_only_documents(&reply, &error))
        e = mongo_failed(&in->s->writer, "inserting messages", &error);
    else if (!ok)
        e = take_write_errors(in, &reply, &error, sent, count);
    bson_destroy(&reply);
    bson_destroy(&opts);
    return e;
}

/* Inserts the plans that stand at `state`. */
static enum err insert_planned(struct insertion *in, enum plan_state state)
{
    bson_t **docs = arena_alloc(in->a, (in->count + 1) * sizeof(bson_t *));
    struct plan **sent = arena_alloc(in->a, (in->count + 1) * sizeof(*sent));
    if (!docs || !sent)
        return ERR_NOMEM;
    size_t n = 0;
    for (size_t i = 0; i < in->count; i++) {
        struct plan *p = &in->plans[i];
        if (p->state != state)
            continue;
        sent[n] = p;
        docs[n++] = message_document(p->m, &p->id);
    }
    enum err e = n > 0 ? insert_command(in, sent, (const bson_t **)docs, n) : OK;
    for (size_t i = 0; i < n; i++)
        bson_destroy(docs[i]);
    return e;
}

/* --- what is there already --- */

static bool is_mine(const bson_t *doc, const struct new_message *m)
{
    return slice_eq(bson_string(doc, "chat_id"), m->chat_id) && slice_eq(bson_string(doc, "role"), m->role) &&
           slice_eq(bson_string(doc, "text"), m->text) &&
           slice_eq(bson_string(doc, "client_message_id"), m->client_key);
}

static struct slice oid_key(const struct oid *id)
{
    return slice_of((const char *)id->bytes, OID_BYTES);
}

/* By _id: stored by an earlier try, or taken by another message; those not found stay as they are. */
static enum err look_up_ids(struct insertion *in, enum plan_state state)
{
    struct map wanted;
    struct bson_array ids;
    map_init(&wanted);
    enum err e = OK;
    bson_in_begin(&ids, "_id");
    for (size_t i = 0; e == OK && i < in->count; i++) {
        struct plan *p = &in->plans[i];
        if (p->state != state)
            continue;
        put_oid(&ids.array, array_key(&ids), &p->id);
        e = map_put(&wanted, oid_key(&p->id), p);
    }
    bson_t *filter = bson_in_end(&ids);
    if (e != OK || ids.count == 0) {
        bson_destroy(filter);
        map_fini(&wanted);
        return e;
    }
    const struct mongo_conn *conn = &in->s->writer;
    mongoc_cursor_t *cursor = mongo_find(conn, conn->messages, filter, &(struct mongo_find){.primary = true});
    const bson_t *doc;
    while (mongoc_cursor_next(cursor, &doc)) {
        struct oid id;
        struct plan *p = bson_objectid(doc, "_id", &id) ? map_get(&wanted, oid_key(&id)) : NULL;
        if (p)
            p->state = is_mine(doc, p->m) ? PLAN_STORED : PLAN_FOREIGN;
    }
    map_fini(&wanted);
    return mongo_done(conn, "finding messages by id", cursor, OK);
}

static enum err answer_by(struct plan *p, const bson_t *doc)
{
    struct message m;
    struct arena none;
    bson_iter_t fields;
    enum err e = OK;
    arena_init(&none, 0);
    if (bson_iter_init(&fields, doc)) {
        e = map_message(&fields, &none, &m);
        p->state = m.rev == p->m->rev && is_mine(doc, p->m) ? PLAN_STORED : PLAN_ANSWERED;
        p->rev = m.rev;
        p->timestamp_us = m.timestamp_us ? m.timestamp_us : m.rev;
    }
    arena_fini(&none);
    return e;
}

/* By client key: the message that has it is the answer; those not found stay as they are. */
static enum err look_up_keys(struct insertion *in, enum plan_state state, enum plan_state or_state)
{
    struct map wanted;
    struct bson_array any;
    map_init(&wanted);
    enum err e = OK;
    array_begin(&any, bson_new(), "$or");
    for (size_t i = 0; e == OK && i < in->count; i++) {
        struct plan *p = &in->plans[i];
        if ((p->state != state && p->state != or_state) || p->key.len == 0)
            continue;
        bson_t *both = bson_is("chat_id", p->m->chat_id);
        put_text(both, "client_message_id", p->m->client_key);
        array_add(&any, both);
        e = map_put(&wanted, p->key, p);
    }
    bson_t *filter = array_end(&any);
    if (e != OK || any.count == 0) {
        bson_destroy(filter);
        map_fini(&wanted);
        return e;
    }
    struct mongo_find how = {.sort = "{\"_id\":-1}", .primary = true}; /* the first message comes last and stays */
    mongoc_cursor_t *cursor = mongo_find(&in->s->writer, in->s->writer.messages, filter, &how);
    const bson_t *doc;
    while (e == OK && mongoc_cursor_next(cursor, &doc)) {
        struct slice key;
        e = client_key(in, bson_string(doc, "chat_id"), bson_string(doc, "client_message_id"), &key);
        struct plan *p = e == OK ? map_get(&wanted, key) : NULL;
        if (p)
            e = answer_by(p, doc);
    }
    map_fini(&wanted);
    return mongo_done(&in->s->writer, "finding messages by client key", cursor, e);
}

static size_t count_plans(const struct insertion *in, enum plan_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < in->count; i++)
        n += in->plans[i].state == state;
    return n;
}

/* An _id that another node took: the same place in history under this process's own tag. */
static enum err insert_foreign(struct insertion *in)
{
    size_t n = count_plans(in, PLAN_FOREIGN);
    if (n == 0)
        return OK;
    for (size_t i = 0; i < in->count; i++)
        if (in->plans[i].state == PLAN_FOREIGN)
            in->plans[i].id = oid_from_rev(in->plans[i].m->rev, in->s->own_tag);
    log_info("message id taken by another node", "messages=%zu", n);
    enum err e = insert_planned(in, PLAN_FOREIGN);
    return e == OK ? look_up_ids(in, PLAN_CLASH) : e;
}

/* In the way is neither this message nor its key: it is gone by now, or a unique index of the operator's own. */
static enum err insert_again(struct insertion *in)
{
    enum err e = insert_planned(in, PLAN_CLASH);
    if (e != OK || count_plans(in, PLAN_CLASH) == 0)
        return e;
    mongo_note_refused(&in->s->writer, "inserting a message", &in->refusal);
    for (size_t i = 0; i < in->count; i++)
        if (in->plans[i].state == PLAN_CLASH)
            fail(&in->plans[i], ERR_CONFLICT);
    return OK;
}

static enum err resolve_clashes(struct insertion *in)
{
    enum err e = look_up_ids(in, PLAN_CLASH);
    if (e == OK)
        e = look_up_keys(in, PLAN_CLASH, PLAN_FOREIGN);
    if (e == OK)
        e = insert_foreign(in);
    if (e == OK && count_plans(in, PLAN_CLASH) > 0)
        e = insert_again(in);
    /* Both tags are taken by others' messages: at another time, under another _id. */
    for (size_t i = 0; e == OK && i < in->count; i++)
        if (in->plans[i].state == PLAN_FOREIGN)
            fail(&in->plans[i], ERR_FAILED);
    return e;
}

/* All is durable: only now the messages change. */
static void tell_messages(struct insertion *in)
{
    uint64_t stored = 0;
    for (size_t i = 0; i < in->count; i++) {
        struct plan *p = &in->plans[i];
        const struct plan *from = p->state == PLAN_TWIN ? p->first : p;
        stored += p->state == PLAN_STORED;
        if (p->state != PLAN_TWIN && p->state != PLAN_ANSWERED)
            continue;
        p->m->result = from->m->result;
        p->m->duplicate = p->m->result == OK;
        p->m->rev = from->rev;
        p->m->timestamp_us = from->timestamp_us;
    }
    metrics_add(M_STORE_INSERT_MESSAGE, stored);
}

/* --- the chats --- */

static bool is_opener(const struct new_message *m)
{
    return m->link.flags & CHAT_CLOSED && slice_eq(m->role, SLICE_LIT(ROLE_USER));
}

/* Opens those that are to be open, and has all of them counted. */
static enum err follow_chats(struct insertion *in)
{
    size_t n = 0, opening = 0;
    struct mongo_added *added = arena_alloc(in->a, (in->count + 1) * sizeof(*added));
    struct new_message **openers = NULL;
    for (size_t i = 0; added && i < in->count; i++) {
        struct new_message *m = in->plans[i].m;
        if (in->plans[i].state != PLAN_STORED)
            continue;
        added[n++] = (struct mongo_added){
            .chat_id = m->chat_id,
            .rev = m->rev,
            .timestamp_us = m->timestamp_us,
            .flags = (uint8_t)((m->link.flags & (CHAT_HAS_AGENT | CHAT_HAS_ASSISTANT)) | chat_flags_of_role(m->role)),
        };
        if (!is_opener(m))
            continue;
        if (!openers && !(openers = arena_alloc(in->a, (in->count - i) * sizeof(*openers))))
            return ERR_NOMEM;
        openers[opening++] = m;
    }
    enum err e = added ? OK : ERR_NOMEM;
    if (e == OK && opening > 0)
        e = mongo_reopen(in->s, openers, opening);
    return e == OK && n > 0 ? mongo_counters_add(in->s->counters, added, n) : e;
}

/* The insert was tried and its result is unclear: should the batch be given up, the chats are counted, and opened, all the
 * same. */
static void doubt_chats(struct insertion *in)
{
    for (size_t i = 0; i < in->count; i++) {
        const struct plan *p = &in->plans[i];
        if (p->state != PLAN_FAILED && p->state != PLAN_TWIN)
            mongo_counters_doubt(in->s->counters, &(struct mongo_added){.chat_id = p->m->chat_id,
                                                                        .rev = p->m->rev,
                                                                        .opens_rev = is_opener(p->m) ? p->m->rev : 0});
    }
}

enum err mongo_insert_messages(struct store *st, struct new_message *const *messages, size_t count)
{
    struct insertion in = {.s = mongo_of(st)};
    struct arena a;
    arena_init(&a, 0);
    in.a = &a;
    enum err e = mongo_learn_tag(in.s);
    if (e == OK && count > 0)
        e = mongo_counters_room(in.s->counters, messages[count - 1]->rev);
    if (e == OK)
        e = make_plans(&in, messages, count);
    if (e == OK && !atomic_load_explicit(&in.s->index.keys_unique, memory_order_acquire))
        e = look_up_keys(&in, PLAN_INSERT, PLAN_INSERT);
    if (e == OK) {
        e = insert_planned(&in, PLAN_INSERT);
        if (e == OK)
            e = resolve_clashes(&in);
        if (e == OK)
            e = follow_chats(&in);
        if (e != OK)
            doubt_chats(&in);
    }
    if (e == OK)
        tell_messages(&in);
    arena_fini(&a);
    return e;
}
