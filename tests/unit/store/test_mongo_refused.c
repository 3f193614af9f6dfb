/* What the database will never do for one op: whose fault a failure is, and that nobody else hears of it. */
#include "chat/customer.h"
#include "conformance.h"
#include "store_rig.h"
#include "test_mongo_kit.h"
#include "test_mongo_suites.h"

#include <string.h>

/* Whom a failure is about, by what the driver and the server say. */
static void sorted(void)
{
    static const struct {
        uint32_t domain, code;
        enum err verdict;
    } rows[] = {
        {MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_SOCKET, ERR_STORE},
        {MONGOC_ERROR_SERVER_SELECTION, MONGOC_ERROR_SERVER_SELECTION_FAILURE, ERR_STORE},
        {MONGOC_ERROR_CLIENT, MONGOC_ERROR_CLIENT_AUTHENTICATE, ERR_STORE},
        {MONGOC_ERROR_PROTOCOL, MONGOC_ERROR_PROTOCOL_INVALID_REPLY, ERR_STORE},
        {MONGOC_ERROR_WRITE_CONCERN, 64, ERR_STORE},
        {MONGOC_ERROR_SERVER, 10107, ERR_STORE}, /* not primary */
        {MONGOC_ERROR_SERVER, 11600, ERR_STORE}, /* shutting down */
        {MONGOC_ERROR_SERVER, 13, ERR_STORE},    /* not authorized */
        {MONGOC_ERROR_SERVER, 14031, ERR_STORE}, /* no space */
        {MONGOC_ERROR_SERVER, 50, ERR_STORE},    /* took too long */
        {MONGOC_ERROR_SERVER, 11000, ERR_CONFLICT},
        {MONGOC_ERROR_SERVER, 2, ERR_REFUSED},
        {MONGOC_ERROR_SERVER, 121, ERR_REFUSED},
        {MONGOC_ERROR_SERVER, 16755, ERR_REFUSED}, /* no place for an index of places */
        {MONGOC_ERROR_SERVER, 17280, ERR_REFUSED}, /* too long for an index */
        {MONGOC_ERROR_SERVER, 10334, ERR_TOO_LARGE},
        {MONGOC_ERROR_SERVER, 17419, ERR_TOO_LARGE},
        {MONGOC_ERROR_SERVER, 987654, ERR_FAILED},
        {MONGOC_ERROR_BSON, MONGOC_ERROR_BSON_INVALID, ERR_REFUSED},
        {MONGOC_ERROR_COMMAND, MONGOC_ERROR_COMMAND_INVALID_ARG, ERR_REFUSED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bson_error_t error = {.domain = rows[i].domain, .code = rows[i].code};
        CU_ASSERT_EQUAL(mongo_sort(&error), rows[i].verdict);
    }
}

static void wipe(void *arg)
{
    CU_ASSERT(mongoc_database_drop(((struct kit *)arg)->database, NULL));
}

static enum err open_store(void *arg, struct store **out)
{
    return kit_open_store(arg, NULL, KIT_PATIENT_MS, out);
}

static struct kit the_kit;
static const struct store_factory factory = {.name = "mongodb", .wipe = wipe, .open = open_store, .arg = &the_kit};

static bool begin(struct rig *r)
{
    kit_init(&the_kit);
    return rig_open(r, &factory);
}

static void end(struct rig *r)
{
    rig_close(r);
    kit_fini(&the_kit);
}

static void expect_well(struct rig *r)
{
    struct store_health health;
    r->store->vtable->health(r->store, &health);
    CU_ASSERT(health.ok);
}

static void add_unique(const char *collection, const char *field)
{
    bson_error_t error;
    bson_t *command = BCON_NEW("createIndexes", BCON_UTF8(collection), "indexes", "[", "{", "key", "{", field,
                               BCON_INT32(1), "}", "name", "own", "unique", BCON_BOOL(true), "}", "]");
    CU_ASSERT_FATAL(mongoc_database_command_simple(the_kit.database, command, NULL, NULL, &error));
    bson_destroy(command);
}

/* A driver refuses in an update what the database holds. */
static void keys_of_any_kind(void)
{
    static const char *const objects[] = {"{\"\":1}", "{\"a.b\":{\"\":[1,{\"\":2}]}}", "{\"$set\":{\"$x\":1}}",
                                          "{\".\":1}"};
    struct rig r;
    if (!begin(&r))
        return;
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
        struct customer given = {.email = SLICE_LIT("ann@x.io"), .location = slice_cstr(objects[i])}, u;
        struct op *op = rig_put(&r, &given, CUSTOMER_EMAIL | CUSTOMER_LOCATION);
        CU_ASSERT_EQUAL(RIG_APPLY(&r, op), OK);
        CU_ASSERT_EQUAL(op->result, OK);
        CU_ASSERT(rig_customer(&r, CUSTOMER_BY_EMAIL, "ann@x.io", &u));
        CU_ASSERT(slice_eq(u.location, given.location));
    }
    end(&r);
}

