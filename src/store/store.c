#include "store/store.h"

static enum err not_a_store(struct buf *why)
{
    buf_append_lit(why, "the store must be sqlite:PATH, mongodb://HOST/DATABASE or mongodb+srv://HOST/DATABASE");
    return ERR_INVALID;
}

/* What follows the scheme is handed on; MongoDB's driver wants its URI whole and reads it from the settings. */
enum err store_open(const struct store_settings *settings, struct store **out, struct buf *why)
{
    struct slice path;
    enum store_kind kind = store_kind_of(settings->uri, &path);
    *out = NULL;
    if (kind == STORE_SQLITE)
        return store_sqlite_open(path, out, why);
    return kind == STORE_MONGO ? store_mongo_open(settings, out, why) : not_a_store(why);
}

enum err store_check(const struct store_settings *settings, struct buf *warnings, struct buf *why)
{
    struct slice path;
    enum store_kind kind = store_kind_of(settings->uri, &path);
    if (kind == STORE_SQLITE)
        return store_sqlite_check(path, why);
    return kind == STORE_MONGO ? store_mongo_check(settings, warnings, why) : not_a_store(why);
}
