/* micro_text.c: bytes in, bytes out. */
#include "base/clock.h"
#include "chat/render.h"
#include "http/body.h"
#include "http/parse.h"
#include "http/reply.h"
#include "micro.h"
#include "push/notice_frame.h"
#include "json/json_in.h"

static const char BODY[] = "{\"content\":\"Hello, my order 4711 has not arrived yet. Could you have a look where it "
                           "is, please? Thank you very "
                           "much in advance!\",\"role\":\"user\"}";
static const char SEND[] =
    "POST /api/users/chats/00000000-0000-4000-8000-000000000000/send HTTP/1.1\r\n"
    "Host: 127.0.0.1:8000\r\nOrigin: http://localhost:3000\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
    "Accept: */*\r\nAccept-Language: en\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
static const char CHAT_ID[] = "00000000-0000-4000-8000-000000000000";
static const char DATE[] = "Tue, 24 Nov 2026 21:56:00 GMT";

static void json_parse_send(uint64_t n)
{
    struct arena a;
    arena_init(&a, 0);
    for (uint64_t i = 0; i < n; i++) {
        struct json_doc doc;
        struct slice content = {0};
        arena_reset(&a);
        if (json_parse(SLICE_LIT(BODY), &a, &doc, NULL) != OK ||
            json_string(json_get(json_root(&doc), SLICE_LIT("content")), &content) != OK)
            must(!"the sample is valid");
        micro_sink += content.len;
    }
    arena_fini(&a);
}

static void render_one_message(uint64_t n)
{
    struct buf b = {0};
    struct message m = {.rev = 1, .timestamp_us = 1795557360588000, .role = SLICE_LIT("user"), .text = SLICE_LIT(BODY)};
    for (uint64_t i = 0; i < n; i++) {
        struct message_form form;
        buf_clear(&b);
        m.timestamp_us += 1000;
        render_message(&b, &m, &form);
        micro_sink += form.len;
    }
    buf_fini(&b);
}

static void render_poll_message(uint64_t n)
{
    struct buf fragment = {0}, b = {0};
    struct message m = {.rev = 1, .timestamp_us = 1795557360588000, .role = SLICE_LIT("user"), .text = SLICE_LIT(BODY)};
    struct message_form form;
    render_message(&fragment, &m, &form);
    for (uint64_t i = 0; i < n; i++) {
        struct message_parts parts;
        buf_clear(&b);
        message_parts(fragment.ptr, &form, &parts);
        render_message_poll(&b, SLICE_LIT("0123456789abcdef01234567"), &parts);
        micro_sink += b.len;
    }
    buf_fini(&b);
    buf_fini(&fragment);
}

static void parse_request(uint64_t n)
{
    struct http_limits limits = {.max_head = 16384, .max_body = 1 << 20, .max_target = HTTP_TARGET_MAX};
    struct http_parser p;
    http_parser_init(&p, &limits);
    for (uint64_t i = 0; i < n; i++) {
        http_parser_reset(&p);
        if (http_parser_run(&p, SEND, sizeof(SEND) - 1) != HTTP_PARSE_REQUEST)
            must(!"the sample is valid");
        micro_sink += p.consumed;
    }
    http_parser_fini(&p);
}

static void write_head(uint64_t n)
{
    struct buf b = {0};
    buf_reserve(&b, HTTP_HEAD_ROOM);
    struct http_reply r = {.status = 200,
                           .minor = 1,
                           .content_type = HTTP_TYPE_JSON,
                           .small = SLICE_LIT("{\"success\":true,\"message\":\"Message sent successfully\"}"),
                           .cors = {.allow_origin = SLICE_LIT("http://localhost:3000"), .vary = true}};
    for (uint64_t i = 0; i < n; i++) {
        buf_clear(&b);
        reply_write_head(&b, &r, SLICE_LIT(DATE));
        micro_sink += b.len;
    }
    buf_fini(&b);
}

static void encode_frame(uint64_t n)
{
    struct buf b = {0};
    for (uint64_t i = 0; i < n; i++) {
        buf_clear(&b);
        frame_message(&b, NOTICE_NESTED, SLICE_LIT(CHAT_ID), SLICE_LIT("user"), 1795557360588000 + (int64_t)i * 1000);
        micro_sink += b.len;
    }
    buf_fini(&b);
}

static void format_time(uint64_t n)
{
    char out[TIME_TEXT_LEN];
    for (uint64_t i = 0; i < n; i++) {
        time_format(1795557360588000 + (int64_t)i * 100, out);
        micro_sink += (uint8_t)out[TIME_TEXT_LEN - 2];
    }
}

static void check_utf8(uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        micro_sink += slice_is_utf8(SLICE_LIT(BODY));
}

const struct micro micro_text[] = {
    {"parse: a browser's send", parse_request},
    {"json in: a send's body", json_parse_send},
    {"utf-8 check: a send's body", check_utf8},
    {"render: message, refetch's shape", render_one_message},
    {"render: message, poll's shape", render_poll_message},
    {"reply: head with CORS", write_head},
    {"frame: notification", encode_frame},
    {"time: format", format_time},
    {0},
};
