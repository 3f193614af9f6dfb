#include "response.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum state { IN_HEAD, IN_BODY, IN_CHUNK_SIZE, IN_CHUNK, IN_CHUNK_END, IN_TRAILER, FINISHED };

void text_append(struct text *t, const char *ptr, size_t len)
{
    if (t->len + len + 1 > t->cap) {
        size_t cap = (t->len + len + 1) * 2;
        t->ptr = realloc(t->ptr, cap);
        if (!t->ptr) {
            fprintf(stderr, "out of memory\n");
            exit(1);
        }
        t->cap = cap;
    }
    memcpy(t->ptr + t->len, ptr, len);
    t->len += len;
    t->ptr[t->len] = '\0';
}

void text_fini(struct text *t)
{
    free(t->ptr);
    *t = (struct text){0};
}

void response_begin(struct response *r, bool to_head)
{
    r->status = 0;
    r->close = r->chunked = false;
    r->etag_len = 0;
    r->body_bytes = r->left = 0;
    r->sink = NULL;
    r->state = IN_HEAD;
    r->to_head = to_head;
    r->held_len = 0;
}

void response_fini(struct response *r)
{
    free(r->held);
    r->held = NULL;
    r->held_len = 0;
}

/* "HTTP/1.x NNN" and then a blank or the end of the line. */
static bool parse_status_line(struct response *r, const char *line, size_t len)
{
    if (len < 12 || memcmp(line, "HTTP/1.", 7) != 0 || (line[7] != '0' && line[7] != '1') || line[8] != ' ')
        return false;
    for (int i = 9; i < 12; i++) {
        if (line[i] < '0' || line[i] > '9')
            return false;
        r->status = r->status * 10 + (line[i] - '0');
    }
    r->close = line[7] == '0';
    return r->status >= 100 && (len == 12 || line[12] == ' ');
}

static bool is_name(const char *line, size_t len, const char *name, size_t name_len)
{
    return len > name_len && line[name_len] == ':' && strncasecmp(line, name, name_len) == 0;
}

static bool parse_length(const char *value, size_t len, uint64_t *out)
{
    if (len == 0 || len > 18)
        return false;
    *out = 0;
    for (size_t i = 0; i < len; i++) {
        if (value[i] < '0' || value[i] > '9')
            return false;
        *out = *out * 10 + (uint64_t)(value[i] - '0');
    }
    return true;
}

/* Only the fields that matter here; their first letter tells nearly all others apart. */
static bool parse_field(struct response *r, const char *line, size_t len, bool *has_length)
{
    const char *colon = memchr(line, ':', len);
    if (!colon || colon == line)
        return false;
    const char *value = colon + 1;
    const char *end = line + len;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    size_t value_len = (size_t)(end - value);
    char first = (char)(line[0] | 0x20);
    if (first == 'c' && is_name(line, len, "content-length", 14)) {
        *has_length = true;
        return parse_length(value, value_len, &r->left);
    }
    if (first == 'c' && is_name(line, len, "connection", 10))
        r->close = value_len == 5 ? strncasecmp(value, "close", 5) == 0 : r->close && value_len != 10;
    else if (first == 't' && is_name(line, len, "transfer-encoding", 17))
        r->chunked = value_len == 7 && strncasecmp(value, "chunked", 7) == 0;
    else if (first == 'e' && is_name(line, len, "etag", 4) && value_len <= RESPONSE_ETAG_MAX) {
        memcpy(r->etag, value, value_len);
        r->etag_len = (uint8_t)value_len;
    }
    return true;
}

/* head: up to and without the empty line's CRLF. */
static enum response_step parse_head(struct response *r, const char *head, size_t len)
{
    bool has_length = false;
    bool first = true;
    for (const char *line = head, *end = head + len; line < end;) {
        const char *eol = memchr(line, '\n', (size_t)(end - line));
        if (!eol || eol == line || eol[-1] != '\r')
            return RESPONSE_BAD;
        size_t line_len = (size_t)(eol - 1 - line);
        bool ok = first ? parse_status_line(r, line, line_len) : parse_field(r, line, line_len, &has_length);
        if (!ok)
            return RESPONSE_BAD;
        first = false;
        line = eol + 1;
    }
    if (r->status >= 100 && r->status < 200 && r->status != 101) { /* interim: the real one follows */
        struct text *sink = r->sink;
        response_begin(r, r->to_head);
        r->sink = sink;
        return RESPONSE_MORE;
    }
    if (r->to_head || r->status == 101 || r->status == 204 || r->status == 304) {
        r->state = FINISHED;
        return RESPONSE_DONE;
    }
    if (r->chunked) {
        r->state = IN_CHUNK_SIZE;
        r->left = 0;
        return RESPONSE_MORE;
    }
    if (!has_length)
        return RESPONSE_BAD; /* a body up to the close of the connection: no load test wants that */
    r->state = r->left ? IN_BODY : FINISHED;
    return r->left ? RESPONSE_MORE : RESPONSE_DONE;
}

