/* A database in the old layout, with every oddity that existing deployments have: served as it is, continued in order. */
#include "test_mongo_kit.h"
#include "test_mongo_suites.h"

#include "base/clock.h"
#include "store/ident.h"

#include <stdlib.h>
#include <string.h>

static void expect_text(struct kit *k, const char *want)
{
    const char *got = buf_cstr(&k->text);
    CU_ASSERT_STRING_EQUAL(got, want);
    if (strcmp(got, want) != 0)
        fprintf(stderr, "got:\n%s\nwant:\n%s\n", got, want);
}

#define OID1 "65a000000000000000000001"
#define OID2 "65a000000000000000000002"

static void fill_old(struct kit *k)
{
    /* ObjectId customer; chat names it by string; embedded: date, ISO text, Python text, nothing; text or content only */
    kit_put(k, MONGO_CUSTOMERS,
            "{\"_id\":{\"$oid\":\"" OID1 "\"},\"email\":\"ann@x.io\",\"name\":\"Ann\","
            "\"created_at\":\"2024-01-02T03:04:05.678901\",\"last_seen\":{\"$date\":\"2024-02-01T00:00:00Z\"},"
            "\"total_visits\":\"7\",\"location\":{\"city\":\"Kyoto\",\"geo\":[35.0,135]},\"extra\":{\"keep\":1},"
            "\"dashboard_user_id\":{\"$oid\":\"65a0000000000000000000aa\"},\"user_id\":\"ref-1\"}");
    kit_put(
        k, MONGO_CHATS,
        "{\"_id\":{\"$oid\":\"65b000000000000000000001\"},\"chat_id\":\"c1\",\"user_id\":\"" OID1 "\","
        "\"status\":\"open\",\"created_at\":{\"$date\":\"2024-01-02T03:04:06Z\"},\"other\":\"kept\",\"messages\":["
        "{\"_id\":\"msg_1704164645\",\"role\":\"user\",\"content\":\"one\",\"text\":\"one\","
        "\"timestamp\":{\"$date\":\"2024-01-02T03:04:05Z\"},\"status\":\"sent\",\"read\":true},"
        "{\"_id\":\"msg_1704164645\",\"role\":\"agent\",\"content\":\"two\",\"timestamp\":\"2024-01-02T03:04:05.5Z\"},"
        "{\"role\":\"user\",\"text\":\"three\",\"timestamp\":\"2024-01-02 03:04:06.000001+00:00\"},"
        "\"stray\",null,"
        "{\"text\":\"four\"},{}]}");
    /* string customer; chats name it by ObjectId */
    kit_put(k, MONGO_CUSTOMERS, "{\"_id\":\"" OID2 "\",\"email\":\"bob@x.io\"}");
    kit_put(k, MONGO_CHATS,
            "{\"chat_id\":\"c2\",\"user_id\":{\"$oid\":\"" OID2 "\"},\"total_messages\":99,\"messages\":null}");
    kit_put(k, MONGO_CHATS,
            "{\"_id\":\"own\",\"chat_id\":\"c3\",\"user_id\":{\"$oid\":\"" OID2 "\"},"
            "\"created_at\":\"2023-01-01T00:00:00\",\"ai_agent_enabled\":false}");
    /* a caller's own id; nothing else at all */
    kit_put(k, MONGO_CUSTOMERS, "{\"_id\":\"visitor 9\"}");
    kit_put(k, MONGO_CHATS,
            "{\"chat_id\":\"c4\",\"user_id\":\"visitor 9\",\"total_messages\":null,\"last_activity\":null,"
            "\"messages\":[{\"role\":\"assistant\",\"content\":\"hi\"}]}");
}

#define OLD_C1                                                                                                         \
    "user one 2024-01-02T03:04:05.000000Z read legacy\n"                                                               \
    "agent two 2024-01-02T03:04:05.500000Z legacy\n"                                                                   \
    "user three 2024-01-02T03:04:06.000001Z legacy\n"                                                                  \
    "user four - legacy\n"                                                                                             \
    "user  - legacy\n"

