/* err.h: one enum for every failure that a function can return, and its text.
 * Thread:  constant data.
 * A broken invariant is not an err: must() ends the process. Lack of memory, space, or good input is an err. */
#pragma once
#include <stdbool.h>

enum err {
    OK = 0,
    ERR_NOMEM,       /* no memory */
    ERR_INVALID,     /* input that does not parse or breaks a rule */
    ERR_NOT_FOUND,   /* the thing named does not exist */
    ERR_EXISTS,      /* it exists already */
    ERR_TOO_LARGE,   /* past a limit of size */
    ERR_BUSY,        /* a bounded queue is full: try again later */
    ERR_STORE,       /* the store failed or is away: everybody waits, and it is tried again */
    ERR_REFUSED,     /* the store can never hold this: one operation's own failing */
    ERR_FAILED,      /* the store is there and could not do this one operation, in words not known here */
    ERR_TIMEOUT,     /* a deadline passed */
    ERR_CHANGED,     /* somebody was faster: it is not as the caller says that it is */
    ERR_CONFLICT,    /* the state does not allow it */
    ERR_IO,          /* a system call failed (errno says which) */
    ERR_CLOSED,      /* the peer or the thread is gone */
    ERR_UNSUPPORTED, /* understood and not offered */
    ERR_DENIED,      /* not allowed */
    ERR__COUNT
};

#define NODISCARD __attribute__((warn_unused_result))

const char *err_text(enum err e); /* a short English phrase, never NULL */

/* A broken invariant: prints file, line and the condition to stderr, then abort(). Never for input. */
#define must(cond) ((cond) ? (void)0 : must_failed(__FILE__, __LINE__, #cond))
_Noreturn void must_failed(const char *file, int line, const char *cond);
/* How must() prints, once there is a log with a format of its own (log.c sets it, before other threads run). */
typedef void (*last_words_fn)(const char *event, const char *why);
void must_say_with(last_words_fn say);

/* Debug builds check that a function runs on the thread it is documented for. The owner calls
 * THREAD_OWN(field) once on its thread; others THREAD_ASSERT(field). Both vanish with NDEBUG. */
#ifndef NDEBUG
#include <pthread.h>
typedef pthread_t thread_mark;
#define THREAD_OWN(mark)    ((mark) = pthread_self())
#define THREAD_ASSERT(mark) must(pthread_equal((mark), pthread_self()))
#else
typedef char thread_mark;
#define THREAD_OWN(mark)    ((void)(mark))
#define THREAD_ASSERT(mark) ((void)(mark))
#endif
