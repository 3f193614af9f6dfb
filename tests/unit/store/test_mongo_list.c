/* Listings over mixed types: dates, text and nothing in the fields that order them. */
#include "test_mongo_kit.h"
#include "test_mongo_suites.h"

#include "store/mongo/mongo_search.h"
#include "store/mongo/mongo_store.h"

#include <string.h>

static void fill(struct kit *k)
{
    /* activity: e 06 (chat, date) > b 05 (text chat) > d 04 (customer's last_activity) > a 03 (last_seen text)
     * > c 02 (last_seen date) > f (created_at only) */
    kit_put(k, MONGO_CUSTOMERS, "{\"_id\":\"a\",\"last_seen\":\"2024-01-03T00:00:00\",\"dashboard_user_id\":\"own\"}");
    kit_put(k, MONGO_CUSTOMERS, "{\"_id\":\"b\",\"email\":\"b@x.io\",\"dashboard_user_id\":\"own\"}");
    kit_put(k, MONGO_CUSTOMERS, "{\"_id\":\"c\",\"last_seen\":{\"$date\":\"2024-01-02T00:00:00Z\"}}");
    kit_put(k, MONGO_CUSTOMERS,
            "{\"_id\":\"d\",\"last_activity\":{\"$date\":\"2024-01-04T00:00:00Z\"},\"rev\":50,"
            "\"category\":\"human-chats\",\"status\":\"escalated\"}");
    kit_put(k, MONGO_CUSTOMERS,
            "{\"_id\":{\"$oid\":\"65a00000000000000000000e\"},\"rev\":7,"
            "\"last_seen\":{\"$date\":\"2023-01-04T00:00:00Z\"},\"dashboard_user_id\":\"own\"}");
    kit_put(k, MONGO_CUSTOMERS, "{\"_id\":\"f\",\"created_at\":\"2022-01-01T00:00:00\"}");
    kit_put(k, MONGO_CHATS, "{\"chat_id\":\"b1\",\"user_id\":\"b\",\"last_activity\":\"2024-01-05T00:00:00\"}");
    kit_put(k, MONGO_CHATS, "{\"chat_id\":\"b2\",\"user_id\":\"b\",\"rev\":60}");
    kit_put(k, MONGO_CHATS,
            "{\"chat_id\":\"d1\",\"user_id\":\"d\",\"rev\":40,"
            "\"last_activity\":{\"$date\":\"2024-01-01T00:00:00Z\"}}");
    kit_put(k, MONGO_CHATS,
            "{\"chat_id\":\"e1\",\"user_id\":\"65a00000000000000000000e\",\"rev\":70,"
            "\"last_activity\":{\"$date\":\"2024-01-06T00:00:00Z\"}}");
    kit_put(k, MONGO_CHATS,
            "{\"chat_id\":\"orphan\",\"user_id\":\"nobody\",\"rev\":65,"
            "\"last_activity\":{\"$date\":\"2024-01-07T00:00:00Z\"}}");
}

/* Ids of a listing, one letter each: the last of the id. */
static const char *letters(const struct customer *customers, size_t count)
{
    static char out[64];
    size_t n = 0;
    for (; n < count && n < sizeof(out) - 1; n++)
        out[n] = customers[n].id.ptr[customers[n].id.len - 1];
    out[n] = '\0';
    return out;
}

static const char *recent(struct kit *k, const char *owner, int64_t skip, int64_t limit)
{
    struct customer *customers;
    size_t count;
    enum err e =
        k->reader->vtable->recent_customers(k->reader, slice_cstr(owner), skip, limit, &k->arena, &customers, &count);
    return e == OK ? letters(customers, count) : err_text(e);
}

static void recent_customers(void)
{
    struct kit k;
    kit_init(&k);
    fill(&k);
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    CU_ASSERT_STRING_EQUAL(recent(&k, "", 0, 100), "ebdacf");
    CU_ASSERT_STRING_EQUAL(recent(&k, "", 0, 2), "eb");
    CU_ASSERT_STRING_EQUAL(recent(&k, "", 1, 3), "bda");
    CU_ASSERT_STRING_EQUAL(recent(&k, "", 5, 10), "f");
    CU_ASSERT_STRING_EQUAL(recent(&k, "", 6, 10), "");
    CU_ASSERT_STRING_EQUAL(recent(&k, "", INT64_MAX - 1, 10), "");
    CU_ASSERT_STRING_EQUAL(recent(&k, "own", 0, 100), "eba");
    CU_ASSERT_STRING_EQUAL(recent(&k, "own", 1, 1), "b");
    CU_ASSERT_STRING_EQUAL(recent(&k, "else", 0, 100), "");
    struct customer *customers;
    size_t count;
    CU_ASSERT_EQUAL(k.reader->vtable->recent_customers(k.reader, (struct slice){0}, 0, 2, &k.arena, &customers, &count),
                    OK);
    CU_ASSERT_EQUAL(customers[0].activity_us, 1704499200000000);
    CU_ASSERT_EQUAL(customers[1].activity_us, 1704412800000000);
    CU_ASSERT_EQUAL(customers[0].rev, 7);
    CU_ASSERT_EQUAL(customers[1].chat_count, 2);
    kit_fini(&k);
}

