/* Everything here refuses rather than repairs: where two servers could read one head in two ways, a request can
 * be hidden inside another (request smuggling). So: one Host, one Content-Length or one "chunked", never both,
 * no folded lines, no blanks before the colon. */
#include "head.h"
#include "known.h"

#include "base/text.h"
#include "net/address.h"

bool http_fail(struct http_parser *p, int status, const char *detail)
{
    p->status = status;
    p->detail = detail;
    return false;
}

bool http_is_tchar(unsigned char c)
{
    unsigned char lower = c | 0x20;
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

bool http_head_request_line(struct http_parser *p, struct slice line)
{
    struct http_request *req = &p->request;
    const char *target = line.ptr + p->method_len + 1; /* the caller found the space after the method */
    const char *space = memrchr(line.ptr, ' ', line.len);
    if (space < target)
        return http_fail(p, 400, "Malformed request line");
    req->method_text = slice_of(line.ptr, p->method_len);
    req->target = slice_of(target, (size_t)(space - target));
    struct slice version = slice_of(space + 1, line.len - (size_t)(space + 1 - line.ptr));
    if (req->target.len == 0 || memchr(target, ' ', req->target.len))
        return http_fail(p, 400, "Malformed request line");
    if (req->target.len > p->limits.max_target)
        return http_fail(p, 414, "Request target is too long");
    char minor = version.len > 0 ? version.ptr[version.len - 1] : '\0';
    if (version.len != 8 || !slice_starts(version, SLICE_LIT("HTTP/1.")) || minor < '0' || minor > '9')
        return http_fail(p, 400, "HTTP version is not 1.0 or 1.1");
    req->minor = minor == '0' ? 0 : 1; /* a later minor version is understood as ours (RFC 9110, 2.5) */
    return true;
}

static struct slice trim_blanks(const char *start, const char *end)
{
    while (start < end && (*start == ' ' || *start == '\t'))
        start++;
    while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return slice_of(start, (size_t)(end - start));
}

/* The name's characters are llhttp's to check; these are the places where parsers differ. */
static bool split_field(struct http_parser *p, struct slice line, struct slice *name, struct slice *value)
{
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return http_fail(p, 400, "Folded header line");
    const char *colon = memchr(line.ptr, ':', line.len);
    if (!colon)
        return http_fail(p, 400, "Header line without a colon");
    if (colon == line.ptr)
        return http_fail(p, 400, "Empty header name");
    if (colon[-1] == ' ' || colon[-1] == '\t')
        return http_fail(p, 400, "Blank before the colon of a header");
    *name = slice_of(line.ptr, (size_t)(colon - line.ptr));
    *value = trim_blanks(colon + 1, line.ptr + line.len);
    return true;
}

bool http_head_add(struct http_parser *p, struct slice line)
{
    struct http_request *req = &p->request;
    struct slice name, value;
    if (!split_field(p, line, &name, &value))
        return false;
    if (req->header_count == HTTP_HEADERS_MAX)
        return http_fail(p, 431, "Too many headers");
    req->headers[req->header_count++] = (struct http_field){
        .name = (uint32_t)(name.ptr - p->in),
        .name_len = (uint32_t)name.len,
        .value = (uint32_t)(value.ptr - p->in),
        .value_len = (uint32_t)value.len,
    };
    /* Known at once, so that a page can read the refusal of a head that never gets whole. */
    if (!req->origin.ptr && name.len == 6 && header_id_of(name) == HEADER_ORIGIN)
        req->origin = value;
    return true;
}

bool http_head_trailer(struct http_parser *p, struct slice line)
{
    struct slice name, value;
    if (!split_field(p, line, &name, &value))
        return false;
    switch (header_id_of(name)) {
    case HEADER_CONTENT_LENGTH:
    case HEADER_TRANSFER_ENCODING:
    case HEADER_HOST:
        return http_fail(p, 400, "Header not allowed in trailers");
    default:
        return true;
    }
}

/* RFC 3986, 3.2.2: unreserved, sub-delims and %XX; IPv6 in brackets. An empty host is no host of http. */
static bool host_is_valid(struct slice s)
{
    if (s.len == 0)
        return false;
    if (s.ptr[0] == '[') {
        if (s.len < 4 || s.ptr[s.len - 1] != ']')
            return false;
        for (size_t i = 1; i < s.len - 1; i++)
            if (hex_digit(s.ptr[i]) < 0 && s.ptr[i] != ':' && s.ptr[i] != '.')
                return false;
        return true;
    }
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        bool letter = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (c == '%') {
            if (s.len - i < 3 || hex_digit(s.ptr[i + 1]) < 0 || hex_digit(s.ptr[i + 2]) < 0)
                return false;
            i += 2;
        } else if (!letter && !(c && strchr("-._~!$&'()*+,;=", c))) {
            return false;
        }
    }
    return true;
}

