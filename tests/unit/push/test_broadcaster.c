#include "base/clock.h"
#include "base/metrics.h"
#include "push/broadcaster.h"
#include "push/publisher.h"
#include "rig.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>

#define BROADCASTERS 2
#define PRODUCERS    3
#define PEERS        6
#define EACH         2000 /* notices per producer */
#define AHEAD_MAX    64   /* of them a producer is before a reader: what a socket surely takes */
#define WAIT_MS      60000
#define STOP_US      60000000 /* for a stop that ends when all have answered */

static atomic_uint closed_count;

static void count_closed(void *arg, uint64_t tag)
{
    (void)arg;
    (void)tag;
    atomic_fetch_add(&closed_count, 1);
}

static struct broadcaster *broadcaster_make(unsigned index, const struct hub_options *hub)
{
    struct broadcaster_options options = {.index = index,
                                          .ws.ping_ms = 0, /* the readers of this test answer none */
                                          .ws.max_message = 4096,
                                          .ws.backlog_bytes = 1 << 24,
                                          .ws.send_buffer = 1 << 20,
                                          .ws.app = &hub_app,
                                          .ws.app_arg = hub,
                                          .ws.on_closed = count_closed};
    struct broadcaster *b;
    CU_ASSERT_EQUAL_FATAL(broadcaster_new(&b, &options), OK);
    return b;
}

