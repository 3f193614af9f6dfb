/* rights.h: what a WebSocket's principal may hear of: the answers to a hub's and a broadcaster's questions.
 * Thread:  any broadcaster's; arg is the struct api. Only memory is asked: a broadcaster must not wait.
 * Fails:   what memory does not know is not allowed, or not sure to be seen. */
#pragma once
#include "push/hub.h"

/* With authentication on. */
enum hub_right rights_may_subscribe(void *arg, const struct ws_principal *who, enum hub_topic topic,
                                    struct slice chat_id);
enum hub_sight rights_may_see(void *arg, const struct ws_principal *who, struct slice chat_id);
enum hub_sight rights_may_see_customer(void *arg, const struct ws_principal *who, struct slice customer_id);
bool rights_owner_of(void *arg, const struct ws_principal *who, char room[static CUSTOMER_ID_MAX], size_t *len);
/* With or without authentication. */
enum hub_signal rights_may_signal(void *arg, const struct ws_principal *who, struct slice chat_id);
NODISCARD enum err rights_mark_read(void *arg, struct producer *producer, const struct ws_principal *who,
                                    enum chat_side side, struct slice chat_id, struct slice message_id);
bool rights_up_to_date(void *arg, const struct ws_principal *who, struct slice chat_id, struct slice cursor);
/* Is the key that signed its token still in force? */
bool rights_still_good(void *arg, const struct ws_principal *who);
