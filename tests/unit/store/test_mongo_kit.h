/* test_mongo_kit.h: a store on a database of its own, and what tests put into it and read back.
 * The server is $SAKURAD_TEST_MONGO_URI's; each kit has a fresh database there, dropped at the end. Fail points and the
 * like only where $SAKURAD_TEST_MONGO_OWN says that the server is ours. */
#pragma once
#include "app/config.h"
#include "store/mongo/bson_map.h"
#include "store/mongo/mongo_counters.h"
#include "store/mongo/mongo_error.h"
#include "store/mongo/mongo_identity.h"
#include "suite.h"

struct kit {
    char name[64]; /* the database's */
    char uri[512];
    struct config config;
    mongoc_client_t *client; /* the test's own, beside the store's */
    mongoc_database_t *database;
    struct store *store;
    struct store_reader *reader;
    struct arena arena;
    struct buf text; /* the last kit_load() */
    int64_t max_rev;
    uint8_t tag[5];
    bool principals; /* the next kit_configure(): as with authentication */
};

bool kit_available(void); /* false: no server, the program says so and fails */
bool kit_owns_server(void);
/* A write timeout for all that is not about timeouts: the server may be kept from the processor for seconds. */
#define KIT_PATIENT_MS 50000
void kit_init(struct kit *k); /* database and client, no store yet */
enum err kit_open_store(struct kit *k, const char *options, int64_t write_timeout_ms, struct store **out);
void kit_configure(struct kit *k, const char *options, int64_t write_timeout_ms); /* k->config */
enum err kit_open(struct kit *k, const char *options,
                  int64_t write_timeout_ms); /* store, indexes made, identity read */
void kit_close_store(struct kit *k);
void kit_fini(struct kit *k);

/* Extended JSON; aborts the test program on a mistake of the test. */
void kit_put(struct kit *k, const char *collection, const char *json);
bool kit_settle(struct kit *k); /* what was sent is in the chats' documents; the next three do it by themselves */
char *kit_get(struct kit *k, const char *collection, const char *filter); /* relaxed JSON of one; bson_free() */
int64_t kit_number(struct kit *k, const char *collection, const char *filter, const char *field); /* -1: not there */
int64_t kit_count(struct kit *k, const char *collection, const char *filter);
/* One customer as lines: "user ID NAME chats=N", "chat ID total=N flags=N", "ROLE TEXT TIME [read] [legacy]". */
enum err kit_load(struct kit *k, const char *ident);
/* Without the marks " legacy": a history before and after it is moved. */
void kit_unmark(struct kit *k);
int64_t kit_remove(struct kit *k, const char *collection, const char *filter);
/* failCommand: times < 0 = until kit_heal(). what: members of `data`, such as "\"closeConnection\":true". */
void kit_break(struct kit *k, int times, const char *commands, const char *what);
void kit_heal(struct kit *k);

/* Messages, applied as the writer does: begin, resolve, insert, commit. */
struct kit_send {
    struct new_message m;
    struct arena arena; /* m's */
};
void kit_send_init(struct kit_send *send, const char *chat, const char *role, const char *text, const char *key,
                   int64_t rev);
enum err kit_apply(struct kit *k, struct kit_send *const *sends, size_t count);
void kit_chat(struct kit *k, const char *customer, const char *chat); /* customer, if new, and an empty chat */
