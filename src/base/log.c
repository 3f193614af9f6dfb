/* A line is formatted on the caller's thread, in thread-local memory, and copied under a mutex into one of two
 * byte buffers. The log thread swaps the buffers under the same mutex and writes without it: a caller waits at
 * most for another caller's memcpy, never for standard error.
 * Failures: buffer full → the line is dropped and counted, and the log thread says so in a line of its own once it
 * can write again; standard error broken → what cannot be written is thrown away; standard error stuck (a pipe
 * that nobody reads) → log_stop() gives up after LOG_STOP_WAIT_MS. */
#include "base/log.h"

#include "log_line.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LOG_QUEUE_BYTES  ((size_t)1 << 20)
#define LOG_PAIRS_MAX    2048 /* bytes of key=value text before escaping */
#define LOG_WRITE_CHUNK  4096 /* POLLOUT on a pipe promises that this much does not block */
#define LOG_STOP_WAIT_MS 1000
#define THREAD_NAME_MAX  16

static struct {
    pthread_mutex_t mutex; /* guards all below but the atomics */
    pthread_cond_t wake;
    struct {
        char *bytes;
        size_t len;
    } filling;
    bool running, stopping;
    pthread_t thread;
    char *writing;         /* the log thread's own */
    uint64_t reported;     /* of dropped; set before the log thread runs, then its own */
    atomic_int level;      /* relaxed: a setting */
    atomic_int format;     /* relaxed: a setting */
    atomic_ullong dropped; /* relaxed: a count */
    atomic_bool hurry;     /* log_stop() waits: do not wait long for standard error */
} logger = {
    .mutex = PTHREAD_MUTEX_INITIALIZER,
    .wake = PTHREAD_COND_INITIALIZER,
    .level = LOG_INFO,
    .format = LOG_TEXT,
};

static _Thread_local char thread_name[THREAD_NAME_MAX] = "main";

void log_thread_name(const char *name)
{
    snprintf(thread_name, sizeof(thread_name), "%s", name);
    (void)pthread_setname_np(pthread_self(), thread_name); /* cosmetic */
}

bool log_enabled(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&logger.level, memory_order_relaxed);
}

uint64_t log_dropped(void)
{
    return atomic_load_explicit(&logger.dropped, memory_order_relaxed);
}

static void format_line(struct log_line *l, enum log_level level, const char *event, struct slice pairs)
{
    int format = atomic_load_explicit(&logger.format, memory_order_relaxed);
    log_line_make(l, (enum log_format)format, level, thread_name, event, pairs);
}

/* Waits until standard error takes bytes. False: it never will, or log_stop() has waited long enough. */
static bool wait_writable(void)
{
    for (int waited_ms = 0;; waited_ms += 100) {
        struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
        int n = poll(&fd, 1, 100);
        if (n > 0)
            return fd.revents == POLLOUT; /* else nobody reads, or descriptor 2 is closed */
        if (n < 0 && errno != EINTR)
            return false;
        if (atomic_load(&logger.hurry) && waited_ms >= LOG_STOP_WAIT_MS)
            return false;
    }
}

/* The longest run of whole lines within a chunk, so that writers of other processes do not split ours. */
static size_t chunk_len(const char *ptr, size_t len)
{
    if (len <= LOG_WRITE_CHUNK)
        return len;
    const char *newline = memrchr(ptr, '\n', LOG_WRITE_CHUNK);
    return newline ? (size_t)(newline - ptr) + 1 : LOG_WRITE_CHUNK;
}

static void write_out(const char *ptr, size_t len)
{
    while (len > 0) {
        if (!wait_writable())
            return;
        ssize_t n = write(STDERR_FILENO, ptr, chunk_len(ptr, len));
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n < 0)
            return;
        ptr += n;
        len -= (size_t)n;
    }
}

static void report_dropped(void)
{
    uint64_t now = log_dropped();
    if (now == logger.reported)
        return;
    static struct log_line l; /* the log thread's own */
    char pairs[32];
    int n = snprintf(pairs, sizeof(pairs), "lines=%llu", (unsigned long long)(now - logger.reported));
    format_line(&l, LOG_WARN, "log lines dropped", slice_of(pairs, (size_t)n));
    write_out(l.bytes, l.len);
    logger.reported = now;
}

