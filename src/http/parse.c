/* Two readers look at every byte that frames a request: our line finder, which knows only "text, then CR LF",
 * and llhttp in strict mode. llhttp is shown whole units only (a line, a chunk with its end, a body), so its
 * verdict never depends on how the bytes were cut; and where the two disagree on what a unit is, the request is
 * refused. Slices are made from offsets, since the input may move between calls.
 *
 * START (empty lines) → REQUEST_LINE → HEADERS → DONE, or BODY → DONE, or CHUNK_SIZE ⇄ CHUNK_DATA, TRAILERS → DONE */
#include "http/parse.h"
#include "chunk.h"
#include "head.h"
#include "line.h"

enum state {
    AT_START,
    AT_REQUEST_LINE,
    AT_HEADERS,
    AT_BODY,
    AT_CHUNK_SIZE,
    AT_CHUNK_DATA,
    AT_TRAILERS,
    AT_DONE,
    AT_BAD
};

enum step { STEP_ON, STEP_WAIT, STEP_BAD };

#define EMPTY_LINES_MAX   4     /* before a request line (RFC 9112, 2.2: at least one) */
#define METHOD_LEN_MAX    32    /* longer is no method of any HTTP */
#define VERSION_ROOM      64    /* of a request line, beside the target */
#define CHUNK_LINE_MAX    512   /* size and extensions */
#define CHUNK_FRAMING_MAX 65536 /* beside twice the body's limit: what sizes and extensions may take */
#define BODY_KEPT_BYTES   65536 /* a larger decoding buffer is not kept for the next request */

static int on_body(llhttp_t *llhttp, const char *at, size_t len)
{
    struct http_parser *p = llhttp->data;
    (void)at;
    p->body_seen += len;
    return 0;
}

static int on_chunk_header(llhttp_t *llhttp)
{
    struct http_parser *p = llhttp->data;
    p->chunk = llhttp->content_length > SIZE_MAX ? SIZE_MAX : (size_t)llhttp->content_length;
    return 0;
}

static int on_message_complete(llhttp_t *llhttp)
{
    struct http_parser *p = llhttp->data;
    p->complete = true;
    return HPE_PAUSED; /* what follows belongs to the next request */
}

static const llhttp_settings_t settings = {
    .on_body = on_body,
    .on_chunk_header = on_chunk_header,
    .on_message_complete = on_message_complete,
};

void http_parser_init(struct http_parser *p, const struct http_limits *limits)
{
    p->limits = *limits;
    buf_init(&p->body);
    http_parser_reset(p);
}

void http_parser_reset(struct http_parser *p)
{
    struct http_limits limits = p->limits;
    struct buf body = p->body;
    memset(&p->request, 0, offsetof(struct http_request, headers)); /* headers[] is valid up to header_count */
    memset((char *)p + offsetof(struct http_parser, consumed), 0, sizeof *p - offsetof(struct http_parser, consumed));
    if (body.cap > BODY_KEPT_BYTES)
        buf_fini(&body);
    buf_clear(&body);
    p->limits = limits;
    p->body = body;
    llhttp_init(&p->llhttp, HTTP_REQUEST, &settings);
    p->llhttp.data = p;
}

void http_parser_fini(struct http_parser *p)
{
    buf_fini(&p->body);
}

static enum step bad(struct http_parser *p, int status, const char *detail)
{
    (void)http_fail(p, status, detail);
    return STEP_BAD;
}

static enum step llhttp_refused(struct http_parser *p, enum llhttp_errno error)
{
    switch (error) {
    case HPE_INVALID_METHOD:
        return bad(p, 501, "Method is not implemented");
    case HPE_INVALID_URL:
        return bad(p, 400, "Malformed request target");
    case HPE_INVALID_VERSION:
    case HPE_INVALID_CONSTANT:
        return bad(p, 400, "Malformed request line");
    case HPE_INVALID_HEADER_TOKEN:
        return bad(p, 400, "Invalid character in a header");
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_UNEXPECTED_CONTENT_LENGTH:
        return bad(p, 400, "Invalid Content-Length");
    case HPE_INVALID_TRANSFER_ENCODING:
        return bad(p, 400, "Invalid Transfer-Encoding");
    case HPE_INVALID_CHUNK_SIZE:
        return bad(p, 400, "Invalid chunk size");
    default:
        return bad(p, 400, "Malformed request");
    }
}

