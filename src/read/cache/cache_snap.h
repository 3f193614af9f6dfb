/* cache_snap.h: a snap (snapshot) is a list of customers with spans of their histories, as they were at one moment under
 * the lock: an answer is composed from it without the lock.
 * Thread:  snap_fill() with the cache's lock held (or on a content that nobody else has); the rest anywhere.
 * Owns:    a snap holds references until snap_fini(), which is called without the lock.
 * Fails:   snap.failed: no memory. */
#pragma once
#include "base/blob.h"
#include "cache_history.h"

/* What who asks knows already, by stamps: changes, and marks. */
struct told {
    int64_t stamp, read;
};
static const struct told told_nothing = {-1, -1}, told_all = {INT64_MAX, INT64_MAX};

struct snap_customer {
    struct content *content; /* a reference; NULL: not there, and left out of the answer */
    struct blob *opening;    /* a reference */
    uint32_t poll_at;
    int64_t last_seen_us;
    uint64_t version, unmarked;
    int64_t newest;           /* stamp of its last change */
    int64_t late, lag_us;     /* as its entry has them */
    int64_t marked;           /* stamp of the last mark in one of its chats */
    size_t first_chat, chats; /* in snap.chats */
    uint32_t total_chats;
};

#define SNAP_FEW 4

/* Stays where it is made: a snap of one customer with a few chats has them inside. */
struct snap {
    struct snap_customer *customers;
    size_t customer_count;
    struct history_span *chats;
    size_t chat_count, chat_cap;
    bool failed;
    struct snap_customer one;
    struct history_span few[SNAP_FEW];
};

void snap_init(struct snap *s, size_t customer_slots);
void snap_fini(struct snap *s);
/* Fills a slot: from->content and opening are borrowed, references are taken. What is no news to who has been told that much
 * is left out: chats. */
void snap_fill(struct snap *s, size_t slot, const struct snap_customer *from, struct told told);
void snap_since(struct snap *s, int64_t since); /* the same: messages, by the stamp */
uint64_t snap_bytes(const struct snap *s);      /* of all fragments in it */
/* The chat within the slot's customer, or NULL. */
const struct history_span *snap_chat(const struct snap *s, size_t slot, struct slice chat_id);
