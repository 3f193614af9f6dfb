#include "mongo_search.h"

#include "base/log.h"
#include "bson_map.h"
#include "mongo_cursor.h"

#define AT_ONCE 500

/* --- asking --- */

/* {search_words: {$elemMatch: {$gte: prefix, $lt: the first text behind all that begin with it}}}: one range of the index, where
 * no character of the text has a meaning. */
static bson_t *begins_with(struct slice word)
{
    char past[WORD_BYTES + 4];
    char *end = slice_put(slice_put(past, word), SLICE_LIT("\xf4\x8f\xbf\xbf")); /* U+10FFFF, which no text has */
    bson_t range = BSON_INITIALIZER;
    put_text(&range, "$gte", word);
    put_text(&range, "$lt", slice_of(past, (size_t)(end - past)));
    bson_t *filter = BCON_NEW(MONGO_WORDS, "{", "$elemMatch", BCON_DOCUMENT(&range), "}");
    bson_destroy(&range);
    return filter;
}

/* `usual` is what a document without the field counts as (map_customer). */
static bson_t *field_is(const char *key, struct slice text, const char *usual)
{
    if (!slice_eq(text, slice_cstr(usual)))
        return bson_is(key, text);
    return BCON_NEW(key, "{", "$in", "[", BCON_UTF8(usual), BCON_UTF8(""), BCON_NULL, "]", "}");
}

bson_t *mongo_search_filter(const struct customer_filter *f)
{
    struct bson_array all;
    array_begin(&all, bson_new(), "$and");
    for (size_t i = 0; i < f->word_count; i++)
        array_add(&all, begins_with(f->words[i]));
    if (f->category.len > 0)
        array_add(&all, field_is("category", f->category, CATEGORY_AGENT_INBOX));
    if (f->status.len > 0)
        array_add(&all, field_is("status", f->status, "active"));
    if (f->owner.len > 0)
        array_add(&all, bson_is("dashboard_user_id", f->owner));
    return array_end(&all);
}

/* --- at start --- */

static void add_one(mongoc_bulk_operation_t *bulk, const bson_t *doc)
{
    bson_t filter = BSON_INITIALIZER, set = BSON_INITIALIZER;
    bson_error_t error;
    put_same(&filter, doc, "_id");
    BSON_APPEND_NULL(&filter, MONGO_WORDS); /* else somebody was faster */
    put_customer_words(&set, bson_string(doc, "name"), bson_string(doc, "email"));
    bson_t *change = BCON_NEW("$set", BCON_DOCUMENT(&set));
    (void)mongoc_bulk_operation_update_one_with_opts(bulk, &filter, change, NULL, &error);
    bson_destroy(change);
    bson_destroy(&set);
    bson_destroy(&filter);
}

/* One page of them: true where there may be more. *added: how many got theirs. */
static bool add_page(const struct mongo_conn *conn, int64_t *added, bool *failed, bson_error_t *error)
{
    struct mongo_find how = {.fields = "{\"name\":1,\"email\":1}", .limit = AT_ONCE, .primary = true};
    bson_t *without = bson_new(), reply;
    BSON_APPEND_NULL(without, MONGO_WORDS);
    mongoc_cursor_t *cursor = mongo_find(conn, conn->customers, without, &how);
    mongoc_bulk_operation_t *bulk = mongo_unordered(conn->customers);
    const bson_t *doc;
    int64_t count = 0, changed = 0;
    for (; mongoc_cursor_next(cursor, &doc); count++)
        add_one(bulk, doc);
    bool ok = !mongoc_cursor_error(cursor, error);
    if (ok && count > 0) {
        ok = mongoc_bulk_operation_execute(bulk, &reply, error) != 0;
        changed = bson_number(&reply, "nModified");
        bson_destroy(&reply);
    }
    mongoc_bulk_operation_destroy(bulk);
    mongoc_cursor_destroy(cursor);
    *added += changed;
    *failed = !ok;
    return ok && count == AT_ONCE && changed > 0;
}

void mongo_add_words(const struct mongo_conn *conn, bool (*stop)(void *arg), void *arg)
{
    bson_error_t error;
    int64_t added = 0;
    bool failed = false;
    while (!stop(arg) && add_page(conn, &added, &failed, &error))
        ;
    if (failed)
        log_warn("existing data not completed",
                 "error=\"%s\": some customers are not found by name; the next start tries again", error.message);
    else if (added > 0)
        log_info("existing data completed", "customers=%lld: found by the words of their names and addresses",
                 (long long)added);
}
