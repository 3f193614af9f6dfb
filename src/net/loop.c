#include "net/loop.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static void own(struct loop *l)
{
    if (!l->owned) {
        THREAD_OWN(l->owner);
        l->owned = true;
    }
    THREAD_ASSERT(l->owner);
}

void loop_update_time(struct loop *l)
{
    l->now_us = clock_mono_us();
    l->wall_us = clock_wall_us();
}

enum err loop_init(struct loop *l)
{
    *l = (struct loop){.epoll_fd = -1};
    l->events = calloc(LOOP_EVENTS_MAX, sizeof(*l->events));
    if (!l->events)
        return ERR_NOMEM;
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll_fd < 0) {
        loop_fini(l);
        return ERR_IO;
    }
    loop_update_time(l);
    /* Not turning yet is not a stall: it counts as waiting until the first turn. */
    atomic_store_explicit(&l->waiting_us, INT64_MAX, memory_order_relaxed);
    return OK;
}

void loop_fini(struct loop *l)
{
    if (!l->events)
        return;
    if (l->epoll_fd >= 0)
        close(l->epoll_fd);
    free(l->events);
    l->events = NULL;
    l->epoll_fd = -1;
}

static int control(struct loop *l, int operation, struct loop_source *s)
{
    own(l);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = s};
    return epoll_ctl(l->epoll_fd, operation, s->fd, &event);
}

enum err loop_add(struct loop *l, struct loop_source *s)
{
    return control(l, EPOLL_CTL_ADD, s) == 0 ? OK : ERR_IO;
}

/* A change of what is asked for, even to the same, makes the kernel look anew and report what is there. */
void loop_rouse(struct loop *l, struct loop_source *s)
{
    must(control(l, EPOLL_CTL_MOD, s) == 0);
}

/* The events of this turn that were not given out yet may name s, which is about to be freed. */
static void forget_waiting_events(struct loop *l, const struct loop_source *s)
{
    for (unsigned i = l->next; i < l->count; i++)
        if (l->events[i].data.ptr == s)
            l->events[i].data.ptr = NULL;
}

void loop_remove(struct loop *l, struct loop_source *s)
{
    own(l);
    forget_waiting_events(l, s);
    must(epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL) == 0);
}

/* No EPOLL_CTL_DEL: our descriptors are never duplicated, so the close takes it out of the epoll set. */
void loop_close(struct loop *l, struct loop_source *s)
{
    own(l);
    forget_waiting_events(l, s);
    close(s->fd);
    s->fd = -1;
}

void loop_wait(struct loop *l, int timeout_ms)
{
    own(l);
    if (timeout_ms != 0) /* a mere look cannot take long: spare the clock */
        atomic_store_explicit(&l->waiting_us, clock_mono_us(), memory_order_relaxed);
    int got = epoll_wait(l->epoll_fd, l->events, LOOP_EVENTS_MAX, timeout_ms);
    must(got >= 0 || errno == EINTR);
    loop_update_time(l);
    atomic_store_explicit(&l->awake_us, l->now_us, memory_order_relaxed);
    atomic_store_explicit(&l->waiting_us, 0, memory_order_relaxed);
    atomic_store_explicit(&l->turns, loop_turns(l) + 1, memory_order_relaxed);

    l->next = 0;
    l->count = got > 0 ? (unsigned)got : 0;
}

unsigned loop_give_out(struct loop *l)
{
    unsigned called = 0;
    while (l->next < l->count) {
        struct epoll_event *event = &l->events[l->next++];
        struct loop_source *s = event->data.ptr;
        if (!s)
            continue;
        s->on_events(s, event->events);
        called++;
    }
    l->next = l->count = 0;
    return called;
}

unsigned loop_run_once(struct loop *l, int timeout_ms)
{
    loop_wait(l, timeout_ms);
    return loop_give_out(l);
}

int64_t loop_busy_us(const struct loop *l, int64_t mono_us)
{
    if (atomic_load_explicit(&l->waiting_us, memory_order_relaxed) != 0)
        return 0;
    int64_t busy = mono_us - atomic_load_explicit(&l->awake_us, memory_order_relaxed);
    return busy > 0 ? busy : 0;
}
