/* The body is a row of parts between lines "--boundary", the last of which is "--boundary--". A part is headers,
 * an empty line, and text up to the CR LF before the next such line. What stands before the first and after the
 * last is ignored (RFC 2046, 5.1.1). */
#include "multipart.h"
#include "line.h"
#include "media.h"

#define BOUNDARY_MAX 70 /* RFC 2046, 5.1.1 */

struct multipart {
    const char *p, *end;
    char delimiter[4 + BOUNDARY_MAX]; /* CR LF "--" boundary */
    size_t delimiter_len;
    const char *problem;
};

static enum err fail(struct multipart *m, enum err e, const char *problem)
{
    m->problem = problem;
    return e;
}

static bool is_boundary_char(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c && strchr("'()+_,-./:=? ", c));
}

static enum err read_boundary(struct multipart *m, struct slice content_type, struct arena *a)
{
    struct slice b = {0};
    enum err e = media_param(content_type, SLICE_LIT("boundary"), a, &b);
    if (e == ERR_NOMEM)
        return e;
    bool valid = !e && b.len >= 1 && b.len <= BOUNDARY_MAX && b.ptr[b.len - 1] != ' ';
    for (size_t i = 0; valid && i < b.len; i++)
        valid = is_boundary_char(b.ptr[i]);
    if (!valid)
        return fail(m, ERR_INVALID, "multipart boundary is missing or malformed");
    memcpy(m->delimiter, "\r\n--", 4);
    memcpy(m->delimiter + 4, b.ptr, b.len);
    m->delimiter_len = b.len + 4;
    return OK;
}

/* Just after a delimiter: "--" ends the body (*last); otherwise blanks and the line's end. */
static enum err end_delimiter(struct multipart *m, bool *last)
{
    *last = m->end - m->p >= 2 && m->p[0] == '-' && m->p[1] == '-';
    if (*last)
        return OK;
    while (m->p < m->end && (*m->p == ' ' || *m->p == '\t'))
        m->p++;
    if (m->end - m->p < 2 || m->p[0] != '\r' || m->p[1] != '\n')
        return fail(m, ERR_INVALID, "malformed multipart boundary line");
    m->p += 2;
    return OK;
}

/* Moves past the next delimiter; *before is what stood in front of it, without the CR LF that belongs to it. */
static enum err take_until_delimiter(struct multipart *m, struct slice *before, bool *last)
{
    const char *hit = memmem(m->p, (size_t)(m->end - m->p), m->delimiter, m->delimiter_len);
    if (!hit)
        return fail(m, ERR_INVALID, "multipart body has no closing boundary");
    *before = slice_of(m->p, (size_t)(hit - m->p));
    m->p = hit + m->delimiter_len;
    return end_delimiter(m, last);
}

/* The first delimiter may be the body's first line; what else comes before it is ignored. */
static enum err take_preamble(struct multipart *m, bool *last)
{
    struct slice preamble, first_line = slice_of(m->delimiter + 2, m->delimiter_len - 2);
    if (!slice_starts(slice_of(m->p, (size_t)(m->end - m->p)), first_line))
        return take_until_delimiter(m, &preamble, last);
    m->p += first_line.len;
    return end_delimiter(m, last);
}

static enum err read_disposition(struct multipart *m, struct slice value, struct arena *a, struct slice *name)
{
    if (name->ptr)
        return fail(m, ERR_INVALID, "multipart part with two Content-Disposition headers");
    if (!slice_eq_nocase(media_type(value), SLICE_LIT("form-data")))
        return fail(m, ERR_INVALID, "multipart part that is not form-data");
    enum err e = media_param(value, SLICE_LIT("name"), a, name);
    return e && e != ERR_NOMEM ? fail(m, ERR_INVALID, "multipart part without a name") : e;
}

static enum err read_part_header(struct multipart *m, struct slice line, struct arena *a, struct slice *name)
{
    const char *colon = memchr(line.ptr, ':', line.len);
    if (!colon || colon == line.ptr || line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return fail(m, ERR_INVALID, "malformed multipart part header");
    struct slice key = slice_of(line.ptr, (size_t)(colon - line.ptr));
    struct slice value = slice_trim(slice_of(colon + 1, line.len - key.len - 1), " \t");
    if (slice_eq_nocase(key, SLICE_LIT("content-disposition")))
        return read_disposition(m, value, a, name);
    if (slice_eq_nocase(key, SLICE_LIT("content-type")) && value.len >= 10 &&
        slice_eq_nocase(slice_of(value.ptr, 10), SLICE_LIT("multipart/")))
        return fail(m, ERR_INVALID, "nested multipart");
    if (slice_eq_nocase(key, SLICE_LIT("content-transfer-encoding")) && !slice_eq_nocase(value, SLICE_LIT("8bit")) &&
        !slice_eq_nocase(value, SLICE_LIT("7bit")) && !slice_eq_nocase(value, SLICE_LIT("binary")))
        return fail(m, ERR_INVALID, "multipart part with a transfer encoding");
    return OK;
}

/* The part's headers; *text is left as what follows them. */
static enum err read_part_head(struct multipart *m, struct slice *text, struct arena *a, struct slice *name)
{
    size_t scanned = 0, start = 0, end = 0;
    for (;;) {
        if (line_find(text->ptr, text->len, &scanned, &end) != LINE_WHOLE)
            return fail(m, ERR_INVALID, "malformed multipart part header");
        if (end > BODY_PART_HEAD_MAX)
            return fail(m, ERR_TOO_LARGE, "multipart part headers are too long");
        struct slice line = slice_of(text->ptr + start, end - start);
        start = scanned = end + 2;
        if (line.len == 0)
            break;
        enum err e = read_part_header(m, line, a, name);
        if (e)
            return e;
    }
    *text = slice_of(text->ptr + start, text->len - start);
    return name->ptr ? OK : fail(m, ERR_INVALID, "multipart part without a name");
}

static enum err read_part(struct multipart *m, struct slice text, struct arena *a, struct body_field *field)
{
    struct slice name = {0};
    enum err e = read_part_head(m, &text, a, &name);
    if (e)
        return e;
    if (!slice_is_utf8(name) || !slice_is_utf8(text))
        return fail(m, ERR_INVALID, "multipart field is not UTF-8");
    *field = (struct body_field){.name = name, .kind = JSON_STRING, .text = text};
    return OK;
}

enum err multipart_parse(struct slice content_type, struct slice text, struct arena *a, struct body *out,
                         const char **problem)
{
    struct multipart m = {.p = text.ptr, .end = text.ptr + text.len, .problem = "no memory"};
    bool last = false;
    struct body_field *fields = arena_alloc(a, BODY_PARTS_MAX * sizeof *fields);
    enum err e = fields ? read_boundary(&m, content_type, a) : ERR_NOMEM;
    size_t count = 0;
    if (!e)
        e = take_preamble(&m, &last);
    while (!e && !last) {
        struct slice part;
        m.p -= 2; /* an empty part's end shares the CR LF of the line above */
        e = take_until_delimiter(&m, &part, &last);
        if (!e && count == BODY_PARTS_MAX)
            e = fail(&m, ERR_TOO_LARGE, "too many multipart parts");
        if (!e && part.len < 2)
            e = fail(&m, ERR_INVALID, "malformed multipart part header");
        if (!e)
            e = read_part(&m, slice_of(part.ptr + 2, part.len - 2), a, &fields[count]);
        count += !e;
    }
    *problem = m.problem;
    *out = (struct body){.fields = fields, .count = count};
    return e;
}
