/* Documents to model. What a client wrote into location and device is plain JSON, kept as BSON documents; keys that
 * begin with '$', which some servers refuse, are stored with U+FF04 in its place and come back as they were. */
#include "bson_map.h"

#include "base/clock.h"
#include "json/json_out.h"

#define DEPTH_MAX 40 /* of nested documents shown; deeper ones are null */

static struct slice utf8_of(const bson_iter_t *it)
{
    uint32_t len;
    const char *s = bson_iter_utf8(it, &len);
    return slice_of(s ? s : "", s ? len : 0);
}

static struct slice format(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static struct slice format(struct arena *a, const char *fmt, ...)
{
    char text[64];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return arena_slice(a, slice_of(text, n > 0 && n < (int)sizeof(text) ? (size_t)n : 0));
}

static struct slice oid_text(const bson_oid_t *oid, struct arena *a)
{
    char hex[25];
    bson_oid_to_string(oid, hex);
    return arena_slice(a, slice_of(hex, OID_LEN));
}

static struct slice time_text(int64_t us, struct arena *a)
{
    char text[TIME_TEXT_LEN];
    time_format(us, text);
    return arena_slice(a, slice_of(text, TIME_TEXT_LEN));
}

/* A number that counts seconds or milliseconds since 1970: those past the year 5000 in seconds are milliseconds. */
static int64_t time_of_number(double value)
{
    double us = value > 1e11 ? value * 1e3 : value * 1e6;
    return us > 0 && us < 9e18 ? (int64_t)us : 0;
}

int64_t bson_time(const bson_iter_t *it)
{
    int64_t us;
    switch (bson_iter_type(it)) {
    case BSON_TYPE_DATE_TIME:
        us = bson_iter_date_time(it);
        return us > INT64_MIN / 1000 && us < INT64_MAX / 1000 ? us * 1000 : 0;
    case BSON_TYPE_UTF8:
        return time_parse(slice_trim(utf8_of(it), " "), &us) ? us : 0;
    case BSON_TYPE_INT32:
    case BSON_TYPE_INT64:
        return time_of_number((double)bson_iter_as_int64(it));
    case BSON_TYPE_DOUBLE:
        return time_of_number(bson_iter_double(it));
    case BSON_TYPE_TIMESTAMP: {
        uint32_t seconds, increment;
        bson_iter_timestamp(it, &seconds, &increment);
        return (int64_t)seconds * 1000000;
    }
    default:
        return 0;
    }
}

static double double_of(const bson_iter_t *it)
{
    switch (bson_iter_type(it)) {
    case BSON_TYPE_DOUBLE:
        return bson_iter_double(it);
    case BSON_TYPE_INT32:
    case BSON_TYPE_INT64:
    case BSON_TYPE_BOOL:
        return (double)bson_iter_as_int64(it);
    default:
        return 0;
    }
}

int64_t bson_integer(const bson_iter_t *it)
{
    if (BSON_ITER_HOLDS_DOUBLE(it)) {
        double d = bson_iter_double(it);
        return d > -9e18 && d < 9e18 ? (int64_t)d : 0;
    }
    if (BSON_ITER_HOLDS_UTF8(it)) {
        uint64_t n;
        return slice_to_u64(utf8_of(it), &n) && n <= INT64_MAX ? (int64_t)n : 0;
    }
    return bson_iter_as_int64(it); /* 0 for what is no number */
}

struct slice bson_string(const bson_t *doc, const char *key)
{
    bson_iter_t it;
    return bson_iter_init_find(&it, doc, key) && BSON_ITER_HOLDS_UTF8(&it) ? utf8_of(&it) : (struct slice){0};
}

bool bson_objectid(const bson_t *doc, const char *key, struct oid *out)
{
    bson_iter_t it;
    if (!bson_iter_init_find(&it, doc, key) || !BSON_ITER_HOLDS_OID(&it))
        return false;
    memcpy(out->bytes, bson_iter_oid(&it)->bytes, OID_BYTES);
    return true;
}

int64_t bson_number(const bson_t *doc, const char *key)
{
    bson_iter_t it;
    return bson_iter_init_find(&it, doc, key) ? bson_integer(&it) : 0;
}

struct slice bson_text(const bson_iter_t *it, struct arena *a)
{
    struct slice json = {0};
    switch (bson_iter_type(it)) {
    case BSON_TYPE_UTF8:
        return utf8_of(it);
    case BSON_TYPE_OID:
        return oid_text(bson_iter_oid(it), a);
    case BSON_TYPE_DATE_TIME:
        return time_text(bson_time(it), a);
    case BSON_TYPE_INT32:
    case BSON_TYPE_INT64:
        return format(a, "%lld", (long long)bson_iter_as_int64(it));
    case BSON_TYPE_DOUBLE:
        return format(a, "%.17g", bson_iter_double(it));
    case BSON_TYPE_BOOL:
        return bson_iter_bool(it) ? SLICE_LIT("true") : SLICE_LIT("false");
    case BSON_TYPE_DOCUMENT:
    case BSON_TYPE_ARRAY:
        return bson_to_json(it, a, &json) == OK ? json : (struct slice){0};
    default:
        return (struct slice){0};
    }
}

static void json_value_of(struct buf *b, const bson_iter_t *it, unsigned depth);

static void json_key(struct buf *b, const char *key)
{
    struct slice wide = SLICE_LIT("\xef\xbc\x84"), name = slice_cstr(key);
    buf_append_char(b, '"');
    if (slice_starts(name, wide)) {
        buf_append_char(b, '$');
        name = slice_of(name.ptr + wide.len, name.len - wide.len);
    }
    json_out_escaped(b, name);
    buf_append_lit(b, "\":");
}

static void json_children(struct buf *b, const bson_iter_t *it, unsigned depth)
{
    bson_iter_t child;
    bool array = BSON_ITER_HOLDS_ARRAY(it);
    buf_append_char(b, array ? '[' : '{');
    if (bson_iter_recurse(it, &child)) {
        while (bson_iter_next(&child)) {
            json_out_comma(b);
            if (!array)
                json_key(b, bson_iter_key(&child));
            json_value_of(b, &child, depth + 1);
        }
    }
    buf_append_char(b, array ? ']' : '}');
}

static void json_value_of(struct buf *b, const bson_iter_t *it, unsigned depth)
{
    char hex[25];
    char text[TIME_TEXT_LEN];
    switch (bson_iter_type(it)) {
    case BSON_TYPE_UTF8:
        json_out_string(b, utf8_of(it));
        break;
    case BSON_TYPE_INT32:
    case BSON_TYPE_INT64:
        json_out_i64(b, bson_iter_as_int64(it));
        break;
    case BSON_TYPE_DOUBLE:
        json_out_double(b, bson_iter_double(it));
        break;
    case BSON_TYPE_BOOL:
        json_out_bool(b, bson_iter_bool(it));
        break;
    case BSON_TYPE_OID:
        bson_oid_to_string(bson_iter_oid(it), hex);
        json_out_string(b, slice_cstr(hex));
        break;
    case BSON_TYPE_DATE_TIME:
        time_format(bson_time(it), text);
        json_out_string(b, slice_of(text, TIME_TEXT_LEN));
        break;
    case BSON_TYPE_DOCUMENT:
    case BSON_TYPE_ARRAY:
        if (depth < DEPTH_MAX) {
            json_children(b, it, depth);
            break;
        }
        json_out_null(b);
        break;
    default:
        json_out_null(b);
    }
}

enum err bson_to_json(const bson_iter_t *it, struct arena *a, struct slice *out)
{
    *out = (struct slice){0};
    if (!BSON_ITER_HOLDS_DOCUMENT(it) && !BSON_ITER_HOLDS_ARRAY(it))
        return OK;
    struct buf b;
    buf_init(&b);
    json_value_of(&b, it, 0);
    enum err e = buf_ok(&b) ? OK : ERR_NOMEM;
    if (e == OK && !(*out = arena_slice(a, buf_slice(&b))).ptr)
        e = ERR_NOMEM;
    buf_fini(&b);
    return e;
}

/* --- customers --- */

enum field_kind { FIELD_TEXT, FIELD_TIME, FIELD_INTEGER, FIELD_DOUBLE, FIELD_JSON };

/* Which document field is which member; of two fields for one member the first with a value counts. */
static const struct user_field_row {
    const char *name;
    size_t offset;
    enum field_kind kind;
} user_rows[] = {
    {"email", offsetof(struct user, email), FIELD_TEXT},
    {"claimed_email", offsetof(struct user, claimed_email), FIELD_TEXT},
    {"name", offsetof(struct user, name), FIELD_TEXT},
    {"ip", offsetof(struct user, ip), FIELD_TEXT},
    {"vibe", offsetof(struct user, vibe), FIELD_TEXT},
    {"category", offsetof(struct user, category), FIELD_TEXT},
    {"status", offsetof(struct user, status), FIELD_TEXT},
    {"dashboard_user_id", offsetof(struct user, owner), FIELD_TEXT},
    {"user_id", offsetof(struct user, user_ref), FIELD_TEXT},
    {"chat_id", offsetof(struct user, last_chat), FIELD_TEXT},
    {"timestamp", offsetof(struct user, timestamp), FIELD_TEXT},
    {"location", offsetof(struct user, location), FIELD_JSON},
    {"device", offsetof(struct user, device), FIELD_JSON},
    {"created_at", offsetof(struct user, created_us), FIELD_TIME},
    {"last_seen", offsetof(struct user, last_seen_us), FIELD_TIME},
    {"last_activity", offsetof(struct user, activity_us), FIELD_TIME},
    {"total_visits", offsetof(struct user, total_visits), FIELD_INTEGER},
    {"visitDuration", offsetof(struct user, visit_duration), FIELD_DOUBLE},
    {"visit_duration", offsetof(struct user, visit_duration), FIELD_DOUBLE},
    {"rev", offsetof(struct user, rev), FIELD_INTEGER},
};
#define USER_ROWS (sizeof(user_rows) / sizeof(user_rows[0]))

static void *member(struct user *u, const struct user_field_row *row)
{
    return (char *)u + row->offset;
}

static enum err map_user_field(const bson_iter_t *it, const struct user_field_row *row, struct arena *a,
                               struct user *out)
{
    struct slice *text = member(out, row);
    switch (row->kind) {
    case FIELD_TEXT:
        *text = bson_text(it, a);
        if (text->len > 0)
            *text = arena_slice(a, *text);
        return text->len > 0 && !text->ptr ? ERR_NOMEM : OK;
    case FIELD_JSON:
        return BSON_ITER_HOLDS_DOCUMENT(it) ? bson_to_json(it, a, text) : OK;
    case FIELD_TIME:
        *(int64_t *)member(out, row) = bson_time(it);
        return OK;
    case FIELD_INTEGER:
        *(int64_t *)member(out, row) = bson_integer(it);
        return OK;
    case FIELD_DOUBLE:
        if (*(double *)member(out, row) == 0)
            *(double *)member(out, row) = double_of(it);
        return OK;
    }
    return OK;
}

static enum err map_id(const bson_iter_t *it, struct arena *a, struct slice *out)
{
    *out = arena_slice(a, bson_text(it, a));
    return out->ptr ? OK : ERR_NOMEM;
}

/* What the old service shows where a document does not say. */
static void user_defaults(struct user *u)
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

enum err map_user(const bson_t *doc, struct arena *a, struct user *out)
{
    *out = (struct user){0};
    bson_iter_t it;
    enum err e = OK;
    if (!bson_iter_init(&it, doc))
        return OK;
    while (e == OK && bson_iter_next(&it)) {
        const char *key = bson_iter_key(&it);
        if (strcmp(key, "_id") == 0) {
            e = map_id(&it, a, &out->id);
            out->key = BSON_ITER_HOLDS_OID(&it) ? ID_OBJECT : ID_TEXT;
            continue;
        }
        for (size_t i = 0; i < USER_ROWS; i++) {
            if (strcmp(key, user_rows[i].name) == 0) {
                e = map_user_field(&it, &user_rows[i], a, out);
                break;
            }
        }
    }
    user_defaults(out);
    return e;
}

/* --- chats --- */

struct embedded embedded_open(const bson_t *chat)
{
    struct embedded e = {0};
    bson_iter_t it;
    e.any =
        bson_iter_init_find(&it, chat, "messages") && BSON_ITER_HOLDS_ARRAY(&it) && bson_iter_recurse(&it, &e.array);
    return e;
}

bool embedded_next(struct embedded *e, bson_iter_t *element)
{
    while (e->any && bson_iter_next(&e->array)) {
        if (BSON_ITER_HOLDS_DOCUMENT(&e->array)) {
            *element = e->array;
            return true;
        }
    }
    return false;
}

struct embedded_sum embedded_sum(const bson_t *chat)
{
    struct embedded_sum sum = {0};
    struct embedded e = embedded_open(chat);
    while (e.any && bson_iter_next(&e.array)) {
        bson_iter_t fields;
        if (!BSON_ITER_HOLDS_DOCUMENT(&e.array)) {
            sum.odd++;
            continue;
        }
        sum.count++;
        if (bson_iter_recurse(&e.array, &fields) && bson_iter_find(&fields, "role") && BSON_ITER_HOLDS_UTF8(&fields))
            sum.flags |= chat_flags_of_role(utf8_of(&fields));
    }
    return sum;
}

static enum err map_chat_field(const bson_iter_t *it, struct arena *a, struct chat *out, bool *counted)
{
    const char *key = bson_iter_key(it);
    if (strcmp(key, "chat_id") == 0)
        return map_id(it, a, &out->chat_id);
    if (strcmp(key, "user_id") == 0)
        return map_id(it, a, &out->user_id);
    if (strcmp(key, "status") == 0)
        return map_id(it, a, &out->status);
    if (strcmp(key, "created_at") == 0)
        out->created_us = bson_time(it);
    else if (strcmp(key, "last_activity") == 0)
        out->last_activity_us = bson_time(it);
    else if (strcmp(key, "updated_at") == 0)
        out->updated_us = bson_time(it);
    else if (strcmp(key, "total_messages") == 0)
        out->total_messages = bson_integer(it);
    else if (strcmp(key, "rev") == 0)
        out->rev = bson_integer(it);
    else if (strcmp(key, "last_rev") == 0)
        *counted = true;
    else if (strcmp(key, "ai_agent_enabled") == 0 && BSON_ITER_HOLDS_BOOL(it) && !bson_iter_bool(it))
        out->flags |= CHAT_AI_DISABLED;
    else if (strcmp(key, "has_agent") == 0 && BSON_ITER_HOLDS_BOOL(it) && bson_iter_bool(it))
        out->flags |= CHAT_HAS_AGENT;
    else if (strcmp(key, "has_assistant") == 0 && BSON_ITER_HOLDS_BOOL(it) && bson_iter_bool(it))
        out->flags |= CHAT_HAS_ASSISTANT;
    return OK;
}

enum err map_chat(const bson_t *doc, struct arena *a, struct chat *out)
{
    *out = (struct chat){0};
    bson_iter_t it;
    enum err e = OK;
    bool counted = false; /* total_messages is ours: kept in step since the chat's first message here */
    if (!bson_iter_init(&it, doc))
        return OK;
    while (e == OK && bson_iter_next(&it))
        e = map_chat_field(&it, a, out, &counted);
    if (e == OK && out->chat_id.len == 0 && bson_iter_init_find(&it, doc, "_id"))
        e = map_id(&it, a, &out->chat_id);
    struct embedded_sum sum = embedded_sum(doc);
    out->flags |= sum.flags;
    if (!counted || out->total_messages < 0)
        out->total_messages = sum.count;
    if (out->status.len == 0)
        out->status = SLICE_LIT("open");
    if (out->last_activity_us == 0)
        out->last_activity_us = out->updated_us ? out->updated_us : out->created_us;
    return e;
}

void map_message(bson_iter_t *fields, struct arena *a, struct message *out)
{
    *out = (struct message){.role = SLICE_LIT("user")};
    struct slice content = {0};
    while (bson_iter_next(fields)) {
        const char *key = bson_iter_key(fields);
        if (strcmp(key, "_id") == 0 && BSON_ITER_HOLDS_OID(fields)) {
            struct oid id;
            memcpy(id.bytes, bson_iter_oid(fields)->bytes, OID_BYTES);
            out->rev = oid_to_rev(&id);
        } else if (strcmp(key, "role") == 0 && !BSON_ITER_HOLDS_NULL(fields)) {
            out->role = bson_text(fields, a);
        } else if (strcmp(key, "text") == 0) {
            out->text = bson_text(fields, a);
        } else if (strcmp(key, "content") == 0) {
            content = bson_text(fields, a);
        } else if (strcmp(key, "timestamp") == 0) {
            out->timestamp_us = bson_time(fields);
        } else if (strcmp(key, "read") == 0) {
            out->read = bson_iter_as_bool(fields);
        } else if (strcmp(key, "via") == 0 && BSON_ITER_HOLDS_UTF8(fields)) {
            out->via_widget = slice_eq(utf8_of(fields), SLICE_LIT(VIA_WIDGET));
        }
    }
    if (out->text.len == 0)
        out->text = content;
}
