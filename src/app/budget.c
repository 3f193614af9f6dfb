#include "app/budget.h"

#include "api/api.h"
#include "api/auth.h"
#include "api/rate_limit.h"
#include "app/access.h"
#include "handoff/ring.h"
#include "http/session.h"
#include "push/broadcaster.h"
#include "push/presence.h"
#include "push/relay.h"
#include "push/ws_conn.h"
#include "read/cache.h"
#include "write/writer.h"

/* What is private to its module, rounded up. */
#define OP_ARENA       4224 /* the first block of an op's arena */
#define OP_OVERHEAD    64   /* of the pool and the allocator, for each op */
#define WS_CONN        1024 /* a connection, its principal with the agent's names, its subscriptions */
#define WS_SIGNALS     2560 /* where it types and its preview, the chat's id of any length; an agent that is there */
#define FOLLOWED_MAX   128  /* chats that a connection may follow: 64 by each of two topics */
#define FOLLOWED_CHAT  768  /* a follow, a chat that is followed, a chat that is open */
#define LEFT_CHAT      1216 /* a chat that was open a moment ago */
#define WS_PARSER      9216 /* lent while a message is incomplete */
#define SLOT_TABLES    16   /* per possible connection and worker */
#define WORKER_SCRATCH ((int64_t)(CONN_SCRATCH + CONN_SCRATCH / 2 + API_ARENA_MAX)) /* with a spare buffer for input */
#define SHORT_ANSWER   4096    /* kept whether there is room or not */
#define STREAMS        5308416 /* frames on their way to plain subscribers and followers, per broadcaster */
#define PACED_CHATS    65536   /* chats that --notify-interval remembers, per broadcaster */
#define PACED_CHATS_OF 256     /* chats that a subscriber's own interval remembers */
#define PACED_CHAT     320
#define LOG_BYTES      2097152
#define STACK_TOUCHED  262144

/* Saturates: a budget past counting is shown as such, not as a small number. */
static int64_t times(int64_t a, int64_t b)
{
    int64_t product;
    return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

static int64_t plus(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static void add(struct budget *b, const char *what, const char *from, int64_t bytes)
{
    must(b->count < BUDGET_ROWS_MAX);
    b->rows[b->count++] = (struct budget_row){.what = what, .from = from, .bytes = bytes};
    b->total_bytes = plus(b->total_bytes, bytes);
}

static void add_connections(const struct config *c, struct budget *b)
{
    int64_t session = (int64_t)(sizeof(struct http_session) + sizeof(struct http_parser));
    add(b, "HTTP connections, each with a parser", "--max-connections",
        plus(times(c->max_connections, session), times(times(c->max_connections, c->workers), SLOT_TABLES)));
    add(b, "WebSocket connections", "--max-connections", times(c->max_connections, WS_CONN));
    add(b, "what they type, and agents that are there", "--max-connections", times(c->max_connections, WS_SIGNALS));
    add(b, "chats that they follow one by one", "--max-connections",
        times(c->max_connections, FOLLOWED_MAX * FOLLOWED_CHAT));
    add(b, "chats that they had open a moment ago", "fixed", PRESENCE_LEFT_MAX * LEFT_CHAT);
    add(b, "frames that slow subscribers have not taken", "--max-connections × 2 × --ws-backlog",
        times(c->max_connections, times(2, c->ws_backlog)));
    add(b, "chats held back for subscribers with an interval of their own", "--max-connections",
        times(c->max_connections, PACED_CHATS_OF * PACED_CHAT));
    add(b, "WebSocket messages that have not come whole", "--max-connections × 2 × --ws-max-message",
        times(c->max_connections, plus(WS_PARSER, times(2, c->ws_max_message))));
}

static void add_threads(const struct config *c, struct budget *b)
{
    int64_t op = (int64_t)OP_BYTES_MAX + OP_ARENA + OP_OVERHEAD;
    int64_t threads = c->workers + c->store.readers + c->broadcasters + 5;
    add(b, "operations", "--workers × --queue", times(times(c->workers, c->queue), op));
    add(b, "operations of WebSockets", "--broadcasters", times(c->broadcasters, BROADCAST_OPS * op));
    add(b, "events of a batch", "--batch", times(c->batch, WRITER_EVENTS(1) * (int64_t)sizeof(struct event)));
    add(b, "rings between threads", "--workers + --broadcasters",
        plus(times(c->workers, (int64_t)ring_bytes(sizeof(struct accepted), RING_CAPACITY)),
             times(c->broadcasters, (int64_t)ring_bytes(sizeof(struct notice), RING_CAPACITY))));
    if (c->broadcasters > 1)
        add(b, "rings between broadcasters", "--broadcasters × --broadcasters",
            times(c->broadcasters, times(c->broadcasters - 1, (int64_t)ring_bytes(sizeof(struct blob *), RELAY_RING))));
    add(b, "scratch of workers", "--workers", times(c->workers, WORKER_SCRATCH));
    add(b, "frames on their way", "--broadcasters", times(c->broadcasters, STREAMS));
    if (c->notify_interval_ms > 0)
        add(b, "chats held back by an interval", "--broadcasters", times(c->broadcasters, PACED_CHATS * PACED_CHAT));
    add(b, "stacks, as far as they are used", "threads", times(threads, STACK_TOUCHED));
    add(b, "log lines that wait", "fixed", LOG_BYTES);
}

void budget_compute(const struct config *c, struct budget *out)
{
    *out = (struct budget){0};
    add(out, "rendered chats", "--cache-mb", times(c->cache_mb, 1 << 20));
    add(out, "room between them", "--cache-mb / 16", cache_idle_most(times(c->cache_mb, 1 << 20)));
    add(out, "requests and answers under way", "--buffer-mb", times(c->buffer_mb, 1 << 20));
    /* half of each part; of that for requests, a quarter of all, a quarter more for operations */
    add(out, "the same, until those who give way have gone", "--buffer-mb * 9 / 16", times(c->buffer_mb, 9 << 16));
    add(out, "who holds how much of it, and short answers", "--max-connections × --workers",
        plus((int64_t)shares_bytes((uint32_t)c->max_connections, (unsigned)c->workers),
             times(c->max_connections, SHORT_ANSWER)));
    add_connections(c, out);
    add_threads(c, out);
    if (c->auth_key.count > 0)
        add(out, "tokens found good", "--workers", times(c->workers, (int64_t)token_cache_bytes(TOKEN_CACHE_ENTRIES)));
    if (access_limits(c))
        add(out, "rate limits", "fixed", (int64_t)rate_limiter_bytes(RATE_CLIENTS_MAX));
}

static void print_bytes(struct buf *out, int64_t bytes)
{
    if (bytes == INT64_MAX)
        buf_append_lit(out, "past counting");
    else
        buf_printf(out, "%lld.%lld MiB", (long long)(bytes >> 20), (long long)(((bytes & 0xfffff) * 10) >> 20));
}

void budget_print(const struct config *c, struct buf *out)
{
    struct budget b;
    budget_compute(c, &b);
    buf_append_lit(out, "# memory at most, everything full at once: ");
    print_bytes(out, b.total_bytes);
    buf_append_char(out, '\n');
    for (unsigned i = 0; i < b.count; i++) {
        buf_append_lit(out, "#   ");
        print_bytes(out, b.rows[i].bytes);
        buf_printf(out, ": %s (%s)\n", b.rows[i].what, b.rows[i].from);
    }
}
