#include "api/rights.h"

#include "guard.h"
#include "marks.h"

#include "api/api.h"
#include "api/grants.h"
#include "base/clock.h"
#include "read/cache.h"

bool rights_still_good(void *arg, const struct ws_principal *who)
{
    const struct api *api = arg;
    return grants_has_key(api->grants, who->key);
}

static struct scope scope_of(const struct ws_principal *who)
{
    return who ? guard_scope(who->role, who->id) : (struct scope){.kind = SCOPE_ALL};
}

/* A widget whose chat is not in memory yet polls first, which loads it. */
enum hub_right rights_may_subscribe(void *arg, const struct ws_principal *who, enum hub_topic topic,
                                    struct slice chat_id)
{
    const struct api *api = arg;
    if (!who)
        return HUB_DENIED;
    bool dashboard = who->role == PRINCIPAL_DASHBOARD;
    if (topic == HUB_WEBSITE_STATUS || (dashboard && who->id.len == 0))
        return HUB_ALLOWED;
    if (topic == HUB_PRESENCE)
        return dashboard ? HUB_FILTERED : HUB_DENIED;
    if (topic == HUB_UNREAD_COUNTS) /* of all customers */
        return HUB_DENIED;
    if (chat_id.len == 0)
        return dashboard ? HUB_FILTERED : HUB_DENIED;
    struct scope scope = scope_of(who);
    if (cache_sees_chat(api->cache, chat_id, &scope) != SIGHT_YES)
        return HUB_DENIED;
    return scope.kind == SCOPE_CUSTOMER ? HUB_ALLOWED
                                        : HUB_FILTERED; /* a chat keeps its customer, who may change owners */
}

static const enum hub_sight sights[] = {
    [SIGHT_NO] = HUB_HIDDEN, [SIGHT_YES] = HUB_VISIBLE, [SIGHT_UNKNOWN] = HUB_UNSURE};

enum hub_sight rights_may_see(void *arg, const struct ws_principal *who, struct slice chat_id)
{
    const struct api *api = arg;
    if (!who)
        return HUB_HIDDEN;
    struct scope scope = scope_of(who);
    return sights[cache_sees_chat(api->cache, chat_id, &scope)];
}

bool rights_owner_of(void *arg, const struct ws_principal *who, char room[static CUSTOMER_ID_MAX], size_t *len)
{
    const struct api *api = arg;
    return cache_owner_of(api->cache, who->id, room, len);
}

/* By its id and nothing else: that is what is told of a customer. */
enum hub_sight rights_may_see_customer(void *arg, const struct ws_principal *who, struct slice customer_id)
{
    const struct api *api = arg;
    if (!who)
        return HUB_HIDDEN;
    struct scope scope = scope_of(who);
    return sights[cache_sees_customer_id(api->cache, customer_id, &scope)];
}

/* What memory does not know cannot be signalled in: a signal is worth no look into the store. Who has the chat before its eyes
 * has loaded it. */
enum hub_signal rights_may_signal(void *arg, const struct ws_principal *who, struct slice chat_id)
{
    const struct api *api = arg;
    if (!who && api->auth_on)
        return HUB_SIGNAL_DENIED;
    struct scope scope = scope_of(who);
    if (cache_sees_chat(api->cache, chat_id, &scope) == SIGHT_YES)
        return HUB_SIGNAL_ALLOWED;
    return scope.kind == SCOPE_CUSTOMER ? HUB_SIGNAL_DENIED : HUB_SIGNAL_NO_CHAT;
}

/* Nobody waits for it: what comes of it is told by its event. */
static void complete_nothing(struct op *op, void *arg)
{
    (void)op;
    (void)arg;
}

enum err rights_mark_read(void *arg, struct producer *producer, const struct ws_principal *who, enum chat_side side,
                          struct slice chat_id, struct slice message_id)
{
    const struct api *api = arg;
    enum err e = OK;
    struct mark_wish wish = {.scope = scope_of(who),
                             .side = side,
                             .chat_id = chat_id,
                             .message_id = message_id,
                             .parsed_us = clock_mono_us()};
    enum mark_answer answer = mark_submit(api, producer, &wish, complete_nothing, &e);
    return answer == MARK_NO_CHAT || answer == MARK_NO_MESSAGE ? ERR_NOT_FOUND : e;
}

bool rights_up_to_date(void *arg, const struct ws_principal *who, struct slice chat_id, struct slice cursor)
{
    const struct api *api = arg;
    struct scope scope = scope_of(who);
    return cache_up_to_date(api->cache, &scope, chat_id, cursor);
}