static void served_as_it_is(void)
{
    struct kit k;
    kit_init(&k);
    fill_old(&k);
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    static const char *const idents[] = {OID1, "ref-1", "ann@x.io"};
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(kit_load(&k, idents[i]), OK);
        expect_text(&k, "user " OID1 " Ann chats=1\nchat c1 total=5 flags=1\n" OLD_C1);
    }
    CU_ASSERT_EQUAL(kit_load(&k, OID2), OK);
    expect_text(&k, "user " OID2 "  chats=2\nchat c2 total=0 flags=0\nchat c3 total=0 flags=4\n");
    CU_ASSERT_EQUAL(kit_load(&k, "visitor 9"), OK);
    expect_text(&k, "user visitor 9  chats=1\nchat c4 total=1 flags=2\nassistant hi - legacy\n");
    CU_ASSERT_EQUAL(kit_load(&k, "nobody"), ERR_NOT_FOUND);
    struct totals t;
    CU_ASSERT_EQUAL(k.store->vtable->totals(k.store, &t), OK);
    CU_ASSERT_EQUAL(t.customers, 3);
    CU_ASSERT_EQUAL(t.chats, 4);
    CU_ASSERT_EQUAL(t.messages, 6 + 2); /* the two strays in the array are elements too */
    CU_ASSERT_EQUAL(t.chats_with_agent, 1);
    CU_ASSERT_EQUAL(t.chats_with_assistant, 1);
    CU_ASSERT_EQUAL(t.chats_with_either, 2);
    CU_ASSERT_EQUAL(t.customers_with_chats, 3);
    CU_ASSERT_EQUAL(t.customers_with_owner, 1);
    CU_ASSERT_EQUAL(t.inbox[INBOX_ALL], 4);
    CU_ASSERT_EQUAL(t.inbox[INBOX_AGENT_ACTIVE], 4);
    kit_fini(&k);
}

static void send_all(struct kit *k, int64_t now)
{
    static const struct {
        const char *chat, *role, *text;
    } rows[] = {{"c1", "assistant", "five"}, {"c2", "user", "first"},    {"c3", "agent", "second"},
                {"c4", "user", "third"},     {"nochat", "user", "lost"}, {"c1", "user", "six"}};
    struct kit_send ops[6], *list[6];
    for (size_t i = 0; i < 6; i++) {
        kit_send_init(&ops[i], rows[i].chat, rows[i].role, rows[i].text, "", now + (int64_t)i);
        list[i] = &ops[i];
    }
    CU_ASSERT_EQUAL(kit_apply(k, list, 6), OK);
    for (size_t i = 0; i < 6; i++)
        CU_ASSERT_EQUAL(ops[i].m.result, i == 4 ? ERR_NOT_FOUND : OK);
    CU_ASSERT(slice_eq(ops[0].m.link.customer_id, SLICE_LIT(OID1)));
    CU_ASSERT_EQUAL(ops[0].m.link.flags, CHAT_HAS_AGENT);
    CU_ASSERT_EQUAL(ops[2].m.link.flags, CHAT_AI_DISABLED);
    CU_ASSERT_EQUAL(ops[3].m.link.flags, CHAT_HAS_ASSISTANT);
    for (size_t i = 0; i < 6; i++)
        arena_fini(&ops[i].arena);
}

static void continued_in_order(void)
{
    struct kit k;
    kit_init(&k);
    fill_old(&k);
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    int64_t now = 1764021360000000; /* 2025-11-24T21:56:00Z */
    send_all(&k, now);
    CU_ASSERT_EQUAL(kit_load(&k, OID1), OK);
    expect_text(&k, "user " OID1 " Ann chats=1\nchat c1 total=7 flags=3\n" OLD_C1
                    "assistant five 2025-11-24T21:56:00.000000Z\nuser six 2025-11-24T21:56:00.000000Z\n");
    CU_ASSERT_EQUAL(kit_load(&k, OID2), OK);
    expect_text(&k, "user " OID2 "  chats=2\nchat c2 total=1 flags=0\nuser first 2025-11-24T21:56:00.000000Z\n"
                    "chat c3 total=1 flags=5\nagent second 2025-11-24T21:56:00.000000Z\n");
    /* the array did not grow, unknown fields stay, the counters are right also where they were wrong or missing */
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CHATS, "{\"chat_id\":\"c1\",\"messages\":{\"$size\":7},\"other\":\"kept\"}"),
                    1);
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, "{\"chat_id\":\"c1\"}", "total_messages"), 7);
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, "{\"chat_id\":\"c2\"}", "total_messages"), 1);
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, "{\"chat_id\":\"c4\"}", "total_messages"), 2);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CHATS, "{\"has_assistant\":true}"), 2);
    struct totals t;
    CU_ASSERT_EQUAL(k.store->vtable->totals(k.store, &t), OK);
    CU_ASSERT_EQUAL(t.chats_with_agent, 2);
    CU_ASSERT_EQUAL(t.chats_with_assistant, 2);
    CU_ASSERT_EQUAL(t.chats_with_either, 3);
    /* and after a restart */
    kit_close_store(&k);
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    CU_ASSERT_EQUAL(k.max_rev, now + 5);
    CU_ASSERT_EQUAL(kit_load(&k, "visitor 9"), OK);
    expect_text(&k, "user visitor 9  chats=1\nchat c4 total=2 flags=2\nassistant hi - legacy\n"
                    "user third 2025-11-24T21:56:00.000000Z\n");
    kit_fini(&k);
}

