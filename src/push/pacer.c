#include "pacer.h"

#include "base/map.h"

#include <stdlib.h>

struct paced_chat {
    struct paced_chat *next; /* in order of due_us */
    int64_t due_us;
    bool held;
    struct notice notice; /* its chat_id is the map's key */
};

struct pacer {
    int64_t interval_us;
    unsigned max_chats;
    struct map chats;
    /* The interval is the same for all and time does not go back, so a queue is in order by itself. */
    struct paced_chat *first, *last;
    struct paced_chat *out; /* what the last pacer_flush() gave: freed by the next call */
};

struct pacer *pacer_new(int64_t interval_us, unsigned max_chats)
{
    struct pacer *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->interval_us = interval_us;
    p->max_chats = max_chats;
    map_init(&p->chats);
    return p;
}

static struct paced_chat *pop(struct pacer *p)
{
    struct paced_chat *chat = p->first;
    p->first = chat->next;
    if (!p->first)
        p->last = NULL;
    chat->next = NULL;
    return chat;
}

static void push(struct pacer *p, struct paced_chat *chat, int64_t due_us)
{
    chat->due_us = due_us;
    chat->held = false;
    chat->next = NULL;
    if (p->last)
        p->last->next = chat;
    else
        p->first = chat;
    p->last = chat;
}

static void forget(struct pacer *p, struct paced_chat *chat)
{
    map_remove(&p->chats, notice_chat_id(&chat->notice));
    free(chat);
}

void pacer_free(struct pacer *p)
{
    if (!p)
        return;
    while (p->first)
        free(pop(p));
    free(p->out);
    map_fini(&p->chats);
    free(p);
}

/* The interval of a chat that was not known: without room for it the notice just passes. */
static void begin(struct pacer *p, const struct notice *n, int64_t now_us)
{
    if (p->chats.count >= p->max_chats)
        return;
    struct paced_chat *chat = malloc(sizeof(*chat));
    if (!chat)
        return;
    chat->notice = *n;
    if (map_put(&p->chats, notice_chat_id(&chat->notice), chat) != OK) {
        free(chat);
        return;
    }
    push(p, chat, now_us + p->interval_us);
}

enum pace pacer_admit(struct pacer *p, const struct notice *n, int64_t now_us)
{
    if (!p)
        return PACE_PASS;
    struct paced_chat *chat = map_get(&p->chats, notice_chat_id(n));
    if (!chat) {
        begin(p, n, now_us);
        return PACE_PASS;
    }
    /* Same chat, so the key's bytes in chat->notice stay as they are. */
    enum pace pace = chat->held ? PACE_MERGED : PACE_HELD;
    chat->notice = *n;
    chat->held = true;
    return pace;
}

int64_t pacer_due_us(const struct pacer *p)
{
    return p && p->first ? p->first->due_us : INT64_MAX;
}

const struct notice *pacer_next(struct pacer *p, int64_t now_us)
{
    while (pacer_due_us(p) <= now_us) {
        struct paced_chat *chat = pop(p);
        if (chat->held) {
            push(p, chat, now_us + p->interval_us);
            return &chat->notice;
        }
        forget(p, chat);
    }
    return NULL;
}

const struct notice *pacer_flush(struct pacer *p)
{
    if (!p)
        return NULL;
    free(p->out);
    p->out = NULL;
    while (p->first) {
        struct paced_chat *chat = pop(p);
        map_remove(&p->chats, notice_chat_id(&chat->notice));
        if (chat->held) {
            p->out = chat;
            return &chat->notice;
        }
        free(chat);
    }
    return NULL;
}
