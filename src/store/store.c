#include "store/store.h"

/* What follows the scheme is handed on; MongoDB's driver wants its URI whole and reads it from the config. */
enum err store_open(const struct config *config, struct store **out, struct buf *why)
{
    const struct slice sqlite = SLICE_LIT("sqlite:");
    struct slice uri = slice_cstr(config->store);
    *out = NULL;
    if (slice_starts(uri, sqlite))
        return store_sqlite_open(config, slice_of(uri.ptr + sqlite.len, uri.len - sqlite.len), out, why);
    if (slice_starts(uri, SLICE_LIT("mongodb://")) || slice_starts(uri, SLICE_LIT("mongodb+srv://")))
        return store_mongo_open(config, out, why);
    buf_append_lit(why, "the store must be sqlite:PATH, mongodb://HOST/DATABASE or mongodb+srv://HOST/DATABASE");
    return ERR_INVALID;
}