/* Only what changes is written, so that what other tools rely on keeps its type. */
static void customer_keeps_its_types(void)
{
    struct kit k;
    struct customer u;
    kit_init(&k);
    fill_old(&k);
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    const struct store_vtable *v = k.store->vtable;
    CU_ASSERT_EQUAL(v->begin(k.store), OK);
    CU_ASSERT_EQUAL_FATAL(v->find_customer(k.store, CUSTOMER_BY_EMAIL, SLICE_LIT("ann@x.io"), &k.arena, &u), OK);
    CU_ASSERT_EQUAL(u.chat_count, 1);
    CU_ASSERT_EQUAL(u.total_visits, 7);
    CU_ASSERT_EQUAL(u.key, ID_OBJECT);
    CU_ASSERT(slice_eq(u.owner, SLICE_LIT("65a0000000000000000000aa")));
    CU_ASSERT(slice_eq(u.location, SLICE_LIT("{\"city\":\"Kyoto\",\"geo\":[35,135]}")));
    CU_ASSERT(slice_eq(u.vibe, SLICE_LIT("neutral")));
    u.name = SLICE_LIT("Ann B");
    u.device = SLICE_LIT("{\"$gt\":1,\"a.b\":[true,null,\"x\"],\"big\":12345678901,\"f\":1.5}");
    u.rev = 5;
    u.activity_us = 1764021360000000;
    CU_ASSERT_EQUAL(v->put_customer(k.store, &u), OK);
    CU_ASSERT_EQUAL(v->commit(k.store), OK);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CUSTOMERS,
                              "{\"_id\":{\"$oid\":\"" OID1 "\"},\"name\":\"Ann B\",\"total_visits\":\"7\","
                              "\"created_at\":\"2024-01-02T03:04:05.678901\",\"extra\":{\"keep\":1},"
                              "\"dashboard_user_id\":{\"$oid\":\"65a0000000000000000000aa\"}}"),
                    1);
    CU_ASSERT_EQUAL(v->find_customer(k.store, CUSTOMER_BY_ID, SLICE_LIT(OID1), &k.arena, &u), OK);
    CU_ASSERT(slice_eq(u.device, SLICE_LIT("{\"$gt\":1,\"a.b\":[true,null,\"x\"],\"big\":12345678901,\"f\":1.5}")));
    CU_ASSERT_EQUAL(u.activity_us, 1764021360000000);
    /* a string _id that looks like an ObjectId stays the one document it is */
    CU_ASSERT_EQUAL(v->find_customer(k.store, CUSTOMER_BY_ID, SLICE_LIT(OID2), &k.arena, &u), OK);
    CU_ASSERT_EQUAL(u.key, ID_TEXT);
    u.name = SLICE_LIT("Bob");
    CU_ASSERT_EQUAL(v->put_customer(k.store, &u), OK);
    u.key = 0;
    u.name = SLICE_LIT("Bobby");
    CU_ASSERT_EQUAL(v->put_customer(k.store, &u), OK);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CUSTOMERS, "{\"_id\":\"" OID2 "\",\"name\":\"Bobby\"}"), 1);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CUSTOMERS, "{}"), 3);
    kit_fini(&k);
}

