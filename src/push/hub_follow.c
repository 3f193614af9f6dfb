/* Who follows what. A chat that is followed is found through a map, so a widget's subscription costs nothing to notices
 * of other chats. A connection has several follows of single chats, or one of all chats. */
#include "hub_state.h"

#include "base/list.h"

#include <stdlib.h>

struct hub_chat *follow_chat(struct hub *h, struct slice short_id)
{
    return h->chats.count > 0 ? map_get(&h->chats, short_id) : NULL;
}

struct hub_chat *follow_chat_get(struct hub *h, struct slice chat_id)
{
    struct hub_chat *chat = follow_chat(h, chat_id);
    if (chat)
        return chat;
    chat = calloc(1, sizeof(*chat));
    if (!chat)
        return NULL;
    must(chat_id.len <= sizeof(chat->id));
    memcpy(chat->id, chat_id.ptr, chat_id.len);
    chat->id_len = (uint8_t)chat_id.len;
    if (map_put(&h->chats, slice_of(chat->id, chat->id_len), chat) != OK) {
        free(chat);
        return NULL;
    }
    return chat;
}

void follow_chat_release(struct hub *h, struct hub_chat *chat)
{
    if (chat->follows.count + chat->events.count > 0)
        return;
    must(!chat->in_gathered);
    map_remove(&h->chats, slice_of(chat->id, chat->id_len));
    free(chat->follows.items);
    free(chat->events.items);
    free(chat);
}

static bool list_add(struct hub_list *list, struct hub_follow *f)
{
    if (!list_room(list->items, list->count, list->cap, 1)) /* most chats have one follower */
        return false;
    f->at = list->count;
    list->items[list->count++] = f;
    return true;
}

static void list_remove(struct hub_list *list, const struct hub_follow *f)
{
    must(list->items[f->at] == f);
    list->items[f->at] = list->items[--list->count];
    list->items[f->at]->at = f->at;
}

static bool enlist(struct hub *h, struct hub_follow *f, struct slice chat_id)
{
    if (chat_id.len == 0)
        return list_add(&h->of_all, f);
    char room[NOTICE_CHAT_ID_MAX];
    f->chat = follow_chat_get(h, notice_short_id(chat_id, room));
    if (!f->chat)
        return false;
    if (!list_add(&f->chat->follows, f)) {
        follow_chat_release(h, f->chat);
        return false;
    }
    if (!f->pacer)
        f->chat->unpaced[f->format]++;
    return true;
}

enum err follow_add(struct hub *h, struct ws_conn *c, const struct hub_wish *wish)
{
    struct hub_follow *f = calloc(1, sizeof(*f));
    if (!f)
        return ERR_NOMEM;
    f->hub = h;
    f->conn = c;
    f->format = (uint8_t)wish->format;
    f->filtered = wish->filtered;
    if (wish->interval_us > 0)
        f->pacer = pacer_new(wish->interval_us, wish->chat_id.len > 0 ? 1 : OWN_PACER_CHATS);
    if ((wish->interval_us > 0 && !f->pacer) || !enlist(h, f, wish->chat_id)) {
        pacer_free(f->pacer);
        free(f);
        return ERR_NOMEM;
    }
    f->next = hub_sub(c)->follows;
    hub_sub(c)->follows = f;
    hub_sub(c)->follow_count++;
    return OK;
}

struct hub_follow *follow_find(struct ws_conn *c, struct slice chat_id)
{
    char room[NOTICE_CHAT_ID_MAX];
    struct slice id = notice_short_id(chat_id, room);
    for (struct hub_follow *f = hub_sub(c)->follows; f; f = f->next)
        if (f->chat && slice_eq(slice_of(f->chat->id, f->chat->id_len), id))
            return f;
    return NULL;
}

bool hub_speaks_as_agent(struct ws_conn *c)
{
    const struct ws_principal *who = ws_conn_principal(c);
    const struct hub_sub *sub = hub_sub(c);
    bool of_all = sub->follows && !sub->follows->chat;
    return who ? who->agent
               : of_all || sub->in.at[PLACE_UPDATES] || sub->in.at[PLACE_COUNTS] || sub->in.at[PLACE_EVENTS] ||
                     watch_has(sub->watch, WATCH_PRESENCE);
}

static void forget_ended(struct hub *h, const struct hub_follow *f)
{
    struct hub_follow **at = &h->ended;
    while (f->ended && *at != f)
        at = &(*at)->next_ended;
    if (f->ended)
        *at = f->next_ended;
}

void follow_remove(struct hub *h, struct hub_follow *f)
{
    struct hub_follow **at = &hub_sub(f->conn)->follows;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    hub_sub(f->conn)->follow_count--;
    forget_ended(h, f);
    timer_stop(ws_set_timers(h->set), &f->timer);
    if (f->chat) {
        if (f->is_widget)
            here_widget_leaves(h, f->chat);
        if (!f->pacer)
            f->chat->unpaced[f->format]--;
        list_remove(&f->chat->follows, f);
        follow_chat_release(h, f->chat);
    } else {
        list_remove(&h->of_all, f);
    }
    pacer_free(f->pacer);
    pacer_free(f->hints);
    free(f);
}
