/* Subscribers that are not plain: followers of single chats, found through a map from the chat (so a widget's subscription
 * costs nothing to notices of other chats), and one for all chats with an interval or a filter of its own. A connection has
 * several of the first kind, or one of the second. */
#include "hub_internal.h"

#include <stdlib.h>

struct hub_chat *special_chat(struct hub *h, struct slice chat_id)
{
    return h->chats.count > 0 ? map_get(&h->chats, chat_id) : NULL;
}

static struct hub_chat *chat_get(struct hub *h, struct slice chat_id)
{
    struct hub_chat *chat = special_chat(h, chat_id);
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

static void chat_release(struct hub *h, struct hub_chat *chat)
{
    if (chat->count > 0)
        return;
    must(!chat->touched);
    map_remove(&h->chats, slice_of(chat->id, chat->id_len));
    free(chat->subs);
    free(chat);
}

static bool list_add(struct hub_special ***list, uint32_t *count, uint32_t *cap, struct hub_special *sp)
{
    if (*count == *cap) {
        uint32_t new_cap = *cap ? *cap * 2 : 1; /* most chats have one follower */
        struct hub_special **grown = realloc(*list, new_cap * sizeof(struct hub_special *));
        if (!grown)
            return false;
        *list = grown;
        *cap = new_cap;
    }
    sp->at = *count;
    (*list)[(*count)++] = sp;
    return true;
}

static void list_remove(struct hub_special **list, uint32_t *count, const struct hub_special *sp)
{
    must(list[sp->at] == sp);
    list[sp->at] = list[--*count];
    list[sp->at]->at = sp->at;
}

static bool enlist(struct hub *h, struct hub_special *sp, struct slice chat_id)
{
    if (chat_id.len == 0)
        return list_add(&h->paced, &h->paced_count, &h->paced_cap, sp);
    char room[NOTICE_CHAT_ID_MAX];
    sp->chat = chat_get(h, notice_key(chat_id, room));
    if (!sp->chat)
        return false;
    if (!list_add(&sp->chat->subs, &sp->chat->count, &sp->chat->cap, sp)) {
        chat_release(h, sp->chat);
        return false;
    }
    if (!sp->pacer)
        sp->chat->unpaced[sp->format]++;
    return true;
}

enum err special_add(struct hub *h, struct ws_conn *c, const struct hub_wish *wish)
{
    struct hub_special *sp = calloc(1, sizeof(*sp));
    if (!sp)
        return ERR_NOMEM;
    sp->timer.on_fire = special_on_due;
    sp->hub = h;
    sp->conn = c;
    sp->format = (uint8_t)wish->format;
    sp->filtered = wish->filtered;
    if (wish->interval_us > 0)
        sp->pacer = pacer_new(wish->interval_us, wish->chat_id.len > 0 ? 1 : OWN_PACER_CHATS);
    if ((wish->interval_us > 0 && !sp->pacer) || !enlist(h, sp, wish->chat_id)) {
        pacer_free(sp->pacer);
        free(sp);
        return ERR_NOMEM;
    }
    sp->next = hub_sub(c)->special;
    hub_sub(c)->special = sp;
    hub_sub(c)->special_count++;
    return OK;
}

struct hub_special *special_find(struct ws_conn *c, struct slice chat_id)
{
    char room[NOTICE_CHAT_ID_MAX];
    struct slice key = notice_key(chat_id, room);
    for (struct hub_special *sp = hub_sub(c)->special; sp; sp = sp->next)
        if (sp->chat && slice_eq(slice_of(sp->chat->id, sp->chat->id_len), key))
            return sp;
    return NULL;
}

static void forget_ended(struct hub *h, const struct hub_special *sp)
{
    struct hub_special **at = &h->ended;
    while (sp->ended && *at != sp)
        at = &(*at)->next_ended;
    if (sp->ended)
        *at = sp->next_ended;
}

void special_remove(struct hub *h, struct hub_special *sp)
{
    struct hub_special **at = &hub_sub(sp->conn)->special;
    while (*at != sp)
        at = &(*at)->next;
    *at = sp->next;
    hub_sub(sp->conn)->special_count--;
    forget_ended(h, sp);
    timer_stop(ws_set_timers(h->set), &sp->timer);
    if (sp->chat) {
        if (!sp->pacer)
            sp->chat->unpaced[sp->format]--;
        list_remove(sp->chat->subs, &sp->chat->count, sp);
        chat_release(h, sp->chat);
    } else {
        list_remove(h->paced, &h->paced_count, sp);
    }
    pacer_free(sp->pacer);
    pacer_free(sp->hints);
    free(sp);
}

void special_remove_all(struct hub *h, struct ws_conn *c)
{
    while (hub_sub(c)->special)
        special_remove(h, hub_sub(c)->special);
}

void special_fini(struct hub *h)
{
    map_fini(&h->chats);
    while (h->spare_count > 0)
        buf_fini(&h->spares[--h->spare_count]);
}