static bool hold(struct response *r, const char *in, size_t len)
{
    if (r->held_len + len > RESPONSE_HEAD_MAX)
        return false;
    if (!r->held && !(r->held = malloc(RESPONSE_HEAD_MAX)))
        return false;
    memcpy(r->held + r->held_len, in, len);
    r->held_len += len;
    return true;
}

static enum response_step feed_head(struct response *r, const char *in, size_t len, size_t *used)
{
    if (r->held_len == 0) {
        const char *end = memmem(in, len, "\r\n\r\n", 4);
        if (end) {
            *used = (size_t)(end - in) + 4;
            return parse_head(r, in, *used - 2);
        }
        *used = len;
        return hold(r, in, len) ? RESPONSE_MORE : RESPONSE_BAD;
    }
    size_t before = r->held_len;
    size_t take = len < RESPONSE_HEAD_MAX - before ? len : RESPONSE_HEAD_MAX - before;
    if (take == 0 || !hold(r, in, take))
        return RESPONSE_BAD;
    size_t from = before > 3 ? before - 3 : 0;
    const char *end = memmem(r->held + from, r->held_len - from, "\r\n\r\n", 4);
    if (!end) {
        *used = take;
        return RESPONSE_MORE;
    }
    size_t head_len = (size_t)(end - r->held) + 4;
    *used = head_len - before;
    char *held = r->held;
    r->held = NULL; /* an interim response's head must not be found here again */
    r->held_len = 0;
    enum response_step step = parse_head(r, held, head_len - 2);
    free(held);
    return step;
}

static size_t take_body(struct response *r, const char *in, size_t len)
{
    size_t take = len < r->left ? len : (size_t)r->left;
    if (r->sink)
        text_append(r->sink, in, take);
    r->left -= take;
    r->body_bytes += take;
    return take;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One line of the chunked coding, taken up to its LF; lines are held while incomplete. */
static enum response_step feed_chunk_line(struct response *r, const char *in, size_t len, size_t *used)
{
    const char *eol = memchr(in, '\n', len);
    *used = eol ? (size_t)(eol - in) + 1 : len;
    if (!hold(r, in, *used))
        return RESPONSE_BAD;
    if (!eol)
        return RESPONSE_MORE;
    size_t line_len = r->held_len;
    r->held_len = 0;
    if (line_len < 2 || r->held[line_len - 2] != '\r')
        return RESPONSE_BAD;
    line_len -= 2;
    if (r->state == IN_CHUNK_END || r->state == IN_TRAILER) {
        if (r->state == IN_CHUNK_END && line_len != 0)
            return RESPONSE_BAD;
        bool ended = r->state == IN_TRAILER && line_len == 0;
        r->state = ended ? FINISHED : r->state == IN_CHUNK_END ? IN_CHUNK_SIZE : IN_TRAILER;
        return ended ? RESPONSE_DONE : RESPONSE_MORE;
    }
    size_t digits = 0;
    r->left = 0;
    for (; digits < line_len && hex_digit(r->held[digits]) >= 0; digits++)
        r->left = r->left * 16 + (uint64_t)hex_digit(r->held[digits]);
    if (digits == 0 || digits > 15 || (digits < line_len && r->held[digits] != ';' && r->held[digits] != ' '))
        return RESPONSE_BAD;
    r->state = r->left ? IN_CHUNK : IN_TRAILER;
    return RESPONSE_MORE;
}

static enum response_step feed_once(struct response *r, const char *in, size_t len, size_t *used)
{
    switch ((enum state)r->state) {
    case IN_HEAD:
        return feed_head(r, in, len, used);
    case IN_BODY:
        *used = take_body(r, in, len);
        if (r->left)
            return RESPONSE_MORE;
        r->state = FINISHED;
        return RESPONSE_DONE;
    case IN_CHUNK:
        *used = take_body(r, in, len);
        if (r->left == 0)
            r->state = IN_CHUNK_END;
        return RESPONSE_MORE;
    case IN_CHUNK_SIZE:
    case IN_CHUNK_END:
    case IN_TRAILER:
        return feed_chunk_line(r, in, len, used);
    case FINISHED:
        break;
    }
    return RESPONSE_BAD; /* bytes that nobody asked for */
}

enum response_step response_feed(struct response *r, const char *in, size_t len, size_t *used)
{
    size_t at = 0;
    enum response_step step = RESPONSE_MORE;
    while (at < len && step == RESPONSE_MORE) {
        size_t taken = 0;
        step = feed_once(r, in + at, len - at, &taken);
        at += taken;
    }
    *used = at;
    return step;
}

uint64_t response_skippable(const struct response *r)
{
    return r->state == IN_BODY && !r->sink ? r->left : 0;
}

enum response_step response_skipped(struct response *r, uint64_t bytes)
{
    r->left -= bytes;
    r->body_bytes += bytes;
    if (r->left)
        return RESPONSE_MORE;
    r->state = FINISHED;
    return RESPONSE_DONE;
}
