/* origins.h: --cors-origin: origins as given, and those that its files (@FILE) list, one a line; what follows # is a remark.
 * Thread:  main.
 * Owns:    the list, until origins_free().
 * Fails:   with a sentence that names the file and the line. */
#pragma once
#include "app/config.h"

#define ORIGINS_MAX 256

struct origin_list {
    char *items[ORIGINS_MAX];
    unsigned count;
};

NODISCARD enum err origins_read(const struct config_list *given, struct origin_list *out, struct buf *why);
void origins_free(struct origin_list *list); /* accepts a zeroed one */