static void long_array(void)
{
    enum { COUNT = 12000 };
    struct kit k;
    struct buf json;
    kit_init(&k);
    buf_init(&json);
    buf_append_lit(&json, "{\"chat_id\":\"long\",\"user_id\":\"u\",\"messages\":[");
    for (int i = 0; i < COUNT; i++)
        buf_printf(&json, "%s{\"_id\":\"msg_1\",\"role\":\"user\",\"text\":\"m%d\"}", i ? "," : "", i);
    buf_append_lit(&json, "]}");
    kit_put(&k, MONGO_CUSTOMERS, "{\"_id\":\"u\",\"name\":\"U\"}");
    kit_put(&k, MONGO_CHATS, buf_cstr(&json));
    buf_fini(&json);
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    struct kit_send op, *list[] = {&op};
    kit_send_init(&op, "long", "user", "last", "", 1764021360000000);
    CU_ASSERT_EQUAL(kit_apply(&k, list, 1), OK);
    arena_fini(&op.arena);
    CU_ASSERT_EQUAL(kit_load(&k, "u"), OK);
    const char *at = buf_cstr(&k.text);
    CU_ASSERT(strncmp(at, "user u U chats=1\nchat long total=12001 flags=0\n", 47) == 0);
    at = strchr(strchr(at, '\n') + 1, '\n') + 1;
    for (int i = 0; i < COUNT; i++) {
        char want[64];
        int n = snprintf(want, sizeof(want), "user m%d - legacy\n", i);
        if (strncmp(at, want, (size_t)n) != 0) {
            CU_FAIL("order of a long array");
            break;
        }
        at += n;
    }
    CU_ASSERT_STRING_EQUAL(at, "user last 2025-11-24T21:56:00.000000Z\n");
    kit_fini(&k);
}

/* Two documents with one chat_id: one chat, both histories; no unique index, and said so in the log. */
static void repeated_chat(void)
{
    struct kit k;
    kit_init(&k);
    kit_put(&k, MONGO_CUSTOMERS, "{\"_id\":\"u\",\"name\":\"U\"}");
    kit_put(&k, MONGO_CHATS,
            "{\"chat_id\":\"c\",\"user_id\":\"u\",\"created_at\":\"2024-01-02T00:00:00Z\","
            "\"messages\":[{\"role\":\"agent\",\"text\":\"b\"}]}");
    kit_put(&k, MONGO_CHATS,
            "{\"chat_id\":\"c\",\"user_id\":\"u\",\"created_at\":\"2024-01-01T00:00:00Z\","
            "\"messages\":[{\"role\":\"user\",\"text\":\"a\"}]}");
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    struct kit_send op, *list[] = {&op};
    kit_send_init(&op, "c", "user", "c", "", 1764021360000000);
    CU_ASSERT_EQUAL(kit_apply(&k, list, 1), OK);
    arena_fini(&op.arena);
    CU_ASSERT_EQUAL(kit_load(&k, "u"), OK);
    expect_text(&k, "user u U chats=1\nchat c total=3 flags=1\nuser a - legacy\nagent b - legacy\n"
                    "user c 2025-11-24T21:56:00.000000Z\n");
    kit_fini(&k);
}

/* --- what is added at start, so that every chat is seen and reached --- */

#define GONE1 "65c000000000000000000001"
#define GONE2 "65c000000000000000000002"
#define BARE  "65c000000000000000000003"

static void fill_adrift(struct kit *k)
{
    kit_put(k, MONGO_CUSTOMERS, "{\"_id\":\"u\",\"name\":\"U\",\"user_id\":\"ref-u\",\"email\":\"u@x.io\"}");
    static const char *const chats[] = {
        /* no customer named: an ObjectId chat, a text one, a number; null and empty are the same as missing */
        "{\"_id\":{\"$oid\":\"" BARE "\"},\"chat_id\":\"bare\",\"messages\":[{\"role\":\"user\",\"text\":\"old\"}]}",
        "{\"_id\":\"own\",\"chat_id\":\"empty\",\"user_id\":\"\"}",
        "{\"_id\":77,\"user_id\":null,\"chat_id\":null}",
        /* one named that is not there: any text, an ObjectId, an ObjectId's text, one by both */
        "{\"_id\":1,\"chat_id\":\"text\",\"user_id\":\"nobody\",\"created_at\":\"2024-01-02T00:00:00\","
        "\"last_activity\":{\"$date\":\"2024-01-05T00:00:00Z\"},\"other\":\"kept\"}",
        "{\"_id\":2,\"chat_id\":\"text2\",\"user_id\":\"nobody\",\"created_at\":{\"$date\":\"2024-01-01T00:00:00Z\"}}",
        "{\"_id\":3,\"chat_id\":\"oid\",\"user_id\":{\"$oid\":\"" GONE1 "\"}}",
        "{\"_id\":4,\"chat_id\":\"hex\",\"user_id\":\"" GONE2 "\"}",
        "{\"_id\":5,\"chat_id\":\"oid2\",\"user_id\":{\"$oid\":\"" GONE2 "\"}}",
        /* a customer, but no chat_id */
        "{\"_id\":\"nameless\",\"user_id\":\"u\"}",
    };
    for (size_t i = 0; i < sizeof(chats) / sizeof(chats[0]); i++)
        kit_put(k, MONGO_CHATS, chats[i]);
}

