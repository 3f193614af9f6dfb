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
    while (query.len > 0) {
        const char *amp = memchr(query.ptr, '&', query.len);
        size_t len = amp ? (size_t)(amp - query.ptr) : query.len;
        const char *eq = memchr(query.ptr, '=', len);
        struct slice key = slice_of(query.ptr, eq ? (size_t)(eq - query.ptr) : len);
        struct slice word = SLICE_LIT("password");
        bool hidden =
            eq && key.len >= word.len && slice_eq_nocase(slice_of(key.ptr + key.len - word.len, word.len), word);
        buf_append_slice(out, hidden ? key : slice_of(query.ptr, len));
        if (hidden)
            buf_append_lit(out, "=***");
        if (amp)
            buf_append_char(out, '&');
        len += amp ? 1 : 0;
        query = slice_of(query.ptr + len, query.len - len);
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
