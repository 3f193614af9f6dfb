#include "store/settings.h"

static const struct {
    const char *scheme;
    enum store_kind kind;
} schemes[] = {{"sqlite:", STORE_SQLITE}, {"mongodb://", STORE_MONGO}, {"mongodb+srv://", STORE_MONGO}};

enum store_kind store_kind_of(const char *uri, struct slice *rest)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t len = strlen(schemes[i].scheme);
        if (strncmp(uri, schemes[i].scheme, len) != 0)
            continue;
        *rest = slice_cstr(uri + len);
        return schemes[i].kind;
    }
    return STORE_UNKNOWN;
}

/* Options of the URI that hold a password (tlsCertificateKeyFilePassword=…) are masked, the others shown. */
static void mask_query(struct slice query, struct buf *out)
{
    const struct slice word = SLICE_LIT("password");
    for (struct slice option, key; slice_take(&query, '&', &option);) {
        struct slice value = option;
        bool hidden = slice_take(&value, '=', &key) && key.len < option.len && key.len >= word.len &&
                      slice_eq_nocase(slice_of(key.ptr + key.len - word.len, word.len), word);
        buf_append_slice(out, hidden ? key : option);
        if (hidden)
            buf_append_lit(out, "=***");
        if (query.ptr > option.ptr + option.len)
            buf_append_char(out, '&');
    }
}

void store_mask_uri(const char *uri, struct buf *out)
{
    const char *sep = strstr(uri, "://");
    if (!sep) {
        buf_append_slice(out, slice_cstr(uri));
        return;
    }
    const char *rest = sep + 3;
    buf_append(out, uri, (size_t)(rest - uri));
    /* The last @ of all, though a right URI has none after the host: a password that was not percent-encoded may
     * contain any of /, ? and @, and hiding too much is the safe mistake. */
    const char *at = strrchr(rest, '@');
    if (at) {
        const char *colon = memchr(rest, ':', (size_t)(at - rest));
        buf_append(out, rest, (size_t)((colon ? colon : at) - rest));
        if (colon)
            buf_append_lit(out, ":***");
        rest = at;
    }
    size_t plain = strcspn(rest, "?");
    if (rest[plain] == '?')
        plain++;
    buf_append(out, rest, plain);
    mask_query(slice_cstr(rest + plain), out);
}
