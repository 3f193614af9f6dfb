#include "push/ws_handshake.h"
#include "suites.h"

#include <stdio.h>

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

struct handshake_case {
    const char *name, *method;
    unsigned minor;
    const char *upgrade, *connection, *key, *version; /* NULL: absent */
    int status;
    bool tells_version; /* the answer must name the version that we speak */
};

static const struct handshake_case CASES[] = {
    {"plain", "GET", 1, "websocket", "Upgrade", KEY, "13", 101, false},
    {"any case", "GET", 1, "WebSocket", "upGRADE", KEY, "13", 101, false},
    {"lists", "GET", 1, "h2c, websocket", "keep-alive, Upgrade", KEY, "13", 101, false},
    {"lists without spaces, empty members", "GET", 1, ",,websocket", "keep-alive,,upgrade,", KEY, "13", 101, false},
    {"spaces around", "GET", 1, " websocket\t", "\tUpgrade ", " " KEY " ", " 13 ", 101, false},
    {"key with + and /", "GET", 1, "websocket", "Upgrade", "+/+/+/+/+/+/+/+/+/+/+w==", "13", 101, false},
    {"HEAD is answered as GET without the upgrade", "HEAD", 1, "websocket", "Upgrade", KEY, "13", 426, true},
    {"POST", "POST", 1, "websocket", "Upgrade", KEY, "13", 405, false},
    {"get in small letters is another method", "get", 1, "websocket", "Upgrade", KEY, "13", 405, false},
    {"HTTP/1.0", "GET", 0, "websocket", "Upgrade", KEY, "13", 400, false},
    {"no Upgrade", "GET", 1, NULL, "Upgrade", KEY, "13", 426, true},
    {"another protocol", "GET", 1, "h2c", "Upgrade", KEY, "13", 426, true},
    {"longer word", "GET", 1, "websockets", "Upgrade", KEY, "13", 426, true},
    {"no Connection", "GET", 1, "websocket", NULL, KEY, "13", 400, false},
    {"Connection: close", "GET", 1, "websocket", "close", KEY, "13", 400, false},
    {"part of a word", "GET", 1, "websocket", "Upgrade-Insecure-Requests", KEY, "13", 400, false},
    {"no version", "GET", 1, "websocket", "Upgrade", KEY, NULL, 426, true},
    {"old version", "GET", 1, "websocket", "Upgrade", KEY, "8", 426, true},
    {"version with a sign", "GET", 1, "websocket", "Upgrade", KEY, "+13", 426, true},
    {"two versions", "GET", 1, "websocket", "Upgrade", KEY, "13, 13", 426, true},
    {"no key", "GET", 1, "websocket", "Upgrade", NULL, "13", 400, false},
    {"empty key", "GET", 1, "websocket", "Upgrade", "", "13", 400, false},
    {"short key", "GET", 1, "websocket", "Upgrade", "dGhlIHNhbXBsZSBub25jZQ", "13", 400, false},
    {"15 bytes", "GET", 1, "websocket", "Upgrade", "dGhlIHNhbXBsZSBub25j", "13", 400, false},
    {"17 bytes", "GET", 1, "websocket", "Upgrade", "dGhlIHNhbXBsZSBub25jZUE=", "13", 400, false},
    {"not base64", "GET", 1, "websocket", "Upgrade", "dGhlIHNhbXBsZSBub25j*Q==", "13", 400, false},
    {"two keys", "GET", 1, "websocket", "Upgrade", KEY ", " KEY, "13", 400, false},
};

static void table(void)
{
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        const struct handshake_case *t = &CASES[i];
        struct ws_upgrade u = {.method = slice_cstr(t->method),
                               .http_major = 1,
                               .http_minor = t->minor,
                               .upgrade = slice_cstr(t->upgrade),
                               .connection = slice_cstr(t->connection),
                               .key = slice_cstr(t->key),
                               .version = slice_cstr(t->version)};
        struct ws_verdict v;
        enum err e = ws_handshake_check(&u, &v);
        CU_ASSERT_EQUAL(e, t->status == 101 ? OK : ERR_INVALID);
        CU_ASSERT_EQUAL(v.status, t->status);
        CU_ASSERT_EQUAL(v.detail == NULL, t->status == 101);
        CU_ASSERT_EQUAL(strstr(v.headers, "Sec-WebSocket-Version: 13\r\n") != NULL, t->tells_version);
        if (v.status != t->status)
            printf("\n    case \"%s\": got %d, want %d", t->name, v.status, t->status);
    }
    struct ws_upgrade two = {.method = SLICE_LIT("GET"),
                             .http_major = 2,
                             .http_minor = 1,
                             .upgrade = SLICE_LIT("websocket"),
                             .connection = SLICE_LIT("Upgrade"),
                             .key = SLICE_LIT(KEY),
                             .version = SLICE_LIT("13")};
    struct ws_verdict v;
    CU_ASSERT_EQUAL(ws_handshake_check(&two, &v), ERR_INVALID);
    CU_ASSERT_EQUAL(v.status, 400);
}

static void accept_value_of_the_rfc(void)
{
    char accept[WS_ACCEPT_LEN];
    CU_ASSERT_EQUAL(ws_handshake_accept(SLICE_LIT(KEY), accept), OK);
    CU_ASSERT_EQUAL(memcmp(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", WS_ACCEPT_LEN), 0);
    CU_ASSERT_EQUAL(ws_handshake_accept(SLICE_LIT("short"), accept), ERR_INVALID);
}

static void response_is_a_whole_head(void)
{
    struct buf b = {0};
    CU_ASSERT_EQUAL(ws_handshake_response(&b, SLICE_LIT(KEY), slice_of(NULL, 0)), OK);
    CU_ASSERT_STRING_EQUAL(buf_cstr(&b),
                           "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    buf_clear(&b);
    CU_ASSERT_EQUAL(ws_handshake_response(&b, SLICE_LIT(KEY), SLICE_LIT("bearer")), OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&b), "\r\nSec-WebSocket-Protocol: bearer\r\n\r\n"));
    buf_fini(&b);
}

const CU_TestInfo handshake_tests[] = {{"what is accepted and refused", table},
                                       {"accept value of the RFC", accept_value_of_the_rfc},
                                       {"response is a whole head", response_is_a_whole_head},
                                       CU_TEST_INFO_NULL};
