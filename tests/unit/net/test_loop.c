#include "base/clock.h"
#include "net/loop.h"
#include "suites.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct peer {
    struct loop_source source;
    struct loop *loop;
    unsigned calls;
    uint32_t seen;
    struct peer *kills; /* removed, closed and freed by the first callback */
};

static void on_events(struct loop_source *s, uint32_t events)
{
    struct peer *p = (struct peer *)(void *)s;
    p->calls++;
    p->seen |= events;
    if (p->kills) {
        struct peer *other = p->kills;
        p->kills = NULL;
        loop_close(p->loop, &other->source);
        free(other);
    }
}

static struct peer *peer_new(struct loop *l, int fd)
{
    struct peer *p = calloc(1, sizeof(*p));
    CU_ASSERT_FATAL(p != NULL);
    p->source = (struct loop_source){.fd = fd, .on_events = on_events};
    p->loop = l;
    CU_ASSERT_EQUAL_FATAL(loop_add(l, &p->source), OK);
    return p;
}

static void pair(int fds[2])
{
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

static void edges_come_once(void)
{
    struct loop l;
    CU_ASSERT_EQUAL_FATAL(loop_init(&l), OK);
    int fds[2];
    pair(fds);
    struct peer *p = peer_new(&l, fds[0]);
    CU_ASSERT_EQUAL(loop_run_once(&l, 0), 1); /* writable */
    CU_ASSERT_EQUAL(p->seen, EPOLLOUT);
    CU_ASSERT_EQUAL(loop_run_once(&l, 0), 0);
    CU_ASSERT_EQUAL(write(fds[1], "x", 1), 1);
    CU_ASSERT_EQUAL(loop_run_once(&l, 1000), 1);
    CU_ASSERT(p->seen & EPOLLIN);
    CU_ASSERT_EQUAL(loop_run_once(&l, 0), 0); /* unread, but no new edge */
    close(fds[1]);
    CU_ASSERT_EQUAL(loop_run_once(&l, 1000), 1);
    CU_ASSERT(p->seen & EPOLLRDHUP);
    CU_ASSERT_EQUAL(loop_turns(&l), 5);
    loop_close(&l, &p->source);
    CU_ASSERT_EQUAL(p->source.fd, -1);
    free(p);
    loop_fini(&l);
}

static void removed_sources_of_the_same_turn_are_skipped(void)
{
    struct loop l;
    CU_ASSERT_EQUAL_FATAL(loop_init(&l), OK);
    int one[2], two[2];
    pair(one);
    pair(two);
    struct peer *a = peer_new(&l, one[0]), *b = peer_new(&l, two[0]);
    a->kills = b;
    b->kills = a;
    CU_ASSERT_EQUAL(loop_run_once(&l, 1000), 1); /* both are ready; the first frees the other */
    CU_ASSERT_EQUAL(loop_run_once(&l, 0), 0);
    /* One of the two is left: find it by its peer, whose end is still connected. */
    char c;
    struct peer *left = read(one[1], &c, 1) == 0 ? b : a;
    CU_ASSERT_EQUAL(left->calls, 1);
    loop_close(&l, &left->source);
    free(left);
    close(one[1]);
    close(two[1]);
    loop_fini(&l);
}

static void a_source_may_free_itself(void)
{
    struct loop l;
    CU_ASSERT_EQUAL_FATAL(loop_init(&l), OK);
    int fds[2];
    pair(fds);
    struct peer *p = peer_new(&l, fds[0]);
    p->kills = p;
    CU_ASSERT_EQUAL(loop_run_once(&l, 1000), 1);
    CU_ASSERT_EQUAL(loop_run_once(&l, 0), 0);
    close(fds[1]);
    loop_fini(&l);
}

static void a_removed_source_keeps_its_descriptor(void)
{
    struct loop l;
    CU_ASSERT_EQUAL_FATAL(loop_init(&l), OK);
    int fds[2];
    pair(fds);
    struct peer *p = peer_new(&l, fds[0]);
    loop_remove(&l, &p->source);
    CU_ASSERT_EQUAL(write(fds[0], "x", 1), 1);
    CU_ASSERT_EQUAL(loop_run_once(&l, 0), 0);
    CU_ASSERT_EQUAL(loop_add(&l, &p->source), OK);
    CU_ASSERT_EQUAL(loop_run_once(&l, 0), 1);
    loop_close(&l, &p->source);
    close(fds[1]);
    free(p);
    loop_fini(&l);
}

static void busy_time_is_told_apart_from_waiting(void)
{
    struct loop l;
    CU_ASSERT_EQUAL_FATAL(loop_init(&l), OK);
    CU_ASSERT_EQUAL(loop_busy_us(&l, clock_mono_us() + 5000000), 0); /* not begun */
    loop_run_once(&l, 0);
    CU_ASSERT(loop_busy_us(&l, clock_mono_us() + 5000000) >= 5000000);
    atomic_store(&l.waiting_us, clock_mono_us());
    CU_ASSERT_EQUAL(loop_busy_us(&l, clock_mono_us() + 5000000), 0);
    loop_fini(&l);
    struct loop zero = {0};
    loop_fini(&zero);
}

const CU_TestInfo loop_tests[] = {
    {"edges come once", edges_come_once},
    {"removed sources of the same turn are skipped", removed_sources_of_the_same_turn_are_skipped},
    {"a source may free itself", a_source_may_free_itself},
    {"a removed source keeps its descriptor", a_removed_source_keeps_its_descriptor},
    {"busy time is told apart from waiting", busy_time_is_told_apart_from_waiting},
    CU_TEST_INFO_NULL};
