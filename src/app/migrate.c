#include "app/migrate.h"

#include "store/migrate.h"

enum err migrate_run(const struct config *config, bool dry_run, FILE *progress)
{
    struct slice rest;
    if (store_kind_of(config->store.uri, &rest) != STORE_MONGO) {
        fprintf(progress, "migrate: nothing to do: only a MongoDB store can hold messages in the old layout\n");
        return ERR_UNSUPPORTED;
    }
    enum err e = mongo_migrate(&config->store, dry_run, progress);
    if (e != OK && e != ERR_CONFLICT)
        fprintf(progress, "migrate: stopped: %s. What was moved stays moved; run it again to go on\n", err_text(e));
    return e;
}