static const char *const adrift_customers[] = {BARE, "own", "77", "nobody", GONE1, GONE2, "u"};
static const char *const adrift_chats[] = {"bare", "empty", "77", "text", "text2", "oid", "hex", "oid2", "nameless"};
enum { ADRIFT_CUSTOMERS = 7, ADRIFT_CHATS = 9 };

static void expect_totals(struct kit *k, int64_t customers, int64_t chats, int64_t owned)
{
    struct totals t;
    CU_ASSERT_EQUAL(k->store->vtable->totals(k->store, &t), OK);
    CU_ASSERT_EQUAL(t.customers, customers);
    CU_ASSERT_EQUAL(t.chats, chats);
    CU_ASSERT_EQUAL(t.inbox[INBOX_AGENT_ACTIVE], owned);
    CU_ASSERT_EQUAL(kit_count(k, MONGO_CUSTOMERS, "{}"), customers);
    CU_ASSERT_EQUAL(kit_count(k, MONGO_CHATS, "{}"), chats);
}

/* Every customer's chats, one after the other. */
static char *everybody(struct kit *k)
{
    struct buf all;
    buf_init(&all);
    for (size_t i = 0; i < ADRIFT_CUSTOMERS; i++) {
        CU_ASSERT_EQUAL(kit_load(k, adrift_customers[i]), OK);
        buf_append_slice(&all, buf_slice(&k->text));
    }
    return buf_take(&all, NULL);
}

static void adopted(void)
{
    struct kit k;
    kit_init(&k);
    fill_adrift(&k);
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    expect_totals(&k, ADRIFT_CUSTOMERS, ADRIFT_CHATS, ADRIFT_CHATS);
    char *first = everybody(&k);
    CU_ASSERT_STRING_EQUAL(first,
                           "user " BARE " User 65c00000 chats=1\nchat bare total=1 flags=0\nuser old - legacy\n"
                           "user own User own chats=1\nchat empty total=0 flags=0\n"
                           "user 77 User 77 chats=1\nchat 77 total=0 flags=0\n"
                           "user nobody User nobody chats=2\nchat text2 total=0 flags=0\nchat text total=0 flags=0\n"
                           "user " GONE1 " User 65c00000 chats=1\nchat oid total=0 flags=0\n"
                           "user " GONE2 " User 65c00000 chats=2\nchat hex total=0 flags=0\nchat oid2 total=0 flags=0\n"
                           "user u U chats=1\nchat nameless total=0 flags=0\n");
    /* once: the same by the next start; and each has a revision of its own, above all that there were, below what the
     * writer goes on from. For the customer whose chat got its name nothing has changed. */
    struct customer *changed;
    size_t count;
    int64_t max_rev = k.max_rev, now_max_rev;
    CU_ASSERT_EQUAL(k.store->vtable->identity(k.store, &now_max_rev, k.tag), OK);
    CU_ASSERT_EQUAL(k.reader->vtable->changed_customers(k.reader, now_max_rev, 100, &k.arena, &changed, &count), OK);
    CU_ASSERT_EQUAL(count, 0);
    kit_close_store(&k);
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    expect_totals(&k, ADRIFT_CUSTOMERS, ADRIFT_CHATS, ADRIFT_CHATS);
    char *second = everybody(&k);
    CU_ASSERT_STRING_EQUAL(first, second);
    CU_ASSERT_EQUAL(k.reader->vtable->changed_customers(k.reader, max_rev, 100, &k.arena, &changed, &count), OK);
    CU_ASSERT_EQUAL(count, ADRIFT_CUSTOMERS - 1);
    for (size_t i = 1; i < count; i++)
        CU_ASSERT(changed[i].rev > changed[i - 1].rev);
    free(first);
    free(second);
    kit_fini(&k);
}

