#include "rig.h"
#include "uuid.h"

#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

struct told told;

static enum err app_create(void **self, struct ws_set *set, const void *arg)
{
    (void)set;
    (void)arg;
    *self = &told;
    return OK;
}

static void app_destroy(void *self)
{
    buf_fini(&((struct told *)self)->last);
}

static void app_open(void *self, struct ws_conn *c)
{
    struct told *t = self;
    t->opened++;
    t->conn = c;
}

static void app_message(void *self, struct ws_conn *c, enum ws_message_kind kind, struct slice payload)
{
    struct told *t = self;
    t->messages++;
    t->kind = kind;
    buf_clear(&t->last);
    buf_append_slice(&t->last, payload);
    if (slice_eq(payload, SLICE_LIT("close me")))
        ws_conn_close(c, 4000, "as you wish");
    else
        ws_conn_send(c, kind, payload);
}

static void app_close(void *self, struct ws_conn *c)
{
    (void)c;
    ((struct told *)self)->closed++;
}

static void app_drained(void *self, struct ws_conn *c, unsigned missed)
{
    struct told *t = self;
    (void)c;
    t->drained++;
    t->missed |= missed;
}

const struct ws_app rig_app = {.create = app_create,
                               .destroy = app_destroy,
                               .on_open = app_open,
                               .on_message = app_message,
                               .on_close = app_close,
                               .on_drained = app_drained};

static void count_closed(void *arg, uint64_t tag)
{
    struct rig *r = arg;
    r->closed++;
    r->last_tag = tag;
}

void rig_start(struct rig *r, const struct ws_app *app, const void *app_arg)
{
    struct ws_options defaults = {.ping_ms = 0, .max_message = 4096, .backlog_bytes = 65536, .send_buffer = 4096};
    if (r->options.max_message == 0)
        r->options = defaults;
    r->options.app = app;
    r->options.app_arg = app_arg;
    r->options.on_closed = count_closed;
    r->options.on_closed_arg = r;
    memset(&told, 0, sizeof(told));
    CU_ASSERT_EQUAL_FATAL(loop_init(&r->loop), OK);
    r->now_us = r->loop.now_us;
    r->wall_ahead_us = r->loop.wall_us - r->now_us;
    CU_ASSERT_EQUAL_FATAL(ws_set_new(&r->set, &r->loop, &r->options), OK);
}

void rig_stop(struct rig *r)
{
    ws_set_free(r->set);
    loop_fini(&r->loop);
}

void rig_turn(struct rig *r)
{
    const struct ws_app *app = r->options.app;
    unsigned calm = 0;
    for (unsigned i = 0; i < 10000 && calm < 2; i++) {
        loop_wait(&r->loop, 0);
        r->loop.now_us = r->now_us;
        r->loop.wall_us = r->now_us + r->wall_ahead_us;
        bool busy = loop_give_out(&r->loop) > 0;
        busy |= app->on_turn && app->on_turn(ws_set_app(r->set)) != WS_APP_IDLE;
        busy |= ws_set_next_ms(r->set) == 0;
        ws_set_turn(r->set);
        calm = busy ? 0 : calm + 1;
    }
}

void rig_pass(struct rig *r, int64_t ms)
{
    for (; ms > 0; ms -= 5) {
        r->now_us += (ms < 5 ? ms : 5) * 1000;
        rig_turn(r);
    }
}

void rig_notices(struct rig *r, const struct notice *n, unsigned count)
{
    r->options.app->on_notices(ws_set_app(r->set), n, count);
    rig_turn(r);
}

void rig_message(struct rig *r, const char *chat, const char *role)
{
    struct notice n;
    CU_ASSERT_FATAL(notice_message(&n, slice_cstr(chat), slice_cstr(role), clock_wall_us(), r->loop.now_us));
    rig_notices(r, &n, 1);
}

void peer_open_with(struct peer *p, struct rig *r, struct slice head, struct slice rest, struct ws_principal *who)
{
    int fds[2];
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    *p = (struct peer){.rig = r, .fd = fds[1]};
    struct ws_handover *h = ws_handover_new(fds[0], head, rest, who);
    CU_ASSERT_PTR_NOT_NULL_FATAL(h);
    h->tag = 77;
    ws_set_adopt(r->set, h);
    rig_turn(r);
}

void peer_open(struct peer *p, struct rig *r)
{
    peer_open_with(p, r, slice_of(NULL, 0), slice_of(NULL, 0), NULL);
}

void peer_close(struct peer *p)
{
    close(p->fd);
    buf_fini(&p->in);
    rig_turn(p->rig);
}

