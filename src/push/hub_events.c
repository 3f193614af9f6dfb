/* chat_events: what changes at a chat beside its messages. Who may hear of all chats is served by a channel, as the plain
 * subscribers of chat_updates are; who follows single chats is found by the chat; an owner's dashboard is asked about at
 * each frame, since a customer may have gone to another owner. Frames name what to look at and carry no state.
 * Failures: where one was lost (a slow peer, a full ring, no memory) or may be nobody's business, "look" goes out in its
 *           place: chat_changed of "*". To those whose sight is unsure it goes once a second at most. */
#include "hub_state.h"

#include "base/list.h"

#include <stdlib.h>

#define LOOK_INTERVAL_US INT64_C(1000000)
#define PASSING_BYTES                                                                                                  \
    262144 /* waiting to be sent: past it no more of what is true for seconds joins, before notices must wait */

static bool list_add(struct event_list *list, struct event_follow *f)
{
    if (!list_room(list->items, list->count, list->cap, 1))
        return false;
    f->at = list->count;
    list->items[list->count++] = f;
    return true;
}

static void list_remove(struct event_list *list, const struct event_follow *f)
{
    must(list->items[f->at] == f);
    list->items[f->at] = list->items[--list->count];
    list->items[f->at]->at = f->at;
}

static struct event_follow *find(struct ws_conn *c, struct slice chat_id)
{
    char room[NOTICE_CHAT_ID_MAX];
    struct slice id = notice_short_id(chat_id, room);
    for (struct event_follow *f = hub_sub(c)->events; f; f = f->next)
        if (f->chat && slice_eq(slice_of(f->chat->id, f->chat->id_len), id))
            return f;
    return NULL;
}

static void unfollow(struct hub *h, struct event_follow *f)
{
    struct event_follow **at = &hub_sub(f->conn)->events;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    hub_sub(f->conn)->event_count--;
    h->event_follows--;
    list_remove(f->chat ? &f->chat->events : &h->events_of_all, f);
    if (f->is_widget)
        here_widget_leaves(h, f->chat);
    if (f->chat)
        follow_chat_release(h, f->chat);
    free(f);
}

static enum err follow(struct hub *h, struct ws_conn *c, struct slice chat_id, bool filtered)
{
    char room[NOTICE_CHAT_ID_MAX];
    struct event_follow *f = calloc(1, sizeof(*f));
    struct hub_chat *chat = f && chat_id.len > 0 ? follow_chat_get(h, notice_short_id(chat_id, room)) : NULL;
    if (!f || (chat_id.len > 0 && !chat) || !list_add(chat ? &chat->events : &h->events_of_all, f)) {
        if (chat)
            follow_chat_release(h, chat);
        free(f);
        return ERR_NOMEM;
    }
    f->conn = c;
    f->chat = chat;
    f->filtered = filtered;
    f->next = hub_sub(c)->events;
    hub_sub(c)->events = f;
    hub_sub(c)->event_count++;
    h->event_follows++;
    return OK;
}

bool events_have_room(struct ws_conn *c, struct slice chat_id)
{
    return chat_id.len == 0 || hub_sub(c)->event_count < HUB_CHATS_MAX || find(c, chat_id);
}

/* Who subscribes to one chat keeps what it follows of other chats; all else ends. */
enum err events_subscribe(struct hub *h, struct ws_conn *c, struct slice chat_id, bool filtered)
{
    struct hub_sub *sub = hub_sub(c);
    struct event_follow *next, *same = chat_id.len > 0 ? find(c, chat_id) : NULL;
    for (struct event_follow *f = sub->events; f; f = next) {
        next = f->next;
        if (chat_id.len == 0 || !f->chat || f == same)
            unfollow(h, f);
    }
    if (sub->in.at[PLACE_EVENTS]) {
        channel_catch_up(&h->channels[CHANNEL_EVENTS], c);
        channel_remove(&h->channels[CHANNEL_EVENTS], c);
    }
    if (chat_id.len > 0 || filtered)
        return follow(h, c, chat_id, filtered);
    return channel_add(&h->channels[CHANNEL_EVENTS], c);
}