/* Of an authority-form target, or a Host: a registered name or address, and an optional port. */
static bool authority_is_valid(struct slice s)
{
    const char *colon = s.len ? memrchr(s.ptr, ':', s.len) : NULL;
    const char *bracket = s.len ? memrchr(s.ptr, ']', s.len) : NULL;
    if (!colon || (bracket && bracket > colon))
        return host_is_valid(s);
    struct slice port = slice_of(colon + 1, s.len - (size_t)(colon + 1 - s.ptr));
    uint16_t number;
    if (port.len > 0 && !port_parse(port, &number)) /* "host:" has none: RFC 3986, 3.2.3 */
        return false;
    return host_is_valid(slice_of(s.ptr, (size_t)(colon - s.ptr)));
}

static enum http_method method_of(uint8_t llhttp_method)
{
    switch (llhttp_method) {
    case HTTP_GET:
        return METHOD_GET;
    case HTTP_HEAD:
        return METHOD_HEAD;
    case HTTP_POST:
        return METHOD_POST;
    case HTTP_PUT:
        return METHOD_PUT;
    case HTTP_PATCH:
        return METHOD_PATCH;
    case HTTP_DELETE:
        return METHOD_DELETE;
    case HTTP_OPTIONS:
        return METHOD_OPTIONS;
    default:
        return METHOD_OTHER;
    }
}

/* What one pass over the headers gathers. */
struct facts {
    struct slice content_length, transfer_encoding;
    bool close, keep_alive, upgrade, websocket, repeated, expect_unknown;
};

static void first(struct slice *to, struct slice value)
{
    if (!to->ptr)
        *to = value;
}

static void read_connection(struct http_request *req, struct facts *f, struct slice value)
{
    struct slice line = value, item;
    first(&req->connection, value);
    while (http_list_next(&value, &item)) {
        f->close |= slice_eq_nocase(item, SLICE_LIT("close"));
        f->keep_alive |= slice_eq_nocase(item, SLICE_LIT("keep-alive"));
        if (slice_eq_nocase(item, SLICE_LIT("upgrade"))) {
            f->upgrade = true;
            req->connection = line; /* of several lines, the one that a handshake looks for */
        }
    }
}

/* Where a header that may come once goes; NULL for the others. */
static struct slice *single_slot(struct http_request *req, struct facts *f, enum header_id id)
{
    switch (id) {
    case HEADER_HOST:
        return &req->host;
    case HEADER_ORIGIN:
        return &req->origin;
    case HEADER_CONTENT_TYPE:
        return &req->content_type;
    case HEADER_CONTENT_LENGTH:
        return &f->content_length;
    case HEADER_TRANSFER_ENCODING:
        return &f->transfer_encoding;
    case HEADER_AUTHORIZATION:
        return &req->authorization;
    case HEADER_IDEMPOTENCY_KEY:
        return &req->idempotency_key;
    case HEADER_WS_KEY:
        return &req->ws_key;
    case HEADER_WS_VERSION:
        return &req->ws_version;
    default:
        return NULL;
    }
}

/* Of a condition on tags the first line, and whether there are more (http_list_whole()). */
static void read_condition(struct slice *to, bool *more, struct slice value)
{
    *more |= to->ptr != NULL;
    first(to, value);
}

static void read_list(struct http_request *req, struct facts *f, enum header_id id, struct slice value)
{
    struct slice item;
    switch (id) {
    case HEADER_CONNECTION:
        read_connection(req, f, value);
        break;
    case HEADER_UPGRADE:
        first(&req->upgrade, value);
        if (http_list_has(value, SLICE_LIT("websocket"))) {
            f->websocket = true;
            req->upgrade = value;
        }
        break;
    case HEADER_WS_PROTOCOL:
        first(&req->ws_protocol, value);
        break;
    case HEADER_IF_NONE_MATCH:
        read_condition(&req->if_none_match, &req->more_conditions, value);
        break;
    case HEADER_IF_MATCH:
        read_condition(&req->if_match, &req->more_conditions, value);
        break;
    case HEADER_EXPECT:
        while (http_list_next(&value, &item))
            if (slice_eq_nocase(item, SLICE_LIT("100-continue")))
                req->expect_continue = true;
            else
                f->expect_unknown = true;
        break;
    case HEADER_CONTENT_ENCODING:
        while (http_list_next(&value, &item))
            req->encoded |= !slice_eq_nocase(item, SLICE_LIT("identity"));
        break;
    case HEADER_CORS_METHOD:
        first(&req->access_control_request_method, value);
        break;
    case HEADER_CORS_HEADERS:
        first(&req->access_control_request_headers, value);
        break;
    default:
        break;
    }
}

static void read_field(struct http_request *req, struct facts *f, enum header_id id, struct slice value)
{
    struct slice *slot = single_slot(req, f, id);
    if (!slot) {
        read_list(req, f, id, value);
        return;
    }
    f->repeated |= slot->ptr != NULL;
    *slot = value;
}