/* Shows llhttp the input up to `end`. `last`: our side says that the message ends there; llhttp must agree. */
static enum step feed(struct http_parser *p, size_t end, bool last)
{
    enum llhttp_errno error = llhttp_execute(&p->llhttp, p->in + p->eaten, end - p->eaten);
    if (error != HPE_OK && !(error == HPE_PAUSED && p->complete))
        return llhttp_refused(p, error);
    if (p->complete != last)
        return bad(p, 400, "Ambiguous message length");
    p->eaten = p->scanned = end;
    return STEP_ON;
}

static enum step at_start(struct http_parser *p, size_t len)
{
    while (p->eaten < len && (p->in[p->eaten] == '\r' || p->in[p->eaten] == '\n')) {
        if (p->in[p->eaten] == '\n' || p->eaten == EMPTY_LINES_MAX * 2)
            return bad(p, 400, "Malformed request line");
        if (p->eaten + 1 == len)
            return STEP_WAIT;
        if (p->in[p->eaten + 1] != '\n')
            return bad(p, 400, "Malformed request line");
        p->eaten += 2;
    }
    if (p->eaten == len)
        return STEP_WAIT;
    p->scanned = p->part_at = p->eaten;
    p->started = true;
    p->state = AT_REQUEST_LINE;
    return STEP_ON;
}

/* The method's bytes are judged as they come: what is no HTTP at all (a TLS hello) is refused at once, and an
 * unknown method is the same 501 however the bytes were cut. */
static enum step find_method(struct http_parser *p, size_t len)
{
    const char *line = p->in + p->eaten;
    size_t have = len - p->eaten;
    while (p->method_len < have && http_is_tchar((unsigned char)line[p->method_len]))
        if (++p->method_len > METHOD_LEN_MAX)
            return bad(p, 501, "Method is not implemented");
    if (p->method_len == have)
        return STEP_WAIT;
    if (p->method_len == 0 || line[p->method_len] != ' ')
        return bad(p, 400, "Malformed request line");
    return STEP_ON;
}

/* The line under way; STEP_ON: whole, without its end, in *line. Longer than `most`: the status given. */
static enum step take_line(struct http_parser *p, size_t len, size_t most, int status, const char *detail,
                           struct slice *line)
{
    size_t end = 0;
    enum line found = line_find(p->in, len, &p->scanned, &end);
    size_t line_len = (found == LINE_WHOLE ? end : p->scanned) - p->eaten;
    if (line_len > most)
        return bad(p, status, detail);
    if (found == LINE_BAD)
        return bad(p, 400, "Control character or bare line end");
    *line = slice_of(p->in + p->eaten, line_len);
    return found == LINE_MORE ? STEP_WAIT : STEP_ON;
}

/* Shows llhttp a line of the head in two parts, up to `shown` and its end, and nothing of what stands between. */
static enum step feed_line_but(struct http_parser *p, size_t shown, size_t line_len)
{
    if (shown < line_len) {
        enum step step = feed(p, p->eaten + shown, false);
        if (step != STEP_ON)
            return step;
        p->eaten += line_len - shown;
        line_len = 0;
    }
    return feed(p, p->eaten + line_len + 2, false);
}

/* llhttp knows no minor version beyond 1, which is how a later one is understood: it is shown that one. */
static enum step feed_request_line(struct http_parser *p, size_t line_len)
{
    if (p->in[p->eaten + line_len - 1] <= '1')
        return feed(p, p->eaten + line_len + 2, false);
    enum step step = feed(p, p->eaten + line_len - 1, false);
    if (step != STEP_ON)
        return step;
    enum llhttp_errno error = llhttp_execute(&p->llhttp, "1", 1);
    if (error != HPE_OK)
        return llhttp_refused(p, error);
    p->eaten++;
    return feed(p, p->eaten + 2, false);
}

