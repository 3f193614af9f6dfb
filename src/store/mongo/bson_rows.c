/* Customers, chats and messages: which field of a document is which member. A field that customers are to have is one
 * row here; what is in no row is neither read nor written. Whatever shape an existing deployment left a field in is
 * read (bson_map.c); a value is written only where it changes, so that what nobody changed keeps its type. */
#include "bson_map.h"

#include "chat/email.h"

enum field_kind { FIELD_TEXT, FIELD_JSON, FIELD_TIME, FIELD_INTEGER, FIELD_DOUBLE, FIELD_MARK };

struct field {
    const char *name;
    size_t offset;
    enum field_kind kind;
    bool set; /* by customer_update() in $set; the others have their own way there */
};

static const struct field customer_fields[] = {
    {"_id", offsetof(struct customer, id), FIELD_TEXT, false},
    {"email", offsetof(struct customer, email), FIELD_TEXT, true},
    {"claimed_email", offsetof(struct customer, claimed_email), FIELD_TEXT, true},
    {"name", offsetof(struct customer, name), FIELD_TEXT, true},
    {"ip", offsetof(struct customer, ip), FIELD_TEXT, true},
    {"vibe", offsetof(struct customer, vibe), FIELD_TEXT, true},
    {"category", offsetof(struct customer, category), FIELD_TEXT, true},
    {"status", offsetof(struct customer, status), FIELD_TEXT, true},
    {"dashboard_user_id", offsetof(struct customer, owner), FIELD_TEXT, true},
    {"user_id", offsetof(struct customer, reference), FIELD_TEXT, true},
    {"chat_id", offsetof(struct customer, last_chat), FIELD_TEXT, true},
    {"timestamp", offsetof(struct customer, timestamp), FIELD_TEXT, true},
    {"location", offsetof(struct customer, location), FIELD_JSON, true},
    {"device", offsetof(struct customer, device), FIELD_JSON, true},
    {"created_at", offsetof(struct customer, created_us), FIELD_TIME, true},
    {"last_seen", offsetof(struct customer, last_seen_us), FIELD_TIME, true},
    {"last_activity", offsetof(struct customer, activity_us), FIELD_TIME, false},
    {"total_visits", offsetof(struct customer, total_visits), FIELD_INTEGER, true},
    {"visitDuration", offsetof(struct customer, visit_duration), FIELD_DOUBLE,
     true}, /* of the two the first not 0 counts */
    {"visit_duration", offsetof(struct customer, visit_duration), FIELD_DOUBLE, true},
    {"rev", offsetof(struct customer, rev), FIELD_INTEGER, false},
};
static const struct field chat_fields[] = {
    {"chat_id", offsetof(struct chat, chat_id), FIELD_TEXT, false},
    {"user_id", offsetof(struct chat, customer_id), FIELD_TEXT, false},
    {"status", offsetof(struct chat, status), FIELD_TEXT, false},
    {"created_at", offsetof(struct chat, created_us), FIELD_TIME, false},
    {"last_activity", offsetof(struct chat, last_activity_us), FIELD_TIME, false},
    {"updated_at", offsetof(struct chat, updated_us), FIELD_TIME, false},
    {"total_messages", offsetof(struct chat, total_messages), FIELD_INTEGER, false},
    {"changed_rev", offsetof(struct chat, rev), FIELD_INTEGER, false},
    {"agents_read", offsetof(struct chat, agents_read), FIELD_MARK, false},
    {"customer_read", offsetof(struct chat, customer_read), FIELD_MARK, false},
};
#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

/* --- reading customers and chats --- */

/* 0 for what is no number, true and false among it, or is below it. */
static int64_t mark_of(const bson_iter_t *it)
{
    int64_t mark = BSON_ITER_HOLDS_NUMBER(it) ? bson_integer(it) : 0;
    return mark > 0 ? mark : 0;
}

