/* Typing and read, as clients say them: whether they may, and how often. Nothing is answered but what is refused. */
#include "hub_state.h"

#include "base/metrics.h"
#include "base/text.h"
#include "json/json_in.h"

#define TEXT_MAX       500               /* bytes of a preview */
#define BURST_US       INT64_C(10000000) /* of --signal-rate at once */
#define WARN_EVERY_US  INT64_C(1000000)
#define MESSAGE_ID_MAX NOTICE_ROLE_MAX

static void refuse(struct hub *h, struct ws_conn *c, struct slice sentence, struct slice what)
{
    metrics_add(M_SIGNAL_REFUSED, 1);
    hub_say_error(h, c, sentence, what);
}

/* Each costs its part of a second, of which ten may be spent in advance. */
static bool is_in_rate(struct hub *h, struct ws_conn *c, struct hub_signaller *s)
{
    int64_t rate = h->options->signal_rate, now_us = ws_set_loop(h->set)->now_us;
    if (rate <= 0)
        return true;
    int64_t spent_us = (s->spent_us > now_us ? s->spent_us : now_us) + 1000000 / rate;
    if (spent_us - now_us <= BURST_US) {
        s->spent_us = spent_us;
        return true;
    }
    metrics_add(M_SIGNAL_REFUSED, 1);
    if (now_us >= s->warned_us + WARN_EVERY_US || s->warned_us == 0) {
        s->warned_us = now_us;
        hub_say_error(h, c, SLICE_LIT("Too many signals"), slice_of(NULL, 0));
    }
    return false;
}

/* Without authentication it is what it says; nothing said: by its subscriptions. */
static bool read_role(struct hub *h, struct ws_conn *c, struct json_value request, enum hub_role *role)
{
    const struct ws_principal *who = ws_conn_principal(c);
    struct json_value v = json_get(request, SLICE_LIT("role"));
    if (!request_gives(v))
        v = json_get(request, SLICE_LIT("side")); /* reading: as the POST calls it */
    unsigned i = hub_speaks_as_agent(c) ? AS_AGENT : AS_USER;
    if (request_gives(v))
        for (i = 0; i < HUB_ROLES && !slice_eq(request_words(v), ROLE_NAMES[i]);)
            i++;
    *role = (enum hub_role)i;
    if (i < HUB_ROLES && (!who || who->agent == (i != AS_USER)))
        return true;
    refuse(h, c, i < HUB_ROLES ? SLICE_LIT("Not allowed to signal as ") : SLICE_LIT("Unknown role: "),
           request_words(v));
    return false;
}

/* What both have: the chat, as what it speaks, and the right to. */
static bool read_signal(struct hub *h, struct ws_conn *c, struct json_value request, struct slice *chat_id,
                        enum hub_role *role)
{
    const struct hub_options *o = h->options;
    if (!request_chat(h, c, request, chat_id) || !read_role(h, c, request, role))
        return false;
    if (chat_id->len == 0) {
        refuse(h, c, SLICE_LIT("chat_id is missing"), slice_of(NULL, 0));
        return false;
    }
    enum hub_signal may =
        o->may_signal ? o->may_signal(o->may_arg, ws_conn_principal(c), *chat_id) : HUB_SIGNAL_ALLOWED;
    if (may == HUB_SIGNAL_DENIED)
        refuse(h, c, SLICE_LIT("Not allowed to signal in "), *chat_id);
    else if (may == HUB_SIGNAL_NO_CHAT)
        refuse(h, c, SLICE_LIT("Chat not found: "), *chat_id);
    return may == HUB_SIGNAL_ALLOWED;
}

/* At most TEXT_MAX bytes, cut between characters. */
static struct slice preview_of(struct slice text)
{
    if (text.len <= TEXT_MAX)
        return text;
    size_t len = TEXT_MAX;
    while (len > 0 && ((unsigned char)text.ptr[len] & 0xC0) == 0x80)
        len--;
    return slice_of(text.ptr, len);
}

static void say_typing(struct hub *h, struct ws_conn *c, struct hub_signaller *s, struct json_value request)
{
    struct json_value on = json_get(request, SLICE_LIT("typing")), v = json_get(request, SLICE_LIT("text"));
    struct slice chat_id, text = {0};
    enum hub_role role;
    bool is_on;
    if (json_bool(on, &is_on) != OK)
        refuse(h, c, SLICE_LIT("typing must be true or false, not "), request_words(on));
    else if (request_gives(v) && json_string(v, &text) != OK)
        refuse(h, c, SLICE_LIT("text must be a string, not "), request_words(v));
    else if (read_signal(h, c, request, &chat_id, &role))
        typing_say(s, chat_id, role, is_on,
                   h->options->typing_preview && role == AS_USER ? preview_of(text) : slice_of(NULL, 0));
}

static void say_read(struct hub *h, struct ws_conn *c, struct json_value request)
{
    const struct hub_options *o = h->options;
    struct producer *producer = ws_set_options(h->set)->producer;
    struct json_value v = json_get(request, SLICE_LIT("message_id"));
    struct slice chat_id, message_id;
    enum hub_role role;
    if (json_string(v, &message_id) != OK || message_id.len == 0 || message_id.len > MESSAGE_ID_MAX) {
        refuse(h, c, SLICE_LIT("message_id must be a string of 1 to 128 bytes, not "), request_words(v));
        return;
    }
    if (!read_signal(h, c, request, &chat_id, &role))
        return;
    enum err e = ERR_STORE;
    if (o->mark_read && producer)
        e = o->mark_read(o->mark_read_arg, producer, ws_conn_principal(c),
                         role == AS_USER ? SIDE_CUSTOMER : SIDE_AGENTS, chat_id, message_id);
    if (e == ERR_NOT_FOUND)
        refuse(h, c, SLICE_LIT("Message not found: "), message_id);
    else if (e != OK)
        refuse(h, c, SLICE_LIT("Cannot mark as read: "), slice_cstr(err_text(e)));
}

void hub_take_signal(struct hub *h, struct ws_conn *c, bool typing, struct json_value request)
{
    struct hub_signaller *s = signaller_of(h, c);
    metrics_add(M_SIGNAL_IN, 1);
    if (!s)
        refuse(h, c, SLICE_LIT("Cannot take the signal: "), slice_cstr(err_text(ERR_NOMEM)));
    else if (!is_in_rate(h, c, s))
        return;
    else if (typing)
        say_typing(h, c, s, request);
    else
        say_read(h, c, request);
}