/* Two customers of one name, two messages of one text: the second of each is refused, the others go on. */
static void unique_index_of_an_operator(void)
{
    struct rig r;
    if (!begin(&r))
        return;
    const char *chat = rig_chat(&r, "ann");
    add_unique(MONGO_CUSTOMERS, "name");
    add_unique(MONGO_MESSAGES, "content");
    struct customer given = {.email = SLICE_LIT("put@x.io"), .name = SLICE_LIT("Same")};
    struct op *good = rig_create(&r, "good", NULL, "Same"), *bad = rig_create(&r, "bad", NULL, "Same");
    struct op *put = rig_put(&r, &given, CUSTOMER_EMAIL | CUSTOMER_NAME),
              *one = rig_send(&r, chat, "user", "same", NULL);
    struct op *two = rig_send(&r, chat, "user", "same", NULL), *last = rig_send(&r, chat, "user", "last", "key");
    CU_ASSERT_EQUAL(RIG_APPLY(&r, good, bad, put, one, two, last), OK);
    CU_ASSERT_EQUAL(good->result, OK);
    CU_ASSERT_EQUAL(bad->result, ERR_CONFLICT);
    CU_ASSERT_EQUAL(put->result, ERR_CONFLICT);
    CU_ASSERT_EQUAL(one->result, OK);
    CU_ASSERT_EQUAL(two->result, ERR_CONFLICT);
    CU_ASSERT_EQUAL(last->result, OK);
    CU_ASSERT_EQUAL(rig_totals(&r).customers, 2);
    CU_ASSERT_EQUAL(kit_count(&the_kit, MONGO_MESSAGES, "{}"), 2);
    expect_well(&r);
    end(&r);
}

/* The chat is refused when its customer is stored already, and nothing takes that back. */
static void half_done(void)
{
    struct rig r;
    if (!begin(&r))
        return;
    CU_ASSERT_PTR_NOT_NULL(rig_chat(&r, "ann"));
    add_unique(MONGO_CHATS, "status");
    struct op *op = rig_create(&r, "bob", NULL, NULL);
    CU_ASSERT_EQUAL(RIG_APPLY(&r, op), OK);
    CU_ASSERT_EQUAL(op->result, ERR_CONFLICT);
    CU_ASSERT(create_chat_of(op)->customer_only);
    CU_ASSERT_EQUAL(r.changed.customers, 1);
    CU_ASSERT_EQUAL(r.changed.chats, 0);
    CU_ASSERT_PTR_NOT_NULL(rig_load(&r, "bob"));
    end(&r);
}

