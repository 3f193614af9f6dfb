/* presence_state.h: what the files of the registry share. Private to src/push. Each calls only those before it:
 * presence_news (who is woken, who is leaving), presence_agents, presence_chats, presence (the whole).
 * Thread:  with p->lock held, where nothing else is said. */
#pragma once
#include "base/map.h"
#include "push/presence.h"
#include <pthread.h>

/* A place in a circular list; the list is one of its own. */
struct link {
    struct link *prev, *next;
};

static inline void link_init(struct link *list)
{
    list->prev = list->next = list;
}

static inline bool link_empty(const struct link *list)
{
    return list->next == list;
}

static inline void link_append(struct link *list, struct link *l)
{
    l->prev = list->prev;
    l->next = list;
    list->prev->next = l;
    list->prev = l;
}

static inline void link_remove(struct link *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
}

#define link_owner(l, type, field) ((type *)(void *)((char *)(l)-offsetof(type, field)))

enum leaver_kind { LEAVER_AGENT, LEAVER_NAMELESS, LEAVER_CHAT };

/* Somebody whose grace has begun. */
struct leaver {
    struct link link; /* in presence.leaving; a closed chat's: in presence.closed */
    int64_t due_us;
    enum leaver_kind kind;
};

struct owner {
    struct map agents;             /* id → agent */
    struct link in_order;          /* the same, those that came first at the front */
    struct nameless *first, *last; /* agents without an id that are leaving, in that order */
    int64_t total;                 /* all that count, with an id and without */
    uint64_t changed;              /* the number of the last change of an agent of it */
    size_t id_len;
    char id[];
};

struct agent {
    struct leaver leaver; /* first; in its list while nobody is connected */
    struct link in_order, in_owner;
    struct owner *owner;
    unsigned connections;
    char *name;
    uint8_t name_len, id_len;
    char id[];
};

struct nameless {
    struct leaver leaver; /* first */
    struct owner *owner;
    struct nameless *next;
};

struct presence_chat {
    struct leaver leaver; /* first; in its list while nobody has it open */
    struct link in_order; /* by `changed` */
    uint64_t changed;
    uint32_t connections;
    bool open; /* somebody has it open, or had it open within the grace */
    bool told; /* it was open before, and not everybody has heard that it was closed then */
    uint16_t id_len;
    uint16_t written_len; /* in JSON, where some bytes take six */
    char id[];
};

struct presence {
    pthread_mutex_t lock;
    int64_t grace_us;
    struct presence_watcher *watchers;
    bool waking;          /* some have to_wake */
    uint64_t now;         /* the number of the last change */
    struct link leaving;  /* leavers, by due_us */
    struct map owners;    /* id → owner, while it has agents */
    struct owner *nobody; /* the owner of those that belong to none; always there */
    struct link agents;   /* all with an id, those that came first at the front */
    int64_t total;        /* agents that count */
    uint64_t agents_changed;
    struct map chats;     /* id → presence_chat */
    struct link in_order; /* all chats, by their last change */
    uint64_t told;        /* chats that changed later were told nobody yet */
    uint32_t left;        /* chats that are leaving */
    struct link closed;   /* those that are not open any more and that some watcher has not heard of, by their change */
};

/* presence_news.c */
void presence_lock(struct presence *p);
void presence_unlock(struct presence *p); /* then wakes whom presence_tell() has found */
/* Something has changed: gives it a number. Whoever wants one of the topics is to look, all but `self` by a wake-up. */
uint64_t presence_tell(struct presence *p, const struct presence_watcher *self, unsigned topics);
void leaver_begin(struct presence *p, struct leaver *l, int64_t now_us);

/* presence_agents.c. The grace of one is over, and it is in no list of leavers any more: agent_gone, nameless_gone. */
void agent_gone(struct presence *p, const struct presence_watcher *self, struct agent *a);
void nameless_gone(struct presence *p, const struct presence_watcher *self, struct nameless *n);
NODISCARD enum err presence_agents_init(struct presence *p);
void presence_agents_fini(struct presence *p); /* nobody counts */

/* presence_chats.c */
void chat_gone(struct presence *p, const struct presence_watcher *self, struct presence_chat *chat);
void presence_chats_trim(struct presence *p); /* forgets the closed chats that every watcher has heard of */
