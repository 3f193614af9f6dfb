/* --migrate: what was embedded is in customer-messages afterwards, whole, once, in the same order. */
#include "test_mongo_kit.h"
#include "test_mongo_suites.h"

#include "app/migrate.h"

#include <stdlib.h>
#include <string.h>

enum { LONG = 1200 };

static void fill(struct kit *k)
{
    kit_put(k, MONGO_CUSTOMERS, "{\"_id\":\"u\",\"name\":\"U\"}");
    /* two chats with messages of the same seconds; every kind of time; unknown fields; a time that goes back */
    for (int i = 0; i < 2; i++) {
        char json[2048];
        snprintf(json, sizeof(json),
                 "{\"_id\":%d,\"chat_id\":\"c%d\",\"user_id\":\"u\",\"created_at\":\"2024-01-0%dT00:00:00\","
                 "\"last_activity\":\"2024-01-02T03:04:06\",\"mine\":1,\"messages\":["
                 "{\"_id\":\"msg_1704164645\",\"role\":\"user\",\"content\":\"one\",\"text\":\"one\",\"read\":true,"
                 "\"timestamp\":{\"$date\":\"2024-01-02T03:04:05Z\"},\"extra\":{\"a\":[1,2]}},"
                 "{\"_id\":\"msg_1704164645\",\"role\":\"agent\",\"content\":\"two\","
                 "\"timestamp\":{\"$date\":\"2024-01-02T03:04:05Z\"}},"
                 "{\"role\":\"user\",\"text\":\"three\",\"timestamp\":\"2024-01-02T03:04:04\"},"
                 "{\"text\":\"four\"},"
                 "{\"text\":\"from the future\",\"timestamp\":{\"$date\":\"2199-01-01T00:00:00Z\"}},{}]}",
                 i, i, i + 1);
        kit_put(k, MONGO_CHATS, json);
    }
    struct buf json;
    buf_init(&json);
    buf_append_lit(&json, "{\"_id\":\"long\",\"chat_id\":\"long\",\"user_id\":\"u\",\"messages\":[");
    for (int i = 0; i < LONG; i++)
        buf_printf(&json, "%s{\"role\":\"user\",\"text\":\"m%d\",\"timestamp\":{\"$date\":\"2024-01-02T03:04:05Z\"}}",
                   i ? "," : "", i);
    buf_append_lit(&json, "]}");
    kit_put(k, MONGO_CHATS, buf_cstr(&json));
    buf_fini(&json);
}

static void say(struct kit *k, const char *chat, const char *text, int64_t rev)
{
    struct kit_send op, *list[] = {&op};
    kit_send_init(&op, chat, "user", text, "", rev);
    CU_ASSERT_EQUAL(kit_apply(k, list, 1), OK);
    CU_ASSERT_EQUAL(op.m.result, OK);
    arena_fini(&op.arena);
}

static enum err migrate(struct kit *k, bool dry_run, const char *expect)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    kit_configure(k, NULL, KIT_PATIENT_MS);
    enum err e = migrate_run(&k->config, dry_run, out);
    fclose(out);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, expect));
    if (!strstr(text, expect))
        fprintf(stderr, "%s", text);
    free(text);
    return e;
}

static char *history(struct kit *k)
{
    CU_ASSERT_EQUAL_FATAL(kit_load(k, "u"), OK);
    kit_unmark(k);
    return strdup(buf_cstr(&k->text));
}

static void expect_history(struct kit *k, const char *want)
{
    char *got = history(k);
    CU_ASSERT(strcmp(got, want) == 0);
    if (strcmp(got, want) != 0)
        fprintf(stderr, "got:\n%.2000s\nwant:\n%.2000s\n", got, want);
    free(got);
}

/* The _ids that a client sees are unique and ascend within each chat. */
static enum err seen_customer(void *arg, const struct customer *u)
{
    (void)arg, (void)u;
    return OK;
}

static enum err seen_chat(void *arg, const struct chat *c)
{
    (void)c;
    *(int64_t *)arg = 0;
    return OK;
}

static enum err seen_message(void *arg, const struct message *m)
{
    CU_ASSERT(m->rev > *(int64_t *)arg);
    CU_ASSERT_FALSE(m->legacy);
    *(int64_t *)arg = m->rev;
    return OK;
}

/* The rev of the last message of that text. */
struct rev_of_text {
    const char *text;
    int64_t rev;
};

static enum err pass_chat(void *arg, const struct chat *c)
{
    (void)arg, (void)c;
    return OK;
}

static enum err find_text(void *arg, const struct message *m)
{
    struct rev_of_text *want = arg;
    if (slice_eq(m->text, slice_cstr(want->text)))
        want->rev = m->rev;
    return OK;
}

