/* store_rig.h: a store under test, batches applied to it as the writer does, and what it gives back as text.
 * Thread:  the test's.
 * Owns:    the ops it makes, until rig_close(). */
#pragma once
#include "store/store.h"
#include "suite.h"
#include "write/batch.h"
#include "writes.h"

#define RIG_T0 INT64_C(1795557360588000) /* the first rev and time; each next op's is a millisecond later */

/* Where stores under test come from. wipe: the next open finds an empty database; no store is open then. */
struct store_factory {
    const char *name;
    void (*wipe)(void *arg);
    enum err (*open)(void *arg, struct store **out);
    void *arg;
};

struct rig {
    const struct store_factory *factory;
    struct store *store;
    struct store_reader *reader;
    struct op_pool *pool;
    struct batch_room room;
    struct arena arena;
    struct buf text;       /* of the last function that returned text */
    struct totals changed; /* by the last rig_apply() */
    int64_t rev;           /* of the last op */
};

/* False: the factory failed, and the test with it. */
bool rig_open(struct rig *r, const struct store_factory *factory);
bool rig_reopen(struct rig *r);
void rig_close(struct rig *r);

/* Ops with their revs and times given. Strings must live as long as the rig; NULL = empty. */
struct op *rig_send(struct rig *r, const char *chat, const char *role, const char *text, const char *key);
struct op *rig_create(struct rig *r, const char *customer_id, const char *email, const char *name);
struct op *rig_put(struct rig *r, const struct customer *given, uint32_t set);
struct op *rig_ai(struct rig *r, const char *chat, bool enabled);
struct op *rig_change(struct rig *r, const char *chat); /* of nothing yet */
struct op *rig_assign(struct rig *r, const char *chat, const char *to);
struct op *rig_close_chat(struct rig *r, const char *chat, bool closed);
struct op *rig_change_customer(struct rig *r, const char *ident);
struct op *rig_mark(struct rig *r, const char *chat, enum chat_side side, int64_t mark);
enum err rig_apply(struct rig *r, struct op *const *ops, size_t count);
#define RIG_APPLY(r, ...)                                                                                              \
    rig_apply((r), (struct op *[]){__VA_ARGS__}, sizeof((struct op *[]){__VA_ARGS__}) / sizeof(struct op *))
/* A new chat of that customer, made if unknown: its id as a string. */
const char *rig_chat(struct rig *r, const char *customer_id);
/* Applies one send; its result. */
enum err rig_say(struct rig *r, const char *chat, const char *role, const char *text);

/* One customer as lines: "ID NAME EMAIL chats=N", " chat total=N flags=N", "  ROLE TEXT", times as milliseconds
 * after RIG_T0 with "@"; and where there is any, whose the chat is, up to where it is read, who wrote. NULL: not found. */
const char *rig_load(struct rig *r, const char *ident);
/* A chat's row, which every way to it must give alike: "STATUS flags=N rev=@N to=WHO agents=@N customer=@N". */
const char *rig_row(struct rig *r, const char *chat);
const char *rig_recent(struct rig *r, const char *owner, int64_t skip, int64_t limit); /* "id id id" */
/* "total: id id"; a search's words, category and status, the owner; each may be "". */
const char *rig_search(struct rig *r, const char *const by[4], int64_t skip, int64_t limit);
#define RIG_SEARCH(r, ...) rig_search((r), (const char *const[4]){__VA_ARGS__}, 0, 10)
const char *rig_changed(struct rig *r, int64_t since, int64_t limit);                 /* "id id id" */
const char *rig_chats(struct rig *r, const char *email, int64_t skip, int64_t limit); /* "total: user user" */
/* By the writer, outside a batch. */
bool rig_customer(struct rig *r, enum customer_by by, const char *value, struct customer *out);
struct totals rig_totals(struct rig *r);
/* "users chats messages agent assistant either with_chats with_owner inbox0 … inbox5" */
const char *rig_totals_text(struct rig *r, const struct totals *t);
