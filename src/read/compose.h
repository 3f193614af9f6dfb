/* compose.h: from a snapshot of customers and chats to the bytes of an answer.
 * Thread:  any.
 * Owns:    bodies: one reference, the caller's.
 * Fails:   compose_*() NULL: no memory, or a body past 4 GiB. */
#pragma once
#include "cache/cache_change.h"
#include "cache/cache_snap.h"

struct page {
    int64_t total, skip, limit;
};

struct listed_chat {
    struct history_span history;
    const struct content *content;
};

/* For whom: what is read and what is not differs by side. */
struct look {
    const uint8_t *tag; /* 5 bytes: the store's, for ids */
    enum chat_side asker;
};

struct blob *compose_refetch(const struct snap *s, const struct look *look, const struct cursor *cursor);
struct blob *compose_customers(const struct snap *s, const struct look *look, const struct page *page);
struct blob *compose_customer(const struct snap *s, const struct look *look);
struct blob *compose_poll(const struct snap *s, const struct look *look, const struct cursor *cursor);
struct blob *compose_chat(const struct listed_chat *chat, const struct look *look);
struct blob *compose_chats(const struct listed_chat *chats, size_t count, const struct look *look,
                           const struct page *page);
struct blob *compose_history(const struct history_span *page, const struct look *look);

/* A blob that grows: room for `room` bytes at first. */
void body_begin(struct buf *b, size_t room);
struct blob *body_end(struct buf *b);
