/* What the writer does with customers and chats. Each call is one or two commands, and safe to repeat: a batch whose
 * answer was lost comes again with the same ids, finds what is there, and sets it to the same.
 * Failure: ERR_STORE where the lease is not good or the database fails; what it will never take is one op's own failure
 *   (mongo_error.c). ERR_FAILED: a customer was deleted while it was changed. */
#include "mongo_store.h"

#include "base/map.h"
#include "base/metrics.h"
#include "mongo_counters.h"
#include "mongo_cursor.h"
#include "mongo_customer.h"
#include "mongo_error.h"
#include "mongo_marks.h"
#include "mongo_query.h"

static enum err update_once(struct mongo_store *s, mongoc_collection_t *in, const bson_t *filter, const bson_t *change,
                            const bson_t *opts, int64_t *matched)
{
    bson_error_t error;
    bson_t reply;
    bool ok = mongo_lease_good(s->lease) ? mongoc_collection_update_one(in, filter, change, opts, &reply, &error)
                                         : mongo_lease_refuses(&reply, &error);
    *matched = bson_number(&reply, "matchedCount");
    bson_destroy(&reply);
    return ok ? OK : mongo_failed(&s->writer, "updating a document", &error);
}

/* One update; takes filter and change. *matched: documents found by the filter. */
static enum err update_one(struct mongo_store *s, mongoc_collection_t *in, bson_t *filter, bson_t *change, bool upsert,
                           int64_t *matched)
{
    bson_t opts = BSON_INITIALIZER;
    BSON_APPEND_BOOL(&opts, "upsert", upsert);
    /* The driver would refuse what the database holds: an empty key in what clients say of their place and device. */
    BSON_APPEND_BOOL(&opts, "validate", false);
    enum err e = update_once(s, in, filter, change, &opts, matched);
    /* Another node made the document meanwhile: now it is found. Where it is a rule of the operator's own, it says so
     * again. */
    if (e == ERR_CONFLICT && upsert)
        e = update_once(s, in, filter, change, &opts, matched);
    bson_destroy(&opts);
    bson_destroy(filter);
    bson_destroy(change);
    return e;
}

/* --- chats --- */

static void link_messages(struct new_message *const *messages, size_t count, const struct chat *chat)
{
    for (size_t i = 0; i < count; i++) {
        struct new_message *m = messages[i];
        if (m->link.known || m->result != ERR_NOT_FOUND || !slice_eq(m->chat_id, chat->chat_id))
            continue;
        struct slice customer_id = arena_slice(m->arena, chat->customer_id);
        m->result = customer_id.ptr || chat->customer_id.len == 0 ? OK : ERR_NOMEM;
        m->link = (struct chat_link){.known = m->result == OK,
                                     .flags = (uint8_t)(m->link.flags | chat->flags), /* those not written yet, too */
                                     .customer_id = customer_id};
    }
}

/* Lists the chats that the batch does not know yet, once each; their messages stand at "not found" until a row says
 * else. What is not written to the rows yet is taken down before they are read: it may be in them by then. */
static enum err unknown_chats(struct mongo_counters *counters, struct new_message *const *messages, size_t count,
                              struct bson_array *in)
{
    struct map seen;
    map_init(&seen);
    enum err e = OK;
    for (size_t i = 0; e == OK && i < count; i++) {
        struct new_message *m = messages[i];
        if (m->link.known || m->result != OK)
            continue;
        m->result = ERR_NOT_FOUND;
        m->link.flags = mongo_counters_behind(counters, m->chat_id).flags;
        if (!slice_is_utf8(m->chat_id) || map_get(&seen, m->chat_id))
            continue;
        e = map_put(&seen, m->chat_id, m);
        put_text(&in->array, array_key(in), m->chat_id);
    }
    map_fini(&seen);
    return e;
}

/* Whose the customers of these links are: one question for all. */
static enum err link_owners(struct mongo_store *s, struct new_message *const *messages, size_t count)
{
    struct map seen;
    size_t unknown = 0;
    struct slice *ids = arena_alloc(&s->scratch, count * sizeof(*ids));
    struct customer *customers = arena_alloc(&s->scratch, count * sizeof(*customers));
    enum err e = ids && customers ? OK : ERR_NOMEM;
    map_init(&seen);
    for (size_t i = 0; e == OK && i < count; i++) {
        const struct chat_link *link = &messages[i]->link;
        if (!link->known || link->owner_known || link->customer_id.len == 0 || map_get(&seen, link->customer_id))
            continue;
        ids[unknown] = link->customer_id;
        e = map_put(&seen, link->customer_id, &customers[unknown++]);
    }
    if (e == OK && unknown > 0)
        e = mongo_customers_by_id(&s->writer, ids, unknown, NULL, &s->scratch, customers);
    for (size_t i = 0; e == OK && i < count; i++) {
        struct chat_link *link = &messages[i]->link;
        const struct customer *customer = link->known ? map_get(&seen, link->customer_id) : NULL;
        if (!customer)
            continue;
        link->owner = arena_slice(messages[i]->arena, customer->owner);
        link->owner_known = link->owner.ptr || customer->owner.len == 0;
    }
    map_fini(&seen);
    return e;
}

