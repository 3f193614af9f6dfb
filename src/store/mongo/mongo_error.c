/* Every failed command comes through here: first it is sorted by whom it concerns, then it is taken down.
 * Sorted. The server's codes are its own (src/mongo/base/error_codes.yml, and the numbers above ten thousand of older
 * places); the driver's say whether a command left this process at all.
 *   The database is not there, not ours to write to, or out of room: ERR_STORE, and the batch waits.
 *   A document breaks a rule: ERR_REFUSED, ERR_TOO_LARGE, or of a unique index ERR_CONFLICT: one op is at fault.
 *   It answered, in a code not known here: ERR_FAILED. Nobody else is made to wait for it.
 * A bulk write can fail for some of its documents alone. Its reply then names them, and the others are done; but it may
 *   name some although the command as a whole failed (a write concern, a lost connection): mongo_only_documents()
 *   tells.
 * Taken down. ERR_STORE on one of the writer's connections is the database's failing: health says so until something
 *   has worked again. On other connections, and for what is one op's own fault, the log has a line now and then. */
#include "mongo_error.h"

#include "base/clock.h"
#include "base/log.h"
#include "bson_map.h"

#define LOG_AGAIN_US 60000000

static bool is_among(int64_t code, const int *codes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (codes[i] == code)
            return true;
    return false;
}
#define IS_AMONG(code, codes) is_among(code, codes, sizeof(codes) / sizeof((codes)[0]))

enum err mongo_sort_code(int64_t code)
{
    /* Failover, shutdown, locks and limits of the moment; no permission; no room; what a proxy or a cloud says of
     * these. */
    static const int away[] = {6,   7,    13,   18,   24,    39,    50,    63,    64,    79,    89,    91,    100,
                               112, 133,  134,  146,  150,   189,   202,   234,   246,   262,   317,   365,   371,
                               384, 8000, 9001, 9998, 10058, 10107, 11600, 11602, 13388, 13435, 13436, 14031, 46841};
    /* Values, types, nesting, field names, validators, and keys that an index cannot hold or make of a document. */
    static const int refused[] = {2,  9,  14,  15,  22,  28,    34,    40,    52,    53,    54,    55,    56,    57,
                                  59, 66, 121, 156, 171, 13026, 13027, 13654, 16755, 16756, 16766, 17261, 17262, 17280};
    static const int large[] = {10334, 17419, 17420};
    static const int taken[] = {11000, 11001, 12582};
    if (IS_AMONG(code, away))
        return ERR_STORE;
    if (IS_AMONG(code, taken))
        return ERR_CONFLICT;
    if (IS_AMONG(code, large))
        return ERR_TOO_LARGE;
    return IS_AMONG(code, refused) ? ERR_REFUSED : ERR_FAILED;
}

enum err mongo_sort(const bson_error_t *error)
{
    switch (error->domain) {
    case MONGOC_ERROR_SERVER:
    case MONGOC_ERROR_QUERY:
        return mongo_sort_code(error->code);
    case MONGOC_ERROR_BSON: /* the driver found it not to be BSON, or too large */
        return ERR_REFUSED;
    case MONGOC_ERROR_COMMAND:
        return error->code == MONGOC_ERROR_COMMAND_INVALID_ARG ? ERR_REFUSED : ERR_STORE;
    case MONGOC_ERROR_CURSOR:
        return ERR_FAILED;
    default: /* the network, the choice of a server, the handshake, the write concern */
        return ERR_STORE;
    }
}

/* For health and --check-config: what somebody would have to do something about. */
const char *mongo_reason(const bson_error_t *error)
{
    if (error->domain != MONGOC_ERROR_SERVER && strstr(error->message, "TLS"))
        return strstr(error->message, "timed out") ? REASON_NO_ANSWER : REASON_TLS;
    if (error->domain == MONGOC_ERROR_CLIENT && error->code == MONGOC_ERROR_CLIENT_AUTHENTICATE)
        return REASON_AUTHENTICATION;
    if (error->domain == MONGOC_ERROR_SERVER && (error->code == 18 || error->code == 13))
        return error->code == 18 ? REASON_AUTHENTICATION : REASON_PERMISSION;
    if (error->domain != MONGOC_ERROR_STREAM)
        return NULL;
    return error->code == MONGOC_ERROR_STREAM_NAME_RESOLUTION ? REASON_NAME
           : error->code == MONGOC_ERROR_STREAM_SOCKET        ? REASON_NO_ANSWER
                                                              : REASON_AWAY;
}

