#include "web/assets.h"

#include "embedded.h"

#include "base/err.h"
#include "web/type.h"

#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>

struct assets {
    unsigned count;
    struct asset list[];
};

static enum asset_kind kind_of(struct slice path)
{
    if (slice_starts(path, SLICE_LIT(ASSETS_FOLDER "panel.")) || /* the widget's */
        slice_starts(path, SLICE_LIT(ASSETS_FOLDER "agents.")))  /* the client's */
        return ASSET_CHUNK;
    if (slice_starts(path, SLICE_LIT(ASSETS_FOLDER)))
        return ASSET_PART;
    return slice_ends(path, SLICE_LIT(".js")) ? ASSET_SCRIPT : ASSET_PAGE;
}

/* NULL: no memory, or these are not the bytes that the build compressed. */
static struct blob *inflate(struct libdeflate_decompressor *d, const struct embedded *e)
{
    struct blob *b = blob_copy(NULL, slice_of(NULL, e->plain_len));
    if (!b)
        return NULL;
    /* Without a place for the length, anything but exactly so many bytes is a failure. */
    if (libdeflate_gzip_decompress(d, e->gzip, e->gzip_len, b->data, e->plain_len, NULL) == LIBDEFLATE_SUCCESS)
        return b;
    blob_drop(b);
    return NULL;
}

static bool make_asset(struct asset *to, struct libdeflate_decompressor *d, const struct embedded *e)
{
    to->path = slice_cstr(e->path);
    to->kind = kind_of(to->path);
    to->type = to->kind == ASSET_PAGE ? web_type(SLICE_LIT(".html")) : web_type(to->path);
    to->body[ASSET_PLAIN] = inflate(d, e);
    to->body[ASSET_GZIP] = blob_copy(NULL, slice_of((const char *)e->gzip, e->gzip_len));
    int plain = snprintf(to->etag[ASSET_PLAIN], ASSET_ETAG_MAX, "\"%s\"", e->hash);
    int gzip = snprintf(to->etag[ASSET_GZIP], ASSET_ETAG_MAX, "\"%s-gz\"", e->hash);
    must(plain < ASSET_ETAG_MAX && gzip < ASSET_ETAG_MAX);
    return to->body[ASSET_PLAIN] && to->body[ASSET_GZIP];
}

struct assets *assets_new(void)
{
    struct assets *a = calloc(1, sizeof(*a) + embedded_count * sizeof(a->list[0]));
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    bool made = a && d;
    for (unsigned i = 0; made && i < embedded_count; i++) {
        a->count++;
        made = make_asset(&a->list[i], d, &embedded_pages[i]);
    }
    libdeflate_free_decompressor(d); /* accepts NULL */
    if (made)
        return a;
    assets_free(a);
    return NULL;
}

void assets_free(struct assets *a)
{
    for (unsigned i = 0; a && i < a->count; i++)
        for (unsigned form = 0; form < ASSET_FORMS; form++)
            blob_drop(a->list[i].body[form]);
    free(a);
}

const struct asset *assets_find(const struct assets *a, struct slice path)
{
    for (unsigned i = 0; i < a->count; i++)
        if (slice_eq(a->list[i].path, path))
            return &a->list[i];
    return NULL;
}

const struct asset *assets_find_part(const struct assets *a, struct slice name)
{
    const size_t folder = sizeof(ASSETS_FOLDER) - 1;
    for (unsigned i = 0; i < a->count; i++) {
        struct slice path = a->list[i].path;
        bool named = a->list[i].kind == ASSET_PART || a->list[i].kind == ASSET_CHUNK;
        if (named && slice_eq(slice_of(path.ptr + folder, path.len - folder), name))
            return &a->list[i];
    }
    return NULL;
}