/* A connection whose subscribe request was already read with the upgrade. */
static int connect_to(struct broadcaster *b)
{
    int fds[2];
    struct buf rest = {0};
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    client_frame(&rest, true, WS_OP_TEXT,
                 SLICE_LIT("{\"action\":\"subscribe\",\"subscription_type\":\"chat_updates\"}"));
    struct ws_handover *h = ws_handover_new(fds[0], SLICE_LIT(""), buf_slice(&rest), NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(h);
    buf_fini(&rest);
    broadcaster_adopt(b, h);
    return fds[1];
}

/* The next frame of a peer, waiting up to WAIT_MS; opcode 0 at end of stream. Bytes stay in `in`. */
static unsigned next_frame(int fd, struct buf *in, struct buf *payload)
{
    while (in->len < 2 || in->len < ws_frame_length(in->ptr)) {
        char bytes[65536];
        ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
        if (n > 0) {
            buf_append(in, bytes, (size_t)n);
            continue;
        }
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (n == 0 || errno != EAGAIN || poll(&p, 1, WAIT_MS) <= 0)
            return 0;
    }
    size_t len = ws_frame_length(in->ptr);
    size_t header = (unsigned char)in->ptr[1] < 126 ? 2 : 4;
    buf_clear(payload);
    buf_append(payload, in->ptr + header, len - header);
    unsigned opcode = (unsigned char)in->ptr[0] & 15u;
    memmove(in->ptr, in->ptr + len, in->len - len);
    in->len -= len;
    return opcode;
}

struct reader {
    int fd;
    unsigned got, out_of_order, hints;
    atomic_uint next[PRODUCERS]; /* the producers wait for it */
    atomic_bool ended;
};

struct producer {
    struct publisher *publisher;
    unsigned number;
    struct reader *readers;
};

/* A reader that the scheduler forgets would rightly get a hint in place of what its socket does not hold. */
static void wait_for_readers(const struct producer *p, unsigned pushed)
{
    for (unsigned i = 0; i < PEERS; i++) {
        const struct reader *r = &p->readers[i];
        while (pushed - atomic_load(&r->next[p->number]) >= AHEAD_MAX && !atomic_load(&r->ended))
            usleep(100);
    }
}

static void *produce(void *arg)
{
    struct producer *p = arg;
    for (unsigned i = 0; i < EACH; i++) {
        char chat[NOTICE_CHAT_ID_MAX];
        struct notice n;
        int len = snprintf(chat, sizeof(chat), "%u-%06u", p->number, i);
        must(notice_message(&n, slice_of(chat, (size_t)len), SLICE_LIT("user"), clock_wall_us(), clock_mono_us()));
        publisher_push(p->publisher, &n);
        if (i % 7 == 0)
            publisher_flush(p->publisher);
        if (i % 97 == 0)
            usleep(300); /* the broadcasters get to sleep now and then */
        if (i % (AHEAD_MAX / 2) == 0) {
            publisher_flush(p->publisher);
            wait_for_readers(p, i + 1);
        }
    }
    publisher_flush(p->publisher);
    return NULL;
}

/* Each producer's notices in order; when a ring was full, a hint in place of what is missing. */
static void *read_all(void *arg)
{
    struct reader *r = arg;
    struct buf in = {0}, payload = {0};
    while (atomic_load(&r->next[0]) < EACH || atomic_load(&r->next[1]) < EACH || atomic_load(&r->next[2]) < EACH) {
        if (next_frame(r->fd, &in, &payload) != WS_OP_TEXT)
            break;
        const char *at = strstr(buf_cstr(&payload), "\"chat_id\":\"");
        unsigned producer, number;
        if (!at)
            continue;
        if (sscanf(at + 11, "%u-%u", &producer, &number) != 2) {
            r->hints++;
            continue;
        }
        r->out_of_order += number != atomic_load(&r->next[producer]) && r->hints == 0;
        atomic_store(&r->next[producer], number + 1);
        r->got++;
    }
    atomic_store(&r->ended, true);
    buf_fini(&in);
    buf_fini(&payload);
    return NULL;
}

static void run_fan_out(struct broadcaster *const *broadcasters, struct reader *readers)
{
    struct producer producers[PRODUCERS];
    pthread_t producing[PRODUCERS], reading[PEERS];
    for (unsigned i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){publisher_new(broadcasters, BROADCASTERS, EACH), i, readers};
        CU_ASSERT_PTR_NOT_NULL_FATAL(producers[i].publisher);
    }
    for (unsigned i = 0; i < BROADCASTERS; i++)
        CU_ASSERT_EQUAL_FATAL(broadcaster_start(broadcasters[i]), OK);
    struct buf in = {0}, payload = {0};
    for (unsigned i = 0; i < PEERS; i++) {
        readers[i] = (struct reader){.fd = connect_to(broadcasters[i % BROADCASTERS])};
        CU_ASSERT_EQUAL(next_frame(readers[i].fd, &in, &payload), WS_OP_TEXT); /* connected */
        CU_ASSERT_EQUAL(next_frame(readers[i].fd, &in, &payload), WS_OP_TEXT); /* subscribed */
        CU_ASSERT_EQUAL(next_frame(readers[i].fd, &in, &payload), WS_OP_TEXT); /* the hint */
    }
    for (unsigned i = 0; i < PEERS; i++)
        pthread_create(&reading[i], NULL, read_all, &readers[i]);
    for (unsigned i = 0; i < PRODUCERS; i++)
        pthread_create(&producing[i], NULL, produce, &producers[i]);
    for (unsigned i = 0; i < PRODUCERS; i++)
        pthread_join(producing[i], NULL);
    for (unsigned i = 0; i < PEERS; i++)
        pthread_join(reading[i], NULL);
    for (unsigned i = 0; i < BROADCASTERS; i++)
        broadcaster_ask_stop(broadcasters[i], clock_mono_us() + STOP_US);
    for (unsigned i = 0; i < PEERS; i++) { /* 1001; the end of stream is our answer */
        CU_ASSERT_EQUAL(next_frame(readers[i].fd, &in, &payload), WS_OP_CLOSE);
        CU_ASSERT(payload.len >= 2 && (unsigned char)payload.ptr[0] == 3 && (unsigned char)payload.ptr[1] == 0xe9);
        close(readers[i].fd);
    }
    for (unsigned i = 0; i < BROADCASTERS; i++) {
        broadcaster_stop(broadcasters[i], clock_mono_us() + STOP_US);
        CU_ASSERT_EQUAL(broadcaster_connections(broadcasters[i]), 0);
    }
    for (unsigned i = 0; i < PRODUCERS; i++)
        publisher_free(producers[i].publisher);
    buf_fini(&in);
    buf_fini(&payload);
}

static void producers_to_subscribers(void)
{
    struct hub_options hub = {0};
    struct broadcaster *broadcasters[BROADCASTERS];
    struct reader readers[PEERS];
    atomic_store(&closed_count, 0);
    uint64_t coalesced = metrics_counter(M_NOTICE_COALESCED);
    for (unsigned i = 0; i < BROADCASTERS; i++)
        broadcasters[i] = broadcaster_make(i, &hub);
    run_fan_out(broadcasters, readers);
    for (unsigned i = 0; i < PEERS; i++) {
        CU_ASSERT_EQUAL(readers[i].out_of_order, 0);
        CU_ASSERT_EQUAL(readers[i].hints, 0);
        CU_ASSERT_EQUAL(readers[i].got, PRODUCERS * EACH);
    }
    CU_ASSERT_EQUAL(metrics_counter(M_NOTICE_COALESCED), coalesced);
    CU_ASSERT_EQUAL(atomic_load(&closed_count), PEERS);
    for (unsigned i = 0; i < BROADCASTERS; i++)
        broadcaster_free(broadcasters[i]);
}

