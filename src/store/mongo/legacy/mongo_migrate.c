/* Moves the messages out of chats' documents, one chat at a time:
 *   1. The chat is read whole, and looked at: can its messages be moved at all?
 *   2. Copies are inserted in order, from where an earlier run stopped. A copy's _id is its time as a revision, moved
 *      up where that is taken: so ids are unique, ascend as the array does, and end before the chat's first newer
 *      message.
 *   3. The copies are read back and compared with the originals, field by field.
 *   4. One guarded update empties the array, sets the counters and moves the marks. Until then readers pass over the
 *      copies.
 * Failure: the database fails: this run ends, the next one goes on where it stopped. A chat changes meanwhile, or has
 *   no place for a copy, or a copy differs: it is left as it is and named. */
#include "../bson_map.h"
#include "../mongo_cursor.h"
#include "../mongo_driver.h"
#include "../mongo_identity.h"
#include "mongo_adopt.h"
#include "store/migrate.h"

#include "base/clock.h"
#include "base/map.h"

#include <stdlib.h>

#define CHUNK      500
#define TAKEN_MOST 100000 /* ids tried for one message */
#define SECOND_MAX INT64_C(4294967295)
#define NO_PLACE   "its newer messages leave no place before them"

struct migration {
    struct mongo_uris uris;
    struct mongo_health health;
    struct mongo_conn conn;
    uint8_t tag[5];
    FILE *out;
    bool dry_run;
    int64_t chats, chats_done, chats_left, messages;
    int64_t said_us;
};

struct element { /* one document of the array, inside the chat's */
    const uint8_t *data;
    uint32_t len;
};

struct old_chat {
    bson_t *doc;
    struct slice chat_id;
    struct chat chat;
    struct element *elements;
    int64_t count;
    uint8_t flags;
    int64_t first_newer; /* rev of the first message that was never embedded */
    int64_t done;        /* copies that are there */
    int64_t last_rev;    /* of the last copy */
    const char *why;     /* the reason to leave it in place; NULL: none so far */
    struct arena a;
};

static void progress(struct migration *m, bool last)
{
    int64_t now = clock_mono_us();
    if (!last && now - m->said_us < 1000000)
        return;
    m->said_us = now;
    fprintf(m->out, "migrate: %lld of %lld chats, %lld messages%s\n", (long long)m->chats_done, (long long)m->chats,
            (long long)m->messages, m->dry_run ? " (dry run: nothing is written)" : "");
    fflush(m->out);
}

static enum err failed(struct migration *m, const char *what, const bson_error_t *error)
{
    fprintf(m->out, "migrate: %s: %s\n", what, error->message);
    return ERR_STORE;
}

/* --- what is there --- */

static enum err find_one(struct migration *m, mongoc_collection_t *in, bson_t *filter, const char *sort, bson_t **doc)
{
    struct mongo_find how = {.sort = sort, .limit = 1, .primary = true};
    return mongo_first(&m->conn, "migrate", mongo_find(&m->conn, in, filter, &how), doc);
}

static int64_t rev_of(const bson_t *doc)
{
    struct oid id;
    return doc && bson_objectid(doc, "_id", &id) ? oid_to_rev(&id) : 0;
}

static bson_t *messages_of(const struct old_chat *c, bool copies)
{
    bson_t *filter = bson_is("chat_id", c->chat_id);
    BCON_APPEND(filter, "legacy_index", "{", "$exists", BCON_BOOL(copies), "}");
    return filter;
}

static enum err count(struct migration *m, mongoc_collection_t *in, bson_t *filter, int64_t *n)
{
    bson_error_t error;
    *n = mongoc_collection_count_documents(in, filter, NULL, m->conn.primary, NULL, &error);
    bson_destroy(filter);
    return *n < 0 ? failed(m, "counting", &error) : OK;
}

static enum err collect_elements(struct migration *m, struct old_chat *c)
{
    (void)m;
    struct embedded_sum sum = embedded_sum(c->doc);
    struct embedded array = embedded_open(c->doc);
    bson_iter_t it;
    c->flags = sum.flags;
    c->elements = arena_alloc(&c->a, ((size_t)sum.count + 1) * sizeof(*c->elements));
    if (!c->elements)
        return ERR_NOMEM;
    while (c->count < sum.count && embedded_next(&array, &it)) {
        struct element *e = &c->elements[c->count++];
        bson_iter_document(&it, &e->len, &e->data);
    }
    return OK;
}

static bool open_element(const struct element *e, bson_t *doc, bson_iter_t *field)
{
    return bson_init_static(doc, e->data, e->len) && bson_iter_init(field, doc);
}

