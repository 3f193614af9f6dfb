/* A connection's input: requests one after the other, however the bytes are cut, with one verdict; and what the
 * handlers then do with an accepted one. */
#include "fuzz.h"
#include "http/body.h"
#include "http/cors.h"
#include "http/origin.h"
#include "http/parse.h"
#include "http/router.h"

#include <stdlib.h>

static const struct http_limits limits = {.max_head = 2048, .max_body = 1024, .max_target = 512};

static const struct route table[] = {
    {METHOD_BIT(METHOD_GET), "/", 1},
    {METHOD_BIT(METHOD_GET) | METHOD_BIT(METHOD_PATCH), "/api/{a}", 2},
    {METHOD_BIT(METHOD_POST), "/api/data", 3},
    {METHOD_BIT(METHOD_POST), "/api/{a}/b/{c}", 4},
};

static void check_inside(struct slice s, const char *in, size_t len)
{
    must(!s.ptr || slice_eq(s, SLICE_LIT("/")) || (s.ptr >= in && s.ptr + s.len <= in + len));
}

/* Every promise that request.h makes. */
static void check_request(const struct http_parser *p, const char *in)
{
    const struct http_request *req = &p->request;
    const struct slice slices[] = {req->method_text, req->target,       req->path,    req->query,
                                   req->host,        req->content_type, req->upgrade, req->if_none_match};
    for (size_t i = 0; i < sizeof slices / sizeof *slices; i++)
        check_inside(slices[i], in, p->consumed);
    if (!req->body_in_buffer)
        check_inside(req->body, in, p->consumed);
    must(req->body.len <= limits.max_body && req->header_count <= HTTP_HEADERS_MAX);
    must(req->path.len > 0 && (req->path.ptr[0] == '/' || req->asterisk));
    must(req->minor == 0 || req->host.len > 0);
    must(!req->upgrade_websocket || !req->has_body);
    for (uint32_t i = 0; i < req->header_count; i++) {
        struct slice value = http_header_value(req, i);
        check_inside(value, in, p->consumed);
        must(http_header_name(req, i).len > 0);
        must(!memchr(value.ptr, '\r', value.len) && !memchr(value.ptr, '\n', value.len));
    }
}

static void handle(const struct http_request *req, const struct router *router)
{
    struct arena a;
    struct route_match match;
    struct body body;
    struct slice value;
    struct buf head;
    const struct slice listed = SLICE_LIT("http://localhost:3000");
    struct cors_policy cors = {.origins = &listed, .count = 1};
    struct http_reply reply = {.status = 200, .minor = req->minor, .content_type = HTTP_TYPE_JSON};
    arena_init(&a, 1 << 20);
    buf_init(&head);
    must(router_match(router, req->method, req->path, req->query, &a, &match) == OK);
    if (match.kind == ROUTE_REDIRECT_SLASH)
        reply.location = match.location;
    (void)!body_parse(req, &a, &body, NULL);
    (void)!http_query_get(req, SLICE_LIT("limit"), &a, &value);
    if (cors_is_preflight(req))
        cors_preflight(&cors, req, origin_is_of_host(req->origin, req->host, (struct slice){0}), &reply);
    else
        cors_apply(&cors, req, &reply);
    reply_write_head(&head, &reply, SLICE_LIT("Tue, 24 Nov 2026 21:56:00 GMT"));
    buf_fini(&head);
    arena_fini(&a);
}

/* Byte by byte, or in two pieces with the input moved between them: the same verdict. */
static void check_same(const struct http_parser *whole, enum http_parse result, const char *in, size_t len, size_t cut)
{
    struct http_parser p;
    enum http_parse got = HTTP_PARSE_MORE;
    char *first = NULL;
    http_parser_init(&p, &limits);
    if (cut == 0) {
        for (size_t have = 1; have <= len && got == HTTP_PARSE_MORE; have++)
            got = http_parser_run(&p, in, have);
    } else {
        first = malloc(cut);
        must(first);
        memcpy(first, in, cut);
        got = http_parser_run(&p, first, cut);
        if (got == HTTP_PARSE_MORE) {
            free(first); /* the parser must not look back */
            first = NULL;
            got = http_parser_run(&p, in, len);
        }
    }
    must(got == result);
    must(got != HTTP_PARSE_BAD || (p.status == whole->status && p.detail == whole->detail));
    must(got != HTTP_PARSE_REQUEST ||
         (p.consumed == whole->consumed && slice_eq(p.request.body, whole->request.body) &&
          p.request.keep_alive == whole->request.keep_alive && p.request.header_count == whole->request.header_count));
    http_parser_fini(&p);
    free(first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct router *router;
    const char *in = (const char *)data;
    if (!router)
        must(router_new(table, sizeof table / sizeof *table, &router) == OK);
    for (unsigned requests = 0; size > 0 && requests < 4; requests++) {
        struct http_parser p;
        http_parser_init(&p, &limits);
        enum http_parse result = http_parser_run(&p, in, size);
        check_same(&p, result, in, size, 0);
        check_same(&p, result, in, size, 1 + (unsigned char)in[size / 2] % size);
        size_t consumed = result == HTTP_PARSE_REQUEST ? p.consumed : size;
        must(consumed > 0 && consumed <= size);
        if (result == HTTP_PARSE_REQUEST) {
            check_request(&p, in);
            handle(&p.request, router);
        }
        http_parser_fini(&p);
        in += consumed;
        size -= consumed;
    }
    return 0;
}