void peer_write(struct peer *p, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t n = send(p->fd, at, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            break; /* the server has shut down: the test sees what came before */
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
        rig_turn(p->rig);
    }
}

void client_frame(struct buf *out, bool fin, unsigned opcode, struct slice payload)
{
    static const unsigned char MASK[4] = {0x37, 0xfa, 0x21, 0x3d};
    char header[WS_FRAME_HEADER_MAX];
    size_t header_len = ws_frame_header(header, (enum ws_opcode)opcode, payload.len);
    if (!fin)
        header[0] = (char)(header[0] & 0x7f);
    header[1] = (char)(header[1] | 0x80);
    buf_append(out, header, header_len);
    buf_append(out, MASK, 4);
    for (size_t i = 0; i < payload.len; i++)
        buf_append_char(out, (char)(payload.ptr[i] ^ MASK[i % 4]));
}

void peer_send(struct peer *p, unsigned opcode, const char *text)
{
    struct buf b = {0};
    client_frame(&b, true, opcode, slice_cstr(text));
    peer_write(p, b.ptr, b.len);
    buf_fini(&b);
}

static void peer_read(struct peer *p)
{
    char bytes[65536];
    ssize_t n;
    rig_turn(p->rig);
    while ((n = recv(p->fd, bytes, sizeof(bytes), 0)) > 0) {
        buf_append(&p->in, bytes, (size_t)n);
        rig_turn(p->rig);
    }
    p->eof |= n == 0;
}

struct frame peer_next(struct peer *p)
{
    static struct buf frame;
    peer_read(p);
    if (p->in.len < 2 || p->in.len < ws_frame_length(p->in.ptr))
        return (struct frame){0};
    size_t len = ws_frame_length(p->in.ptr);
    buf_clear(&frame);
    buf_append(&frame, p->in.ptr, len);
    memmove(p->in.ptr, p->in.ptr + len, p->in.len - len);
    p->in.len -= len;
    unsigned char first = (unsigned char)frame.ptr[0], second = (unsigned char)frame.ptr[1];
    CU_ASSERT(first & 0x80); /* final, no reserved bit, no mask */
    CU_ASSERT_EQUAL(first & 0x70, 0);
    CU_ASSERT(second < 128);
    size_t header = second < 126 ? 2 : second == 126 ? 4 : 10;
    return (struct frame){.opcode = first & 15u, .payload = slice_of(frame.ptr + header, len - header)};
}

static bool matches(struct slice got, const char *want)
{
    size_t at = 0;
    for (; *want; want++) {
        if (strncmp(want, "<ts>", 4) == 0) {
            int64_t wall_us;
            if (got.len - at < TIME_TEXT_LEN || !time_parse(slice_of(got.ptr + at, TIME_TEXT_LEN), &wall_us))
                return false;
            at += TIME_TEXT_LEN;
            want += 3;
        } else if (strncmp(want, "<id>", 4) == 0) {
            if (got.len - at < UUID_LEN || !uuid_is_valid(slice_of(got.ptr + at, UUID_LEN)))
                return false;
            at += UUID_LEN;
            want += 3;
        } else if (at >= got.len || got.ptr[at++] != *want) {
            return false;
        }
    }
    return at == got.len;
}

void expect_text(struct peer *p, const char *want, unsigned line)
{
    struct frame f = peer_next(p);
    bool same = f.opcode == WS_OP_TEXT && matches(f.payload, want);
    CU_ASSERT(same);
    if (!same)
        printf("\n    line %u: got opcode %u <%.*s>, want <%s>", line, f.opcode, SLICE_ARG(f.payload), want);
}

void expect_nothing(struct peer *p, unsigned line)
{
    struct frame f = peer_next(p);
    CU_ASSERT_EQUAL(f.opcode, 0);
    if (f.opcode)
        printf("\n    line %u: got opcode %u <%.*s>, want nothing", line, f.opcode, SLICE_ARG(f.payload));
}

void expect_close(struct peer *p, unsigned code, unsigned line)
{
    struct frame f = peer_next(p);
    unsigned got = 0;
    if (f.payload.len >= 2)
        got = (unsigned)((unsigned char)f.payload.ptr[0] << 8 | (unsigned char)f.payload.ptr[1]);
    CU_ASSERT_EQUAL(f.opcode, WS_OP_CLOSE);
    CU_ASSERT_EQUAL(got, code);
    if (f.opcode != WS_OP_CLOSE || got != code)
        printf("\n    line %u: got opcode %u, code %u <%.*s>, want %u", line, f.opcode, got, SLICE_ARG(f.payload),
               code);
}