/* Where an earlier run stopped: copies are made in order, so they are the first ones. */
static enum err read_copies(struct migration *m, struct old_chat *c)
{
    bson_t *newest = NULL, *newer = NULL;
    enum err e = count(m, m->conn.messages, messages_of(c, true), &c->done);
    if (e == OK)
        e = find_one(m, m->conn.messages, messages_of(c, true), "{\"legacy_index\":-1}", &newest);
    if (e == OK)
        e = find_one(m, m->conn.messages, messages_of(c, false), "{\"_id\":1}", &newer);
    c->last_rev = rev_of(newest);
    c->first_newer = newer ? rev_of(newer) : INT64_MAX;
    bson_destroy(newest);
    bson_destroy(newer);
    return e;
}

/* --- copies --- */

static int64_t time_of_element(const struct element *element)
{
    bson_t message;
    bson_iter_t field;
    bool has = open_element(element, &message, &field) && bson_iter_find(&field, "timestamp");
    int64_t us = has ? bson_time(&field) : 0;
    return us < 0 || us / 1000000 > SECOND_MAX ? 0 : us;
}

/* The rev for message i after `before`; 0: no room below the chat's newer messages. Old times are whole seconds or
 * milliseconds: a few microseconds by the chat's name keep chats out of each other's way. */
static int64_t place_of(const struct old_chat *c, int64_t i, int64_t before)
{
    int64_t us = time_of_element(&c->elements[i]);
    if (us > 0 && us % 1000 == 0)
        us += (int64_t)(siphash13(c->chat_id.ptr, c->chat_id.len, 1, 2) % 900);
    int64_t rev = us > before ? us : before + 1;
    int64_t most = c->first_newer == INT64_MAX ? SECOND_MAX * 1000000 : c->first_newer - 1;
    most -= c->count - 1 - i;
    rev = rev < most ? rev : most;
    return rev > before && rev > 0 ? rev : 0;
}

static bson_t *copy_of(const struct migration *m, const struct old_chat *c, int64_t i, int64_t rev)
{
    struct oid id = oid_from_rev(rev, m->tag);
    bson_t *doc = bson_new();
    bson_t message;
    bson_iter_t field;
    put_oid(doc, "_id", &id);
    put_text(doc, "chat_id", c->chat_id);
    if (open_element(&c->elements[i], &message, &field)) {
        while (bson_iter_next(&field)) {
            const char *key = bson_iter_key(&field);
            if (strcmp(key, "_id") == 0)
                bson_append_iter(doc, "legacy_id", -1, &field);
            else if (strcmp(key, "chat_id") != 0)
                bson_append_iter(doc, key, -1, &field);
        }
    }
    BSON_APPEND_INT64(doc, "legacy_index", i);
    return doc;
}

/* *taken: the _id of the first one that was not inserted is another message's. */
static enum err insert_chunk(struct migration *m, bson_t **docs, size_t n, int64_t *made, bool *taken)
{
    bson_error_t error;
    bson_t reply;
    bool ok = mongoc_collection_insert_many(m->conn.messages, (const bson_t **)docs, n, NULL, &reply, &error);
    *made = ok ? (int64_t)n : bson_number(&reply, "insertedCount");
    *taken = !ok && error.domain == MONGOC_ERROR_SERVER && error.code == 11000;
    bson_destroy(&reply);
    return ok || *taken ? OK : failed(m, "copying messages", &error);
}

static enum err is_id_there(struct migration *m, int64_t rev, bool *there)
{
    struct oid id = oid_from_rev(rev, m->tag);
    bson_t *filter = bson_new();
    int64_t n;
    put_oid(filter, "_id", &id);
    enum err e = count(m, m->conn.messages, filter, &n);
    *there = e == OK && n > 0;
    return e;
}

struct chunk {
    bson_t *docs[CHUNK];
    int64_t revs[CHUNK];
    size_t count;
};

static bool make_chunk(const struct migration *m, const struct old_chat *c, int64_t before, struct chunk *out)
{
    for (out->count = 0; out->count < CHUNK && c->done + (int64_t)out->count < c->count; out->count++) {
        int64_t i = c->done + (int64_t)out->count;
        int64_t rev = place_of(c, i, before);
        if (rev == 0)
            return false;
        out->docs[out->count] = copy_of(m, c, i, rev);
        out->revs[out->count] = before = rev;
    }
    return true;
}

