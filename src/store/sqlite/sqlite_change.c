/* What a batch asks and changes of customers and chats, row by row: in the open transaction, so that later ops of the batch see
 * it. Of a chat memory knows more than its row (sqlite_heads.h, sqlite_marks.h). */
#include "sqlite_store.h"

#include "base/list.h"
#include "base/metrics.h"

enum err sqlite_find_chat(struct store *store, struct slice chat_id, struct arena *a, struct chat *out)
{
    struct sqlite_store *s = sqlite_store_of(store);
    metrics_add(M_STORE_READ_WRITER, 1);
    struct chat_row row;
    enum err err = row_find_chat(&s->conn, chat_id, a, &row);
    if (err != OK)
        return err;
    const struct head *head = heads_find(&s->heads, row.chat.key);
    if (head)
        chat_row_overlay(&row, head);
    struct mark mark = {.chat = row.chat.key};
    marks_get(&s->marks, &mark, 1);
    mark_overlay(&mark, &row.chat);
    *out = row.chat;
    return OK;
}

enum err sqlite_find_customer(struct store *store, enum customer_by by, struct slice value, struct arena *a,
                              struct customer *out)
{
    metrics_add(M_STORE_READ_WRITER, 1);
    return row_find_customer(&sqlite_store_of(store)->conn, by, value, a, out);
}

enum err sqlite_put_customer(struct store *store, struct customer *u)
{
    struct sqlite_store *s = sqlite_store_of(store);
    metrics_add(M_STORE_WRITE_CUSTOMER, 1);
    sqlite_note_rev(s, u->rev);
    char text[OID_LEN];
    const struct slice texts[] = {canonical_customer_id(u->id, text),
                                  u->email,
                                  u->reference,
                                  u->name,
                                  u->ip,
                                  u->vibe,
                                  u->category,
                                  u->status,
                                  u->owner,
                                  u->last_chat,
                                  u->timestamp,
                                  u->location,
                                  u->device,
                                  u->claimed_email};
    const int count = sizeof(texts) / sizeof(texts[0]);
    struct words before;
    enum err err = words_before(s, texts[0], &before);
    if (err != OK)
        return err;
    sqlite3_stmt *stmt = db_stmt(&s->conn, SQL_CUSTOMER_PUT);
    for (int i = 0; i < count; i++)
        bind_text(stmt, i + 1, texts[i]);
    bind_int(stmt, count + 1, u->created_us);
    bind_int(stmt, count + 2, u->last_seen_us);
    bind_int(stmt, count + 3, u->total_visits);
    if (stmt)
        (void)sqlite3_bind_double(stmt, count + 4, u->visit_duration == u->visit_duration ? u->visit_duration : 0);
    bind_int(stmt, count + 5, u->activity_us);
    bind_int(stmt, count + 6, u->rev);
    err = db_row(&s->conn, stmt);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_REFUSED : err; /* no row came: an operator's trigger has dropped it */
    u->key = sqlite3_column_int64(stmt, 0);
    err = db_run(&s->conn, stmt);
    return err == OK ? words_after(s, u, &before) : err;
}

static enum err remember_new_chat(struct sqlite_store *s, const struct chat *c)
{
    if (!list_room(s->new_chats, s->new_chat_count, s->new_chat_cap, 64))
        return ERR_NOMEM;
    struct head *slot;
    enum err err = heads_add(&s->heads, &(struct head){.chat = c->key, .customer = c->customer_key}, &slot);
    if (err == OK)
        s->new_chats[s->new_chat_count++] = c->key;
    return err;
}

static enum err existing_chat_key(struct sqlite_store *s, struct chat *c)
{
    metrics_add(M_STORE_READ_WRITER, 1);
    sqlite3_stmt *stmt = db_stmt(&s->conn, SQL_CHAT_KEY);
    bind_text(stmt, 1, c->chat_id);
    enum err err = db_row(&s->conn, stmt);
    if (err == OK)
        c->key = sqlite3_column_int64(stmt, 0);
    db_reset(stmt);
    return err == ERR_NOT_FOUND ? ERR_REFUSED : err; /* no row came: an operator's trigger has dropped it */
}

enum err sqlite_insert_chat(struct store *store, struct chat *c)
{
    struct sqlite_store *s = sqlite_store_of(store);
    metrics_add(M_STORE_WRITE_CHAT, 1);
    sqlite_note_rev(s, c->rev);
    sqlite3_stmt *stmt = db_stmt(&s->conn, SQL_CHAT_INSERT);
    bind_text(stmt, 1, c->chat_id);
    bind_int(stmt, 2, c->customer_key);
    bind_text(stmt, 3, c->status);
    bind_int(stmt, 4, c->created_us);
    bind_int(stmt, 5, c->updated_us);
    bind_int(stmt, 6, c->rev);
    bind_int(stmt, 7, c->flags);
    enum err err = db_run(&s->conn, stmt);
    if (err != OK)
        return err;
    if (sqlite3_changes(s->conn.db) == 0)
        return existing_chat_key(s, c);
    c->key = sqlite3_last_insert_rowid(s->conn.db);
    stmt = db_stmt(&s->conn, SQL_CUSTOMER_ADD_CHAT);
    bind_int(stmt, 1, c->customer_key);
    err = db_run(&s->conn, stmt);
    return err == OK ? remember_new_chat(s, c) : err;
}

/* chats.rev has no index: the next start takes the highest from meta (SQL_MAX_REV). */
static enum err change_chat_row(struct sqlite_store *s, sqlite3_stmt *stmt, int64_t rev)
{
    metrics_add(M_STORE_WRITE_CHAT, 1);
    sqlite_note_rev(s, rev);
    enum err err = db_run(&s->conn, stmt);
    if (err == OK && sqlite3_changes(s->conn.db) == 0)
        return ERR_NOT_FOUND;
    return err == OK ? meta_put(&s->conn, "last_rev", rev) : err;
}

enum err sqlite_set_chat_flags(struct store *store, const struct chat_link *link, struct slice chat_id, uint8_t flags,
                               int64_t rev, int64_t now_us)
{
    (void)chat_id; /* the key says it */
    struct sqlite_store *s = sqlite_store_of(store);
    sqlite3_stmt *stmt = db_stmt(&s->conn, SQL_CHAT_SET_FLAGS);
    bind_int(stmt, 1, link->chat_key);
    bind_int(stmt, 2, flags);
    bind_int(stmt, 3, rev);
    bind_int(stmt, 4, now_us);
    return change_chat_row(s, stmt, rev);
}

enum err sqlite_put_chat(struct store *store, const struct chat *c)
{
    struct sqlite_store *s = sqlite_store_of(store);
    sqlite3_stmt *stmt = db_stmt(&s->conn, SQL_CHAT_PUT);
    bind_int(stmt, 1, c->key);
    bind_int(stmt, 2, c->flags);
    bind_int(stmt, 3, c->rev);
    bind_int(stmt, 4, c->updated_us);
    bind_text(stmt, 5, c->status);
    bind_text(stmt, 6, c->assigned_to);
    return change_chat_row(s, stmt, c->rev);
}

enum err sqlite_set_mark(struct store *store, const struct chat_link *link, struct slice chat_id, enum chat_side side,
                         int64_t mark)
{
    (void)chat_id; /* the key says it */
    return marks_set(sqlite_store_of(store), link->chat_key, side, mark);
}
