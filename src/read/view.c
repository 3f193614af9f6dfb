/* view_build(): what a reader does for a GET that memory alone could not answer. */
#include "view_int.h"

#include "base/metrics.h"

void view_build(struct store_reader *reader, struct cache *cache, const struct view_query *query, struct arena *arena,
                struct view_answer *answer)
{
    struct view_query q = view_normal(query);
    *answer = (struct view_answer){.result = VIEW_FAILED, .error = ERR_UNSUPPORTED};
    cache_question(cache, query, answer);
    cache_lock(cache);
    cursor_take(cache, &q);
    cache_unlock(cache);
    switch (q.view) {
    case VIEW_POLL:
    case VIEW_USER:
        view_user(cache, reader, &q, arena, answer);
        break;
    case VIEW_CHAT:
    case VIEW_HISTORY:
        view_chat(cache, reader, &q, arena, answer);
        break;
    case VIEW_AI:
        view_ai(cache, reader, &q, arena, answer);
        break;
    case VIEW_REFETCH:
        if (q.has_since)
            view_changes(cache, reader, &q, arena, answer);
        else
            view_list(cache, reader, &q, arena, answer);
        break;
    case VIEW_USERS:
    case VIEW_CHATS:
        view_list(cache, reader, &q, arena, answer);
        break;
    case VIEW_REPORT:
    case VIEW_AGENT:
        view_totals(cache, reader, &q, answer);
        break;
    case VIEW_OVERVIEW:
        view_overview(cache, reader, arena, answer);
        break;
    case VIEW_COUNT:
        break;
    }
    if (answer->result == VIEW_NOT_MODIFIED)
        metrics_add(M_NOT_MODIFIED, 1);
}
