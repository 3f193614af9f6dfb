#include "sqlite_marks.h"

#include "sqlite_store.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/metrics.h"

#include <stdlib.h>

#define SLOTS       (2 * MARKS_MOST) /* a power of two */
#define SHARE_MARKS 8                /* of one commit */
#define OWN_MARKS   512              /* of one transaction of our own: a few milliseconds */
#define BATCH_MARKS 64               /* room to begin with */

enum err marks_init(struct marks *m)
{
    return pthread_mutex_init(&m->lock, NULL) == 0 ? OK : ERR_NOMEM;
}

void marks_fini(struct marks *m)
{
    (void)pthread_mutex_destroy(&m->lock);
    free(m->waiting);
    free(m->round);
    free(m->batch);
    *m = (struct marks){0};
}

static enum err make_tables(struct marks *m)
{
    struct mark *waiting = calloc(SLOTS, sizeof(*waiting)), *round = calloc(MARKS_MOST, sizeof(*round));
    if (!waiting || !round) {
        free(waiting);
        free(round);
        return ERR_NOMEM;
    }
    pthread_mutex_lock(&m->lock);
    m->waiting = waiting;
    m->round = round;
    pthread_mutex_unlock(&m->lock);
    return OK;
}

static int by_chat(const void *left, const void *right)
{
    const struct mark *a = left, *b = right;
    return (a->chat > b->chat) - (a->chat < b->chat);
}

/* The chat's slot, or the free one where it belongs. Keys are row numbers, which no client can choose. */
static struct mark *slot_of(const struct marks *m, int64_t chat)
{
    size_t i = (size_t)((uint64_t)chat * 0x9e3779b97f4a7c15u >> 20) % SLOTS;
    while (m->waiting[i].chat != 0 && m->waiting[i].chat != chat)
        i = (i + 1) % SLOTS;
    return &m->waiting[i];
}

static void move_forward(int64_t *upto, int64_t mark)
{
    if (mark > *upto)
        *upto = mark;
}

static void merge(struct mark *into, const struct mark *from)
{
    into->chat = from->chat;
    move_forward(&into->upto[SIDE_CUSTOMER], from->upto[SIDE_CUSTOMER]);
    move_forward(&into->upto[SIDE_AGENTS], from->upto[SIDE_AGENTS]);
}

/* ---- set, and seen ---- */

static enum err write_row(struct sqlite_store *s, const struct mark *mark)
{
    sqlite3_stmt *stmt = db_stmt(&s->conn, SQL_CHAT_READ);
    bind_int(stmt, 1, mark->chat);
    bind_int(stmt, 2, mark->upto[SIDE_CUSTOMER]);
    bind_int(stmt, 3, mark->upto[SIDE_AGENTS]);
    return db_run(&s->conn, stmt);
}

enum err marks_set(struct sqlite_store *s, int64_t chat, enum chat_side side, int64_t upto)
{
    struct marks *m = &s->marks;
    struct mark mark = {.chat = chat};
    mark.upto[side] = upto;
    if (s->conn.failed || m->waiting_count + m->batch_count >= MARKS_MOST)
        return write_row(s, &mark);
    if (!m->waiting && make_tables(m) != OK)
        return ERR_NOMEM;
    if (!list_room(m->batch, m->batch_count, m->batch_cap, BATCH_MARKS))
        return ERR_NOMEM;
    m->batch[m->batch_count++] = mark;
    return OK;
}

/* With the lock. */
static void publish_batch(struct marks *m)
{
    if (m->waiting_count == 0 && m->batch_count > 0)
        m->since_us = clock_mono_us();
    for (size_t i = 0; i < m->batch_count; i++) {
        struct mark *slot = slot_of(m, m->batch[i].chat);
        m->waiting_count += slot->chat == 0;
        merge(slot, &m->batch[i]);
    }
}

void marks_settle(struct sqlite_store *s, bool committed)
{
    struct marks *m = &s->marks;
    if (committed && (m->batch_count > 0 || m->next_staged > m->next)) {
        pthread_mutex_lock(&m->lock);
        m->next = m->next_staged;
        if (m->next == m->round_count)
            m->round_count = m->next = 0;
        publish_batch(m);
        pthread_mutex_unlock(&m->lock);
    }
    m->batch_count = 0;
    m->next_staged = m->next;
}

void marks_get(struct marks *m, struct mark *marks, size_t count)
{
    pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < count; i++) {
        int64_t chat = marks[i].chat;
        marks[i] = (struct mark){.chat = chat};
        const struct mark *found =
            m->round_count > 0 ? bsearch(&marks[i], m->round, m->round_count, sizeof(*m->round), by_chat) : NULL;
        if (found)
            marks[i] = *found;
        found = m->waiting_count > 0 ? slot_of(m, chat) : NULL;
        if (found && found->chat == chat)
            merge(&marks[i], found);
    }
    pthread_mutex_unlock(&m->lock);
}

void mark_overlay(const struct mark *mark, struct chat *chat)
{
    move_forward(&chat->customer_read, mark->upto[SIDE_CUSTOMER]);
    move_forward(&chat->agents_read, mark->upto[SIDE_AGENTS]);
}

/* ---- written ---- */

static bool is_due(const struct marks *m, int64_t now_us)
{
    return m->round_count > 0 || (m->waiting_count > 0 && now_us - m->since_us >= MARKS_WAIT_US);
}

/* Readers look at neither while it changes: at the round not before it has a count. */
static void start_round(struct marks *m)
{
    size_t count = 0;
    for (size_t i = 0; i < SLOTS; i++)
        if (m->waiting[i].chat != 0)
            m->round[count++] = m->waiting[i];
    qsort(m->round, count, sizeof(*m->round), by_chat);
    pthread_mutex_lock(&m->lock);
    m->round_count = count;
    memset(m->waiting, 0, SLOTS * sizeof(*m->waiting));
    m->waiting_count = 0;
    pthread_mutex_unlock(&m->lock);
}

/* Inside a transaction: the next `most` of the round, which begins here where none is under way. */
static enum err write_some(struct sqlite_store *s, size_t most)
{
    struct marks *m = &s->marks;
    if (m->round_count == 0)
        start_round(m);
    size_t left = m->round_count - m->next, take = left < most ? left : most;
    enum err err = OK;
    for (size_t i = 0; err == OK && i < take; i++)
        err = write_row(s, &m->round[m->next + i]);
    if (err != OK)
        return err;
    m->next_staged = m->next + take;
    metrics_add(M_STORE_ROLLUP, 1);
    return OK;
}

enum err marks_with_commit(struct sqlite_store *s)
{
    bool waits = s->marks.round_count + s->marks.waiting_count > 0;
    return waits && is_due(&s->marks, clock_mono_us()) ? write_some(s, SHARE_MARKS) : OK;
}

static enum err write_alone(struct sqlite_store *s)
{
    enum err err = txn_begin(s);
    if (err != OK)
        return err;
    err = write_some(s, OWN_MARKS);
    if (err == OK)
        err = txn_commit(s);
    if (err != OK)
        txn_rollback(s);
    marks_settle(s, err == OK);
    return err;
}

enum err marks_write(struct sqlite_store *s, int64_t now_us, bool all)
{
    enum err err = OK;
    while (err == OK && is_due(&s->marks, all ? INT64_MAX : now_us))
        err = write_alone(s);
    return err;
}
