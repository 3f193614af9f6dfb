/* The fields that requests of several kinds have. */
#include "hub_state.h"

#include "chat/model.h"

bool request_gives(struct json_value v)
{
    return json_type(v) != JSON_ABSENT && json_type(v) != JSON_NULL;
}

struct slice request_words(struct json_value v)
{
    struct slice s;
    if (!request_gives(v))
        return SLICE_LIT("None");
    return json_string(v, &s) == OK ? s : json_raw(v);
}

bool request_chat(struct hub *h, struct ws_conn *c, struct json_value request, struct slice *chat_id)
{
    struct json_value v = json_get(request, SLICE_LIT("chat_id"));
    *chat_id = slice_of(NULL, 0);
    if (!request_gives(v) || (json_string(v, chat_id) == OK && chat_id->len > 0 && chat_id->len <= CHAT_ID_MAX))
        return true;
    hub_say_error(h, c, SLICE_LIT("chat_id must be a string of 1 to 1024 bytes, not "), request_words(v));
    return false;
}