enum err mongo_resolve_chats(struct store *st, struct new_message *const *messages, size_t count)
{
    struct mongo_store *s = mongo_of(st);
    struct bson_array in;
    bson_in_begin(&in, "chat_id");
    enum err e = unknown_chats(s->counters, messages, count, &in);
    bson_t *filter = bson_in_end(&in);
    if (e != OK || in.count == 0) {
        bson_destroy(filter);
        return e;
    }
    struct mongo_find how = {.fields = MONGO_CHAT_FIELDS, .primary = true};
    mongoc_cursor_t *cursor = mongo_find(&s->writer, s->writer.chats, filter, &how);
    const bson_t *doc;
    while (e == OK && mongoc_cursor_next(cursor, &doc)) {
        struct chat chat;
        e = map_chat(doc, &s->scratch, &chat);
        if (e == OK)
            link_messages(messages, count, &chat);
    }
    e = mongo_done(&s->writer, "finding chats", cursor, e);
    return e == OK && s->owners_matter ? link_owners(s, messages, count) : e;
}

enum err mongo_find_chat(struct store *st, struct slice chat_id, struct arena *a, struct chat *out)
{
    struct mongo_store *s = mongo_of(st);
    return mongo_chat_now(&s->writer, s->counters, chat_id, a, out);
}

/* The fields that an existing deployment's chats have, and ours: last_rev guards the counters, has_* are the flags;
 * rev is that of the last change of any kind, changed_rev that of the last one but for messages. */
static bson_t *new_chat(const struct mongo_store *s, const struct chat *c)
{
    struct oid id = oid_from_rev(c->rev, s->own_tag); /* in order of creation; another node's cannot be the same */
    bson_t set;
    bson_t *change = bson_new();
    bson_append_document_begin(change, "$setOnInsert", -1, &set);
    put_oid(&set, "_id", &id);
    if (c->customer_key == ID_TEXT)
        put_text(&set, "user_id", c->customer_id);
    else
        put_id(&set, "user_id", c->customer_id);
    put_text(&set, "original_user_id", c->customer_id);
    put_text(&set, "status", c->status.len ? c->status : SLICE_LIT("open"));
    put_time(&set, "created_at", c->created_us);
    put_time(&set, "last_activity", c->last_activity_us);
    put_time(&set, "updated_at", c->updated_us ? c->updated_us : c->created_us);
    BSON_APPEND_INT64(&set, "total_messages", c->total_messages);
    if (c->flags & CHAT_AI_DISABLED)
        BSON_APPEND_BOOL(&set, "ai_agent_enabled", false);
    BSON_APPEND_BOOL(&set, "has_agent", c->flags & CHAT_HAS_AGENT);
    BSON_APPEND_BOOL(&set, "has_assistant", c->flags & CHAT_HAS_ASSISTANT);
    BSON_APPEND_INT64(&set, "rev", c->rev);
    BSON_APPEND_INT64(&set, "changed_rev", c->rev);
    BSON_APPEND_INT64(&set, "last_rev", 0);
    BCON_APPEND(&set, "messages", "[", "]"); /* what tools of the old layout expect to be there */
    bson_append_document_end(change, &set);
    return change;
}

enum err mongo_insert_chat(struct store *st, struct chat *c)
{
    struct mongo_store *s = mongo_of(st);
    int64_t matched;
    bson_t *filter = bson_is("chat_id", c->chat_id);
    metrics_add(M_STORE_WRITE_CHAT, 1);
    c->key = 0;
    c->created_us -= c->created_us % 1000; /* what a later read will say: dates hold milliseconds */
    c->last_activity_us -= c->last_activity_us % 1000;
    c->updated_us -= c->updated_us % 1000;
    return update_one(s, s->writer.chats, filter, new_chat(s, c), true, &matched);
}

/* Takes change, an update without $set and $max, and set and max, the members of these so far. */
static enum err change_chat(struct mongo_store *s, struct slice chat_id, bson_t *change, bson_t *set, bson_t *max,
                            int64_t rev)
{
    int64_t matched;
    BSON_APPEND_INT64(max, "rev", rev);
    BSON_APPEND_DOCUMENT(change, "$set", set);
    BSON_APPEND_DOCUMENT(change, "$max", max);
    bson_destroy(set);
    bson_destroy(max);
    metrics_add(M_STORE_WRITE_CHAT, 1);
    enum err e = update_one(s, s->writer.chats, bson_is("chat_id", chat_id), change, false, &matched);
    return e == OK && matched == 0 ? ERR_NOT_FOUND : e;
}