void events_unsubscribe(struct hub *h, struct ws_conn *c, struct slice chat_id)
{
    struct hub_sub *sub = hub_sub(c);
    struct event_follow *one = chat_id.len > 0 ? find(c, chat_id) : NULL;
    if (one)
        unfollow(h, one);
    if (chat_id.len > 0)
        return;
    while (sub->events)
        unfollow(h, sub->events);
    if (sub->in.at[PLACE_EVENTS])
        channel_remove(&h->channels[CHANNEL_EVENTS], c);
}

static void send(struct hub *h, struct ws_conn *c, struct slice frame)
{
    unsigned dropped = frame.len > 0 ? ws_conn_notify(c, frame, TOPIC_EVENTS) : 1;
    h->signals_delivered += 1 - dropped;
    h->signals_dropped += dropped;
}

static struct slice look_frame(struct hub *h)
{
    buf_clear(&h->event);
    frame_look(&h->event, ws_set_loop(h->set)->wall_us);
    return hub_whole(h, &h->event);
}

/* Once a second at most: the timer runs from the first one who is unsure on. */
static void look_later(struct hub *h, struct event_follow *f)
{
    f->unsure = true;
    if (!timer_running(&h->unsure_timer))
        timer_start(ws_set_timers(h->set), &h->unsure_timer, ws_set_loop(h->set)->now_us + LOOK_INTERVAL_US);
}

static void look_if_unsure(struct hub *h, struct event_follow *f, struct slice look)
{
    if (f->unsure)
        send(h, f->conn, look);
    f->unsure = false;
}

/* A connection that follows several chats is told once: for the first in its list. */
static void look_once(struct hub *h, struct event_follow *f, struct slice look)
{
    if (hub_sub(f->conn)->events == f)
        send(h, f->conn, look);
}

static void for_all(struct hub *h, void (*act)(struct hub *h, struct event_follow *f, struct slice look))
{
    size_t pos = 0;
    struct hub_chat *chat;
    struct slice look = look_frame(h);
    for (uint32_t i = 0; i < h->events_of_all.count; i++)
        act(h, h->events_of_all.items[i], look);
    while (h->chats.count > 0 && (chat = map_next(&h->chats, &pos)))
        for (uint32_t i = 0; i < chat->events.count; i++)
            act(h, chat->events.items[i], look);
}

static void on_unsure(struct timer *t)
{
    for_all((struct hub *)(void *)((char *)t - offsetof(struct hub, unsure_timer)), look_if_unsure);
}

static enum hub_sight sight_of(struct hub *h, const struct event_follow *f, const struct hub_said *said)
{
    const struct hub_options *o = h->options;
    const struct ws_principal *who = ws_conn_principal(f->conn);
    if (!f->filtered)
        return HUB_VISIBLE;
    if (said->chat_id.len == 0)
        return o->may_see_customer ? o->may_see_customer(o->may_arg, who, said->customer_id) : HUB_VISIBLE;
    return o->may_see ? o->may_see(o->may_arg, who, said->chat_id) : HUB_HIDDEN;
}

/* Its right is gone: it hears so, and of that chat no more. */
static void end(struct hub *h, struct event_follow *f)
{
    struct ws_conn *c = f->conn;
    char room[NOTICE_CHAT_ID_MAX];
    memcpy(room, f->chat->id, sizeof(room));
    struct slice chat_id = slice_of(room, f->chat->id_len);
    unfollow(h, f);
    hub_say_done(h, c, "unsubscribed", HUB_CHAT_EVENTS, notice_id_is_hash(chat_id) ? NOTICE_ANY_CHAT : chat_id);
}