static enum err copy_messages(struct migration *m, struct old_chat *c)
{
    struct chunk chunk;
    int64_t before = c->last_rev, taken_for = 0;
    enum err e = OK;
    m->messages += c->done;
    while (e == OK && !c->why && c->done < c->count) {
        int64_t made = 0;
        bool taken = false, there = true;
        bool room = make_chunk(m, c, before, &chunk);
        if (room)
            e = insert_chunk(m, chunk.docs, chunk.count, &made, &taken);
        for (size_t i = 0; i < chunk.count; i++)
            bson_destroy(chunk.docs[i]);
        if (!room || taken_for > TAKEN_MOST) {
            c->why = NO_PLACE;
            break;
        }
        c->done += made;
        m->messages += made;
        taken_for = made > 0 ? 0 : taken_for + 1;
        before = made > 0 ? chunk.revs[made - 1] : before;
        if (e == OK && taken) { /* go on behind the one in the way */
            before = chunk.revs[made];
            e = is_id_there(m, before, &there);
        }
        if (e == OK && !there)
            c->why = "a unique index refuses one of its messages";
        progress(m, false);
    }
    return e;
}

/* Every copy against its original, field by field. */
static enum err verify(struct migration *m, struct old_chat *c)
{
    struct mongo_find how = {.sort = "{\"legacy_index\":1}", .primary = true};
    mongoc_cursor_t *cursor = mongo_find(&m->conn, m->conn.messages, messages_of(c, true), &how);
    const bson_t *doc;
    int64_t n = 0, before = 0;
    while (!c->why && mongoc_cursor_next(cursor, &doc)) {
        int64_t rev = rev_of(doc);
        bson_t *want = n < c->count ? copy_of(m, c, n, rev) : bson_new();
        if (rev <= before || !bson_equal(want, doc))
            c->why = "a copy is not what the original is";
        bson_destroy(want);
        before = rev;
        n++;
    }
    if (!c->why && n != c->count)
        c->why = "not all of its messages were copied";
    return mongo_done(&m->conn, "checking copies", cursor, OK);
}

/* --- the switch --- */

/* A mark at an embedded message is its place in the array: it goes to that message's copy. */
static enum err move_mark(struct migration *m, const struct old_chat *c, const char *field, int64_t mark, bson_t *max)
{
    bson_t *copy;
    if (mark <= 0 || mark > c->count)
        return OK;
    bson_t *filter = bson_is("chat_id", c->chat_id);
    BSON_APPEND_INT64(filter, "legacy_index", mark - 1);
    enum err e = find_one(m, m->conn.messages, filter, NULL, &copy);
    if (e == OK && copy)
        BSON_APPEND_INT64(max, field, rev_of(copy)); /* $max: somebody may have read further meanwhile */
    bson_destroy(copy);
    return e;
}

static enum err move_marks(struct migration *m, const struct old_chat *c, bson_t *change)
{
    bson_t max = BSON_INITIALIZER;
    enum err e = move_mark(m, c, "agents_read", c->chat.agents_read, &max);
    if (e == OK)
        e = move_mark(m, c, "customer_read", c->chat.customer_read, &max);
    if (e == OK && !bson_empty(&max))
        BSON_APPEND_DOCUMENT(change, "$max", &max);
    bson_destroy(&max);
    return e;
}

static enum err empty_array(struct migration *m, struct old_chat *c)
{
    bson_error_t error;
    bson_t reply, set;
    int64_t own;
    enum err e = count(m, m->conn.messages, messages_of(c, false), &own);
    if (e != OK)
        return e;
    /* A server that runs beside this may be about to add messages that are counted here: without the guard it counts. */
    bson_t *change = BCON_NEW("$unset", "{", "last_rev", BCON_UTF8(""), "}");
    bson_t filter = BSON_INITIALIZER;
    put_same(&filter, c->doc, "_id");
    BCON_APPEND(&filter, "messages", "{", "$size", BCON_INT64(c->count), "}");
    bson_append_document_begin(change, "$set", -1, &set);
    BCON_APPEND(&set, "messages", "[", "]");
    BSON_APPEND_INT64(&set, "migrated_messages", c->count);
    BSON_APPEND_INT64(&set, "total_messages", c->count + own);
    put_flags(&set, c->flags | c->chat.flags);
    bson_append_document_end(change, &set);
    e = move_marks(m, c, change);
    if (e == OK) {
        if (!mongoc_collection_update_one(m->conn.chats, &filter, change, NULL, &reply, &error))
            e = failed(m, "emptying an array", &error);
        else if (bson_number(&reply, "matchedCount") != 1)
            c->why = "it changed meanwhile; run it again";
        bson_destroy(&reply);
    }
    bson_destroy(&filter);
    bson_destroy(change);
    return e;
}

/* --- one chat --- */