static enum err note_rev(void *arg, const struct customer *u)
{
    *(int64_t *)arg = u->rev;
    return OK;
}

static enum err pass_chat(void *arg, const struct chat *chat)
{
    (void)arg;
    (void)chat;
    return OK;
}

/* Its row was read first. With the rev of a chat that came after, memory would take it for newer than a change of the row
 * that came in between, and show the customer's old address for good. */
static void a_row_is_no_newer_than_it_was_read(void)
{
    struct kit k;
    int64_t rev = 0;
    const struct load_sink sink = {.customer = note_rev, .chat = pass_chat, .arg = &rev};
    kit_init(&k);
    fill(&k);
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    CU_ASSERT_EQUAL(k.reader->vtable->load_customer(k.reader, SLICE_LIT("65a00000000000000000000e"), &sink), OK);
    CU_ASSERT_EQUAL(rev, 7);
    kit_fini(&k);
}

static const char *changed(struct kit *k, int64_t since, int64_t limit)
{
    struct customer *customers;
    size_t count;
    enum err e = k->reader->vtable->changed_customers(k->reader, since, limit, &k->arena, &customers, &count);
    return e == OK ? letters(customers, count) : err_text(e);
}

static void changed_customers(void)
{
    struct kit k;
    kit_init(&k);
    fill(&k);
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    CU_ASSERT_EQUAL(k.max_rev, 70);
    CU_ASSERT_STRING_EQUAL(changed(&k, 0, 100), "dbe");
    CU_ASSERT_STRING_EQUAL(changed(&k, 50, 100), "be");
    CU_ASSERT_STRING_EQUAL(changed(&k, 0, 2), "db");
    CU_ASSERT_STRING_EQUAL(changed(&k, 60, 1), "e"); /* the orphan between them takes no place */
    CU_ASSERT_STRING_EQUAL(changed(&k, 70, 100), "");
    kit_fini(&k);
}

static const char *chats(struct kit *k, const char *email, int64_t skip, int64_t limit, int64_t *total)
{
    static char out[256];
    struct chat_ref *refs;
    size_t count;
    enum err e =
        k->reader->vtable->list_chats(k->reader, slice_cstr(email), skip, limit, &k->arena, &refs, &count, total);
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; e == OK && i < count; i++)
        n += (size_t)snprintf(out + n, sizeof(out) - n, "%.*s ", SLICE_ARG(refs[i].chat_id));
    return e == OK ? out : err_text(e);
}

static void list_chats(void)
{
    struct kit k;
    int64_t total;
    kit_init(&k);
    fill(&k);
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    CU_ASSERT_STRING_EQUAL(chats(&k, "", 0, 100, &total), "orphan e1 b1 d1 b2 ");
    CU_ASSERT_EQUAL(total, 5);
    CU_ASSERT_STRING_EQUAL(chats(&k, "", 1, 2, &total), "e1 b1 ");
    CU_ASSERT_STRING_EQUAL(chats(&k, "", INT64_MAX, 2, &total), "");
    CU_ASSERT_STRING_EQUAL(chats(&k, "b@x.io", 0, 100, &total), "b1 b2 ");
    CU_ASSERT_EQUAL(total, 2);
    CU_ASSERT_STRING_EQUAL(chats(&k, "none@x.io", 0, 100, &total), "");
    CU_ASSERT_EQUAL(total, 0);
    kit_fini(&k);
}

