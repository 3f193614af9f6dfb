/* body.h: a request's body, whatever its form, to one list of fields.
 * Thread:  any; works on the request and the arena given.
 * Owns:    nothing: fields point into the body or the arena.
 * Forms:   application/json, …+json; text/plain or no Content-Type (navigator.sendBeacon): JSON text inside;
 *          application/x-www-form-urlencoded; multipart/form-data (a file part is a field by its name). Any
 *          other type is accepted when its text is a JSON object, else ERR_UNSUPPORTED.
 *          (A JSON object under the urlencoded type is taken as JSON too: what `curl -d '{…}'` sends.)
 *          All text must be well-formed UTF-8; a charset parameter is ignored. Equal names: the last counts.
 * Fails:   `why` (appended; may be NULL) has the clause that is given here, without a word around it:
 *          ERR_NOT_FOUND   no body, or blanks only: nothing
 *          ERR_INVALID     what is wrong and where
 *          ERR_CONFLICT    JSON, but not an object: "Input should be a JSON object, not an array"
 *          ERR_UNSUPPORTED the type
 *          ERR_TOO_LARGE   more parts or fields, or longer part headers than allowed: which
 *          ERR_NOMEM       the arena is full: nothing */
#pragma once
#include "http/request.h"
#include "json/json_in.h"

#define BODY_PARTS_MAX       64   /* multipart parts */
#define BODY_PART_HEAD_MAX   2048 /* bytes of one part's headers */
#define BODY_FORM_FIELDS_MAX 256  /* urlencoded fields */
#define BODY_JSON_FIELDS_MAX 1024 /* members of the JSON object */

struct body_field {
    struct slice name;
    enum json_type kind;    /* form fields: JSON_STRING */
    struct slice text;      /* strings: decoded; the rest: source text */
    struct json_value json; /* absent for form fields */
};

struct body {
    struct body_field *fields; /* in order; equal names each come */
    size_t count;
    struct json_doc *doc; /* NULL for forms */
};

NODISCARD enum err body_parse(const struct http_request *req, struct arena *a, struct body *out, struct buf *why);
/* The same of JSON that has been parsed. */
NODISCARD enum err body_of_json(struct json_doc *doc, struct arena *a, struct body *out, struct buf *why);
const struct body_field *body_get(const struct body *b, const char *name); /* the last of that name, or NULL */