/* --- a bulk write's reply --- */

bool mongo_refusal_next(const bson_t *reply, struct mongo_refusal *r)
{
    bson_iter_t it, field;
    if (!r->begun && !(bson_iter_init_find(&it, reply, "writeErrors") && bson_iter_recurse(&it, &r->list)))
        return false;
    r->begun = true;
    if (!bson_iter_next(&r->list) || !bson_iter_recurse(&r->list, &field))
        return false;
    r->index = r->code = -1;
    r->message = "";
    while (bson_iter_next(&field)) {
        const char *key = bson_iter_key(&field);
        if (strcmp(key, "index") == 0)
            r->index = bson_integer(&field);
        else if (strcmp(key, "code") == 0)
            r->code = bson_integer(&field);
        else if (strcmp(key, "errmsg") == 0 && BSON_ITER_HOLDS_UTF8(&field))
            r->message = bson_iter_utf8(&field, NULL);
    }
    return true;
}

bool mongo_only_documents(const bson_t *reply, const bson_error_t *error)
{
    bson_iter_t it, one;
    struct mongo_refusal first = {0};
    if (error->domain != MONGOC_ERROR_SERVER || !mongo_refusal_next(reply, &first))
        return false;
    bool concern =
        bson_iter_init_find(&it, reply, "writeConcernErrors") && bson_iter_recurse(&it, &one) && bson_iter_next(&one);
    return !concern && first.code == (int64_t)error->code;
}

bool mongo_may_pass(const bson_t *reply)
{
    struct mongo_refusal r = {0};
    while (mongo_refusal_next(reply, &r))
        if (mongo_sort_code(r.code) == ERR_STORE)
            return true;
    return false;
}

/* --- taking it down --- */

/* True once in LOG_AGAIN_US. Two threads may both find that it is time: then there are two lines. */
static bool is_time(atomic_llong *last_us)
{
    int64_t now = clock_mono_us();
    int64_t last = atomic_load_explicit(last_us, memory_order_relaxed);
    if (last != 0 && now - last < LOG_AGAIN_US)
        return false;
    atomic_store_explicit(last_us, now, memory_order_relaxed);
    return true;
}

void mongo_note_away(const struct mongo_conn *conn, const char *what, const bson_error_t *error)
{
    struct mongo_health *h = conn->health;
    const char *reason = mongo_reason(error);
    bool writers = conn->kind == MONGO_WRITER;
    if (writers && !atomic_exchange_explicit(&h->failing, true, memory_order_relaxed))
        atomic_store_explicit(&h->logged_us, 0, memory_order_relaxed); /* the first one is always worth a line */
    /* That no server was found says less than what the driver's monitors have said of it. */
    bool known = error->domain == MONGOC_ERROR_SERVER_SELECTION &&
                 !atomic_load_explicit(&h->reachable, memory_order_relaxed) &&
                 atomic_load_explicit(&h->reason, memory_order_relaxed);
    if (writers && !known)
        mongo_health_say(h, reason, error->message);
    if (is_time(&h->logged_us))
        log_warn("mongodb failed", "doing=\"%s\" reason=%s error=\"%s\"", what, reason ? reason : "unknown",
                 error->message);
}

void mongo_note_refused(const struct mongo_conn *conn, const char *what, const bson_error_t *error)
{
    /* What follows a brace is the value or the document: not for the log. */
    if (is_time(&conn->health->refused_us))
        log_warn("mongodb refused", "doing=\"%s\" code=%u error=\"%.*s\"", what, error->code,
                 (int)strcspn(error->message, "{"), error->message);
}

enum err mongo_failed(const struct mongo_conn *conn, const char *what, const bson_error_t *error)
{
    enum err e = conn->in_batch ? mongo_sort(error) : ERR_STORE;
    if (e == ERR_STORE)
        mongo_note_away(conn, what, error);
    else
        mongo_note_refused(conn, what, error);
    return e;
}