static void *log_main(void *arg)
{
    (void)arg;
    log_thread_name("log");
    sigset_t all; /* signals are main's; and a broken pipe is an error of write(), not the end of the process */
    sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, NULL);
    for (bool last = false; !last;) {
        pthread_mutex_lock(&logger.mutex);
        while (logger.filling.len == 0 && !logger.stopping)
            pthread_cond_wait(&logger.wake, &logger.mutex);
        char *full = logger.filling.bytes;
        size_t len = logger.filling.len;
        logger.filling.bytes = logger.writing;
        logger.filling.len = 0;
        logger.writing = full;
        last = logger.stopping && len == 0;
        pthread_mutex_unlock(&logger.mutex);
        write_out(full, len);
        report_dropped();
    }
    return NULL;
}

static void free_buffers(void)
{
    free(logger.filling.bytes);
    free(logger.writing);
    logger.filling.bytes = logger.writing = NULL;
    logger.filling.len = 0;
}

void log_set_format(enum log_format format)
{
    atomic_store_explicit(&logger.format, format, memory_order_relaxed);
    must_say_with(log_last_words);
}

enum err log_start(enum log_level level, enum log_format format)
{
    must(!logger.running);
    atomic_store_explicit(&logger.level, level, memory_order_relaxed);
    log_set_format(format);
    atomic_store(&logger.hurry, false);
    logger.filling.bytes = malloc(LOG_QUEUE_BYTES);
    logger.writing = malloc(LOG_QUEUE_BYTES);
    logger.filling.len = 0;
    logger.stopping = false;
    logger.reported = log_dropped(); /* here, not on the thread: lines may be dropped before it first runs */
    if (!logger.filling.bytes || !logger.writing) {
        free_buffers();
        return ERR_NOMEM;
    }
    int failed = pthread_create(&logger.thread, NULL, log_main, NULL);
    if (failed) {
        free_buffers();
        errno = failed;
        return ERR_IO;
    }
    pthread_mutex_lock(&logger.mutex);
    logger.running = true;
    pthread_mutex_unlock(&logger.mutex);
    return OK;
}

void log_stop(void)
{
    pthread_mutex_lock(&logger.mutex);
    bool was_running = logger.running;
    logger.running = false; /* from here on lines are written directly */
    logger.stopping = true;
    pthread_cond_signal(&logger.wake);
    pthread_mutex_unlock(&logger.mutex);
    if (!was_running)
        return;
    atomic_store(&logger.hurry, true);
    must(pthread_join(logger.thread, NULL) == 0);
    free_buffers();
}

static void write_now(const struct log_line *l)
{
    if (write(STDERR_FILENO, l->bytes, l->len) < 0)
        atomic_fetch_add_explicit(&logger.dropped, 1, memory_order_relaxed);
}

static void hand_over(const struct log_line *l)
{
    pthread_mutex_lock(&logger.mutex);
    bool direct = !logger.running;
    if (!direct && l->len <= LOG_QUEUE_BYTES - logger.filling.len) {
        memcpy(logger.filling.bytes + logger.filling.len, l->bytes, l->len);
        if (logger.filling.len == 0)
            pthread_cond_signal(&logger.wake);
        logger.filling.len += l->len;
    } else if (!direct) {
        atomic_fetch_add_explicit(&logger.dropped, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&logger.mutex);
    if (direct)
        write_now(l);
}

void log_last_words(const char *event, const char *why)
{
    static _Thread_local struct log_line line;
    if (atomic_load_explicit(&logger.format, memory_order_relaxed) == LOG_TEXT) {
        (void)dprintf(STDERR_FILENO, "sakurad: %s\n", why);
        return;
    }
    char pairs[LOG_PAIRS_MAX];
    int n = snprintf(pairs, sizeof(pairs), "error=\"%s\"", why);
    format_line(&line, LOG_ERROR, event, slice_of(pairs, (size_t)n < sizeof(pairs) ? (size_t)n : sizeof(pairs) - 1));
    write_now(&line);
}

void log_event(enum log_level level, const char *event, const char *fmt, ...)
{
    static _Thread_local struct log_line line;
    static _Thread_local char pairs[LOG_PAIRS_MAX];

    if (!log_enabled(level))
        return;
    int saved = errno; /* callers log in the middle of handling an errno */
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(pairs, sizeof(pairs), fmt, args);
    va_end(args);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof(pairs) ? (size_t)n : sizeof(pairs) - 1;
    format_line(&line, level, event, slice_of(pairs, len));
    hand_over(&line);
    errno = saved;
}
