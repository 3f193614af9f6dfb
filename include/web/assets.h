/* assets.h: the pages and scripts that the program has in it, ready to be sent: compressed, and as they are.
 * Thread:  assets_new/free by server.c; the rest from any thread (read only).
 * Owns:    a blob for each form of each asset, so that an answer holds its body by reference and copies nothing.
 * Fails:   assets_new(): NULL without memory; what was embedded and cannot be inflated is a fault of the build, and NULL too. */
#pragma once
#include "base/blob.h"
#include "base/slice.h"

enum asset_kind {
    ASSET_PAGE,   /* HTML */
    ASSET_SCRIPT, /* for pages of any site */
    ASSET_CHUNK,  /* what such a script loads when it is needed: its name changes with its content */
    ASSET_PART    /* of a page of ours: likewise */
};

enum asset_form { ASSET_PLAIN, ASSET_GZIP, ASSET_FORMS };

#define ASSET_ETAG_MAX 24

struct asset {
    enum asset_kind kind;
    struct slice path;
    struct slice type; /* Content-Type */
    struct blob *body[ASSET_FORMS];
    char etag[ASSET_FORMS][ASSET_ETAG_MAX]; /* with its quotes; forms differ, so do their tags */
};

#define ASSETS_FOLDER "/assets/" /* where parts are */

struct assets;
struct assets *assets_new(void);
void assets_free(struct assets *a); /* accepts NULL */
/* NULL: there is none at that path. */
const struct asset *assets_find(const struct assets *a, struct slice path);
/* The part or chunk of that name. */
const struct asset *assets_find_part(const struct assets *a, struct slice name);