/* Before the start the rings fill up: what does not fit becomes one hint behind what did. */
static void a_full_ring_becomes_a_hint(void)
{
    struct hub_options hub = {0};
    struct broadcaster *b = broadcaster_make(0, &hub);
    struct publisher *p = publisher_new(&b, 1, 8);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    uint64_t overflow = metrics_counter(M_NOTICE_OVERFLOW);
    int fd = connect_to(b);
    for (unsigned i = 0; i < 100; i++) {
        struct notice n;
        CU_ASSERT(notice_message(&n, SLICE_LIT("c"), SLICE_LIT("user"), 1, 1));
        publisher_push(p, &n);
    }
    publisher_flush(p);
    unsigned lost = (unsigned)(metrics_counter(M_NOTICE_OVERFLOW) - overflow);
    CU_ASSERT(lost > 0 && lost < 100);
    CU_ASSERT_EQUAL_FATAL(broadcaster_start(b), OK);
    struct buf in = {0}, payload = {0};
    unsigned messages = 0, hints = 0;
    while (next_frame(fd, &in, &payload) == WS_OP_TEXT) {
        hints += strstr(buf_cstr(&payload), "\"chat_id\":\"*\"") != NULL;
        if (hints == 2) /* the first came with the subscription */
            break;
        messages += strstr(buf_cstr(&payload), "\"chat_id\":\"c\"") != NULL;
    }
    CU_ASSERT_EQUAL(messages, 100 - lost);
    close(fd);
    broadcaster_stop(b, clock_mono_us() + STOP_US);
    publisher_free(p);
    broadcaster_free(b);
    buf_fini(&in);
    buf_fini(&payload);
}

/* A peer that does not answer the 1001 holds the stop up to the deadline, not longer; one that comes late is refused. */
static void everyone_is_told_to_refetch(void)
{
    struct broadcaster *b = broadcaster_make(0, NULL);
    struct buf in = {0}, payload = {0};
    CU_ASSERT_EQUAL_FATAL(broadcaster_start(b), OK);
    int fd = connect_to(b);
    CU_ASSERT_EQUAL(next_frame(fd, &in, &payload), WS_OP_TEXT); /* connected */
    CU_ASSERT_EQUAL(next_frame(fd, &in, &payload), WS_OP_TEXT); /* subscribed */
    CU_ASSERT_EQUAL(next_frame(fd, &in, &payload), WS_OP_TEXT); /* the hint */
    for (int i = 0; i < 3; i++) {
        broadcaster_ask(b, BROADCASTER_REFETCH); /* it sleeps: this must wake it */
        CU_ASSERT_EQUAL(next_frame(fd, &in, &payload), WS_OP_TEXT);
        CU_ASSERT(strstr(buf_cstr(&payload), "\"chat_id\":\"*\"") != NULL);
    }
    broadcaster_stop(b, clock_mono_us() + 100000);
    broadcaster_free(b);
    close(fd);
    buf_fini(&in);
    buf_fini(&payload);
}

static void the_stop_has_a_deadline(void)
{
    struct hub_options hub = {0};
    struct broadcaster *b = broadcaster_make(0, &hub);
    atomic_store(&closed_count, 0);
    CU_ASSERT_EQUAL_FATAL(broadcaster_start(b), OK);
    int fd = connect_to(b);
    struct buf in = {0}, payload = {0};
    CU_ASSERT_EQUAL(next_frame(fd, &in, &payload), WS_OP_TEXT);
    int64_t begun_us = clock_mono_us();
    broadcaster_stop(b, begun_us + 200000);
    CU_ASSERT(clock_mono_us() - begun_us >= 200000);
    CU_ASSERT_EQUAL(next_frame(fd, &in, &payload), WS_OP_TEXT); /* subscribed */
    CU_ASSERT_EQUAL(next_frame(fd, &in, &payload), WS_OP_TEXT); /* the hint */
    CU_ASSERT_EQUAL(next_frame(fd, &in, &payload), WS_OP_CLOSE);
    CU_ASSERT_EQUAL(next_frame(fd, &in, &payload), 0);
    int late = connect_to(b);
    CU_ASSERT_EQUAL(broadcaster_connections(b), 1);
    broadcaster_free(b);
    CU_ASSERT_EQUAL(next_frame(late, &in, &payload), 0);
    CU_ASSERT_EQUAL(atomic_load(&closed_count), 2);
    close(fd);
    close(late);
    buf_fini(&in);
    buf_fini(&payload);
}

const CU_TestInfo broadcaster_tests[] = {{"producers to subscribers", producers_to_subscribers},
                                         {"a full ring becomes a hint", a_full_ring_becomes_a_hint},
                                         {"everyone is told to refetch", everyone_is_told_to_refetch},
                                         {"the stop has a deadline", the_stop_has_a_deadline},
                                         CU_TEST_INFO_NULL};