/* What is made is as a customer with only an id is; what is there stays. */
static void adopted_documents(void)
{
    struct kit k;
    kit_init(&k);
    fill_adrift(&k);
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    expect_totals(&k, ADRIFT_CUSTOMERS, ADRIFT_CHATS, ADRIFT_CHATS);
    CU_ASSERT_EQUAL(
        kit_count(&k, MONGO_CUSTOMERS,
                  "{\"_id\":\"nobody\",\"name\":\"User nobody\",\"email\":\"user_nobody@widget.local\","
                  "\"category\":\"agent-inbox\",\"status\":\"active\",\"adopted\":true,\"vibe\":\"neutral\","
                  "\"total_visits\":1,\"created_at\":{\"$date\":\"2024-01-01T00:00:00Z\"},"
                  "\"last_seen\":{\"$date\":\"2024-01-05T00:00:00Z\"},"
                  "\"last_activity\":{\"$date\":\"2024-01-05T00:00:00Z\"}}"),
        1);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CUSTOMERS, "{\"_id\":{\"$oid\":\"" BARE "\"}}"), 1);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CUSTOMERS, "{\"_id\":{\"$oid\":\"" GONE1 "\"}}"), 1);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CUSTOMERS, "{\"_id\":\"u\",\"name\":\"U\",\"email\":\"u@x.io\"}"), 1);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CHATS, "{\"chat_id\":\"bare\",\"user_id\":{\"$oid\":\"" BARE "\"}}"), 1);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CHATS, "{\"_id\":77,\"chat_id\":\"77\",\"user_id\":\"77\"}"), 1);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CHATS, "{\"_id\":1,\"other\":\"kept\",\"user_id\":\"nobody\"}"), 1);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CHATS, "{\"_id\":3,\"rev\":{\"$exists\":true}}"), 0);
    kit_fini(&k);
}

static void adopted_chats_are_reached(void)
{
    struct kit k;
    struct kit_send ops[ADRIFT_CHATS], *list[ADRIFT_CHATS];
    kit_init(&k);
    fill_adrift(&k);
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    expect_totals(&k, ADRIFT_CUSTOMERS, ADRIFT_CHATS, ADRIFT_CHATS);
    int64_t now = clock_wall_us();
    for (size_t i = 0; i < ADRIFT_CHATS; i++) {
        kit_send_init(&ops[i], adrift_chats[i], "user", "new", "", now + (int64_t)i);
        list[i] = &ops[i];
    }
    CU_ASSERT_EQUAL(kit_apply(&k, list, ADRIFT_CHATS), OK);
    for (size_t i = 0; i < ADRIFT_CHATS; i++) {
        struct chat chat;
        CU_ASSERT_EQUAL(ops[i].m.result, OK);
        CU_ASSERT(ops[i].m.link.customer_id.len > 0);
        CU_ASSERT_EQUAL(k.reader->vtable->read_chat(k.reader, slice_cstr(adrift_chats[i]), &k.arena, &chat), OK);
        CU_ASSERT(slice_eq(chat.customer_id, ops[i].m.link.customer_id));
        CU_ASSERT_EQUAL(kit_load(&k, arena_dup(&k.arena, chat.customer_id)), OK);
        CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&k.text), "user new "));
        arena_fini(&ops[i].arena);
    }
    kit_fini(&k);
}

/* Found by its second id or its email: a customer made under that would stand before it. And what is no id at all. */
static void not_adopted(void)
{
    struct kit k;
    kit_init(&k);
    kit_put(&k, MONGO_CUSTOMERS, "{\"_id\":\"u\",\"name\":\"U\",\"user_id\":\"ref-u\",\"email\":\"u@x.io\"}");
    kit_put(&k, MONGO_CHATS, "{\"chat_id\":\"c0\",\"user_id\":\"u\"}");
    kit_put(&k, MONGO_CHATS, "{\"chat_id\":\"c1\",\"user_id\":\"ref-u\"}");
    kit_put(&k, MONGO_CHATS, "{\"chat_id\":\"c2\",\"user_id\":\"u@x.io\"}");
    kit_put(&k, MONGO_CHATS, "{\"chat_id\":\"c3\",\"user_id\":5}");
    kit_put(&k, MONGO_CHATS, "{\"chat_id\":\"c4\",\"user_id\":\"65A0000000000000000000AA\"}");
    kit_put(&k, MONGO_CHATS, "{\"_id\":\"c0\",\"user_id\":\"u\"}"); /* the name it would get is taken */
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    expect_totals(&k, 1, 6, 2);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CHATS, "{\"chat_id\":null}"), 1);
    static const char *const idents[] = {"u", "ref-u", "u@x.io"};
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(kit_load(&k, idents[i]), OK);
        expect_text(&k, "user u U chats=1\nchat c0 total=0 flags=0\n");
    }
    kit_fini(&k);
}