static bool finish_framing(struct http_parser *p, const struct facts *f)
{
    struct http_request *req = &p->request;
    if (f->transfer_encoding.ptr) {
        if (f->content_length.ptr)
            return http_fail(p, 400, "Transfer-Encoding together with Content-Length");
        if (req->minor == 0)
            return http_fail(p, 400, "Transfer-Encoding on HTTP/1.0");
        if (!slice_eq_nocase(f->transfer_encoding, SLICE_LIT("chunked")))
            return http_fail(p, 400, "Transfer-Encoding is not chunked");
        req->chunked = true;
    }
    if (f->content_length.ptr) {
        uint64_t length;
        if (!slice_to_u64(f->content_length, &length))
            return http_fail(p, 400, "Malformed Content-Length");
        if (length > p->limits.max_body)
            return http_fail(p, 413, "Request body is too large");
        p->content_length = (size_t)length;
    }
    req->has_body = req->chunked || p->content_length > 0;
    return true;
}

/* http://authority/path?query: the authority replaces Host (RFC 9112, 3.2.2). */
static bool read_absolute(struct http_parser *p, size_t scheme_len, struct slice *origin_form)
{
    struct http_request *req = &p->request;
    const char *start = req->target.ptr + scheme_len, *end = req->target.ptr + req->target.len;
    const char *stop = start;
    while (stop < end && *stop != '/' && *stop != '?')
        stop++;
    struct slice authority = slice_of(start, (size_t)(stop - start));
    if (!authority_is_valid(authority))
        return http_fail(p, 400, "Malformed authority in the request target");
    req->host = authority;
    *origin_form = slice_of(stop, (size_t)(end - stop));
    return true;
}

static bool finish_target(struct http_parser *p)
{
    struct http_request *req = &p->request;
    struct slice t = req->target;
    if (memchr(t.ptr, '#', t.len))
        return http_fail(p, 400, "Fragment in the request target");
    if (slice_eq(t, SLICE_LIT("*"))) {
        req->asterisk = req->method == METHOD_OPTIONS;
        req->path = t;
        return req->asterisk || http_fail(p, 400, "Request target * is for OPTIONS only");
    }
    if (t.ptr[0] != '/') {
        size_t scheme = t.len > 7 && slice_eq_nocase(slice_of(t.ptr, 7), SLICE_LIT("http://"))    ? 7
                        : t.len > 8 && slice_eq_nocase(slice_of(t.ptr, 8), SLICE_LIT("https://")) ? 8
                                                                                                  : 0;
        if (!scheme)
            return http_fail(p, 400, "Malformed request target");
        if (!read_absolute(p, scheme, &t))
            return false;
    }
    const char *mark = t.len ? memchr(t.ptr, '?', t.len) : NULL;
    req->path = mark ? slice_of(t.ptr, (size_t)(mark - t.ptr)) : t;
    if (mark)
        req->query = slice_of(mark + 1, t.len - req->path.len - 1);
    if (req->path.len == 0)
        req->path = SLICE_LIT("/");
    return true;
}

static bool finish_meaning(struct http_parser *p, const struct facts *f)
{
    struct http_request *req = &p->request;
    if (req->minor == 1 && !req->host.ptr)
        return http_fail(p, 400, "Missing Host header");
    if (req->host.ptr && !authority_is_valid(req->host))
        return http_fail(p, 400, "Malformed Host header");
    if (!finish_target(p))
        return false;
    bool upgrade = req->minor == 1 && f->upgrade && f->websocket;
    if (upgrade && req->has_body)
        return http_fail(p, 400, "Body on an upgrade request");
    req->upgrade_websocket = upgrade && req->method == METHOD_GET;
    req->keep_alive = !f->close && (req->minor == 1 || f->keep_alive);
    req->expect_continue &= req->minor == 1; /* RFC 9110, 10.1.1: ignored from a 1.0 client */
    if (f->expect_unknown && req->minor == 1)
        return http_fail(p, 417, "Unknown expectation");
    return true;
}

bool http_head_finish(struct http_parser *p)
{
    struct http_request *req = &p->request;
    struct facts f = {0};
    req->base = p->in;
    req->method = method_of(llhttp_get_method(&p->llhttp));
    if (llhttp_get_method(&p->llhttp) == HTTP_CONNECT)
        return http_fail(p, 501, "Method is not implemented");
    req->origin = (struct slice){0}; /* read_field() counts it */
    for (uint32_t i = 0; i < req->header_count; i++) {
        enum header_id id = header_id_of(http_header_name(req, i));
        if (id != HEADER_UNKNOWN)
            read_field(req, &f, id, http_header_value(req, i));
    }
    if (f.repeated)
        return http_fail(p, 400, "A header that may come once is repeated");
    return finish_framing(p, &f) && finish_meaning(p, &f);
}
