#include "store/store.h"

static const struct slice sqlite = {"sqlite:", 7};
static const char not_a_store[] =
    "the store must be sqlite:PATH, mongodb://HOST/DATABASE or mongodb+srv://HOST/DATABASE";

static bool is_mongo(struct slice uri)
{
    return slice_starts(uri, SLICE_LIT("mongodb://")) || slice_starts(uri, SLICE_LIT("mongodb+srv://"));
}

static struct slice after_scheme(struct slice uri)
{
    return slice_of(uri.ptr + sqlite.len, uri.len - sqlite.len);
}

/* What follows the scheme is handed on; MongoDB's driver wants its URI whole and reads it from the settings. */
enum err store_open(const struct store_settings *settings, struct store **out, struct buf *why)
{
    struct slice uri = slice_cstr(settings->uri);
    *out = NULL;
    if (slice_starts(uri, sqlite))
        return store_sqlite_open(after_scheme(uri), out, why);
    if (is_mongo(uri))
        return store_mongo_open(settings, out, why);
    buf_append_slice(why, slice_cstr(not_a_store));
    return ERR_INVALID;
}

enum err store_check(const struct store_settings *settings, struct buf *warnings, struct buf *why)
{
    struct slice uri = slice_cstr(settings->uri);
    if (slice_starts(uri, sqlite))
        return store_sqlite_check(after_scheme(uri), why);
    if (is_mongo(uri))
        return store_mongo_check(settings, warnings, why);
    buf_append_slice(why, slice_cstr(not_a_store));
    return ERR_INVALID;
}
