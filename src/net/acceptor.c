#include "net/acceptor.h"

#include "base/log.h"
#include "base/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define ACCEPT_RUN   64  /* connections taken from one listener before the others are looked at */
#define EXHAUSTED_MS 100 /* pause when the kernel has no descriptor or memory for us */

struct acceptor {
    struct acceptor_options options;
    pthread_t thread;
    int wake_fd;  /* written once, by acceptor_free() */
    int spare_fd; /* given up to accept one more when descriptors have run out */
    bool started;
    bool exhausted;    /* logged once per episode */
    bool delivered;    /* since the last flush */
    struct buf answer; /* scratch for refusals */
    unsigned count;
    struct pollfd polls[]; /* listeners, then wake_fd */
};

/* Says why and closes. Best effort: what the client has sent already is not read, so a reset may overtake the answer. */
static void refuse(struct acceptor *a, int fd, enum metric_counter reason, enum acceptor_refusal why, int wait_s)
{
    buf_clear(&a->answer);
    if (a->options.refusal)
        a->options.refusal(&a->answer, why, wait_s);
    (void)send(fd, a->answer.ptr, a->answer.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)shutdown(fd, SHUT_WR);
    metrics_add(reason, 1);
    close(fd);
}

/* Out of descriptors: the spare one lets us take the connection off the queue and close it, so that the client is
 * told at once instead of waiting; then we pause, since epoll or poll would say "readable" for ever. */
static void shed_one(struct acceptor *a, int listener)
{
    if (!a->exhausted)
        log_error("descriptors ran out", "connections=%lld", (long long)admission_total(a->options.admission));
    a->exhausted = true;
    if (a->spare_fd >= 0)
        close(a->spare_fd);
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        refuse(a, fd, M_CONN_REFUSED_FD, ACCEPTOR_FULL, 1);
    a->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct pollfd wake = {.fd = a->wake_fd, .events = POLLIN};
    (void)poll(&wake, 1, EXHAUSTED_MS);
}

static void take(struct acceptor *a, int fd, struct accepted *connection)
{
    int wait_s = 1;
    if (a->options.admit && !a->options.admit(a->options.admit_arg, (struct sockaddr *)&connection->peer, &wait_s)) {
        refuse(a, fd, M_CONN_REFUSED_RATE, ACCEPTOR_TOO_MANY, wait_s);
        return;
    }
    switch (admission_enter(a->options.admission, (struct sockaddr *)&connection->peer, &connection->ticket)) {
    case REFUSE_TOTAL:
        refuse(a, fd, M_CONN_REFUSED_MAX, ACCEPTOR_FULL, 1);
        return;
    case REFUSE_ADDRESS:
        refuse(a, fd, M_CONN_REFUSED_ADDR, ACCEPTOR_TOO_MANY, 1);
        return;
    case ADMIT:
        break;
    }
    connection->fd = fd;
    if (a->options.deliver(a->options.deliver_arg, connection) != OK) {
        admission_leave(a->options.admission, connection->ticket);
        refuse(a, fd, M_CONN_REFUSED_RING, ACCEPTOR_FULL, 1);
        return;
    }
    a->delivered = true;
    metrics_add(M_CONN_ACCEPTED, 1);
}

static void flush(struct acceptor *a)
{
    if (a->delivered && a->options.flush)
        a->options.flush(a->options.deliver_arg);
    a->delivered = false;
}

static void accept_run(struct acceptor *a, unsigned index)
{
    int listener = a->polls[index].fd;
    for (int i = 0; i < ACCEPT_RUN; i++) {
        struct accepted connection = {.listener = index};
        socklen_t len = sizeof(connection.peer);
        int fd = accept4(listener, (struct sockaddr *)&connection.peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            a->exhausted = false;
            take(a, fd, &connection);
            continue;
        }
        if (errno == EAGAIN)
            break;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            flush(a);
            shed_one(a, listener);
            return;
        }
        /* The peer left before we came (ECONNABORTED), or the network hiccuped: the next one may be good. */
    }
    flush(a);
}

static void *acceptor_main(void *arg)
{
    struct acceptor *a = arg;
    log_thread_name("acceptor");
    metrics_thread_init();
    for (;;) {
        if (poll(a->polls, a->count + 1, -1) < 0 && errno != EINTR)
            log_error("poll failed", "errno=%d", errno);
        if (a->polls[a->count].revents)
            return NULL;
        for (unsigned i = 0; i < a->count; i++)
            if (a->polls[i].revents)
                accept_run(a, i);
    }
}

enum err acceptor_start(const struct acceptor_options *options, struct acceptor **out)
{
    struct acceptor *a = calloc(1, sizeof(*a) + (options->listener_count + 1) * sizeof(a->polls[0]));
    if (!a)
        return ERR_NOMEM;
    a->options = *options;
    a->count = options->listener_count;
    a->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    a->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (unsigned i = 0; i < a->count; i++)
        a->polls[i] = (struct pollfd){.fd = options->listeners[i], .events = POLLIN};
    a->polls[a->count] = (struct pollfd){.fd = a->wake_fd, .events = POLLIN};
    a->started = a->wake_fd >= 0 && pthread_create(&a->thread, NULL, acceptor_main, a) == 0;
    if (!a->started) {
        acceptor_free(a); /* the listeners stay the caller's */
        return ERR_IO;
    }
    *out = a;
    return OK;
}

static void stop(struct acceptor *a)
{
    uint64_t one = 1;
    must(write(a->wake_fd, &one, sizeof(one)) == sizeof(one));
    pthread_join(a->thread, NULL);
    for (unsigned i = 0; i < a->count; i++)
        close(a->polls[i].fd);
}

void acceptor_free(struct acceptor *a)
{
    if (!a)
        return;
    if (a->started)
        stop(a);
    if (a->wake_fd >= 0)
        close(a->wake_fd);
    if (a->spare_fd >= 0)
        close(a->spare_fd);
    buf_fini(&a->answer);
    free(a);
}
