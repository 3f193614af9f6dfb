/* Model to documents: filters, updates and new documents. Only our own fields are ever written. */
#include "bson_map.h"

#include "json/json_in.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

void put_text(bson_t *doc, const char *key, struct slice s)
{
    must(s.len <= INT_MAX);
    bson_append_utf8(doc, key, -1, s.ptr ? s.ptr : "", (int)s.len);
}

void put_time(bson_t *doc, const char *key, int64_t us)
{
    bson_append_date_time(doc, key, -1, us / 1000);
}

void put_oid(bson_t *doc, const char *key, const struct oid *id)
{
    bson_oid_t oid;
    memcpy(oid.bytes, id->bytes, OID_BYTES);
    bson_append_oid(doc, key, -1, &oid);
}

void put_id(bson_t *doc, const char *key, struct slice id)
{
    struct oid oid;
    if (oid_parse(id, &oid))
        put_oid(doc, key, &oid);
    else
        put_text(doc, key, id);
}

/* Existing databases may have numbers and truth values as ids. Where the text is what bson_text() makes of one, that
 * one joins the list, too. */
static void put_plain_id(struct bson_array *l, struct slice id)
{
    char text[32], again[32], *end;
    if (id.len == 0 || id.len >= sizeof(text) || !memchr("-0123456789tf", id.ptr[0], 13))
        return;
    memcpy(text, id.ptr, id.len);
    text[id.len] = '\0';
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        BSON_APPEND_BOOL(&l->array, array_key(l), text[0] == 't');
        return;
    }
    (void)snprintf(again, sizeof(again), "%lld", strtoll(text, &end, 10));
    if (strcmp(text, again) == 0) { /* in a filter it equals a double of that value, too */
        BSON_APPEND_INT64(&l->array, array_key(l), strtoll(text, NULL, 10));
        return;
    }
    (void)snprintf(again, sizeof(again), "%.17g", strtod(text, &end));
    if (strcmp(text, again) == 0)
        BSON_APPEND_DOUBLE(&l->array, array_key(l), strtod(text, NULL));
}

const char *array_key(struct bson_array *l)
{
    const char *key;
    bson_uint32_to_string(l->count++, &key, l->digits, sizeof(l->digits));
    return key;
}

void array_begin(struct bson_array *l, bson_t *doc, const char *key)
{
    l->doc = doc;
    l->count = 0;
    bson_append_array_begin(doc, key, -1, &l->array);
}

bson_t *array_end(struct bson_array *l)
{
    bson_append_array_end(l->doc, &l->array);
    return l->doc;
}

void bson_in_begin(struct bson_array *l, const char *key)
{
    l->whole = bson_new();
    bson_append_document_begin(l->whole, key, -1, &l->in);
    array_begin(l, &l->in, "$in");
}

bson_t *bson_in_end(struct bson_array *l)
{
    bson_append_document_end(l->whole, array_end(l));
    return l->whole;
}

void array_add(struct bson_array *l, bson_t *doc)
{
    bson_append_document(&l->array, array_key(l), -1, doc);
    bson_destroy(doc);
}

void array_id(struct bson_array *l, struct slice id)
{
    struct oid oid;
    put_text(&l->array, array_key(l), id);
    if (oid_parse(id, &oid))
        put_oid(&l->array, array_key(l), &oid);
    else
        put_plain_id(l, id);
}

bson_t *bson_in(const char *key, const struct slice *ids, size_t count)
{
    struct bson_array in;
    bson_in_begin(&in, key);
    for (size_t i = 0; i < count; i++)
        array_id(&in, ids[i]);
    return bson_in_end(&in);
}

bson_t *bson_is(const char *key, struct slice text)
{
    bson_t *doc = bson_new();
    put_text(doc, key, text);
    return doc;
}