static void overview_and_totals(void)
{
    struct kit k;
    kit_init(&k);
    fill(&k);
    kit_put(&k, MONGO_CHATS,
            "{\"_id\":\"0first\",\"chat_id\":\"old\",\"user_id\":\"c\",\"messages\":["
            "{\"role\":\"user\",\"text\":\"one\"},{\"role\":\"agent\",\"content\":\"two\"}]}");
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    struct kit_send ops[2], *list[] = {&ops[0], &ops[1]};
    kit_send_init(&ops[0], "old", "user", "three", "", 1764021360000000);
    kit_send_init(&ops[1], "b1", "assistant", "only", "", 1764021360000001);
    CU_ASSERT_EQUAL(kit_apply(&k, list, 2), OK);
    arena_fini(&ops[0].arena);
    arena_fini(&ops[1].arena);
    struct overview o;
    CU_ASSERT_EQUAL_FATAL(k.reader->vtable->overview(k.reader, &k.arena, &o), OK);
    CU_ASSERT(slice_eq(o.database_name, slice_cstr(k.name)));
    CU_ASSERT_EQUAL(o.customer_count, 6);
    CU_ASSERT_EQUAL(o.chat_count, 6);
    for (size_t i = 0; i < o.chat_count; i++) {
        const struct overview_chat *c = &o.chats[i];
        bool old = slice_eq(c->chat.chat_id, SLICE_LIT("old")), b1 = slice_eq(c->chat.chat_id, SLICE_LIT("b1"));
        CU_ASSERT_EQUAL(c->messages, old ? 3 : b1 ? 1 : 0);
        CU_ASSERT_EQUAL(c->has_first, old || b1);
        CU_ASSERT(!c->has_first || slice_eq(c->first.text, old ? SLICE_LIT("one") : SLICE_LIT("only")));
        CU_ASSERT(!c->has_last || slice_eq(c->last.text, old ? SLICE_LIT("three") : SLICE_LIT("only")));
        CU_ASSERT(!old || slice_eq(c->row_id, SLICE_LIT("0first")));
    }
    struct totals t;
    CU_ASSERT_EQUAL(k.reader->vtable->read_totals(k.reader, &t), OK);
    CU_ASSERT_EQUAL(t.customers, 6);
    CU_ASSERT_EQUAL(t.chats, 6);
    CU_ASSERT_EQUAL(t.messages, 4);
    CU_ASSERT_EQUAL(t.customers_with_chats, 4);
    CU_ASSERT_EQUAL(t.customers_with_owner, 3);
    CU_ASSERT_EQUAL(t.inbox[INBOX_ALL], 6);
    CU_ASSERT_EQUAL(t.inbox[INBOX_AGENT_ACTIVE], 4);
    CU_ASSERT_EQUAL(t.inbox[INBOX_MY_ESCALATED], 1);
    CU_ASSERT_EQUAL(t.chats_with_agent, 1);
    CU_ASSERT_EQUAL(t.chats_with_assistant, 1);
    kit_fini(&k);
}

static const char *found(struct kit *k, const char *words, const char *category, const char *status)
{
    struct customer *customers;
    struct words asked;
    size_t count;
    int64_t total;
    words_of_search(&asked, slice_cstr(words));
    struct customer_filter f = {.category = slice_cstr(category), .status = slice_cstr(status)};
    f.word_count = asked.count;
    memcpy(f.words, asked.items, asked.count * sizeof(asked.items[0]));
    enum err e = k->reader->vtable->search_customers(k->reader, &f, 0, 10, &k->arena, &customers, &count, &total);
    CU_ASSERT_EQUAL(total, (int64_t)count);
    return e == OK ? letters(customers, count) : err_text(e);
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

/* Documents that other programs have written: their words come at a start, and what they leave out counts as usual. */
static void searches(void)
{
    struct kit k;
    kit_init(&k);
    fill(&k);
    kit_put(&k, MONGO_CUSTOMERS,
            "{\"_id\":\"g\",\"name\":\"B. Anders\",\"email\":7,\"category\":\"\",\"status\":null}");
    kit_put(&k, MONGO_CUSTOMERS, "{\"_id\":{\"odd\":1},\"name\":\"B\"}"); /* no customer: in no answer */
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    mongo_add_words(&mongo_of(k.store)->writer, never, NULL); /* as the start does, beside it */
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CUSTOMERS, "{\"search_words\":null}"), 0);
    CU_ASSERT_STRING_EQUAL(found(&k, "b@", "", ""), "b");
    CU_ASSERT_STRING_EQUAL(found(&k, "x.i", "", ""), "b");
    CU_ASSERT_STRING_EQUAL(found(&k, "anders b", "", ""), "g");
    CU_ASSERT_STRING_EQUAL(found(&k, "", "human-chats", "escalated"), "d");
    CU_ASSERT_STRING_EQUAL(found(&k, "anders", "agent-inbox", "active"), "g");
    CU_ASSERT_STRING_EQUAL(found(&k, "b@", "human-chats", ""), "");
    kit_fini(&k);
}

const CU_TestInfo mongo_list_tests[] = {
    {"searches", searches},
    {"customers by activity", recent_customers},
    {"a row is no newer than it was read", a_row_is_no_newer_than_it_was_read},
    {"customers by change", changed_customers},
    {"chats by activity", list_chats},
    {"overview and totals", overview_and_totals},
    CU_TEST_INFO_NULL,
};