/* Into the struct at `base`. */
static enum err map_field(const bson_iter_t *it, const struct field *fields, size_t count, void *base, struct arena *a)
{
    size_t i = 0;
    while (i < count && strcmp(bson_iter_key(it), fields[i].name) != 0)
        i++;
    if (i == count)
        return OK;
    void *member = (char *)base + fields[i].offset;
    struct slice *text = member;
    switch (fields[i].kind) {
    case FIELD_TEXT:
        return bson_text(it, a, text);
    case FIELD_JSON:
        return BSON_ITER_HOLDS_DOCUMENT(it) ? bson_to_json(it, a, text) : OK;
    case FIELD_TIME:
        *(int64_t *)member = bson_time(it);
        break;
    case FIELD_INTEGER:
        *(int64_t *)member = bson_integer(it);
        break;
    case FIELD_DOUBLE:
        if (*(double *)member == 0)
            *(double *)member = bson_iter_as_double(it); /* 0 for what is no number */
        break;
    case FIELD_MARK:
        *(int64_t *)member = mark_of(it);
    }
    return OK;
}

/* What the old service shows where a document does not say. */
static void customer_defaults(struct customer *u)
{
    if (u->vibe.len == 0)
        u->vibe = SLICE_LIT("neutral");
    if (u->category.len == 0)
        u->category = SLICE_LIT("agent-inbox");
    if (u->status.len == 0)
        u->status = SLICE_LIT("active");
    if (u->activity_us == 0)
        u->activity_us = u->last_seen_us > u->created_us ? u->last_seen_us : u->created_us;
}

enum err map_customer(const bson_t *doc, struct arena *a, struct customer *out)
{
    *out = (struct customer){0};
    bson_iter_t it;
    enum err e = OK;
    if (!bson_iter_init(&it, doc))
        return OK;
    while (e == OK && bson_iter_next(&it)) {
        if (strcmp(bson_iter_key(&it), "_id") == 0)
            out->key = BSON_ITER_HOLDS_OID(&it) ? ID_OBJECT : ID_TEXT;
        e = map_field(&it, customer_fields, COUNT(customer_fields), out, a);
    }
    customer_defaults(out);
    return e;
}

static bool is_bool(const bson_iter_t *it, const char *key, bool value)
{
    return strcmp(bson_iter_key(it), key) == 0 && BSON_ITER_HOLDS_BOOL(it) && bson_iter_bool(it) == value;
}

/* Text, or an ObjectId of an existing deployment's; what is longer than any that this server stores is nobody. */
static enum err map_assigned(const bson_iter_t *it, struct arena *a, struct chat *out)
{
    if (!BSON_ITER_HOLDS_UTF8(it) && !BSON_ITER_HOLDS_OID(it))
        return OK;
    char room[BSON_ROOM];
    return bson_scalar(it, room).len <= ASSIGNED_TO_MAX ? bson_text(it, a, &out->assigned_to) : OK;
}

/* Nothing has changed the chat's row since there is such a field: the rev of its making, which is in its _id. Of another
 * kind of _id: any rev but 0, which means that there is none. */
static int64_t rev_of_making(const bson_t *doc)
{
    struct oid id;
    int64_t rev = bson_objectid(doc, "_id", &id) ? oid_to_rev(&id) : 0;
    return rev > 0 ? rev : 1;
}