static enum err check(struct migration *m, struct old_chat *c)
{
    bson_iter_t it;
    int64_t same = 0;
    enum err e = map_chat(c->doc, &c->a, &c->chat);
    c->chat_id = c->chat.chat_id;
    bool there = bson_iter_init_find(&it, c->doc, "chat_id") && !BSON_ITER_HOLDS_NULL(&it);
    bool text = there && BSON_ITER_HOLDS_UTF8(&it);
    bool lacking = !there || (text && bson_string(c->doc, "chat_id").len == 0); /* a dry run has given it none */
    if (embedded_sum(c->doc).odd > 0)
        c->why = "its array holds elements that are no documents";
    else if (lacking && !m->dry_run)
        c->why = "it has no chat_id";
    else if (!lacking && !text)
        c->why = "its chat_id is no text";
    if (e != OK || c->why || lacking)
        return e;
    e = count(m, m->conn.chats, bson_is("chat_id", c->chat_id), &same);
    if (e == OK && same != 1)
        c->why = "several documents have its chat_id";
    return e;
}

/* Instead of making copies, in a dry run. */
static enum err look_for_room(struct migration *m, struct old_chat *c)
{
    m->messages += c->count;
    if (place_of(c, c->count - 1, c->count - 1) == 0)
        c->why = NO_PLACE;
    return OK;
}

static enum err move(struct migration *m, struct old_chat *c)
{
    typedef enum err (*step_fn)(struct migration *, struct old_chat *);
    static const step_fn all[] = {check, collect_elements, read_copies, copy_messages, verify, empty_array, NULL};
    static const step_fn dry[] = {check, collect_elements, read_copies, look_for_room, NULL};
    enum err e = OK;
    for (const step_fn *step = m->dry_run ? dry : all; e == OK && !c->why && *step; step++)
        e = (*step)(m, c);
    if (e == OK && c->why) {
        m->chats_left++;
        fprintf(m->out, "migrate: chat %.*s is left in place: %s\n", SLICE_ARG(c->chat_id), c->why);
    } else if (e == OK) {
        m->chats_done++;
    }
    return e;
}

static enum err move_one(struct migration *m, const bson_t *id)
{
    struct old_chat c = {0};
    arena_init(&c.a, 0);
    enum err e = find_one(m, m->conn.chats, bson_copy(id), NULL, &c.doc);
    if (e == OK && c.doc) /* else deleted meanwhile */
        e = move(m, &c);
    bson_destroy(c.doc);
    arena_fini(&c.a);
    return e;
}

/* --- all --- */

static bson_t *with_embedded(void)
{
    return BCON_NEW("messages.0", "{", "$exists", BCON_BOOL(true), "}");
}

static enum err move_all(struct migration *m)
{
    enum err e = count(m, m->conn.chats, with_embedded(), &m->chats);
    if (e == OK)
        e = mongo_read_tag(&m->conn, m->tag);
    if (e != OK)
        return e;
    fprintf(m->out, "migrate: %lld chats hold messages in the old layout\n", (long long)m->chats);
    struct mongo_find how = {.fields = "{\"_id\":1}", .primary = true};
    mongoc_cursor_t *cursor = mongo_find(&m->conn, m->conn.chats, with_embedded(), &how);
    const bson_t *id;
    while (e == OK && mongoc_cursor_next(cursor, &id)) {
        e = move_one(m, id);
        progress(m, false);
    }
    return mongo_done(&m->conn, "migrate", cursor, e);
}

static enum err finish(struct migration *m)
{
    int64_t rest = 0;
    progress(m, true);
    enum err e = m->dry_run ? OK : count(m, m->conn.chats, with_embedded(), &rest);
    if (e != OK)
        return e;
    if (m->dry_run)
        rest = m->chats_left;
    fprintf(m->out, "migrate: %s; %lld chats left in place\n", m->dry_run ? "dry run finished" : "finished",
            (long long)rest);
    return rest > 0 ? ERR_CONFLICT : OK;
}

enum err mongo_migrate(const struct store_settings *settings, bool dry_run, FILE *progress_to)
{
    struct migration m = {.out = progress_to, .dry_run = dry_run};
    struct buf why = {0};
    bson_error_t error;
    mongo_driver_init();
    mongo_health_init(&m.health);
    random_bytes(m.tag, sizeof(m.tag));
    enum err e = mongo_uris_init(&m.uris, settings, &m.health, &why);
    if (e == OK)
        e = mongo_alone_open(&m.conn, &m.uris, MONGO_BUILD, &why);
    if (e == OK && !mongo_ping(&m.conn, &error))
        e = failed(&m, "cannot reach the database", &error);
    if (e == OK && !dry_run)
        mongo_index_now(&m.conn, mongo_adopt_chat_ids);
    if (e == OK)
        e = move_all(&m);
    if (e == OK)
        e = finish(&m);
    if (why.len > 0)
        fprintf(progress_to, "migrate: %s\n", buf_cstr(&why));
    mongo_alone_close(&m.conn);
    mongo_uris_fini(&m.uris);
    mongo_health_fini(&m.health);
    buf_fini(&why);
    return e;
}
