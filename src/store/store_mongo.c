#include "store/store.h"

enum err store_mongo_open(const struct config *config, struct store **out, struct buf *why)
{
    (void)config;
    *out = NULL;
    buf_append_lit(why, "this build has no MongoDB store yet");
    return ERR_UNSUPPORTED;
}
