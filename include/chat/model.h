/* model.h: the product's nouns as plain structs: what a store reads and writes, what render.h turns to JSON.
 * Thread:  values; no state.
 * Owns:    nothing: slices borrow from an arena, a row, or an op, as the function that fills them says.
 * Units:   *_us are microseconds since 1970-01-01 UTC; 0 = not known (rendered as null).
 * rev:     a store's revision: microseconds, strictly increasing over every change of one store (writer.h);
 *          a message's rev is its place in history, a chat's or customer's rev that of its last change. */
#pragma once
#include "base/buf.h"
#include "base/id.h"

#define CHAT_ID_MAX          1024 /* bytes; ours are UUIDs (36), existing deployments have brought any text */
#define CUSTOMER_ID_MAX      128  /* bytes; ours are 24 hex digits, callers may bring their own */
#define EMAIL_MAX            320  /* bytes (RFC 5321: 64 + 1 + 255) */
#define CUSTOMER_NAME_MAX    512  /* bytes */
#define AGENT_NAME_MAX       128  /* bytes of the name that an agent's token carries */
#define ROLE_MAX_CHARS       32   /* code points, 1..32 */
#define ROLE_MAX_BYTES       128
#define CLIENT_KEY_MAX_CHARS 128
#define FIELD_MAX            4096 /* bytes of any other stored text field; location and device: JSON_FIELD_MAX */
#define JSON_FIELD_MAX       16384

#define ROLE_USER      "user"
#define ROLE_AGENT     "agent"
#define ROLE_ASSISTANT "assistant"
#define VIA_WIDGET     "widget"

/* Bits of chat.flags: what the reports count, kept with the chat so that no report scans messages. */
enum chat_flag {
    CHAT_HAS_AGENT = 1,
    CHAT_HAS_ASSISTANT = 2,
    CHAT_AI_DISABLED = 4,
    CHAT_CLOSED = 8 /* status "closed" */
};

/* The two sides of a chat: its customer, and everybody who answers. */
enum chat_side { SIDE_CUSTOMER, SIDE_AGENTS };

/* A mark: up to which message a side has read. It is that message's rev; of a legacy one, which has none, its index + 1, so
 * that marks are in the order of the messages; 0: nothing. Marks go forwards only. */
uint8_t chat_flags_of_role(struct slice role); /* agent: HAS_AGENT; assistant: HAS_ASSISTANT; else 0 */

struct message {
    int64_t rev;
    int64_t timestamp_us;
    struct slice role;
    struct slice text;
    bool read;
    bool via_widget;         /* its role is what a customer's widget said it was */
    struct slice agent_id;   /* who wrote it, where an agent's token said so… */
    struct slice agent_name; /* …empty: not known; then agent_id is empty too */
    bool legacy;             /* from an embedded array of an existing deployment: its id is "msg_<seconds>_<index>" */
};

#define ASSIGNED_TO_MAX 128 /* bytes */

struct chat {
    int64_t key; /* the store's own handle (SQLite: rowid); 0 where it has none */
    int64_t customer_key;
    int64_t rev;
    int64_t created_us;
    int64_t last_activity_us;
    int64_t updated_us;
    int64_t total_messages;
    struct slice chat_id;
    struct slice customer_id; /* the customer's id as text */
    struct slice status;      /* "open", "closed" (then flags has CHAT_CLOSED), or what an existing deployment has */
    struct slice assigned_to; /* whose it is: any text that a dashboard gave; empty: nobody's */
    int64_t agents_read;      /* marks; what a side has sent it has read too, which is not in here */
    int64_t customer_read;
    uint8_t flags;
};

struct customer {
    int64_t key;
    int64_t rev;
    int64_t activity_us; /* last thing the customer or an agent did: orders the refetch */
    int64_t created_us;
    int64_t last_seen_us;
    int64_t total_visits;
    double visit_duration;
    int64_t chat_count;
    struct slice id; /* 24 hex digits (an ObjectId) or the caller's own */
    struct slice email;
    struct slice claimed_email; /* said by a customer who proved nothing: shown, never looked up by; empty = none */
    struct slice name;
    struct slice ip;
    struct slice vibe;
    struct slice category;
    struct slice status;
    struct slice owner;     /* dashboard_user_id; empty = none */
    struct slice reference; /* `user_id` of existing deployments: a second id the customer is found by */
    struct slice last_chat; /* chatId last reported by the widget; empty = none */
    struct slice timestamp; /* as reported by the widget; empty = none */
    struct slice location;  /* JSON object text; empty = {} */
    struct slice device;    /* JSON object text; empty = {} */
};

#define CATEGORY_AGENT_INBOX "agent-inbox"
#define CATEGORY_HUMAN_CHATS "human-chats"

/* The six numbers of unread_counts, in the order of the frame. */
enum inbox {
    INBOX_ALL,            /* unified-inbox: every chat */
    INBOX_AGENT_ACTIVE,   /* (agent-inbox, active) */
    INBOX_AGENT_RESOLVED, /* (agent-inbox, resolved) */
    INBOX_MY_CHATS,       /* (human-chats, active) */
    INBOX_MY_ESCALATED,   /* (human-chats, escalated) */
    INBOX_MY_RESOLVED,    /* (human-chats, resolved) */
    INBOX_COUNT
};
/* The inbox that a customer's (category, status) puts its chats in, or INBOX_ALL where it is none of the five. */
enum inbox inbox_of(struct slice category, struct slice status);

/* Totals that the reports and unread_counts show, kept in step with every write. */
struct totals {
    int64_t customers;
    int64_t chats;
    int64_t messages;
    int64_t chats_with_agent;     /* a message of role agent */
    int64_t chats_with_assistant; /* a message of role assistant */
    int64_t chats_with_either;    /* agent or assistant: reports' agent_chats */
    int64_t customers_with_chats;
    int64_t customers_with_owner;
    int64_t inbox[INBOX_COUNT];
};

/* What the writer must know of a chat to append to it; from the cache, or from the store when not cached. */
struct chat_link {
    bool known;
    bool owner_known; /* from the store, where it may matter; the cache knows its own */
    uint8_t flags;    /* enum chat_flag: before this batch */
    int64_t chat_key;
    int64_t customer_key;
    struct slice customer_id; /* in the arena of who asked */
    struct slice owner;       /* of the customer; in the arena of who asked */
};
