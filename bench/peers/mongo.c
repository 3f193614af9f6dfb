/* mongo.c: what one client inserts into a MongoDB server in batches: w majority, journalled, sakurad's documents and its
 * index {chat_id, _id}.
 *   mongo URI BATCH SECONDS
 * Uses the database bench_insert and drops it. Prints one JSON object. */
#include <mongoc/mongoc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHATS 1000

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bson_t *message(const char *text)
{
    char chat[37];
    bson_oid_t id;
    bson_oid_init(&id, NULL);
    snprintf(chat, sizeof(chat), "00000000-0000-4000-8000-%012d", rand() % CHATS);
    bson_t *doc = bson_new();
    BSON_APPEND_OID(doc, "_id", &id);
    BSON_APPEND_UTF8(doc, "chat_id", chat);
    BSON_APPEND_UTF8(doc, "role", "user");
    BSON_APPEND_UTF8(doc, "content", text);
    BSON_APPEND_UTF8(doc, "text", text);
    BSON_APPEND_DATE_TIME(doc, "timestamp", (int64_t)time(NULL) * 1000);
    BSON_APPEND_UTF8(doc, "status", "sent");
    BSON_APPEND_BOOL(doc, "read", false);
    return doc;
}

static void make_index(mongoc_client_t *client)
{
    bson_error_t why;
    mongoc_database_t *db = mongoc_client_get_database(client, "bench_insert");
    bson_t *command = BCON_NEW("createIndexes", BCON_UTF8("messages"), "indexes", "[", "{", "key", "{", "chat_id",
                               BCON_INT32(1), "_id", BCON_INT32(1), "}", "name", BCON_UTF8("by_chat"), "}", "]");
    if (!mongoc_database_drop(db, &why) || !mongoc_database_write_command_with_opts(db, command, NULL, NULL, &why)) {
        fprintf(stderr, "%s\n", why.message);
        exit(1);
    }
    bson_destroy(command);
    mongoc_database_destroy(db);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    mongoc_init();
    mongoc_client_t *client = mongoc_client_new(argv[1]);
    size_t batch = (size_t)atoi(argv[2]);
    double seconds = atof(argv[3]);
    if (!client || batch < 1)
        return 1;
    make_index(client);
    mongoc_collection_t *messages = mongoc_client_get_collection(client, "bench_insert", "messages");
    mongoc_write_concern_t *concern = mongoc_write_concern_new();
    mongoc_write_concern_set_wmajority(concern, 10000);
    mongoc_write_concern_set_journal(concern, true);
    bson_t options = BSON_INITIALIZER;
    mongoc_write_concern_append(concern, &options);
    BSON_APPEND_BOOL(&options, "ordered", false);
    char text[121];
    memset(text, 'm', 120);
    text[120] = '\0';
    const bson_t **docs = calloc(batch, sizeof(*docs));
    unsigned long long rows = 0;
    double from = now(), at = from;
    while (at - from < seconds) {
        bson_error_t why;
        for (size_t i = 0; i < batch; i++)
            docs[i] = message(text);
        if (!mongoc_collection_insert_many(messages, docs, batch, &options, NULL, &why)) {
            fprintf(stderr, "%s\n", why.message);
            return 1;
        }
        for (size_t i = 0; i < batch; i++)
            bson_destroy((bson_t *)docs[i]);
        rows += batch;
        at = now();
    }
    printf("{\"batch\":%zu,\"rows_per_s\":%.1f}\n", batch, (double)rows / (at - from));
    mongoc_database_t *db = mongoc_client_get_database(client, "bench_insert");
    mongoc_database_drop(db, NULL);
}
