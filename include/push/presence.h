/* presence.h: who is there, of all broadcasters together: which agents are connected, and which chats a widget has open.
 * Words:   somebody *comes* and *leaves*. Who has left still counts for the grace, and coming back within it changes
 *          nothing: a page that is loaded again was never away. A *watcher* is one broadcaster with subscribers.
 * Agents:  one with an id counts once, however many connections it has, and is known by name. One without counts once per
 *          connection. Each belongs to an owner, or to none: then it serves everybody's customers. A *view* is what one
 *          principal may count and see of them.
 * Changes: are numbered, over all. A chat stands in the order of its last change, so what is new to somebody who has heard
 *          everything up to a number is the end of that order, and who begins at 0 is told of all chats by the same walk.
 * Thread:  any broadcaster's. One mutex, held for look-ups and links; texts are copied out by at most PRESENCE_BYTES_MAX.
 * Owns:    its entries, with copies of the texts.
 * Bounded: an entry for each agent with an id and each open chat, for as long as a connection or the grace holds it; for a
 *          chat that was closed and that somebody was told of, until every watcher has heard. Of other agents only those that
 *          are leaving have one. Of chats PRESENCE_LEFT_MAX have a grace at a time: who opens and leaves chats without end
 *          fills no memory with them.
 * Blocks:  never. Watchers are woken outside of the mutex, and only from sleep.
 * Fails:   without memory somebody who comes is not counted, and somebody who leaves has no grace. */
#pragma once
#include "push/ws_app.h"
#include <stdatomic.h>

#define PRESENCE_GRACE_MS   30000
#define PRESENCE_AGENTS_MAX 100   /* that are listed by name */
#define PRESENCE_CHATS_MAX  1000  /* that are told at a time… */
#define PRESENCE_LEFT_MAX   32768 /* chats whose grace runs; others that are left then are closed at once */
#define PRESENCE_BYTES_MAX  40000 /* …unless their ids take more than this in JSON; the first one is told always */

struct presence;
struct presence_chat;

struct presence_watcher {
    void (*wake)(void *arg); /* any thread: a look at `news` is due. NULL: it looks by itself. Outlives the watcher */
    void *arg;
    atomic_bool news; /* relaxed: set when something has changed since the last presence_heard() */
    /* The registry's. */
    struct presence_watcher *next;
    bool to_wake;    /* when the mutex is free */
    unsigned topics; /* enum presence_topic: what its subscribers asked for */
    uint64_t heard;  /* of the chats its subscribers have had everything up to here */
};

enum presence_topic { PRESENCE_STATUS = 1 /* how many agents */, PRESENCE_CHATS = 2 /* all of it */ };

/* Whose agents: those of `owner` and those of nobody; all: everybody's. */
struct presence_view {
    bool all;
    struct slice owner;
};

/* NULL: no memory. */
struct presence *presence_new(int64_t grace_us);
void presence_free(struct presence *p); /* nobody watches; accepts NULL */

/* w: the watcher of the calling thread, which is not woken by what it does itself. */
void presence_watch(struct presence *p, struct presence_watcher *w);
void presence_unwatch(struct presence *p, struct presence_watcher *w);
/* What its subscribers want from now on. `heard`: see presence_watcher. */
void presence_want(struct presence *p, struct presence_watcher *w, unsigned topics, uint64_t heard);
/* It looks now: it is woken again by what changes from here on. */
void presence_heard(struct presence *p, struct presence_watcher *w);

/* Drops those whose grace is over. Returns when the next one's is; INT64_MAX: nobody is leaving. Who calls a leave sees to it
 * that this is called grace_us later. */
int64_t presence_expire(struct presence *p, struct presence_watcher *w, int64_t now_us);
int64_t presence_grace_us(const struct presence *p);

/* who: the agent's principal; NULL: anonymous, which belongs to no owner. Each come that was OK is followed by one leave. */
NODISCARD enum err presence_agent_come(struct presence *p, struct presence_watcher *w, const struct ws_principal *who);
void presence_agent_leave(struct presence *p, struct presence_watcher *w, const struct ws_principal *who,
                          int64_t now_us);
/* The chat's entry, for the leave that follows; NULL: no memory. */
struct presence_chat *presence_chat_come(struct presence *p, struct presence_watcher *w, struct slice chat_id);
void presence_chat_leave(struct presence *p, struct presence_watcher *w, struct presence_chat *chat, int64_t now_us);
/* Others may see it than before: it is told again. */
void presence_chat_again(struct presence *p, struct presence_watcher *w, struct presence_chat *chat);

/* The number of the last change of all. */
uint64_t presence_now(struct presence *p);
int64_t presence_count(struct presence *p, const struct presence_view *view);

/* Texts that were copied out: read them one by one (presence_read_chat, presence_read_agent). */
struct presence_page {
    struct buf bytes;
    unsigned count;
    uint64_t upto; /* chats: everything up to this change is in it, or was before; agents: equal means nothing is new */
    bool more;     /* chats: there are more */
    int64_t total; /* agents: presence_count(); more than are listed where those are too many, or have no name */
};

/* The chats that changed after the number `from`, in that order; from 0: those that are open. */
void presence_chats(struct presence *p, uint64_t from, struct presence_page *out);
/* The first PRESENCE_AGENTS_MAX agents with a name that the view has, those that came first at the front. */
void presence_agents(struct presence *p, const struct presence_view *view, struct presence_page *out);
/* page->upto of presence_agents(), without the agents. */
uint64_t presence_agents_version(struct presence *p, const struct presence_view *view);

/* Begin with *at = 0; false: no more. The texts lie in the page. */
bool presence_read_chat(const struct presence_page *page, size_t *at, struct slice *chat_id, bool *open);
bool presence_read_agent(const struct presence_page *page, size_t *at, struct slice *id, struct slice *name);