static enum step at_request_line(struct http_parser *p, size_t len)
{
    struct slice line;
    enum step step = find_method(p, len);
    if (step != STEP_ON)
        return step;
    size_t most = p->limits.max_target + VERSION_ROOM;
    if (most > p->limits.max_head)
        most = p->limits.max_head;
    step = take_line(p, len, most, 414, "Request target is too long", &line);
    if (step != STEP_ON)
        return step;
    if (!http_head_request_line(p, line))
        return STEP_BAD;
    p->request.base = p->in;
    p->state = AT_HEADERS;
    return feed_request_line(p, line.len);
}

/* A line of the head, or of the trailers: both are bounded as a whole. */
static enum step take_field(struct http_parser *p, size_t len, const char *too_large, struct slice *line)
{
    size_t used = p->eaten - p->part_at + 2; /* with the line's own end */
    if (used > p->limits.max_head)
        return bad(p, 431, too_large);
    return take_line(p, len, p->limits.max_head - used, 431, too_large, line);
}

static enum step head_done(struct http_parser *p)
{
    struct http_request *req = &p->request;
    if (!http_head_finish(p))
        return STEP_BAD;
    enum step step = feed(p, p->eaten + 2, !req->has_body);
    if (step != STEP_ON)
        return step;
    p->part_at = p->eaten;
    p->in_body = req->has_body;
    p->state = !req->has_body ? AT_DONE : req->chunked ? AT_CHUNK_SIZE : AT_BODY;
    return STEP_ON;
}

static enum step at_headers(struct http_parser *p, size_t len)
{
    struct slice line;
    enum step step = take_field(p, len, "Request head is too large", &line);
    if (step != STEP_ON)
        return step;
    if (line.len == 0)
        return head_done(p);
    if (!http_head_add(p, line))
        return STEP_BAD;
    /* llhttp refuses some blanks that may follow a value (a tab after a length, any after "chunked"): RFC 9112, 5.1. */
    return feed_line_but(p, slice_trim(line, " \t").len, line.len);
}

static enum step at_body(struct http_parser *p, size_t len)
{
    if (len - p->eaten < p->content_length)
        return STEP_WAIT;
    enum step step = feed(p, p->eaten + p->content_length, true);
    if (step != STEP_ON)
        return step;
    if (p->body_seen != p->content_length)
        return bad(p, 400, "Ambiguous message length");
    p->state = AT_DONE;
    return STEP_ON;
}

static enum step at_chunk_size(struct http_parser *p, size_t len)
{
    struct slice line;
    size_t size, size_len;
    enum step step = take_line(p, len, CHUNK_LINE_MAX, 400, "Chunk size line is too long", &line);
    if (step != STEP_ON)
        return step;
    if (!chunk_line_read(line, &size, &size_len))
        return bad(p, 400, "Invalid chunk size");
    if (size > p->limits.max_body - p->body.len)
        return bad(p, 413, "Request body is too large");
    if (p->eaten - p->part_at > p->limits.max_body * 2 + CHUNK_FRAMING_MAX)
        return bad(p, 413, "Chunked body has too much framing");
    p->chunk = SIZE_MAX;
    /* llhttp is shown the number and the line's end: it refuses extensions that the grammar allows (";a=b;c=d"). */
    step = feed_line_but(p, size_len, line.len);
    if (step != STEP_ON)
        return step;
    if (p->chunk != size)
        return bad(p, 400, "Invalid chunk size");
    p->state = size ? AT_CHUNK_DATA : AT_TRAILERS;
    if (!size)
        p->part_at = p->eaten;
    return STEP_ON;
}

static enum step at_chunk_data(struct http_parser *p, size_t len)
{
    size_t have = len - p->eaten;
    const char *data = p->in + p->eaten;
    if ((have > p->chunk && data[p->chunk] != '\r') || (have > p->chunk + 1 && data[p->chunk + 1] != '\n'))
        return bad(p, 400, "Chunk is longer than its size");
    if (have < p->chunk + 2)
        return STEP_WAIT;
    buf_append(&p->body, data, p->chunk);
    if (!buf_ok(&p->body))
        return bad(p, 503, "Out of memory");
    enum step step = feed(p, p->eaten + p->chunk + 2, false);
    if (step != STEP_ON)
        return step;
    if (p->body_seen != p->body.len)
        return bad(p, 400, "Ambiguous message length");
    p->state = AT_CHUNK_SIZE;
    return STEP_ON;
}

