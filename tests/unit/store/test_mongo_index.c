/* Indexes: made at start, safe to repeat, and what happens where existing data is in the way. */
#include "test_mongo_kit.h"
#include "test_mongo_suites.h"

#include <string.h>

/* "keys unique?" of each index, sorted as the server lists them. */
static bool has_index(struct kit *k, const char *collection, const char *name, bool unique)
{
    mongoc_collection_t *c = mongoc_database_get_collection(k->database, collection);
    mongoc_cursor_t *cursor = mongoc_collection_find_indexes_with_opts(c, NULL);
    const bson_t *doc;
    bool found = false;
    while (mongoc_cursor_next(cursor, &doc)) {
        bson_iter_t it;
        if (!bson_iter_init_find(&it, doc, "name") || strcmp(bson_iter_utf8(&it, NULL), name) != 0)
            continue;
        bool is_unique = bson_iter_init_find(&it, doc, "unique") && bson_iter_as_bool(&it);
        found = is_unique == unique;
    }
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(c);
    return found;
}

static void made_and_repeated(void)
{
    struct kit k;
    kit_init(&k);
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
        CU_ASSERT(has_index(&k, MONGO_MESSAGES, "chat_id_1__id_1", false));
        CU_ASSERT(has_index(&k, MONGO_MESSAGES, "chat_id_1_client_message_id_1", true));
        CU_ASSERT(has_index(&k, MONGO_CHATS, "chat_id_1", true));
        CU_ASSERT(has_index(&k, MONGO_CHATS, "user_id_1", false));
        CU_ASSERT(has_index(&k, MONGO_CHATS, "last_activity_-1", false));
        CU_ASSERT(has_index(&k, MONGO_CUSTOMERS, "email_1", false));
        CU_ASSERT(atomic_load(&((struct mongo_store *)k.store)->index.keys_unique));
        kit_close_store(&k);
    }
    kit_fini(&k);
}

/* Messages with one key twice, chats with one id twice: plain indexes, and keys still answer with the first. */
static void duplicates_in_the_way(void)
{
    struct kit k;
    kit_init(&k);
    kit_put(&k, MONGO_CUSTOMERS, "{\"_id\":\"u\"}");
    kit_put(&k, MONGO_CHATS, "{\"chat_id\":\"c\",\"user_id\":\"u\"}");
    kit_put(&k, MONGO_CHATS, "{\"chat_id\":\"twice\",\"user_id\":\"u\"}");
    kit_put(&k, MONGO_CHATS, "{\"chat_id\":\"twice\",\"user_id\":\"u\"}");
    kit_put(&k, MONGO_MESSAGES,
            "{\"_id\":{\"$oid\":\"65b000000000000000000001\"},\"chat_id\":\"c\",\"role\":\"user\","
            "\"text\":\"a\",\"client_message_id\":\"k\"}");
    kit_put(&k, MONGO_MESSAGES,
            "{\"_id\":{\"$oid\":\"65b000000000000000000002\"},\"chat_id\":\"c\",\"role\":\"user\","
            "\"text\":\"b\",\"client_message_id\":\"k\"}");
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
        CU_ASSERT(has_index(&k, MONGO_MESSAGES, "chat_id_1_client_message_id_1", false));
        CU_ASSERT(has_index(&k, MONGO_CHATS, "chat_id_1", false));
        CU_ASSERT_FALSE(atomic_load(&((struct mongo_store *)k.store)->index.keys_unique));
        struct kit_send op, *list[] = {&op};
        kit_send_init(&op, "c", "user", "again", "k", 1764021360000000);
        CU_ASSERT_EQUAL(kit_apply(&k, list, 1), OK);
        CU_ASSERT(op.m.duplicate);
        CU_ASSERT_EQUAL(op.m.rev, 0x65b00000 * 1000000LL + 1);
        arena_fini(&op.arena);
        kit_close_store(&k);
    }
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_MESSAGES, "{}"), 2);
    kit_fini(&k);
}

/* All of them have the same chat_id, none, until they get one: that is not in the way for good. */
static void chats_without_a_name(void)
{
    struct kit k;
    kit_init(&k);
    kit_put(&k, MONGO_CUSTOMERS, "{\"_id\":\"u\"}");
    kit_put(&k, MONGO_CHATS, "{\"_id\":\"a\",\"user_id\":\"u\"}");
    kit_put(&k, MONGO_CHATS, "{\"_id\":\"b\",\"user_id\":\"u\"}");
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    CU_ASSERT(has_index(&k, MONGO_CHATS, "chat_id_1", true));
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CHATS, "{\"_id\":\"b\",\"chat_id\":\"b\"}"), 1);
    kit_fini(&k);
}

/* The operator has an index of the same keys: it is left. */
static void existing_index(void)
{
    struct kit k;
    bson_error_t error;
    kit_init(&k);
    bson_t *command = bson_new_from_json((const uint8_t *)"{\"createIndexes\":\"customer-chats\",\"indexes\":[{\"key\":"
                                                          "{\"chat_id\":1},\"name\":\"chat_id_1\"}]}",
                                         -1, &error);
    CU_ASSERT(mongoc_database_write_command_with_opts(k.database, command, NULL, NULL, &error));
    bson_destroy(command);
    CU_ASSERT_EQUAL_FATAL(kit_open(&k, NULL, KIT_PATIENT_MS), OK);
    CU_ASSERT(has_index(&k, MONGO_CHATS, "chat_id_1", false));
    CU_ASSERT(has_index(&k, MONGO_CUSTOMERS, "rev_1", false)); /* the rest was made */
    kit_chat(&k, "u", "c");
    kit_chat(&k, "u", "c");
    CU_ASSERT_EQUAL(kit_count(&k, MONGO_CHATS, "{}"), 1);
    kit_fini(&k);
}

const CU_TestInfo mongo_index_tests[] = {
    {"made at start, and again", made_and_repeated},
    {"duplicates in the way", duplicates_in_the_way},
    {"chats without a name", chats_without_a_name},
    {"an index that is there already", existing_index},
    CU_TEST_INFO_NULL,
};
