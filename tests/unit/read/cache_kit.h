/* cache_kit.h: a store in memory, and a writer's hand on it and the cache, for the tests of cache and views.
 * Thread:  the store's rows have a lock, so that loads may run beside commits. The rest as the test does.
 * The two halves of a write are apart: kit_commit() is what the store has then, kit_apply() what the cache is told. */
#pragma once
#include "read/cache.h"
#include "read/view.h"
#include "write/batch.h"
#include "writes.h"
#include <CUnit/CUnit.h>
#include <pthread.h>

#define T0 INT64_C(1795557360588000) /* 2026-11-24T21:56:00.588000Z */
#define TAG5                                                                                                           \
    {                                                                                                                  \
        0xaa, 0xbb, 0xcc, 0xdd, 0xee                                                                                   \
    }

struct kit_message {
    int64_t rev;
    char *role, *text, *agent; /* agent: its id and its name; NULL: not known */
    bool legacy, read, via_widget;
};

struct kit_chat {
    char id[CHAT_ID_MAX];
    struct chat row;
    struct kit_message *messages;
    size_t count, cap;
};

struct kit_customer {
    struct customer row; /* strings are kept by the kit's arena */
    struct kit_chat *chats[64];
    size_t chat_count;
};

/* Where a load stops for the test: before it looks at the rows, or when it has seen them and not yet told. */
enum kit_moment { KIT_NEVER, KIT_BEFORE, KIT_BETWEEN };

struct kit {
    struct store store;         /* first: vtable */
    struct store_reader reader; /* one is enough: the kit has no state per reader */
    struct cache *cache;
    pthread_mutex_t lock;
    struct arena arena;
    struct kit_customer *customers[4096];
    size_t customer_count;
    int64_t rev;
    int64_t overlap_us; /* of the next cache */
    bool shared;
    int loads, lists; /* load_customer; recent_customers, changed_customers and list_chats */
    int lookups;      /* read_customer */
    enum err fail;    /* what the next loads answer */
    enum kit_moment moment;
    void (*hook)(struct kit *k);
};

struct kit *kit_new(size_t cache_bytes);
/* A cache made anew over the same rows, as after a restart. */
void kit_restart(struct kit *k, size_t cache_bytes);
void kit_free(struct kit *k);

/* Ops, finished as the writer would finish them. They live until kit_free(). */
struct op *kit_create(struct kit *k, const char *customer_id, const char *email, const char *name, const char *chat_id);
struct op *kit_put_customer(struct kit *k, const char *email, const char *name, const char *owner);
struct op *kit_send(struct kit *k, const char *chat_id, const char *role, const char *text);
struct op *kit_ai(struct kit *k, const char *chat_id, bool enabled);
void kit_commit(struct kit *k, struct op *op); /* into the store; sets rev and time unless set */
void kit_apply(struct kit *k, struct op *op);  /* into the cache */
void kit_write(struct kit *k, struct op *op);  /* both */
/* The same at once. Return the rev. */
int64_t say(struct kit *k, const char *chat_id, const char *role, const char *text);
int64_t say_as(struct kit *k, const char *chat_id, const char *agent, const char *text);
int64_t say_via(struct kit *k, const char *chat_id, const char *role, const char *text); /* via_widget */
void open_chat(struct kit *k, const char *customer_id, const char *chat_id);
/* A side reads up to a mark; assigned_to and status, of a chat that is there. */
void kit_read(struct kit *k, const char *chat_id, enum chat_side side, int64_t mark);
void kit_change(struct kit *k, const char *chat_id, const char *assigned_to, bool closed);
void kit_tell_read(struct kit *k, const char *chat_id, enum chat_side side, int64_t mark); /* only memory */
struct kit_chat *kit_chat(struct kit *k, const char *chat_id);
void add_legacy(struct kit *k, const char *chat_id, const char *role, const char *text);

/* Serves, and builds where the cache says so. *built: the reader was needed. Body as text, owned by the kit's arena. */
struct answer {
    enum view_result result;
    enum err error;
    const char *body;
    char etag[ETAG_MAX + 1];
    bool built;
};
struct answer ask(struct kit *k, const struct view_query *q);
struct answer get(struct kit *k, enum view view, const char *ident);
/* The same after a cursor, and the next one. */
struct answer ask_since(struct kit *k, struct view_query q, const char *cursor, char next[128]);
int unread_of(const char *body); /* of the first chat in it */
void cursor_of(const char *body, char out[128]);
size_t count_of(const char *haystack, const char *needle);

#define CHECK_TEXT(actual, expected) check_text(__FILE__, __LINE__, (actual), (expected))
void check_text(const char *file, int line, const char *actual, const char *expected);