enum err map_chat(const bson_t *doc, struct arena *a, struct chat *out)
{
    *out = (struct chat){0};
    bson_iter_t it;
    enum err e = OK;
    bool counted = false; /* total_messages is ours: kept in step since the chat's first message here */
    if (!bson_iter_init(&it, doc))
        return OK;
    while (e == OK && bson_iter_next(&it)) {
        e = map_field(&it, chat_fields, COUNT(chat_fields), out, a);
        if (e == OK && strcmp(bson_iter_key(&it), "assigned_to") == 0)
            e = map_assigned(&it, a, out);
        counted = counted || strcmp(bson_iter_key(&it), "last_rev") == 0;
        out->flags |= is_bool(&it, "ai_agent_enabled", false) ? CHAT_AI_DISABLED : 0;
        out->flags |= is_bool(&it, "has_agent", true) ? CHAT_HAS_AGENT : 0;
        out->flags |= is_bool(&it, "has_assistant", true) ? CHAT_HAS_ASSISTANT : 0;
    }
    if (e == OK && out->chat_id.len == 0 && bson_iter_init_find(&it, doc, "_id"))
        e = bson_text(&it, a, &out->chat_id);
    struct embedded_sum sum = embedded_sum(doc);
    out->flags |= sum.flags;
    if (!counted || out->total_messages < 0)
        out->total_messages = sum.count;
    if (out->rev <= 0)
        out->rev = rev_of_making(doc);
    if (out->status.len == 0)
        out->status = SLICE_LIT("open");
    if (slice_eq(out->status, SLICE_LIT("closed")))
        out->flags |= CHAT_CLOSED;
    if (out->last_activity_us == 0)
        out->last_activity_us = out->updated_us ? out->updated_us : out->created_us;
    return e;
}

/* --- writing customers --- */

/* One field of the struct at `now`, where it differs from that at `was`. was NULL: not known, or not there: then what
 * is not empty. */
static enum err set_field(bson_t *set, const struct field *f, const void *now, const void *was)
{
    const void *member = (const char *)now + f->offset, *before = was ? (const char *)was + f->offset : NULL;
    const struct slice *text = member, *old_text = before;
    const int64_t *number = member, *old_number = before;
    const double *real = member, *old_real = before;
    switch (f->kind) {
    case FIELD_TEXT:
        if (before ? !slice_eq(*text, *old_text) : text->len > 0)
            put_text(set, f->name, *text);
        break;
    case FIELD_JSON:
        if (before && (slice_eq(*text, *old_text) || (text->len <= 2 && old_text->len <= 2))) /* {} is empty, too */
            break;
        return put_json_text(set, f->name, *text);
    case FIELD_TIME:
        if (*number > 0 && (!before || *number / 1000 != *old_number / 1000))
            put_time(set, f->name, *number);
        break;
    case FIELD_INTEGER:
    case FIELD_MARK:
        if (!before || *number != *old_number)
            put_number(set, f->name, *number);
        break;
    case FIELD_DOUBLE:
        if (!before || *real < *old_real || *real > *old_real)
            BSON_APPEND_DOUBLE(set, f->name, *real);
    }
    return OK;
}

void put_customer_words(bson_t *doc, struct slice name, struct slice email)
{
    struct words w;
    struct bson_array list;
    words_of_customer(&w, name, email);
    array_begin(&list, doc, MONGO_WORDS);
    for (size_t i = 0; i < w.count; i++)
        put_text(&list.array, array_key(&list), w.items[i]);
    (void)array_end(&list);
}

enum err customer_update(const struct customer *u, const struct customer *before, bson_t *out)
{
    char room[EMAIL_MAX];
    struct slice folded = email_fold(u->email, room);
    bson_t set = BSON_INITIALIZER, max;
    enum err e = OK;
    for (size_t i = 0; e == OK && i < COUNT(customer_fields); i++)
        if (customer_fields[i].set)
            e = set_field(&set, &customer_fields[i], u, before);
    if (folded.ptr && (before ? !slice_eq(u->email, before->email) : !slice_eq(folded, u->email)))
        put_text(&set, "email_folded", folded);
    if (!before || !slice_eq(u->email, before->email) || !slice_eq(u->name, before->name))
        put_customer_words(&set, u->name, u->email);
    if (!bson_empty(&set))
        bson_append_document(out, "$set", -1, &set);
    bson_destroy(&set);
    bson_append_document_begin(out, "$max", -1, &max);
    BSON_APPEND_INT64(&max, "rev", u->rev);
    if (u->activity_us > 0)
        put_time(&max, "last_activity", u->activity_us);
    bson_append_document_end(out, &max);
    return e;
}