enum err mongo_set_chat_flags(struct store *st, const struct chat_link *link, struct slice chat_id, uint8_t flags,
                              int64_t rev, int64_t now_us)
{
    (void)link;
    if (!slice_is_utf8(chat_id))
        return ERR_NOT_FOUND;
    bson_t *set = bson_new(), *max = bson_new();
    BSON_APPEND_BOOL(set, "ai_agent_enabled", !(flags & CHAT_AI_DISABLED));
    put_flags(set, flags);
    BSON_APPEND_INT64(max, "changed_rev", rev);
    put_time(max, "updated_at", now_us);
    return change_chat(mongo_of(st), chat_id, bson_new(), set, max, rev);
}

enum err mongo_put_chat(struct store *st, const struct chat *c)
{
    if (!slice_is_utf8(c->chat_id))
        return ERR_NOT_FOUND;
    if (!slice_is_utf8(c->status) || !slice_is_utf8(c->assigned_to))
        return ERR_REFUSED;
    bson_t *set = bson_new(), *change = bson_new();
    put_text(set, "status", c->status);
    BSON_APPEND_INT64(set, "changed_rev", c->rev);
    put_time(set, "updated_at", c->updated_us);
    if (c->assigned_to.len > 0)
        put_text(set, "assigned_to", c->assigned_to);
    else
        BCON_APPEND(change, "$unset", "{", "assigned_to", BCON_UTF8(""), "}");
    return change_chat(mongo_of(st), c->chat_id, change, set, bson_new(), c->rev);
}

enum err mongo_set_mark(struct store *st, const struct chat_link *link, struct slice chat_id, enum chat_side side,
                        int64_t mark)
{
    (void)link;
    struct mongo_store *s = mongo_of(st);
    struct store_health health;
    mongo_health_get(&s->health, &health);
    if (health.ok)
        return mongo_counters_mark(s->counters, chat_id, side, mark);
    /* A batch of marks alone would say that the database is well, and what it took might never get there: it is asked. */
    struct mongo_touched now = {.chat_id = chat_id};
    now.marks[side] = mark;
    return mongo_write_marks(&s->writer, &now, 1);
}

/* --- customers --- */

enum err mongo_find_customer(struct store *st, enum customer_by by, struct slice value, struct arena *a,
                             struct customer *out)
{
    struct mongo_store *s = mongo_of(st);
    enum err e = mongo_customer(&s->writer, by, value, a, out, &s->last_customer);
    return e == OK ? mongo_enrich(&s->writer, out, 1) : e;
}

/* The customer as stored, if it is the one that find_customer read last: then only what differs is written. */
static bool stored_customer(struct mongo_store *s, struct slice id, struct customer *out)
{
    return s->last_customer && map_customer(s->last_customer, &s->scratch, out) == OK && slice_eq(out->id, id);
}

static enum err upsert_customer(struct mongo_store *s, struct customer *u, bson_t *change, bool known)
{
    int64_t matched = 0;
    enum err e = OK;
    if (u->key == ID_UNKNOWN) /* it may be there under either form of its id */
        e = update_one(s, s->writer.customers, bson_in("_id", &u->id, 1), bson_copy(change), false, &matched);
    if (e != OK || matched > 0) {
        bson_destroy(change);
        return e;
    }
    bson_t *filter = bson_new();
    if (known)
        put_same(filter, s->last_customer, "_id"); /* as it is stored, whatever its type */
    else if (u->key == ID_TEXT)
        put_text(filter, "_id", u->id);
    else
        put_id(filter, "_id", u->id);
    e = update_one(s, s->writer.customers, filter, change, !known, &matched);
    /* It was deleted since it was read, and the change holds only what differed from it: the op begins again. */
    return e == OK && known && matched == 0 ? ERR_FAILED : e;
}

enum err mongo_put_customer(struct store *st, struct customer *u)
{
    struct mongo_store *s = mongo_of(st);
    struct customer before;
    bool known = stored_customer(s, u->id, &before);
    bson_t *change = bson_new();
    enum err e = customer_update(u, known ? &before : NULL, change);
    if (e != OK) {
        bson_destroy(change);
        return e;
    }
    if (known)
        u->key = before.key;
    metrics_add(M_STORE_WRITE_CUSTOMER, 1);
    e = upsert_customer(s, u, change, known);
    bson_destroy(s->last_customer); /* no longer what is stored */
    s->last_customer = NULL;
    if (e == OK && u->key == ID_UNKNOWN) {
        struct oid oid;
        u->key = oid_parse(u->id, &oid) ? ID_OBJECT : ID_TEXT;
    }
    u->created_us -= u->created_us % 1000; /* what a later read will say */
    u->last_seen_us -= u->last_seen_us % 1000;
    u->activity_us -= u->activity_us % 1000;
    return e;
}
