/* bson_map.h: between BSON documents and the model, whatever shape an existing deployment left them in: bson_map.c
 * reads values, bson_put.c writes them, bson_rows.c does customers, chats and messages field by field.
 * Thread:  none of its own.
 * Owns:    nothing: what map_customer and map_chat fill is copied into the caller's arena, what map_message fills
 *          borrows from the document, or is in the arena where it is no text there.
 * Accepts: any document. Ids as ObjectId or string, customers' also as numbers or truth values; times as BSON dates,
 *          ISO or Python-style text, or numbers; any field missing or of another type (then it is as if missing).
 *          Unknown fields are not looked at.
 * Fails:   ERR_NOMEM only. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "chat/model.h"
#include "store/store.h"

#include <mongoc/mongoc.h>

/* customer.key: how customers._id is stored, so that an update addresses it exactly. 0: not known. */
enum id_form { ID_UNKNOWN, ID_OBJECT, ID_TEXT };

/* --- reading --- */
/* A scalar as text: a string borrows from the document, others are put into room; what is none: empty. */
#define BSON_ROOM 40
struct slice bson_scalar(const bson_iter_t *it, char room[static BSON_ROOM]);
/* Anything as text, in the arena: a document or array as JSON; null: empty. */
NODISCARD enum err bson_text(const bson_iter_t *it, struct arena *a, struct slice *out);
int64_t bson_time(const bson_iter_t *it); /* microseconds; 0 = not a time */
int64_t bson_integer(const bson_iter_t *it);
/* A field of a document. Not there, or of another type: empty (strings borrow from the document), 0, false. */
struct slice bson_string(const bson_t *doc, const char *key);
int64_t bson_number(const bson_t *doc, const char *key);
bool bson_objectid(const bson_t *doc, const char *key, struct oid *out);
/* A document or array as plain JSON text (ObjectIds and dates as strings); empty when it is neither. */
NODISCARD enum err bson_to_json(const bson_iter_t *it, struct arena *a, struct slice *out);

NODISCARD enum err map_customer(const bson_t *doc, struct arena *a, struct customer *out);
/* Flags and total as the fields say; for a chat that has none yet, as its embedded array does, if it is there. */
NODISCARD enum err map_chat(const bson_t *doc, struct arena *a, struct chat *out);
/* One message's fields; rev from its _id where that is an ObjectId, else 0. */
NODISCARD enum err map_message(bson_iter_t *fields, struct arena *a, struct message *out);

/* The embedded array of the old layout, in order. element is positioned on each document in turn; elements that are
 * no documents are passed over. */
struct embedded {
    bson_iter_t array;
    bool any;
};
struct embedded embedded_open(const bson_t *chat);
bool embedded_next(struct embedded *e, bson_iter_t *element);

struct embedded_sum {
    int64_t count;
    int64_t odd;   /* elements that are no documents */
    uint8_t flags; /* of the roles */
};
struct embedded_sum embedded_sum(const bson_t *chat);

/* --- writing --- */
void put_text(bson_t *doc, const char *key, struct slice s);
void put_time(bson_t *doc, const char *key, int64_t us);
void put_number(bson_t *doc, const char *key, int64_t value); /* of 32 bits where that is enough */
/* JSON text as a document; ERR_INVALID: it is none. */
NODISCARD enum err put_json_text(bson_t *doc, const char *key, struct slice json);
/* 24 hex digits as an ObjectId, the rest as a string. */
void put_id(bson_t *doc, const char *key, struct slice id);
void put_oid(bson_t *doc, const char *key, const struct oid *id);
/* A document of one member: {key: text}, and {key: {$in: […]}} of every form that the ids may be stored in. */
bson_t *bson_is(const char *key, struct slice text);
bson_t *bson_in(const char *key, const struct slice *ids, size_t count);
/* An array that is being built, value by value: each is put into `array` under the key that array_key() gives for it.
 *  */
struct bson_array {
    bson_t *doc, *whole; /* what it is a member of; bson_in_begin's document */
    bson_t in, array;
    uint32_t count;
    char digits[16];
};
const char *array_key(struct bson_array *l);
void array_id(struct bson_array *l, struct slice id); /* in every form that it may be stored in */
void array_add(struct bson_array *l, bson_t *doc);    /* takes it */
/* doc's member `key`; end returns doc. */
void array_begin(struct bson_array *l, bson_t *doc, const char *key);
bson_t *array_end(struct bson_array *l);
/* A new document {key: {$in: […]}}, which end returns. */
void bson_in_begin(struct bson_array *l, const char *key);
bson_t *bson_in_end(struct bson_array *l);
void put_flags(bson_t *doc, uint8_t flags); /* those of a chat's flags that only ever become true, where they are */
/* A member as it is in another document; nothing where it is not there. */
void put_same(bson_t *doc, const bson_t *from, const char *key);

/* {$set, $max} that make the stored customer be *u. before: as stored now, NULL when not known or not
 * there: fields that are equal are not written, so their type stays what it was. */
NODISCARD enum err customer_update(const struct customer *u, const struct customer *before, bson_t *out);
/* The field of ours by which customers are searched: an array of chat/words.h's words. */
#define MONGO_WORDS "search_words"
void put_customer_words(bson_t *doc, struct slice name, struct slice email);
/* The document of a new message. */
bson_t *message_document(const struct new_message *m, const struct oid *id);
