#include "request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void append_format(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void append_format(struct text *t, const char *fmt, ...)
{
    char line[1024];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    if (n < 0 || n >= (int)sizeof(line))
        die("a path or header is too long");
    text_append(t, line, (size_t)n);
}

static void append_common(struct text *t, const struct options *o)
{
    append_format(t, "Host: %s:%u\r\n", o->http.host, o->http.port);
    for (unsigned i = 0; i < o->header_count; i++)
        append_format(t, "%s\r\n", o->headers[i]);
}

void template_fini(struct template *t)
{
    text_fini(&t->before);
    text_fini(&t->middle);
    text_fini(&t->after);
}

void template_send(struct template *t, const struct options *o, bool marked)
{
    struct text body = {0};
    append_format(&body, "{\"content\":\"");
    size_t content_at = body.len;
    for (unsigned i = 0; i < o->payload; i++)
        text_append(&body, i % 8 == 7 ? " " : "m", 1);
    append_format(&body, "\",\"role\":\"");
    size_t role_len = marked ? MARK_LEN : 4;
    append_format(&t->before, "POST /api/users/chats/");
    append_format(&t->middle, "/send HTTP/1.1\r\n");
    append_common(&t->middle, o);
    append_format(&t->middle, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n", body.len + role_len + 2);
    t->number_at = o->payload >= 16 ? t->middle.len + content_at : 0;
    text_append(&t->middle, body.ptr, body.len);
    append_format(&t->after, "%s\"}", marked ? "" : "user");
    text_fini(&body);
}

static char *put(char *out, const char *bytes, size_t len)
{
    memcpy(out, bytes, len);
    return out + len;
}

static void put_hex(char *out, uint64_t value, unsigned digits)
{
    for (unsigned i = digits; i-- > 0; value >>= 4)
        out[i] = "0123456789abcdef"[value & 15];
}

size_t template_build_send(const struct template *t, const char *chat_id, const char *mark, uint64_t number, char *out)
{
    char *at = put(out, t->before.ptr, t->before.len);
    at = put(at, chat_id, 36);
    if (t->number_at) {
        char *middle = at;
        at = put(at, t->middle.ptr, t->middle.len);
        put_hex(middle + t->number_at, number, 16);
    } else {
        at = put(at, t->middle.ptr, t->middle.len);
    }
    if (mark)
        at = put(at, mark, MARK_LEN);
    return (size_t)(put(at, t->after.ptr, t->after.len) - out);
}

void template_get(struct template *t, const struct options *o, const char *prefix, const char *suffix)
{
    append_format(&t->before, "GET %s", prefix);
    append_format(&t->middle, "%s HTTP/1.1\r\n", suffix);
    append_common(&t->middle, o);
    append_format(&t->after, "\r\n");
}

size_t template_build_get(const struct template *t, const char *key, size_t key_len, const char *etag, size_t etag_len,
                          char *out)
{
    char *at = put(out, t->before.ptr, t->before.len);
    at = put(at, key, key_len);
    at = put(at, t->middle.ptr, t->middle.len);
    if (etag_len) {
        at = put(at, "If-None-Match: ", 15);
        at = put(at, etag, etag_len);
        at = put(at, "\r\n", 2);
    }
    return (size_t)(put(at, t->after.ptr, t->after.len) - out);
}

void template_post(struct text *out, const struct options *o, const char *path, const char *body, size_t body_len)
{
    append_format(out, "POST %s HTTP/1.1\r\n", path);
    append_common(out, o);
    append_format(out, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n", body_len);
    text_append(out, body, body_len);
}

void mark_write(char out[static MARK_LEN], uint32_t publisher, uint32_t sequence)
{
    memcpy(out, "bn-", 3);
    put_hex(out + 3, publisher, 4);
    out[7] = '-';
    put_hex(out + 8, sequence, 8);
}

static bool read_hex(const char *text, unsigned digits, uint32_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < digits; i++) {
        char c = text[i];
        if (c >= '0' && c <= '9')
            *value = *value << 4 | (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            *value = *value << 4 | (uint32_t)(c - 'a' + 10);
        else
            return false;
    }
    return true;
}

bool mark_find(const char *text, size_t len, size_t *at, uint32_t *publisher, uint32_t *sequence)
{
    while (*at + MARK_LEN <= len) {
        const char *found = memmem(text + *at, len - *at, "bn-", 3);
        if (!found || (size_t)(found - text) + MARK_LEN > len)
            return false;
        *at = (size_t)(found - text) + 3;
        if (found[7] == '-' && read_hex(found + 3, 4, publisher) && read_hex(found + 8, 8, sequence)) {
            *at += MARK_LEN - 3;
            return true;
        }
    }
    return false;
}
