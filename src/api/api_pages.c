/* The pages and their scripts: what is embedded (web/assets.h), in the form that the client takes, or 304.
 * A page loads nothing but ours and runs nothing inline; a script is for pages of any site. */
#include "call.h"

#include "base/metrics.h"
#include "http/encoding.h"
#include "web/assets.h"
#include "web/sources.h"
#include "web/type.h"

/* The same for all: no guessing of types, and no address of ours for others. */
#define COMMON   "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
#define HOST_MAX 255

static const struct slice cache_of[] = {[ASSET_PAGE] = {.ptr = "no-cache", .len = 8},
                                        [ASSET_SCRIPT] = {.ptr = "public, max-age=300", .len = 19},
                                        [ASSET_CHUNK] = {.ptr = "public, max-age=31536000, immutable", .len = 35},
                                        [ASSET_PART] = {.ptr = "public, max-age=31536000, immutable", .len = 35}};

/* name or name:port, of characters that mean nothing in a policy. */
static bool is_plain_host(struct slice host)
{
    bool plain = host.len > 0 && host.len <= HOST_MAX;
    unsigned colons = 0;
    for (size_t i = 0; plain && i < host.len; i++) {
        char c = host.ptr[i], letter = (char)(c | 0x20);
        bool digit = c >= '0' && c <= '9';
        colons += c == ':';
        plain = digit || (c == ':' && colons == 1 && i > 0) ||
                (colons == 0 && ((letter >= 'a' && letter <= 'z') || c == '.' || c == '-'));
    }
    return plain;
}

/* Not every browser counts ws: of the same host as 'self'. */
static void put_policy(struct buf *out, struct slice host)
{
    buf_append_lit(out, "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
                        "img-src 'self' data:; connect-src 'self'");
    if (is_plain_host(host))
        buf_printf(out, " ws://%.*s wss://%.*s", SLICE_ARG(host), SLICE_ARG(host));
    buf_append_lit(out, "; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; frame-src 'self'\r\n");
}

static struct slice extra_lines(struct call *c, enum asset_kind kind)
{
    struct buf *b = &c->w->text;
    switch (kind) {
    case ASSET_PAGE:
        buf_clear(b);
        put_policy(b, c->req->host);
        buf_append_lit(b, COMMON
                       "Cross-Origin-Resource-Policy: same-origin\r\nCross-Origin-Opener-Policy: same-origin\r\n");
        return buf_slice(b);
    case ASSET_SCRIPT:
    case ASSET_CHUNK:
        return SLICE_LIT(COMMON "Access-Control-Allow-Origin: *\r\nCross-Origin-Resource-Policy: cross-origin\r\n");
    case ASSET_PART:
        break;
    }
    return SLICE_LIT(COMMON "Cross-Origin-Resource-Policy: same-origin\r\n");
}

/* If-None-Match compares weakly (RFC 9110, 13.1.2). */
static bool has_it_already(struct call *c, struct slice etag)
{
    struct slice list = c->req->if_none_match, tag;
    if (c->req->more_conditions && http_list_whole(c->req, SLICE_LIT("If-None-Match"), c->arena, &list) != OK)
        return false;
    while (http_list_next(&list, &tag)) {
        if (slice_starts(tag, SLICE_LIT("W/")))
            tag = slice_of(tag.ptr + 2, tag.len - 2);
        if (slice_eq(tag, etag) || slice_eq(tag, SLICE_LIT("*")))
            return true;
    }
    return false;
}

static void answer_asset(struct call *c, const struct asset *a)
{
    enum asset_form form = http_accepts_gzip(c->req, c->arena) ? ASSET_GZIP : ASSET_PLAIN;
    struct http_reply r = {.status = 200,
                           .etag = slice_cstr(a->etag[form]),
                           .cache_control = cache_of[a->kind],
                           .vary_encoding = true,
                           .extra = extra_lines(c, a->kind)};
    if (has_it_already(c, r.etag)) {
        r.status = 304;
        metrics_add(M_NOT_MODIFIED, 1);
    } else {
        r.content_type = a->type;
        r.body = a->body[form];
        if (form == ASSET_GZIP)
            r.content_encoding = SLICE_LIT("gzip");
    }
    c->s->exchange.cors.vary_token = false; /* the same for whoever asks */
    session_reply(c->s, &r);
}

/* `?dev`, in debug builds: where the same stands as it is worked on. */
static bool goes_to_source(struct call *c)
{
    static const char *const sources[][2] = {{"/", "/dev/console/index.html"},
                                             {"/demo", "/dev/demo/index.html"},
                                             {"/stats", "/dev/stats/index.html"},
                                             {"/client.js", "/dev/client/sakura.js"}};
    struct slice value;
    if (!sources_served() || http_query_get(c->req, SLICE_LIT("dev"), c->arena, &value) != OK)
        return false;
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
        if (strcmp(c->row->pattern, sources[i][0]) == 0) {
            struct http_reply r = {.status = 307, .location = slice_cstr(sources[i][1])};
            session_reply(c->s, &r);
            return true;
        }
    return false;
}

static void answer_found(struct call *c, const struct asset *a)
{
    if (goes_to_source(c))
        return;
    if (a)
        answer_asset(c, a);
    else
        answer_error(c->s, 404, "Not Found");
}

static const struct asset *asked_for(const struct call *c)
{
    const struct assets *assets = c->w->api->assets;
    return c->match->param_count ? assets_find_part(assets, c->match->params[0])
                                 : assets_find(assets, slice_cstr(c->row->pattern));
}

static bool for_any_site(const struct asset *a)
{
    return a && (a->kind == ASSET_SCRIPT || a->kind == ASSET_CHUNK);
}

bool api_page_for_any_site(const struct call *c)
{
    if (!c->row || c->row->handle != api_page || !c->w->api->assets)
        return false;
    return for_any_site(asked_for(c));
}

void api_page(struct call *c)
{
    const struct asset *a = asked_for(c);
    if (for_any_site(a))
        c->s->exchange.cors = (struct http_reply_cors){0}; /* the answer does not differ by origin */
    answer_found(c, a);
}

/* Only in debug builds is there a row for it. */
void api_source(struct call *c)
{
    struct buf text = {0};
    struct http_reply r = {.status = 200, .cache_control = SLICE_LIT("no-store")};
    enum err e = source_read(c->match->params, c->match->param_count, &text);
    c->s->exchange.cors = (struct http_reply_cors){0};
    if (e == OK) {
        r.content_type = web_type(c->match->params[c->match->param_count - 1]);
        r.small = buf_slice(&text);
        r.extra = extra_lines(c, slice_starts(r.content_type, SLICE_LIT("text/html")) ? ASSET_PAGE : ASSET_SCRIPT);
        session_reply(c->s, &r);
    } else if (e == ERR_NOT_FOUND) {
        answer_error(c->s, 404, "Not Found");
    } else {
        answer_err(c->s, e);
    }
    buf_fini(&text);
}
