/* What the store says of itself: the writer notes it where it changes, any thread may ask. */
#include "sqlite_store.h"

#include <stdio.h>

void sqlite_note_health(struct sqlite_store *s)
{
    bool healthy = !s->conn.failed && !s->watch.wrong && s->conn.db;
    pthread_mutex_lock(&s->health_lock);
    s->healthy = healthy;
    s->reason = s->watch.wrong ? "files" : NULL;
    snprintf(s->detail, sizeof(s->detail), "%s", healthy ? "" : s->watch.wrong ? s->watch.wrong : s->conn.error_text);
    pthread_mutex_unlock(&s->health_lock);
}

void sqlite_health(struct store *store, struct store_health *out)
{
    struct sqlite_store *s = sqlite_store_of(store);
    pthread_mutex_lock(&s->health_lock);
    *out = (struct store_health){.ok = s->healthy, .kind = store->vtable->kind, .reason = s->reason};
    memcpy(out->detail, s->detail, sizeof(s->detail));
    pthread_mutex_unlock(&s->health_lock);
}
_Static_assert(sizeof(((struct sqlite_store *)0)->detail) == sizeof(((struct store_health *)0)->detail), "detail");
