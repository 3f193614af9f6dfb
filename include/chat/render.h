/* render.h: model → the JSON bytes that clients see. Field names and shapes: the contract with the clients.
 * Thread:  any; no state.
 * Owns:    nothing; appends to the caller's buf.
 * Fails:   never at the call; lack of memory shows in buf_ok().
 * A message is rendered once, in the refetch's shape; the other shapes are cut from those bytes, so that its text is
 * escaped once and kept once. Times: RFC 3339, microseconds, Z; not known (0): null. */
#pragma once
#include "base/id.h"
#include "chat/model.h"

/* {"role":…,"text":…,"timestamp":…,"read":true }, and where its parts are. What `read` is depends on who looks and on marks:
 * its place is as long as `false`, and render_unread() writes that into the copy that somebody gets. Who wrote it stands in
 * front, where it is known: {"agent":{"id":…,"name":…},"role":"agent",…; one whose role a customer's widget gave ends in
 * ,"via":"widget"} in every shape. */
struct message_form {
    uint32_t len;      /* of the whole fragment */
    uint16_t head_len; /* escaped: of the role, or with FORM_AGENT of the agent's object; then the role is "agent" */
    uint8_t flags;     /* enum form_flag */
};
enum form_flag {
    FORM_READ = 1, /* a legacy one that its database says is read: it is, for everybody */
    FORM_LEGACY = 2,
    FORM_NO_TIME = 4,
    FORM_VIA = 8,
    FORM_USER = 16,  /* role user */
    FORM_REPLY = 32, /* role agent, and no widget's: its side has read what is before it */
    FORM_AGENT = 64
};

/* The parts, escaped, without their quotes; timestamp is the whole value (a string with quotes, or null), agent the whole
 * object, or empty. */
struct message_parts {
    struct slice role;
    struct slice text;
    struct slice timestamp;
    struct slice agent;
    bool read; /* as message_parts() gives it: FORM_READ */
    bool via_widget;
};

void render_message(struct buf *b, const struct message *m, struct message_form *form);
void render_unread(char *fragment, const struct message_form *form);
void message_parts(const char *fragment, const struct message_form *form, struct message_parts *out);
/* The time in the fragment, in seconds since 1970; 0: none. */
int64_t message_seconds(const struct message_parts *parts);

#define MESSAGE_ID_MAX 64
/* The _id: an ObjectId's hex digits from rev and the store's tag, or msg_<seconds>_<index>_<chat> for a legacy one, where
 * index is its place in its chat and chat 8 hex digits that tell the chats of one customer apart. Returns the length. */
size_t message_id(int64_t rev, const uint8_t tag[static 5], char out[static MESSAGE_ID_MAX]);
size_t message_id_legacy(int64_t seconds, uint64_t index, struct slice chat_id, char out[static MESSAGE_ID_MAX]);
/* What an _id names: *legacy says which of the two others is set. False: it is no _id of ours. */
bool message_id_parse(struct slice id, bool *legacy, int64_t *rev, uint64_t *index);

/* {_id,role,text,content,timestamp,read} and {_id,sender,content,timestamp,status,isLink,linkUrl,tags}, both with agent */
void render_message_poll(struct buf *b, struct slice id, const struct message_parts *parts);
void render_message_chat(struct buf *b, struct slice id, const struct message_parts *parts);
#define RENDER_POLL_ROOM 160 /* a shape's bytes beyond its parts and id, at most */

void render_time(struct buf *b, int64_t wall_us);
/* Customers. The heads are open objects: the caller adds members and closes them. */
void render_customer_opening(struct buf *b, const struct customer *u); /* {"_id":…,…,"dashboard_user_id":… */
void render_last_seen(struct buf *b, int64_t last_seen_us);            /* ,"last_seen":… */
void render_poll_opening(struct buf *b,
                         const struct customer *u); /* {"user_id":…,"user_name":…,"user_email":…,"chats":[ */
/* What the asker's side has not read, and up to where both have: messages' ids; empty: nothing. */
struct chat_read {
    uint32_t unread;
    struct slice user, agent;
};
void render_chat_start(struct buf *b,
                       const struct chat *c); /* {"chat_id":…,"status":…,"created_at":…,"assigned_to":… */
/* …,"last_activity":…,"total_messages":…,"unread":…,"read_up_to":{"user":…,"agent":…},"messages":[ */
void render_chat_rest(struct buf *b, int64_t last_activity_us, int64_t total_messages, const struct chat_read *read);
/* The chat of /api/chats: {"chat_id":…,"user_id":…,"status":…,"created_at":…,"updated_at":…,"assigned_to":…,"unread":…,
 * "read_up_to":…,"messages":[ */
void render_chat_object(struct buf *b, const struct chat *c, const struct chat_read *read);
#define RENDER_CHAT_OBJECT_END "],\"state\":{}}"

void render_ai(struct buf *b, struct slice chat_id, bool enabled);
void render_report(struct buf *b, const struct totals *t, int64_t now_us);
void render_agent(struct buf *b, const struct totals *t, int64_t now_us);
