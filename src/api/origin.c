#include "origin.h"

#include "guard.h"

#include "api/grants.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/origin.h"
#include "http/session.h"

#include <string.h>

#define SAY_EVERY_US 5000000
#define SHOWN_MAX    128 /* bytes of an origin in the log */

enum origin_kind origin_of(const struct api_worker *w, const struct http_session *s, const struct http_request *req)
{
    struct slice scheme = {0}, list;
    if (!req->origin.ptr)
        return ORIGIN_NONE;
    if (w->grants && cors_allows(&w->grants->cors, req->origin))
        return ORIGIN_LISTED;
    if (w->api->proxy_count > 0 && guard_trusts(w->api, &s->from.address)) {
        list = http_request_header(req, SLICE_LIT("X-Forwarded-Proto"));
        (void)http_list_next(&list, &scheme);
    }
    return origin_is_of_host(req->origin, req->host, scheme) ? ORIGIN_OWN : ORIGIN_FOREIGN;
}

/* It is a stranger's word: only what an origin is made of goes to the log. */
static void show(struct slice origin, char out[static SHOWN_MAX + 4])
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:/[]+";
    size_t len = origin.len < SHOWN_MAX ? origin.len : SHOWN_MAX;
    for (size_t i = 0; i < len; i++)
        out[i] = memchr(plain, origin.ptr[i], sizeof(plain) - 1) ? origin.ptr[i] : '?';
    memcpy(out + len, "...", 4);
    if (len == origin.len)
        out[len] = '\0';
}

void origin_refused(struct api_worker *w, const struct http_request *req, enum metric_counter counter)
{
    static const char *const what[] = {[M_ORIGIN_WEBSOCKET - M_ORIGIN_SIMPLE] = "websocket",
                                       [M_ORIGIN_PREFLIGHT - M_ORIGIN_SIMPLE] = "preflight",
                                       [0] = "reading the answer"};
    char shown[SHOWN_MAX + 4];
    int64_t now_us = clock_mono_us();
    metrics_add(counter, 1);
    if (w->origin_said_us && now_us - w->origin_said_us < SAY_EVERY_US) {
        w->origins_unsaid++;
        return;
    }
    show(req->origin, shown);
    log_warn("origin refused",
             "origin=\"%s\" asked_for=\"%s\" others=%llu advice=\"if its pages may call, start with "
             "--cors-origin %s\"",
             shown, what[counter - M_ORIGIN_SIMPLE], (unsigned long long)w->origins_unsaid, shown);
    w->origin_said_us = now_us;
    w->origins_unsaid = 0;
}
