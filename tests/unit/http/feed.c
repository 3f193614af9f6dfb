#include "feed.h"

#include <stdlib.h>

const struct http_limits feed_limits = {.max_head = 2048, .max_body = 1000, .max_target = 512};

static void put(struct buf *b, const char *name, struct slice s)
{
    buf_append_slice(b, slice_cstr(name));
    if (s.ptr)
        buf_printf(b, "=[%.*s]", SLICE_ARG(s));
    buf_append_char(b, '\n');
}

static void describe(const struct http_request *req, struct buf *b)
{
    put(b, "method", req->method_text);
    put(b, "target", req->target);
    put(b, "path", req->path);
    put(b, "query", req->query);
    put(b, "host", req->host);
    put(b, "origin", req->origin);
    put(b, "content_type", req->content_type);
    put(b, "connection", req->connection);
    put(b, "if_none_match", req->if_none_match);
    put(b, "ws_key", req->ws_key);
    for (uint32_t i = 0; i < req->header_count; i++) {
        put(b, "name", http_header_name(req, i));
        put(b, "value", http_header_value(req, i));
    }
    put(b, "body", req->body);
    buf_printf(b, "%d 1.%u keep=%d ws=%d expect=%d has_body=%d chunked=%d asterisk=%d\n", (int)req->method,
               (unsigned)req->minor, req->keep_alive, req->upgrade_websocket, req->expect_continue, req->has_body,
               req->chunked, req->asterisk);
}

static char *copy_of(struct slice in)
{
    char *copy = malloc(in.len ? in.len : 1);
    must(copy);
    memcpy(copy, in.ptr, in.len);
    return copy;
}

void feed(struct slice in, size_t cut, size_t step, const struct http_limits *limits, struct verdict *v)
{
    struct http_parser p;
    char *held = NULL;
    http_parser_init(&p, limits);
    *v = (struct verdict){.result = HTTP_PARSE_MORE};
    for (size_t have = cut;; have += step) {
        if (have > in.len || (have > cut && step == 0))
            have = in.len;
        char *next = copy_of(slice_of(in.ptr, have));
        free(held); /* what the parser saw before is gone */
        held = next;
        v->result = http_parser_run(&p, held, have);
        if (v->result != HTTP_PARSE_MORE || have == in.len)
            break;
        if (step == 0)
            step = in.len;
    }
    if (v->result == HTTP_PARSE_REQUEST)
        describe(&p.request, &v->text);
    else if (v->result == HTTP_PARSE_BAD)
        buf_printf(&v->text, "%d %s", p.status, p.detail);
    v->status = v->result == HTTP_PARSE_BAD ? p.status : 0;
    v->consumed = v->result == HTTP_PARSE_REQUEST ? p.consumed : 0;
    http_parser_fini(&p);
    free(held);
}

void verdict_fini(struct verdict *v)
{
    buf_fini(&v->text);
}
