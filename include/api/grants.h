/* grants.h: who may call: the keys that verify tokens and the web origins whose pages may read answers. One snapshot that
 * never changes; SIGHUP puts another one in its place.
 * Thread:  grants_new(), grants_publish(), grants_board_fini() main; grants_stale() and grants_take() each worker with its own
 *          reference. A worker pays one load for a request; the lock is taken when there is something new.
 * Owns:    a snapshot owns its keys; the last reference frees it. The board owns every origin's text that was ever listed
 *          until its end: answers under way name them.
 * Fails:   ERR_NOMEM, and nothing has changed. */
#pragma once
#include "api/auth.h"
#include "http/cors.h"

#include <pthread.h>
#include <stdatomic.h>

struct grants {
    struct auth *auth; /* NULL: authentication is off */
    struct cors_policy cors;
    /* the board's */
    unsigned references;
    struct slice *origins;
};

struct origin_text;

struct grants_board {
    pthread_mutex_t lock; /* guards references and texts */
    _Atomic(struct grants *) current;
    struct origin_text *texts;
};

void grants_board_init(struct grants_board *b);
void grants_board_fini(struct grants_board *b); /* the workers have given theirs back; accepts a zeroed one */
/* Takes auth over, also when it fails. */
NODISCARD enum err grants_publish(struct grants_board *b, struct auth *auth, char *const *origins, unsigned count);
/* have: what the caller holds. A pointer compared, never followed: what it holds cannot be freed and come again. */
static inline bool grants_stale(struct grants_board *b, const struct grants *have)
{
    return atomic_load_explicit(&b->current, memory_order_relaxed) != have; /* the lock orders what it points to */
}
/* The current one instead of `have` (NULL: none yet). */
const struct grants *grants_take(struct grants_board *b, const struct grants *have);
/* Is the key that signed a principal's token still one of ours? Any thread. */
bool grants_has_key(struct grants_board *b, uint64_t key);
unsigned grants_origins(struct grants_board *b);                     /* how many are listed now */
void grants_drop(struct grants_board *b, const struct grants *have); /* accepts NULL */
