#include "wsframe.h"

#include <stdlib.h>
#include <string.h>

struct frame {
    bool fin;
    enum ws_opcode opcode;
    size_t head_len;
    uint64_t len;
};

enum head { HEAD_MORE, HEAD_OK, HEAD_BAD };

void ws_in_fini(struct ws_in *w)
{
    free(w->held);
    free(w->message);
    *w = (struct ws_in){0};
}

static enum head parse_frame_head(const uint8_t *in, size_t len, struct frame *f)
{
    if (len < 2)
        return HEAD_MORE;
    f->fin = in[0] & 0x80;
    f->opcode = (enum ws_opcode)(in[0] & 0x0f);
    f->len = in[1] & 0x7f;
    f->head_len = 2;
    bool control = f->opcode >= WS_OP_CLOSE;
    if ((in[0] & 0x70) || (in[1] & 0x80) || f->opcode > WS_OP_PONG || (f->opcode > WS_OP_BINARY && !control))
        return HEAD_BAD;
    if (control && (!f->fin || f->len > 125))
        return HEAD_BAD;
    unsigned extra = f->len == 126 ? 2 : f->len == 127 ? 8 : 0;
    if (extra) {
        if (len < 2 + extra)
            return HEAD_MORE;
        f->len = 0;
        for (unsigned i = 0; i < extra; i++)
            f->len = f->len << 8 | in[2 + i];
        f->head_len += extra;
    }
    return f->len <= WS_MESSAGE_MAX ? HEAD_OK : HEAD_BAD;
}

static bool grow(char **ptr, size_t *cap, size_t need)
{
    if (need <= *cap)
        return true;
    size_t wanted = need < 512 ? 512 : need * 2;
    char *grown = realloc(*ptr, wanted);
    if (!grown)
        return false;
    *ptr = grown;
    *cap = wanted;
    return true;
}

static bool take_fragment(struct ws_in *w, const struct frame *f, const char *payload, ws_message_fn fn, void *arg)
{
    bool first = f->opcode != WS_CONTINUATION;
    if (first == (w->message_opcode != 0) || w->message_len + f->len > WS_MESSAGE_MAX)
        return false;
    if (first)
        w->message_opcode = (uint8_t)f->opcode;
    if (!grow(&w->message, &w->message_cap, w->message_len + (size_t)f->len + 1))
        return false;
    memcpy(w->message + w->message_len, payload, (size_t)f->len);
    w->message_len += (size_t)f->len;
    if (!f->fin)
        return true;
    enum ws_opcode opcode = (enum ws_opcode)w->message_opcode;
    size_t len = w->message_len;
    w->message_opcode = 0;
    w->message_len = 0;
    return fn(arg, opcode, w->message, len);
}

static bool take_frame(struct ws_in *w, const struct frame *f, const char *payload, ws_message_fn fn, void *arg)
{
    if (f->opcode >= WS_OP_CLOSE)
        return fn(arg, f->opcode, payload, (size_t)f->len);
    if (f->fin && f->opcode != WS_CONTINUATION) /* nearly always: passed on where it lies */
        return w->message_opcode == 0 && fn(arg, f->opcode, payload, (size_t)f->len);
    return take_fragment(w, f, payload, fn, arg);
}

/* Completes the frame in `held` from `in`; *used says how much that took. */
static bool feed_held(struct ws_in *w, const char *in, size_t len, size_t *used, ws_message_fn fn, void *arg)
{
    struct frame f;
    *used = 0;
    enum head head = parse_frame_head((const uint8_t *)w->held, w->held_len, &f);
    while (head == HEAD_MORE && *used < len) {
        if (!grow(&w->held, &w->held_cap, w->held_len + 1))
            return false;
        w->held[w->held_len++] = in[(*used)++];
        head = parse_frame_head((const uint8_t *)w->held, w->held_len, &f);
    }
    if (head != HEAD_OK)
        return head == HEAD_MORE;
    size_t missing = f.head_len + (size_t)f.len - w->held_len;
    size_t take = missing < len - *used ? missing : len - *used;
    if (!grow(&w->held, &w->held_cap, f.head_len + (size_t)f.len))
        return false;
    memcpy(w->held + w->held_len, in + *used, take);
    w->held_len += take;
    *used += take;
    if (take < missing)
        return true;
    w->held_len = 0;
    return take_frame(w, &f, w->held + f.head_len, fn, arg);
}

bool ws_in_feed(struct ws_in *w, const char *in, size_t len, ws_message_fn fn, void *arg)
{
    size_t at = 0;
    if (w->held_len && !feed_held(w, in, len, &at, fn, arg))
        return false;
    while (at < len) {
        struct frame f;
        enum head head = parse_frame_head((const uint8_t *)in + at, len - at, &f);
        if (head == HEAD_BAD)
            return false;
        if (head == HEAD_MORE || f.len > len - at - f.head_len) {
            if (!grow(&w->held, &w->held_cap, len - at))
                return false;
            memcpy(w->held, in + at, len - at);
            w->held_len = len - at;
            return true;
        }
        if (!take_frame(w, &f, in + at + f.head_len, fn, arg))
            return false;
        at += f.head_len + (size_t)f.len;
    }
    return true;
}

size_t ws_frame_write(char *out, enum ws_opcode opcode, const char *payload, size_t len, uint32_t mask)
{
    size_t at = 0;
    out[at++] = (char)(0x80 | opcode);
    if (len < 126) {
        out[at++] = (char)(0x80 | len);
    } else {
        unsigned bytes = len <= 0xffff ? 2 : 8;
        out[at++] = (char)(0x80 | (bytes == 2 ? 126 : 127));
        for (unsigned i = bytes; i-- > 0;)
            out[at++] = (char)((uint64_t)len >> (8 * i));
    }
    char key[4];
    memcpy(key, &mask, 4);
    memcpy(out + at, key, 4);
    at += 4;
    for (size_t i = 0; i < len; i++)
        out[at + i] = (char)(payload[i] ^ key[i & 3]);
    return at + len;
}