static enum step at_trailers(struct http_parser *p, size_t len)
{
    struct slice line;
    enum step step = take_field(p, len, "Trailers are too large", &line);
    if (step != STEP_ON)
        return step;
    if (line.len && !http_head_trailer(p, line))
        return STEP_BAD;
    step = feed(p, p->eaten + line.len + 2, line.len == 0);
    if (step == STEP_ON && line.len == 0)
        p->state = AT_DONE;
    return step;
}

static enum step step_once(struct http_parser *p, size_t len)
{
    switch ((enum state)p->state) {
    case AT_START:
        return at_start(p, len);
    case AT_REQUEST_LINE:
        return at_request_line(p, len);
    case AT_HEADERS:
        return at_headers(p, len);
    case AT_BODY:
        return at_body(p, len);
    case AT_CHUNK_SIZE:
        return at_chunk_size(p, len);
    case AT_CHUNK_DATA:
        return at_chunk_data(p, len);
    case AT_TRAILERS:
        return at_trailers(p, len);
    case AT_DONE:
    case AT_BAD:
        break;
    }
    return STEP_WAIT;
}

static enum http_parse finish(struct http_parser *p)
{
    struct http_request *req = &p->request;
    req->body_in_buffer = p->body.len > 0;
    if (req->body_in_buffer)
        req->body = buf_slice(&p->body);
    else
        req->body = slice_of(p->in + p->eaten - p->content_length, p->content_length);
    p->consumed = p->eaten;
    p->in_body = p->wants_continue = false;
    return HTTP_PARSE_REQUEST;
}

enum http_parse http_parser_run(struct http_parser *p, const char *in, size_t len)
{
    enum step step = STEP_ON;
    if (p->state == AT_BAD)
        return HTTP_PARSE_BAD;
    if (p->state == AT_DONE)
        return HTTP_PARSE_REQUEST;
    must(len >= p->scanned); /* bytes once shown never go before the request is done */
    if (p->request.base)     /* so that what is known of a request can be read at any time, refused or not */
        http_parser_rebase(p, in);
    p->in = in;
    if (len > UINT32_MAX)
        step = bad(p, 413, "Request is too large");
    while (step == STEP_ON && p->state != AT_DONE)
        step = step_once(p, len);
    if (step == STEP_BAD) {
        p->state = AT_BAD;
        p->in_body = p->wants_continue = false;
        return HTTP_PARSE_BAD;
    }
    if (p->state == AT_DONE)
        return finish(p);
    p->wants_continue = p->in_body && p->request.expect_continue && len == p->eaten && p->eaten == p->part_at;
    return HTTP_PARSE_MORE;
}

void http_parser_rebase(struct http_parser *p, const char *in)
{
    struct http_request *req = &p->request;
    struct slice *const slices[] = {
        &req->method_text,
        &req->target,
        &req->path,
        &req->query,
        &req->host,
        &req->origin,
        &req->content_type,
        &req->authorization,
        &req->idempotency_key,
        &req->if_none_match,
        &req->if_match,
        &req->connection,
        &req->upgrade,
        &req->ws_key,
        &req->ws_version,
        &req->ws_protocol,
        &req->access_control_request_method,
        &req->access_control_request_headers,
        req->body_in_buffer ? NULL : &req->body,
    };
    uintptr_t old = (uintptr_t)req->base; /* perhaps freed: compared as numbers only */
    if (req->base == in)
        return;
    for (size_t i = 0; i < sizeof slices / sizeof *slices; i++) {
        uintptr_t at = slices[i] ? (uintptr_t)slices[i]->ptr : 0;
        if (at >= old && at <= old + p->eaten) /* not a literal of ours, not NULL */
            slices[i]->ptr = in + (at - old);
    }
    req->base = p->in = in;
}
