/* A Content-Type up to the first line feed, then a body: fields of well-formed UTF-8, or what is wrong. */
#include "fuzz.h"
#include "http/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *newline = size ? memchr(text, '\n', size) : NULL;
    if (!newline)
        return 0;
    struct http_request req = {.content_type = slice_of(text, (size_t)(newline - text)),
                               .body = slice_of(newline + 1, size - (size_t)(newline + 1 - text))};
    struct arena a;
    struct body body;
    struct buf said;
    arena_init(&a, 0);
    buf_init(&said);
    enum err e = body_parse(&req, &a, &body, &said);
    must((e == OK || e == ERR_NOT_FOUND) == (said.len == 0));
    must(e == OK || e == ERR_NOT_FOUND || e == ERR_INVALID || e == ERR_CONFLICT || e == ERR_UNSUPPORTED ||
         e == ERR_TOO_LARGE);
    for (size_t i = 0; e == OK && i < body.count; i++) {
        const struct body_field *f = &body.fields[i];
        must(f->kind != JSON_ABSENT && slice_is_utf8(f->name) && slice_is_utf8(f->text));
        must(json_type(f->json) == (body.doc ? f->kind : JSON_ABSENT));
    }
    (void)body_get(&body, "content");
    buf_fini(&said);
    arena_fini(&a);
    return 0;
}
