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

struct slice bson_scalar(const bson_iter_t *it, char room[static BSON_ROOM])
{
    switch (bson_iter_type(it)) {
    case BSON_TYPE_UTF8:
        return utf8_of(it);
    case BSON_TYPE_OID:
        bson_oid_to_string(bson_iter_oid(it), room);
        return slice_of(room, OID_LEN);
    case BSON_TYPE_DATE_TIME:
        time_format(bson_time(it), room);
        return slice_of(room, TIME_TEXT_LEN);
    case BSON_TYPE_INT32:
    case BSON_TYPE_INT64:
        (void)snprintf(room, BSON_ROOM, "%lld", (long long)bson_iter_as_int64(it));
        return slice_cstr(room);
    case BSON_TYPE_DOUBLE:
        (void)snprintf(room, BSON_ROOM, "%.17g", bson_iter_double(it));
        return slice_cstr(room);
    case BSON_TYPE_BOOL:
        return bson_iter_bool(it) ? SLICE_LIT("true") : SLICE_LIT("false");
    default:
        return (struct slice){0};
    }
}

enum err bson_text(const bson_iter_t *it, struct arena *a, struct slice *out)
{
    char room[BSON_ROOM];
    if (BSON_ITER_HOLDS_DOCUMENT(it) || BSON_ITER_HOLDS_ARRAY(it))
        return bson_to_json(it, a, out);
    struct slice text = bson_scalar(it, room);
    *out = text.len > 0 ? arena_slice(a, text) : (struct slice){0};
    return text.len > 0 && !out->ptr ? ERR_NOMEM : OK;
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
    char room[BSON_ROOM];
    switch (bson_iter_type(it)) {
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
    case BSON_TYPE_UTF8:
    case BSON_TYPE_OID:
    case BSON_TYPE_DATE_TIME:
        json_out_string(b, bson_scalar(it, room));
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

/* --- the embedded array of the old layout --- */

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
