/* What a client says of a chat before it writes: up to where it has read, or which version of it it has seen. */
#include "cache_change.h"
#include "cache_int.h"

/* The mark that a message's id stands for. False: no message of this store can have it. */
static bool mark_parse(const struct cache *c, struct slice id, bool *legacy, int64_t *mark)
{
    uint64_t index;
    char ours[MESSAGE_ID_MAX];
    if (!message_id_parse(id, legacy, mark, &index))
        return false;
    if (*legacy) {
        *mark = (int64_t)index + 1;
        return index < UINT32_MAX;
    }
    /* As it was given out, since others are told of it. */
    return slice_eq(id, slice_of(ours, message_id(*mark, c->tag, ours)));
}

/* [lock] Exact where the history is here. Else what has been given out so far: nobody marks as read what is yet to come. */
static bool has_message(const struct cache *c, const struct chat_entry *chat, const struct scope *s, int64_t mark,
                        bool legacy)
{
    if (chat->customer->state == CUSTOMER_LOADED && chat->history)
        return history_has_mark(chat->history, mark, legacy);
    return legacy || mark <= change_latest(c, s);
}

enum mark_answer cache_mark(struct cache *c, struct slice chat_id, const struct scope *s, enum chat_side side,
                            struct slice message_id, int64_t *mark)
{
    bool legacy;
    bool ours = cache_is_open(c) && mark_parse(c, message_id, &legacy, mark);
    uint32_t hash = index_hash(chat_id);
    enum mark_answer answer = MARK_FURTHER;
    cache_lock(c);
    const struct chat_entry *chat = index_chat(c, chat_id, hash);
    if (!c->enabled || !chat || !chat->marks_known || chat_sight(c, chat, s) != SIGHT_YES)
        answer = MARK_NO_CHAT;
    else if (!ours || !has_message(c, chat, s, *mark, legacy))
        answer = MARK_NO_MESSAGE;
    else if (*mark <= chat->marks[side])
        answer = MARK_OLD;
    cache_unlock(c);
    return answer;
}

bool cache_chat_matches(struct cache *c, const struct view_query *query, struct slice if_match, int64_t *row_rev)
{
    struct view_query asked = {.view = VIEW_CHAT, .ident = query->ident, .viewer = query->viewer};
    struct view_answer answer = {0};
    uint32_t hash = index_hash(query->ident);
    bool matches = false;
    cache_question(c, &asked, &answer);
    cache_lock(c);
    const struct chat_entry *chat = index_chat(c, query->ident, hash);
    if (chat) {
        answer.unmarked = chat->customer->unmarked;
        cache_etag(c, chat->customer->version, &answer);
        matches = etag_matches_unmarked(if_match, &answer);
        *row_rev = chat->row_rev;
    }
    cache_unlock(c);
    return matches;
}