void put_flags(bson_t *doc, uint8_t flags)
{
    if (flags & CHAT_HAS_AGENT)
        BSON_APPEND_BOOL(doc, "has_agent", true);
    if (flags & CHAT_HAS_ASSISTANT)
        BSON_APPEND_BOOL(doc, "has_assistant", true);
}

void put_same(bson_t *doc, const bson_t *from, const char *key)
{
    bson_iter_t it;
    if (bson_iter_init_find(&it, from, key))
        bson_append_iter(doc, key, -1, &it);
}

void put_number(bson_t *doc, const char *key, int64_t value)
{
    if (value >= INT32_MIN && value <= INT32_MAX)
        bson_append_int32(doc, key, -1, (int32_t)value);
    else
        bson_append_int64(doc, key, -1, value);
}

/* --- JSON text of location and device to BSON, without the meaning that extended JSON gives to keys --- */

static void put_json(bson_t *doc, const char *key, struct json_value v);

static void put_json_object(bson_t *doc, struct json_value object, struct buf *name)
{
    struct json_value key, value;
    for (struct json_iter it = json_iter(object); json_next(&it, &key, &value);) {
        struct slice text;
        if (json_string(key, &text) != OK || memchr(text.ptr, '\0', text.len))
            continue; /* a BSON key cannot hold NUL */
        buf_clear(name);
        if (text.len > 0 && text.ptr[0] == '$') {
            buf_append_lit(name, "\xef\xbc\x84");
            text = slice_of(text.ptr + 1, text.len - 1);
        }
        buf_append_slice(name, text);
        put_json(doc, buf_cstr(name), value);
    }
}

static void put_json_array(bson_t *doc, const char *name, struct json_value array)
{
    struct json_value key, value;
    struct bson_array list;
    array_begin(&list, doc, name);
    for (struct json_iter it = json_iter(array); json_next(&it, &key, &value);)
        put_json(&list.array, array_key(&list), value);
    array_end(&list);
}

static void put_json_number(bson_t *doc, const char *key, struct json_value v)
{
    struct slice raw = json_raw(v);
    int64_t i;
    double d;
    bool fraction = memchr(raw.ptr, '.', raw.len) || memchr(raw.ptr, 'e', raw.len) || memchr(raw.ptr, 'E', raw.len);
    if (!fraction && json_i64(v, &i) == OK)
        put_number(doc, key, i);
    else if (json_double(v, &d) == OK)
        bson_append_double(doc, key, -1, d);
    else
        bson_append_null(doc, key, -1);
}

/* Depth is bounded by json_parse(). */
static void put_json(bson_t *doc, const char *key, struct json_value v)
{
    bson_t child;
    struct slice text;
    struct buf name;
    bool flag;
    switch (json_type(v)) {
    case JSON_OBJECT:
        buf_init(&name);
        bson_append_document_begin(doc, key, -1, &child);
        put_json_object(&child, v, &name);
        bson_append_document_end(doc, &child);
        buf_fini(&name);
        break;
    case JSON_ARRAY:
        put_json_array(doc, key, v);
        break;
    case JSON_STRING:
        if (json_string(v, &text) == OK)
            put_text(doc, key, text);
        break;
    case JSON_NUMBER:
        put_json_number(doc, key, v);
        break;
    case JSON_BOOL:
        if (json_bool(v, &flag) == OK)
            bson_append_bool(doc, key, -1, flag);
        break;
    default:
        bson_append_null(doc, key, -1);
    }
}

enum err put_json_text(bson_t *doc, const char *key, struct slice json)
{
    struct arena a;
    struct json_doc parsed;
    arena_init(&a, 0);
    enum err e = json_parse(json.len ? json : SLICE_LIT("{}"), &a, &parsed, NULL);
    if (e == OK && json_type(json_root(&parsed)) != JSON_OBJECT)
        e = ERR_INVALID;
    if (e == OK)
        put_json(doc, key, json_root(&parsed));
    arena_fini(&a);
    return e;
}
