#include "http/cors.h"

static const struct slice *find_origin(const struct cors_policy *p, struct slice origin)
{
    for (unsigned i = 0; origin.len && i < p->count; i++)
        if (slice_eq(p->origins[i], origin))
            return &p->origins[i];
    return NULL;
}

bool cors_allows(const struct cors_policy *p, struct slice origin)
{
    return find_origin(p, origin) != NULL;
}

bool cors_is_preflight(const struct http_request *req)
{
    return req->method == METHOD_OPTIONS && req->origin.ptr && req->access_control_request_method.ptr;
}

void cors_apply(const struct cors_policy *p, const struct http_request *req, struct http_reply *r)
{
    const struct slice *listed = find_origin(p, req->origin);
    r->cors = (struct http_reply_cors){.vary = req->origin.ptr != NULL};
    if (listed)
        r->cors.allow_origin = *listed;
}

/* What Allow-Methods says. */
static bool method_is_allowed(struct slice method)
{
    for (unsigned m = 0; m < METHOD_OTHER; m++)
        if (slice_eq(method, slice_cstr(http_method_name((enum http_method)m))))
            return true;
    return false;
}

void cors_preflight(const struct cors_policy *p, const struct http_request *req, bool own, struct http_reply *r)
{
    bool origin_ok = own || cors_allows(p, req->origin);
    bool method_ok = method_is_allowed(req->access_control_request_method);
    cors_apply(p, req, r);
    if (own)
        r->cors.allow_origin = req->origin;
    r->cors.preflight = origin_ok;
    r->cors.allow_headers = req->access_control_request_headers;
    r->content_type = HTTP_TYPE_TEXT;
    r->body = NULL;
    r->status = origin_ok && method_ok ? 200 : 400;
    if (!origin_ok && !method_ok)
        r->small = SLICE_LIT("Disallowed CORS origin, method");
    else if (!origin_ok)
        r->small = SLICE_LIT("Disallowed CORS origin");
    else
        r->small = method_ok ? SLICE_LIT("OK") : SLICE_LIT("Disallowed CORS method");
}
