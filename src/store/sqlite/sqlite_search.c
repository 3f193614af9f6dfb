/* Which customers a search finds: a bit for each, by its number, in the reader's snapshot.
 *   1. Each word of the search: a range of customer_words. All of them must be in it.
 *   2. Customers whose words are not there yet (sqlite_words.c) are read and compared, up to the newest.
 *   3. Section and owner by their indexes.
 * A bit costs nothing to combine and 1/8 byte: of a million customers each set is 125 KB. */
#include "sqlite_search.h"

static void set_bit(struct id_set *set, int64_t id)
{
    if (id > 0 && (size_t)id / 64 < set->limbs)
        set->bits[id / 64] |= UINT64_C(1) << (id % 64);
}

int64_t id_set_count(const struct id_set *set)
{
    int64_t count = 0;
    for (size_t i = 0; i < set->limbs; i++)
        count += __builtin_popcountll(set->bits[i]);
    return count;
}

bool id_set_next(const struct id_set *set, int64_t *id)
{
    for (size_t at = (size_t)(*id + 1); at / 64 < set->limbs; at = (at / 64 + 1) * 64) {
        uint64_t rest = set->bits[at / 64] >> (at % 64);
        if (rest != 0) {
            *id = (int64_t)at + __builtin_ctzll(rest);
            return true;
        }
    }
    return false;
}

static bool new_set(struct arena *a, size_t limbs, struct id_set *out)
{
    *out = (struct id_set){.limbs = limbs, .bits = arena_zalloc(a, (limbs + 1) * sizeof(*out->bits))};
    return out->bits != NULL;
}

static void keep_common(struct id_set *set, const struct id_set *other)
{
    for (size_t i = 0; i < set->limbs; i++)
        set->bits[i] &= other->bits[i];
}

/* Sets a bit for each row, whose first column is a number. */
static enum err take_rows(struct sqlite_reader *r, sqlite3_stmt *stmt, struct id_set *set)
{
    enum err err;
    while ((err = db_row(&r->conn, stmt)) == OK)
        set_bit(set, sqlite3_column_int64(stmt, 0));
    db_reset(stmt);
    return err == ERR_NOT_FOUND ? OK : err;
}

/* What a set is narrowed by; the first one makes it. */
struct narrowing {
    struct sqlite_reader *r;
    struct id_set *set;
    struct id_set next;
    bool any;
};

static enum err narrow(struct narrowing *n, sqlite3_stmt *stmt)
{
    struct id_set *into = n->any ? &n->next : n->set;
    memset(into->bits, 0, into->limbs * sizeof(*into->bits));
    enum err err = take_rows(n->r, stmt, into);
    if (n->any)
        keep_common(n->set, &n->next);
    n->any = true;
    return err;
}

/* Every word that begins with it: up to the first one behind them, since no text has the byte 0xff. */
static enum err narrow_by_word(struct narrowing *n, struct slice word)
{
    char past[WORD_BYTES + 1];
    char *end = slice_put(past, word);
    *end++ = (char)0xff;
    sqlite3_stmt *stmt = db_stmt(&n->r->conn, SQL_CUSTOMERS_OF_WORD);
    bind_text(stmt, 1, word);
    bind_text(stmt, 2, slice_of(past, (size_t)(end - past)));
    return narrow(n, stmt);
}

static enum err add_unworded(struct sqlite_reader *r, const struct customer_filter *f, struct id_set *set)
{
    struct words asked = {.count = f->word_count}, found;
    int64_t upto = 0;
    memcpy(asked.items, f->words, f->word_count * sizeof(f->words[0]));
    enum err err = meta_get(&r->conn, "words_upto", &upto);
    sqlite3_stmt *stmt = db_stmt(&r->conn, SQL_CUSTOMERS_AFTER);
    bind_int(stmt, 1, upto);
    bind_int(stmt, 2, -1); /* all */
    while (err == OK && (err = db_row(&r->conn, stmt)) == OK) {
        words_of_customer(&found, column_slice(stmt, 1), column_slice(stmt, 2));
        if (words_match(&found, &asked))
            set_bit(set, sqlite3_column_int64(stmt, 0));
    }
    db_reset(stmt);
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err by_words(struct narrowing *n, const struct customer_filter *f)
{
    enum err err = OK;
    for (size_t i = 0; err == OK && i < f->word_count; i++)
        err = narrow_by_word(n, f->words[i]);
    return err == OK && f->word_count > 0 ? add_unworded(n->r, f, n->set) : err;
}

static enum err by_section(struct narrowing *n, const struct customer_filter *f)
{
    bool category = f->category.len > 0, status = f->status.len > 0;
    if (!category && !status)
        return OK;
    sqlite3_stmt *stmt = db_stmt(&n->r->conn, category && status ? SQL_CUSTOMERS_OF_SECTION
                                              : category         ? SQL_CUSTOMERS_OF_CATEGORY
                                                                 : SQL_CUSTOMERS_OF_STATUS);
    bind_text(stmt, 1, category ? f->category : f->status);
    if (category && status)
        bind_text(stmt, 2, f->status);
    return narrow(n, stmt);
}

static enum err by_owner(struct narrowing *n, const struct customer_filter *f)
{
    if (f->owner.len == 0)
        return OK;
    sqlite3_stmt *stmt = db_stmt(&n->r->conn, SQL_CUSTOMERS_OF_OWNER);
    bind_text(stmt, 1, f->owner);
    return narrow(n, stmt);
}

enum err sqlite_select(struct sqlite_reader *r, const struct customer_filter *f, struct id_set *out)
{
    sqlite3_stmt *stmt = db_stmt(&r->conn, SQL_CUSTOMER_NEWEST);
    enum err err = db_row(&r->conn, stmt);
    size_t limbs = err == OK ? (size_t)sqlite3_column_int64(stmt, 0) / 64 + 1 : 0;
    db_reset(stmt);
    struct narrowing n = {.r = r, .set = out};
    if (err == OK && (!new_set(&r->scratch, limbs, out) || !new_set(&r->scratch, limbs, &n.next)))
        err = ERR_NOMEM;
    if (err == OK)
        err = by_words(&n, f);
    if (err == OK)
        err = by_section(&n, f);
    return err == OK ? by_owner(&n, f) : err;
}
