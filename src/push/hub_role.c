/* What a connection is: an agent, or a widget that has its chats open. A token says which. Without authentication the
 * subscriptions do, so it may change with each of them. */
#include "hub_state.h"

static void show(struct hub *h, struct hub_chat *chat, bool *is_widget, bool now, struct slice chat_id)
{
    char room[NOTICE_CHAT_ID_MAX];
    struct slice id = slice_of(chat->id, chat->id_len);
    if (*is_widget == now)
        return;
    *is_widget = now;
    if (!now) {
        here_widget_leaves(h, chat);
        return;
    }
    /* A long id is known from the request alone: the chat has its hash. */
    if (notice_id_is_hash(id))
        id = slice_eq(notice_short_id(chat_id, room), id) ? chat_id : slice_of(NULL, 0);
    here_widget_comes(h, chat, id);
}

void role_review(struct hub *h, struct ws_conn *c, struct slice chat_id)
{
    struct hub_sub *sub = hub_sub(c);
    if (!h->here.registry)
        return;
    bool agent = hub_speaks_as_agent(c);
    if (agent && !sub->is_agent)
        here_agent_comes(h, c);
    else if (!agent && sub->is_agent)
        here_agent_leaves(h, c);
    for (struct hub_follow *f = sub->follows; f; f = f->next)
        if (f->chat)
            show(h, f->chat, &f->is_widget, !agent, chat_id);
    for (struct event_follow *f = sub->events; f; f = f->next)
        if (f->chat)
            show(h, f->chat, &f->is_widget, !agent, chat_id);
    here_look(h);
}