static void expect_moved(struct kit *k, int64_t own)
{
    int64_t last;
    struct load_sink sink = {.customer = seen_customer, .chat = seen_chat, .message = seen_message, .arg = &last};
    CU_ASSERT_EQUAL(k->reader->vtable->load_customer(k->reader, SLICE_LIT("u"), &sink), OK);
    CU_ASSERT_EQUAL(kit_count(k, MONGO_MESSAGES, "{}"), 12 + LONG + own);
    CU_ASSERT_EQUAL(kit_count(k, MONGO_CHATS, "{\"messages.0\":{\"$exists\":true}}"), 0);
    CU_ASSERT_EQUAL(kit_count(k, MONGO_MESSAGES, "{\"legacy_id\":\"msg_1704164645\"}"), 4);
    CU_ASSERT_EQUAL(
        kit_count(k, MONGO_MESSAGES, "{\"chat_id\":\"c0\",\"legacy_index\":0,\"extra\":{\"a\":[1,2]},\"read\":true}"),
        1);
    CU_ASSERT_EQUAL(kit_count(k, MONGO_MESSAGES, "{\"timestamp\":\"2024-01-02T03:04:04\"}"), 2);
    CU_ASSERT_EQUAL(kit_count(k, MONGO_CHATS,
                              "{\"_id\":1,\"mine\":1,\"migrated_messages\":6,\"has_agent\":true,"
                              "\"last_activity\":\"2024-01-02T03:04:06\"}"),
                    1);
}

static void moved_whole(void)
{
    struct kit k;
    kit_init(&k);
    fill(&k);
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    char *before = history(&k);
    CU_ASSERT_EQUAL(migrate(&k, true, "3 of 3 chats, 1212 messages (dry run"), OK);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_MESSAGES, "{}"), 0);
    CU_ASSERT_EQUAL(migrate(&k, false, "3 of 3 chats, 1212 messages"), OK);
    expect_history(&k, before);
    expect_moved(&k, 0);
    CU_ASSERT_EQUAL(migrate(&k, false, "0 of 0 chats, 0 messages"), OK);
    expect_history(&k, before);
    struct totals t;
    CU_ASSERT_EQUAL(k.store->vtable->totals(k.store, &t), OK);
    CU_ASSERT_EQUAL(t.messages, 12 + LONG);
    CU_ASSERT_EQUAL(t.chats_with_agent, 2);
    kit_close_store(&k);
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    expect_history(&k, before);
    say(&k, "c0", "new", k.max_rev > 1764021360000000 ? k.max_rev + 1 : 1764021360000000);
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, "{\"_id\":0}", "total_messages"), 7);
    free(before);
    kit_fini(&k);
}

/* Chats that went on under the new server: the old ones go before the new ones. */
static void before_newer_ones(void)
{
    struct kit k;
    kit_init(&k);
    fill(&k);
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    say(&k, "c0", "newer", 1764021360000000);
    say(&k, "long", "newer", 1764021360000001);
    say(&k, "c0", "newest", 1764021360000002);
    char *before = history(&k);
    CU_ASSERT_EQUAL(migrate(&k, false, "3 of 3 chats"), OK);
    expect_history(&k, before);
    expect_moved(&k, 3);
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, "{\"_id\":0}", "total_messages"), 8);
    CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, "{\"_id\":\"long\"}", "total_messages"), LONG + 1);
    free(before);
    kit_fini(&k);
}

/* Stopped before a switch, and in the middle of the copies: served right meanwhile, finished by the next run. */
static void interrupted(void)
{
    struct kit k;
    kit_init(&k);
    fill(&k);
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    char *before = history(&k);
    if (kit_owns_server()) {
        kit_break(&k, -1, "\"update\"", "\"closeConnection\":true");
        CU_ASSERT_EQUAL(migrate(&k, false, "run it again"), ERR_STORE);
        kit_heal(&k);
        CU_ASSERT(kit_count(&k, MONGO_MESSAGES, "{}") >= 6);
        expect_history(&k, before);
        kit_remove(&k, MONGO_MESSAGES, "{\"legacy_index\":{\"$gte\":4}}");
        expect_history(&k, before);
        say(&k, "c0", "between", 1764021360000000);
        CU_ASSERT_EQUAL(kit_number(&k, MONGO_CHATS, "{\"_id\":0}", "total_messages"), 7);
        free(before);
        before = history(&k);
    }
    CU_ASSERT_EQUAL(migrate(&k, false, "3 of 3 chats, 1212 messages"), OK);
    expect_history(&k, before);
    expect_moved(&k, kit_owns_server() ? 1 : 0);
    free(before);
    kit_fini(&k);
}