/* An id may hold any character, and the address that would be made of it may be somebody's. */
static void odd_ids(void)
{
    struct kit k;
    bson_error_t error;
    kit_init(&k);
    kit_put(&k, MONGO_CUSTOMERS, "{\"_id\":\"u\",\"email\":\"user_plain@widget.local\"}");
    bson_t *unique = bson_new_from_json((const uint8_t *)"{\"createIndexes\":\"customers\",\"indexes\":[{\"key\":"
                                                         "{\"email\":1},\"name\":\"own\",\"unique\":true}]}",
                                        -1, &error);
    CU_ASSERT_TRUE(mongoc_database_write_command_with_opts(k.database, unique, NULL, NULL, &error));
    bson_destroy(unique);
    kit_put(&k, MONGO_CHATS, "{\"chat_id\":\"c1\",\"user_id\":\"nul\\u0000abcdefgh\"}");
    kit_put(&k, MONGO_CHATS, "{\"chat_id\":\"c2\",\"user_id\":\"plain\"}");
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    expect_totals(&k, 2, 2, 1);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CUSTOMERS,
                              "{\"name\":\"User nul\\u0000abcd\",\"email\":\"user_nul\\u0000abcdefgh@widget.local\"}"),
                    1);
    kit_fini(&k);
}

/* More than one page of them, beside customers that are there. */
static void many_adopted(void)
{
    enum { MANY = 1500 };
    struct kit k;
    kit_init(&k);
    mongoc_collection_t *chats = mongoc_database_get_collection(k.database, MONGO_CHATS);
    mongoc_bulk_operation_t *bulk = mongoc_collection_create_bulk_operation_with_opts(chats, NULL);
    for (int i = 0; i < MANY; i++) {
        char customer[32], chat[32];
        snprintf(customer, sizeof(customer), "user-%d", i);
        snprintf(chat, sizeof(chat), "chat-%d", i);
        bson_t *doc = BCON_NEW("chat_id", BCON_UTF8(chat), "user_id", BCON_UTF8(customer));
        if (i % 5 == 4) /* and some with no chat_id */
            bson_reinit(doc), BSON_APPEND_UTF8(doc, "_id", chat), BSON_APPEND_UTF8(doc, "user_id", customer);
        mongoc_bulk_operation_insert(bulk, doc);
        bson_destroy(doc);
    }
    CU_ASSERT_NOT_EQUAL_FATAL(mongoc_bulk_operation_execute(bulk, NULL, NULL), 0);
    mongoc_bulk_operation_destroy(bulk);
    mongoc_collection_destroy(chats);
    kit_put(&k, MONGO_CUSTOMERS, "{\"_id\":\"user-7\",\"name\":\"U7\"}");
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    expect_totals(&k, MANY, MANY, MANY);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CHATS, "{\"chat_id\":null}"), 0);
    CU_ASSERT_EQUAL(kit_load(&k, "user-1499"), OK);
    expect_text(&k, "user user-1499 User user-149 chats=1\nchat chat-1499 total=0 flags=0\n");
    CU_ASSERT_EQUAL(kit_load(&k, "user-7"), OK);
    expect_text(&k, "user user-7 U7 chats=1\nchat chat-7 total=0 flags=0\n");
    kit_fini(&k);
}

/* A user that may not write: the server begins, with what can be seen. */
static void adoption_refused(void)
{
    if (!kit_owns_server())
        return;
    struct kit k;
    struct totals t;
    kit_init(&k);
    fill_adrift(&k);
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    static const char *const commands[] = {"\"update\"", "\"insert\"", "\"update\",\"insert\""};
    for (size_t i = 0; i < 3; i++) {
        kit_break(&k, -1, commands[i], i == 1 ? "\"closeConnection\":true" : "\"errorCode\":13");
        CU_ASSERT_EQUAL(k.store->vtable->totals(k.store, &t), OK);
        CU_ASSERT_EQUAL(t.chats, ADRIFT_CHATS);
        kit_heal(&k);
    }
    expect_totals(&k, ADRIFT_CUSTOMERS, ADRIFT_CHATS, ADRIFT_CHATS);
    kit_fini(&k);
}

/* Two nodes at once: each finds everything done, or does it. */
struct beside {
    struct store *store;
    struct totals totals;
    enum err result;
};

static void *count_beside(void *arg)
{
    struct beside *b = arg;
    b->result = b->store->vtable->totals(b->store, &b->totals);
    return NULL;
}

