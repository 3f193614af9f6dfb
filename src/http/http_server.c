/* The HTTP connections of one worker: how they come, and what they have in common. */
#include "session_int.h"

#include <unistd.h>

#define LATECOMER_MS 100 /* for the first byte of who came just before the server began to stop, or after */

enum err http_server_init(struct http_server *h, struct loop *loop, struct timer_wheel *wheel,
                          const struct http_settings *settings, const struct http_service *service,
                          uint32_t max_connections)
{
    *h = (struct http_server){.settings = *settings, .service = *service, .date_second = -1};
    pool_init(&h->parsers, sizeof(struct http_parser), 0);
    buf_reserve(&h->head, HTTP_HEAD_ROOM);
    enum err e = conn_set_init(&h->conns, loop, wheel, &session_protocol, max_connections);
    h->conns.owner = h;
    return e == OK && !buf_ok(&h->head) ? ERR_NOMEM : e;
}

void http_server_fini(struct http_server *h)
{
    conn_set_fini(&h->conns);
    pool_fini(&h->parsers);
    buf_fini(&h->head);
}

static int64_t latecomer_ms(const struct http_server *h)
{
    return h->settings.head_ms < LATECOMER_MS ? h->settings.head_ms : LATECOMER_MS;
}

void http_server_take(struct http_server *h, int fd, uint64_t ticket, struct http_from from)
{
    struct conn *c = conn_open(&h->conns, fd, ticket);
    if (!c) {
        close(fd);
        h->conns.left(h->conns.left_arg, ticket);
        return;
    }
    struct http_session *s = (struct http_session *)c;
    session_begin(s, from);
    /* A client that connects and says nothing is not keep-alive; and a stop does not wait for it. */
    conn_deadline(c, h->draining ? latecomer_ms(h) : h->settings.head_ms);
    session_protocol.on_ready(c);
}

void http_server_drain(struct http_server *h)
{
    h->draining = true;
    for (uint32_t i = 0; i < h->conns.slot_count; i++) {
        struct http_session *s = (struct http_session *)h->conns.slots[i];
        if (!s || s->state != SESSION_IDLE)
            continue;
        if (s->exchange.serial > 1)
            conn_close(&s->conn);
        else /* it has asked for nothing yet: its first request is on the way, and would not be sent again */
            conn_deadline(&s->conn, latecomer_ms(h));
    }
}

struct http_session *session_find(struct http_server *h, uint32_t slot, uint32_t generation)
{
    return (struct http_session *)conn_find(&h->conns, slot, generation);
}

bool http_server_give_way(struct http_server *h)
{
    struct share_book *book = h->conns.book;
    if (!book || !share_asked(book))
        return false;
    for (uint32_t i = 0; i < h->conns.slot_count; i++)
        if (h->conns.slots[i] && share_marked(book, i))
            session_give_way((struct http_session *)h->conns.slots[i]);
    return true;
}
