/* view_build(): what a reader does for a GET that memory alone could not answer. */
#include "view_int.h"

#include "base/metrics.h"

static void refetch(struct reading *r)
{
    if (r->query.has_since)
        view_changes(r);
    else
        view_list(r);
}

static void (*const views[VIEW_COUNT])(struct reading *r) = {
    [VIEW_POLL] = view_one,       [VIEW_CUSTOMER] = view_one, [VIEW_CHAT] = view_one,
    [VIEW_HISTORY] = view_one,    [VIEW_AI] = view_ai,        [VIEW_REFETCH] = refetch,
    [VIEW_CUSTOMERS] = view_list, [VIEW_CHATS] = view_list,   [VIEW_SEARCH] = view_search,
    [VIEW_REPORT] = view_totals,  [VIEW_AGENT] = view_totals, [VIEW_OVERVIEW] = view_overview,
};

void view_build(struct store_reader *reader, struct cache *cache, const struct view_query *query, struct arena *arena,
                struct view_answer *answer)
{
    struct reading r = {cache, reader, view_normal(query), arena, answer};
    *answer = (struct view_answer){.result = VIEW_FAILED, .error = ERR_UNSUPPORTED};
    cache_question(cache, query, answer);
    cache_lock(cache);
    cursor_take(cache, &r.query);
    cache_unlock(cache);
    views[query->view](&r);
    if (answer->result == VIEW_NOT_MODIFIED)
        metrics_add(M_NOT_MODIFIED, 1);
}
