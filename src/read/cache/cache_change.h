/* cache_change.h: the change sequence of this process, and the cursors that are made of it.
 * Who a message is (its id, which is its rev, and its place in its chat) never changes. When something changed is another
 * thing: each change that memory applies gets a *stamp*, and a cursor is the stamp up to which an answer told everything.
 *   1. A change whose rev is above all that is known here has its rev as its stamp: so it is nearly always.
 *   2. One that comes late (its rev is not: a load saw it before the writer told of it, it was in doubt, another process
 *      wrote it) gets the time of now. So no stamp is ever at or below a cursor that was given out, and stamps are times,
 *      which tell nobody how many changes there were in between.
 *   3. Messages are found by rev. What changed after stamp S has revs above S, or, where something came late after S, above
 *      S - lag: lag is the most that a stamp was above its rev. So an answer may tell a message again, and never leaves one
 *      out. Cursors above the last late stamp are exact again.
 *   4. The store knows revs only. Where it has to say who changed after S, it is asked in the same way.
 * Another process's stamps are none here: a cursor of another epoch, like one of another principal, is taken as a time T.
 * Everything with a rev above T is told. Where something with a rev below S may not have been told when the cursor was given
 * (cursor_sign() knows, and writes "~" for "."), T is S - overlap: cache_options.overlap_us.
 * Marks (chat/model.h) are no changes: they are stored behind, and a restart may lose the last of them, so a cursor that was one's
 * stamp could lie after all that there is. They have a sequence of their own, of times too. A cursor has where it stands in
 * that, and who asks by it is told of the chats in which somebody has read since, as far as this process knows: the last
 * MARKED_MAX customers. One of another epoch is taken as a time in this as well.
 * A principal can make up cursors of his own signature. So what becomes of one, and how the next is signed, depends on nothing of
 * others' changes where he may not see all: the clock stands for them.
 * Text:    "<stamp>", then "-<base>" and perhaps "-<upto>" where an answer was cut, then "." or "~" and the signature, a hash
 *          of the asker's scope under the key of this process; then perhaps "_<read>". Without a signature it is of an older
 *          server: T is S - overlap.
 * Thread:  [lock], but for the text. */
#pragma once
#include "read/cache.h"

struct cursor {
    int64_t stamp;
    int64_t base; /* where an answer was cut: each customer is told with what is newer than this */
    int64_t upto; /* and where the store lists: its pages go on by rev, and tell what was applied up to this stamp */
    int64_t read; /* the stamp of the last mark that was told; 0: none was */
    uint32_t sign;
    char form; /* '.': whatever process reads it, all up to the stamp was told; '~': only this one knows that */
    bool more; /* the answer was cut */
    bool wait; /* and the rest cannot be told yet: the client is not told to ask for more at once */
};

int64_t change_stamp(struct cache *c, int64_t rev); /* of a change that is applied now */
int64_t mark_stamp(struct cache *c, int64_t rev);   /* of a mark */
void change_lags(struct cache *c, int64_t rev);     /* the change that got the last stamp has this rev too */
void change_loaded(struct cache *c, int64_t rev);   /* seen in the store: no later stamp may be at or below it */

/* The last that anything known to the viewer can be: a cursor, a message. */
int64_t change_latest(const struct cache *c, const struct scope *viewer);

/* Above which rev is what got a stamp above `since`, where the last that came late got the stamp `late`. */
static inline int64_t revs_after(int64_t since, int64_t late, int64_t lag_us)
{
    return since < late ? since - lag_us : since;
}

/* What a query's cursor means here: since (and since_base) are set to where the answer goes on. False, as has_since then:
 * there is none, or it is from the future, so of another database: the whole answer is the only right one. */
bool cursor_take(const struct cache *c, struct view_query *q);
void cursor_sign(const struct cache *c, const struct scope *viewer, struct cursor *cursor);
void cursor_put(struct buf *b, const struct cursor *cursor); /* the text; any thread */
