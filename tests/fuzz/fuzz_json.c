/* Text that may be JSON: if it is accepted, every value of it can be read, is JSON by itself, and its strings
 * survive being written and read again. Any bytes at all can be written as a string. */
#include "fuzz.h"
#include "json/json_in.h"
#include "json/json_out.h"

static void check_written(struct slice s, bool is_text)
{
    struct arena a;
    struct buf b;
    struct json_doc doc;
    struct slice back;
    arena_init(&a, 0);
    buf_init(&b);
    json_out_string(&b, s);
    must(json_parse(buf_slice(&b), &a, &doc, NULL) == OK && json_string(json_root(&doc), &back) == OK);
    must(!is_text || slice_eq(back, s));
    must(slice_is_utf8(back));
    buf_fini(&b);
    arena_fini(&a);
}

static void check_scalar(struct json_value v)
{
    int64_t i;
    double d;
    bool b;
    struct slice s;
    enum json_type type = json_type(v);
    must((json_string(v, &s) == OK) == (type == JSON_STRING));
    must((json_bool(v, &b) == OK) == (type == JSON_BOOL));
    must(type == JSON_NUMBER || json_double(v, &d) == ERR_INVALID);
    must(type != JSON_NUMBER || json_double(v, &d) != ERR_INVALID);
    must(type == JSON_NUMBER || json_i64(v, &i) == ERR_INVALID);
    if (type == JSON_STRING)
        check_written(s, true);
}

static void walk(struct json_value v)
{
    struct json_value key, value;
    struct slice name;
    size_t count = 0;
    check_scalar(v);
    for (struct json_iter it = json_iter(v); json_next(&it, &key, &value); count++) {
        must(json_type(value) != JSON_ABSENT);
        walk(value);
        if (json_type(v) != JSON_OBJECT)
            continue;
        must(json_string(key, &name) == OK);
        must(json_type(json_get(v, name)) != JSON_ABSENT);
    }
    must(count == json_count(v));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of((const char *)data, size);
    struct arena a;
    struct json_doc doc, again;
    struct json_error why;
    arena_init(&a, 0);
    enum err e = json_parse(text, &a, &doc, &why);
    if (e) {
        struct buf said;
        must(why.at <= size && why.reason);
        buf_init(&said);
        json_error_text(&said, text, &why);
        buf_fini(&said);
    } else if (size < 4096) { /* json_get over all keys is quadratic */
        must(slice_is_utf8(text));
        walk(json_root(&doc));
        must(json_parse(json_raw(json_root(&doc)), &a, &again, NULL) == OK && again.count == doc.count);
    }
    check_written(text, slice_is_utf8(text));
    arena_fini(&a);
    return 0;
}