/* A command refused whole names nobody; health is none of its business. */
static void refused_whole(void)
{
    static const struct {
        const char *what;
        enum err verdict;
    } rows[] = {{"\"errorCode\":2", ERR_REFUSED},
                {"\"errorCode\":987654", ERR_FAILED},
                {"\"errorCode\":13", ERR_STORE},
                {"\"closeConnection\":true", ERR_STORE}};
    struct rig r;
    if (!kit_owns_server() || !begin(&r))
        return;
    const char *chat = rig_chat(&r, "ann");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct op *op = rig_send(&r, chat, "user", "x", NULL);
        kit_break(&the_kit, 1, "\"insert\"", rows[i].what);
        CU_ASSERT_EQUAL(RIG_APPLY(&r, op), rows[i].verdict);
        CU_ASSERT_EQUAL(op->result, OK);
        struct store_health health;
        r.store->vtable->health(r.store, &health);
        CU_ASSERT_EQUAL(health.ok, rows[i].verdict != ERR_STORE);
        kit_heal(&the_kit);
        CU_ASSERT_EQUAL(RIG_APPLY(&r, op), OK);
    }
    end(&r);
}

/* Customers of existing databases whose _id is neither ObjectId nor string. */
static void ids_of_other_kinds(void)
{
    static const struct {
        const char *id, *text; /* text NULL: nothing can mean it, and it is as if it were not there */
    } rows[] = {{"42", "42"},
                {"{\"$numberLong\":\"4294967296\"}", "4294967296"},
                {"1.5", "1.5"},
                {"true", "true"},
                {"{\"a\":1}", NULL},
                {"null", NULL},
                {"{\"$binary\":{\"base64\":\"AAEC\",\"subType\":\"00\"}}", NULL}};
    struct rig r;
    if (!begin(&r))
        return;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char json[256], email[32], chat[32];
        snprintf(email, sizeof(email), "u%zu@x.io", i);
        snprintf(chat, sizeof(chat), "chat-%zu", i);
        snprintf(json, sizeof(json), "{\"_id\":%s,\"email\":\"%s\",\"name\":\"Old\"}", rows[i].id, email);
        kit_put(&the_kit, MONGO_CUSTOMERS, json);
        snprintf(json, sizeof(json), "{\"chat_id\":\"%s\",\"user_id\":%s,\"status\":\"open\"}", chat, rows[i].id);
        kit_put(&the_kit, MONGO_CHATS, json);
        struct customer given = {.email = slice_cstr(email), .vibe = SLICE_LIT("happy")};
        struct op *put = rig_put(&r, &given, CUSTOMER_EMAIL | CUSTOMER_VIBE),
                  *create = rig_create(&r, NULL, email, NULL);
        struct op *send = rig_send(&r, chat, "user", "x", NULL);
        CU_ASSERT_EQUAL(RIG_APPLY(&r, put, create, send), OK);
        CU_ASSERT_EQUAL(put->result, OK);
        CU_ASSERT_EQUAL(create->result, OK);
        CU_ASSERT_EQUAL(send->result, OK);
        CU_ASSERT_EQUAL(put_customer_of(put)->before.id.len > 0, rows[i].text != NULL);
        CU_ASSERT(slice_eq(create_chat_of(create)->customer.id, put_customer_of(put)->customer.id));
        if (!rows[i].text)
            continue;
        CU_ASSERT(slice_eq(create_chat_of(create)->customer.id, slice_cstr(rows[i].text)));
        struct customer u;
        CU_ASSERT(rig_customer(&r, CUSTOMER_BY_ID, rows[i].text, &u));
        CU_ASSERT(slice_eq(u.vibe, slice_cstr("happy")));
        const char *whole = rig_load(&r, rows[i].text);
        CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
        CU_ASSERT_PTR_NOT_NULL(strstr(whole, " chats=2 "));
        CU_ASSERT_PTR_NOT_NULL(strstr(whole, "\n  user x "));
    }
    expect_well(&r);
    end(&r);
}

const CU_TestInfo mongo_refused_tests[] = {
    {"whom a failure is about", sorted},
    {"keys of any kind", keys_of_any_kind},
    {"a unique index of an operator's own", unique_index_of_an_operator},
    {"half done", half_done},
    {"a command refused whole", refused_whole},
    {"ids of other kinds", ids_of_other_kinds},
    CU_TEST_INFO_NULL,
};