/* What cannot be moved without loss stays, is named, and the rest is moved. */
static void left_in_place(void)
{
    struct kit k;
    kit_init(&k);
    fill(&k);
    kit_put(&k, MONGO_CHATS, "{\"chat_id\":\"odd\",\"user_id\":\"u\",\"messages\":[{\"text\":\"x\"},\"stray\"]}");
    kit_put(&k, MONGO_CHATS, "{\"chat_id\":5,\"user_id\":\"u\",\"messages\":[{\"text\":\"x\"}]}");
    kit_put(&k, MONGO_CHATS, "{\"_id\":\"nameless\",\"user_id\":\"u\",\"messages\":[{\"text\":\"x\"}]}"); /* gets one */
    kit_put(&k, MONGO_CHATS, "{\"chat_id\":\"twice\",\"user_id\":\"u\",\"messages\":[{\"text\":\"x\"}]}");
    kit_put(&k, MONGO_CHATS, "{\"chat_id\":\"twice\",\"user_id\":\"u\"}");
    kit_put(&k, MONGO_CHATS,
            "{\"chat_id\":\"early\",\"user_id\":\"u\",\"messages\":[{\"text\":\"x\"},{\"text\":\"y\"}]}");
    kit_put(&k, MONGO_MESSAGES,
            "{\"_id\":{\"$oid\":\"000000000000000000000002\"},\"chat_id\":\"early\",\"text\":\"z\"}");
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    char *before = history(&k);
    static const char *const whys[] = {
        "chat odd is left in place: its array holds elements that are no documents",
        "chat 5 is left in place: its chat_id is no text",
        "chat twice is left in place: several documents have its chat_id",
        "chat early is left in place: its newer messages leave no place before them",
        "4 chats left in place",
    };
    for (size_t i = 0; i < sizeof(whys) / sizeof(whys[0]); i++) {
        CU_ASSERT_EQUAL(migrate(&k, true, whys[i]), ERR_CONFLICT);
        CU_ASSERT_EQUAL(migrate(&k, false, whys[i]), ERR_CONFLICT);
    }
    expect_history(&k, before);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CHATS, "{\"messages.0\":{\"$exists\":true}}"), 4);
    free(before);
    kit_fini(&k);
}

/* No server has been here, which would have given it a name. */
/* How far a side has read is the same afterwards: up to the same message. */
static void marks_move_along(void)
{
    struct kit k;
    kit_init(&k);
    fill(&k);
    kit_put(&k, MONGO_CHATS,
            "{\"_id\":\"r\",\"chat_id\":\"r\",\"user_id\":\"u\",\"agents_read\":{\"$numberLong\":\"2\"},"
            "\"customer_read\":{\"$numberLong\":\"1764021360000000\"},"
            "\"messages\":[{\"text\":\"one\"},{\"text\":\"halfway\"},{\"text\":\"three\"}]}");
    CU_ASSERT_EQUAL(migrate(&k, false, "0 chats left in place"), OK);
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    struct chat chat;
    struct rev_of_text read = {.text = "halfway"};
    const struct load_sink sink = {.customer = seen_customer, .chat = pass_chat, .message = find_text, .arg = &read};
    CU_ASSERT_EQUAL(k.reader->vtable->load_customer(k.reader, SLICE_LIT("u"), &sink), OK);
    CU_ASSERT_EQUAL(k.reader->vtable->read_chat(k.reader, SLICE_LIT("r"), &k.arena, &chat), OK);
    CU_ASSERT_EQUAL(chat.agents_read, read.rev);
    CU_ASSERT_EQUAL(chat.customer_read, 1764021360000000); /* at a message that was never embedded */
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CHATS, "{\"agents_read\":{\"$exists\":true}}"), 1);
    kit_fini(&k);
}

static void without_a_name(void)
{
    struct kit k;
    kit_init(&k);
    fill(&k);
    kit_put(&k, MONGO_CHATS, "{\"_id\":\"nameless\",\"user_id\":\"u\",\"messages\":[{\"text\":\"x\"}]}");
    CU_ASSERT_EQUAL(migrate(&k, true, "4 of 4 chats, 1213 messages (dry run"), OK);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CHATS, "{\"chat_id\":null}"), 1);
    CU_ASSERT_EQUAL(migrate(&k, false, "4 of 4 chats, 1213 messages"), OK);
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_MESSAGES, "{\"chat_id\":\"nameless\"}"), 1);
    kit_fini(&k);
}

static void not_for_sqlite(void)
{
    struct config config = {.store.uri = (char[]){"sqlite:x.db"}};
    FILE *out = fopen("/dev/null", "w");
    CU_ASSERT_EQUAL(migrate_run(&config, false, out), ERR_UNSUPPORTED);
    config.store.uri = (char[]){"mongodb://127.0.0.1:9/x"};
    CU_ASSERT_EQUAL(migrate_run(&config, false, out), ERR_STORE);
    config.store.uri = (char[]){"mongodb://"};
    CU_ASSERT_EQUAL(migrate_run(&config, false, out), ERR_INVALID);
    fclose(out);
}

const CU_TestInfo mongo_migrate_tests[] = {
    {"moved whole, and again", moved_whole},
    {"before the newer messages", before_newer_ones},
    {"marks move along", marks_move_along},
    {"a chat without a name", without_a_name},
    {"interrupted", interrupted},
    {"what is left in place", left_in_place},
    {"no database, no MongoDB", not_for_sqlite},
    CU_TEST_INFO_NULL,
};