static void adopted_by_two(void)
{
    struct kit k;
    struct beside other = {0};
    pthread_t thread;
    kit_init(&k);
    fill_adrift(&k);
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    CU_ASSERT_EQUAL_FATAL(kit_open_store(&k, NULL, KIT_PATIENT_MS, &other.store), OK);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, count_beside, &other), 0);
    struct totals t;
    CU_ASSERT_EQUAL(k.store->vtable->totals(k.store, &t), OK);
    pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(other.result, OK);
    CU_ASSERT_EQUAL(t.inbox[INBOX_AGENT_ACTIVE], ADRIFT_CHATS);
    CU_ASSERT_EQUAL(other.totals.inbox[INBOX_AGENT_ACTIVE], ADRIFT_CHATS);
    other.store->vtable->close(other.store);
    expect_totals(&k, ADRIFT_CUSTOMERS, ADRIFT_CHATS, ADRIFT_CHATS);
    free(everybody(&k));
    kit_fini(&k);
}

/* Addresses with capitals or blanks stood in the database before: the start makes them comparable, and nothing else. */
static void odd_addresses(void)
{
    static const struct {
        const char *ident, *id;
    } rows[] = {{"Ann@X.io", "ann"}, {"ann@x.io", "ann"},       {" ANN@X.IO", "ann"}, {"bob@x.io", "plain"},
                {"Bob@x.io", "bob"}, {"BOB@x.io", "bob"},       {"b@x.io", "blank"},  {"stale@x.io", NULL},
                {"new@x.io", "old"}, {"\xc3\x84@x.io", "utf8"}, {"no sign", "none"}};
    struct kit k;
    struct totals t;
    kit_init(&k);
    kit_put(&k, MONGO_CUSTOMERS, "{\"_id\":\"ann\",\"email\":\"Ann@X.io\"}");
    kit_put(&k, MONGO_CUSTOMERS, "{\"_id\":\"bob\",\"email\":\"Bob@x.io\"}");
    kit_put(&k, MONGO_CUSTOMERS, "{\"_id\":\"plain\",\"email\":\"bob@x.io\"}");
    kit_put(&k, MONGO_CUSTOMERS, "{\"_id\":\"blank\",\"email\":\" b@x.io\\t\"}");
    kit_put(&k, MONGO_CUSTOMERS, "{\"_id\":\"old\",\"email\":\"new@x.io\",\"email_folded\":\"stale@x.io\"}");
    kit_put(&k, MONGO_CUSTOMERS, "{\"_id\":\"utf8\",\"email\":\"\xc3\x84@X.io\"}");
    kit_put(&k, MONGO_CUSTOMERS, "{\"_id\":\"none\",\"email\":\"No Sign\"}");
    kit_put(&k, MONGO_CUSTOMERS, "{\"_id\":\"odd\",\"email\":7}");
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    CU_ASSERT_EQUAL(k.store->vtable->totals(k.store, &t), OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct customer u;
        enum err e = ident_read(k.reader, slice_cstr(rows[i].ident), &k.arena, &u);
        CU_ASSERT_EQUAL(e, rows[i].id ? OK : ERR_NOT_FOUND);
        CU_ASSERT(e != OK || slice_eq(u.id, slice_cstr(rows[i].id)));
    }
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CUSTOMERS, "{\"email_folded\":{\"$exists\":true}}"), 6);
    CU_ASSERT_EQUAL(
        kit_count(&k, MONGO_CUSTOMERS, "{\"_id\":\"ann\",\"email\":\"Ann@X.io\",\"email_folded\":\"ann@x.io\"}"), 1);
    kit_fini(&k);
}

const CU_TestInfo mongo_legacy_tests[] = {
    {"every oddity is served as it is", served_as_it_is},
    {"new messages continue the old, in order", continued_in_order},
    {"a customer's other fields keep their types", customer_keeps_its_types},
    {"12,000 embedded messages", long_array},
    {"two documents with one chat_id", repeated_chat},
    {"chats of nobody get their customer, chats without a name theirs, once", adopted},
    {"what is made for them, and what stays", adopted_documents},
    {"they are reached and seen", adopted_chats_are_reached},
    {"another customer's second id is nobody's", not_adopted},
    {"odd ids", odd_ids},
    {"more than a page of them", many_adopted},
    {"the database refuses: the start goes on", adoption_refused},
    {"two nodes at once", adopted_by_two},
    {"addresses with capitals and blanks are found", odd_addresses},
    CU_TEST_INFO_NULL,
};
