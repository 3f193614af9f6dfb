/* One customer by its id, its reference or its address. An address is compared without case and blanks (chat/email.h).
 * Where it is stored otherwise, its document has a field of ours beside it, "email_folded", with the form that is
 * compared: a collation would do without, but not every database offers one, and none for blanks. Documents that were
 * there before get it at start. An address that is stored as it is compared, as nearly all are, needs no such field. */
#include "mongo_customer.h"

#include "chat/email.h"
#include "mongo_cursor.h"
#include "mongo_store.h"

/* How well a document fits: the lower the better; of equals the one with the lower _id, which is the older ObjectId. */
enum fit { FIT_OBJECT_ID, FIT_TEXT_ID, FIT_PLAIN_ID, FIT_REF, FIT_EMAIL, FIT_FOLDED_EMAIL, FIT_NOT };

/* What an _id is, in the database's own order. Of another kind, such as a document, no text means it: its customer is
 * in no answer, as if it were not there, and its address is free. */
enum id_kind { ID_NONE, ID_NUMBER, ID_STRING, ID_OID, ID_TRUTH };

static enum id_kind kind_of(const bson_iter_t *it)
{
    switch (bson_iter_type(it)) {
    case BSON_TYPE_INT32:
    case BSON_TYPE_INT64:
    case BSON_TYPE_DOUBLE:
        return ID_NUMBER;
    case BSON_TYPE_UTF8:
        return ID_STRING;
    case BSON_TYPE_OID:
        return ID_OID;
    case BSON_TYPE_BOOL:
        return ID_TRUTH;
    default:
        return ID_NONE;
    }
}

static bool is_oid(const bson_iter_t *it, struct slice id)
{
    struct oid oid;
    return BSON_ITER_HOLDS_OID(it) && oid_parse(id, &oid) &&
           memcmp(bson_iter_oid(it)->bytes, oid.bytes, OID_BYTES) == 0;
}

static bool is_text(const bson_iter_t *it, struct slice id)
{
    char room[BSON_ROOM];
    return BSON_ITER_HOLDS_UTF8(it) && slice_eq(bson_scalar(it, room), id);
}

/* A number or a truth value, which existing databases may have as ids: by its text. */
static bool is_plain(const bson_iter_t *it, struct slice id)
{
    char room[BSON_ROOM];
    enum id_kind kind = kind_of(it);
    return (kind == ID_NUMBER || kind == ID_TRUTH) && slice_eq(bson_scalar(it, room), id);
}

static enum fit fit_of(const bson_t *doc, enum customer_by by, struct slice value)
{
    bson_iter_t it;
    if (!bson_iter_init_find(&it, doc, "_id") || kind_of(&it) == ID_NONE)
        return FIT_NOT;
    if (by & CUSTOMER_BY_ID) {
        if (is_oid(&it, value))
            return FIT_OBJECT_ID;
        if (is_text(&it, value))
            return FIT_TEXT_ID;
        if (is_plain(&it, value))
            return FIT_PLAIN_ID;
    }
    if (by & CUSTOMER_BY_REF && bson_iter_init_find(&it, doc, "user_id") && (is_oid(&it, value) || is_text(&it, value)))
        return FIT_REF;
    struct slice email = by & CUSTOMER_BY_EMAIL ? bson_string(doc, "email") : (struct slice){0};
    if (email.len == 0)
        return FIT_NOT;
    if (slice_eq(email, value))
        return FIT_EMAIL;
    return email_same(email, value) ? FIT_FOLDED_EMAIL : FIT_NOT;
}

/* By _id. */
static bool is_before(const bson_t *a, const bson_t *b)
{
    bson_iter_t x, y;
    if (!bson_iter_init_find(&x, a, "_id") || !bson_iter_init_find(&y, b, "_id"))
        return false;
    if (BSON_ITER_HOLDS_OID(&x) && BSON_ITER_HOLDS_OID(&y))
        return bson_oid_compare(bson_iter_oid(&x), bson_iter_oid(&y)) < 0;
    if (BSON_ITER_HOLDS_UTF8(&x) && BSON_ITER_HOLDS_UTF8(&y))
        return strcmp(bson_iter_utf8(&x, NULL), bson_iter_utf8(&y, NULL)) < 0;
    if (kind_of(&x) == ID_NUMBER && kind_of(&y) == ID_NUMBER)
        return bson_iter_as_double(&x) < bson_iter_as_double(&y);
    return kind_of(&x) < kind_of(&y);
}

bson_t *mongo_filter_by(enum customer_by by, struct slice value)
{
    char room[EMAIL_MAX];
    struct slice folded = by & CUSTOMER_BY_EMAIL ? email_fold(value, room) : (struct slice){0};
    struct bson_array any;
    array_begin(&any, bson_new(), "$or");
    if (by & CUSTOMER_BY_ID)
        array_add(&any, bson_in("_id", &value, 1));
    if (by & CUSTOMER_BY_REF)
        array_add(&any, bson_in("user_id", &value, 1));
    if (by & CUSTOMER_BY_EMAIL)
        array_add(&any, bson_is("email", value));
    if (folded.ptr && !slice_eq(folded, value))
        array_add(&any, bson_is("email", folded));
    if (folded.ptr)
        array_add(&any, bson_is("email_folded", folded));
    return array_end(&any);
}

/* Any number of customers may have the address that stands for none. It is not compared: the first one found will do. */
static mongoc_cursor_t *find_default(const struct mongo_conn *conn, struct slice email)
{
    struct mongo_find how = {.limit = 1, .primary = true};
    return mongo_find(conn, conn->customers, bson_is("email", email), &how);
}

enum err mongo_customer(const struct mongo_conn *conn, enum customer_by by, struct slice value, struct arena *a,
                        struct customer *out, bson_t **doc)
{
    if (value.len == 0 || !slice_is_utf8(value))
        return ERR_NOT_FOUND;
    struct mongo_find how = {.primary = true};
    bool nobody = by == CUSTOMER_BY_EMAIL && email_is_default(value) && email_made_for(value).len == 0;
    mongoc_cursor_t *cursor =
        nobody ? find_default(conn, value) : mongo_find(conn, conn->customers, mongo_filter_by(by, value), &how);
    const bson_t *found;
    bson_t *best = NULL;
    enum fit best_fit = FIT_NOT;
    while (mongoc_cursor_next(cursor, &found)) {
        enum fit fit = fit_of(found, by, value);
        if (fit > best_fit || fit == FIT_NOT || (fit == best_fit && !is_before(found, best)))
            continue;
        bson_destroy(best);
        best = bson_copy(found);
        best_fit = fit;
    }
    enum err e = mongo_done(conn, "finding a customer", cursor, OK);
    if (e == OK)
        e = best ? map_customer(best, a, out) : ERR_NOT_FOUND;
    if (e == OK && doc) {
        bson_destroy(*doc);
        *doc = best;
        best = NULL;
    }
    bson_destroy(best);
    return e;
}

enum err mongo_read_customer(struct store_reader *reader, enum customer_by by, struct slice value, struct arena *a,
                             struct customer *out)
{
    return mongo_customer(&mongo_reader_of(reader)->conn, by, value, a, out, NULL);
}