/* --- messages --- */

/* {id, name}: both, and neither longer than what this server stores, or it is as if there were none. */
static void map_agent(const bson_iter_t *agent, struct message *out)
{
    bson_t doc;
    uint32_t len;
    const uint8_t *data;
    if (!BSON_ITER_HOLDS_DOCUMENT(agent))
        return;
    bson_iter_document(agent, &len, &data);
    if (!bson_init_static(&doc, data, len))
        return;
    struct slice id = bson_string(&doc, "id"), name = bson_string(&doc, "name");
    if (id.len == 0 || id.len > FIELD_MAX || name.len == 0 || name.len > AGENT_NAME_MAX)
        return;
    out->agent_id = id;
    out->agent_name = name;
}

/* A text that borrows from the document where it can. */
static enum err borrow_text(const bson_iter_t *it, struct arena *a, struct slice *out)
{
    char room[BSON_ROOM];
    if (!BSON_ITER_HOLDS_UTF8(it))
        return bson_text(it, a, out);
    *out = bson_scalar(it, room);
    return OK;
}

static enum err map_message_field(const bson_iter_t *it, struct arena *a, struct message *out, struct slice *content)
{
    const char *key = bson_iter_key(it);
    char room[BSON_ROOM];
    if (strcmp(key, "role") == 0 && !BSON_ITER_HOLDS_NULL(it))
        return borrow_text(it, a, &out->role);
    if (strcmp(key, "text") == 0)
        return borrow_text(it, a, &out->text);
    if (strcmp(key, "content") == 0)
        return borrow_text(it, a, content);
    if (strcmp(key, "timestamp") == 0)
        out->timestamp_us = bson_time(it);
    else if (strcmp(key, "read") == 0)
        out->read = bson_iter_as_bool(it);
    else if (strcmp(key, "via") == 0)
        out->via_widget = slice_eq(bson_scalar(it, room), SLICE_LIT(VIA_WIDGET));
    else if (strcmp(key, "agent") == 0)
        map_agent(it, out);
    return OK;
}

enum err map_message(bson_iter_t *fields, struct arena *a, struct message *out)
{
    *out = (struct message){.role = SLICE_LIT("user")};
    struct slice content = {0};
    enum err e = OK;
    while (e == OK && bson_iter_next(fields)) {
        if (strcmp(bson_iter_key(fields), "_id") == 0 && BSON_ITER_HOLDS_OID(fields)) {
            struct oid id;
            memcpy(id.bytes, bson_iter_oid(fields)->bytes, OID_BYTES);
            out->rev = oid_to_rev(&id);
        } else {
            e = map_message_field(fields, a, out, &content);
        }
    }
    if (out->text.len == 0)
        out->text = content;
    if (!slice_eq(out->role, SLICE_LIT(ROLE_AGENT)))
        out->agent_id = out->agent_name = (struct slice){0};
    return e;
}

bson_t *message_document(const struct new_message *m, const struct oid *id)
{
    bson_t *doc = bson_sized_new(256 + 2 * (m->text.len + 1));
    put_oid(doc, "_id", id);
    put_text(doc, "chat_id", m->chat_id);
    put_text(doc, "role", m->role);
    put_text(doc, "content", m->text);
    put_text(doc, "text", m->text);
    put_time(doc, "timestamp", m->timestamp_us);
    put_text(doc, "status", SLICE_LIT("sent"));
    bson_append_bool(doc, "read", -1, false);
    if (m->via_widget)
        put_text(doc, "via", SLICE_LIT(VIA_WIDGET));
    if (m->agent_name.len > 0) {
        bson_t agent;
        bson_append_document_begin(doc, "agent", -1, &agent);
        put_text(&agent, "id", m->agent_id);
        put_text(&agent, "name", m->agent_name);
        bson_append_document_end(doc, &agent);
    }
    if (m->client_key.len > 0)
        put_text(doc, "client_message_id", m->client_key);
    return doc;
}