static void give_one(struct hub *h, struct event_follow *f, const struct hub_said *said)
{
    enum hub_sight sight = f->conn == said->by ? HUB_UNSURE : sight_of(h, f, said);
    if (sight == HUB_VISIBLE)
        send(h, f->conn, hub_speaks_as_agent(f->conn) ? said->to_agents : said->frame);
    else if (sight == HUB_UNSURE && !said->passing)
        look_later(h, f);
    else if (sight == HUB_HIDDEN && f->chat)
        end(h, f);
}

void events_give(struct hub *h, const struct hub_said *said)
{
    struct channel *all = &h->channels[CHANNEL_EVENTS];
    enum err e = OK;
    if (said->passing && all->queue.held_bytes > PASSING_BYTES)
        h->signals_dropped += all->count;
    else if (said->by && hub_sub(said->by)->in.at[PLACE_EVENTS])
        e = channel_append_but(all, said->to_agents, said->by);
    else if (all->count > 0)
        e = channel_append(all, said->to_agents);
    if (e != OK)
        h->refetch_due = true;
    if (h->event_follows == 0)
        return;
    for (uint32_t i = 0; i < h->events_of_all.count; i++)
        give_one(h, h->events_of_all.items[i], said);
    /* From the last to the first: one that ends leaves its place to one that has been served. */
    const struct hub_chat *chat = said->chat_id.len > 0 ? follow_chat(h, said->chat_id) : NULL;
    for (uint32_t i = chat ? chat->events.count : 0; i > 0; i--)
        give_one(h, chat->events.items[i - 1], said);
}

static bool is_event(const struct notice *n)
{
    return n->kind >= NOTICE_READ_BY_AGENTS && n->kind < NOTICE_KINDS;
}

/* Is there a later one of this turn that says it all? Marks go forwards, and "look" is the same as often as it is said. */
static bool is_outdone(const struct notice *n, const struct notice *later, unsigned count)
{
    bool of_customer = n->kind == NOTICE_CUSTOMER_CHANGED;
    for (unsigned i = 0; i < count; i++)
        if (later[i].kind == n->kind && (of_customer ? slice_eq(notice_role(&later[i]), notice_role(n))
                                                     : slice_eq(notice_chat_id(&later[i]), notice_chat_id(n))))
            return true;
    return false;
}

void events_take(struct hub *h, const struct notice *notices, unsigned count)
{
    if (h->event_follows + h->channels[CHANNEL_EVENTS].count == 0)
        return;
    for (unsigned i = 0; i < count; i++) {
        const struct notice *n = &notices[i];
        if (!is_event(n) || is_outdone(n, n + 1, count - i - 1))
            continue;
        buf_clear(&h->event);
        frame_event(&h->event, n);
        struct slice frame = hub_whole(h, &h->event);
        if (frame.len > 0)
            events_give(h, &(struct hub_said){.chat_id = notice_chat_id(n),
                                              .customer_id = notice_role(n),
                                              .frame = frame,
                                              .to_agents = frame});
    }
}

void events_look_all(struct hub *h)
{
    if (h->channels[CHANNEL_EVENTS].count > 0) {
        struct slice look = look_frame(h);
        if (look.len > 0 && channel_append(&h->channels[CHANNEL_EVENTS], look) != OK)
            h->refetch_due = true;
    }
    if (h->event_follows > 0)
        for_all(h, look_once);
}

void events_drained(struct hub *h, struct ws_conn *c)
{
    if (hub_sub(c)->in.at[PLACE_EVENTS] || hub_sub(c)->events)
        send(h, c, look_frame(h));
}

void events_init(struct hub *h)
{
    h->unsure_timer.on_fire = on_unsure;
    channel_init(&h->channels[CHANNEL_EVENTS], PLACE_EVENTS, TOPIC_EVENTS);
}

void events_fini(struct hub *h)
{
    must(h->event_follows == 0);
    timer_stop(ws_set_timers(h->set), &h->unsure_timer);
    free(h->events_of_all.items);
    buf_fini(&h->event);
}
