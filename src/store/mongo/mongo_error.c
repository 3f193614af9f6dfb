/* What a failure says about whom. The server's codes are its own (src/mongo/base/error_codes.yml, and the numbers above
 * ten thousand of older places); the driver's say whether a command left this process at all.
 *   The database is not there, not ours to write to, or out of room: ERR_STORE, and the batch waits.
 *   A document breaks a rule: ERR_REFUSED, ERR_TOO_LARGE, or of a unique index ERR_CONFLICT: one op is at fault.
 *   It answered, in a code not known here: ERR_FAILED. Nobody else is made to wait for it. */
#include "mongo_error.h"

#include "base/clock.h"
#include "base/log.h"
#include "mongo_store.h"

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
    /* Failover, shutdown, locks and limits of the moment; no permission; no room; what a proxy or a cloud says of these. */
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

/* --- a bulk write's reply: single documents, or all of it --- */

static int64_t number_at(const bson_iter_t *document, const char *key)
{
    bson_iter_t field;
    return bson_iter_recurse(document, &field) && bson_iter_find(&field, key) ? bson_integer(&field) : -1;
}

static bool has_elements(const bson_t *reply, const char *key)
{
    bson_iter_t it, one;
    return bson_iter_init_find(&it, reply, key) && bson_iter_recurse(&it, &one) && bson_iter_next(&one);
}

/* The reply of a failed insert speaks of single documents only when the error itself is theirs: a lost connection
 * or a refused command leaves the rest unclear. */
bool mongo_only_documents(const bson_t *reply, const bson_error_t *error)
{
    bson_iter_t it, one;
    if (error->domain != MONGOC_ERROR_SERVER || has_elements(reply, "writeConcernErrors"))
        return false;
    if (!bson_iter_init_find(&it, reply, "writeErrors") || !bson_iter_recurse(&it, &one))
        return false;
    return bson_iter_next(&one) && number_at(&one, "code") == (int64_t)error->code;
}

bool mongo_may_pass(const bson_t *reply)
{
    bson_iter_t it, one;
    if (!bson_iter_init_find(&it, reply, "writeErrors") || !bson_iter_recurse(&it, &one))
        return true;
    while (bson_iter_next(&one))
        if (mongo_sort_code(number_at(&one, "code")) == ERR_STORE)
            return true;
    return false;
}

/* --- noting it --- */

void mongo_health_failed(struct mongo_health *h, bool failing, const char *what, const bson_error_t *error)
{
    const char *reason = mongo_reason(error);
    int64_t now = clock_mono_us();
    bool first = failing && !atomic_exchange_explicit(&h->failing, true, memory_order_relaxed);
    /* That no server was found says less than what the monitors have said of it. */
    bool known = error->domain == MONGOC_ERROR_SERVER_SELECTION &&
                 !atomic_load_explicit(&h->reachable, memory_order_relaxed) &&
                 atomic_load_explicit(&h->reason, memory_order_relaxed);
    if (failing && !known)
        mongo_health_say(h, reason, error->message);
    int64_t last = atomic_load_explicit(&h->logged_us, memory_order_relaxed);
    if (!first && last != 0 && now - last < LOG_AGAIN_US)
        return;
    atomic_store_explicit(&h->logged_us, now, memory_order_relaxed);
    log_warn("mongodb failed", "doing=\"%s\" reason=%s error=\"%s\"", what, reason ? reason : "unknown",
             error->message);
}

void mongo_health_refused(struct mongo_health *h, const char *what, const bson_error_t *error)
{
    int64_t now = clock_mono_us();
    int64_t last = atomic_load_explicit(&h->refused_us, memory_order_relaxed);
    if (last != 0 && now - last < LOG_AGAIN_US)
        return;
    atomic_store_explicit(&h->refused_us, now, memory_order_relaxed);
    /* What follows a brace is the value or the document: not for the log. */
    log_warn("mongodb refused", "doing=\"%s\" code=%u error=\"%.*s\"", what, error->code,
             (int)strcspn(error->message, "{"), error->message);
}

enum err mongo_failed(struct mongo_store *s, const struct mongo_conn *conn, const char *what, const bson_error_t *error)
{
    /* in_batch is the thread's that has this connection: other threads' failures do not look at it. */
    enum err e = conn == &s->writer && s->in_batch ? mongo_sort(error) : ERR_STORE;
    if (e == ERR_STORE)
        mongo_health_failed(&s->health, conn->kind == MONGO_WRITER, what, error);
    else
        mongo_health_refused(&s->health, what, error);
    return e;
}
