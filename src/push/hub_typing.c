/* Who is typing. Nothing of it is stored, and nothing runs while nobody types.
 * Gate:   of one connection's typing one is passed on in two seconds; what it says meanwhile waits, the last standing for
 *         all, and is passed on when they are over.
 * End:    six seconds after the last that said so, at the connection's end, when it leaves the chat's events, and when it
 *         types elsewhere: the others are told then, whatever the gate.
 * Way:    encoded once, with the text for agents and without; given to this broadcaster's subscribers at once, and to the
 *         other broadcasters as one piece of bytes that all share (push/relay.h).
 * Lost:   where memory is short or a ring is full; the next one tells, or the six seconds that clients count as well. */
#include "hub_state.h"

#include "base/blob.h"
#include "push/relay.h"

#include <stdlib.h>

#define GATE_US INT64_C(2000000)
#define END_US  ((int64_t)TYPING_EXPIRES_MS * 1000)

const struct slice ROLE_NAMES[HUB_ROLES] = {
    [AS_USER] = {ROLE_USER, sizeof(ROLE_USER) - 1},
    [AS_AGENT] = {ROLE_AGENT, sizeof(ROLE_AGENT) - 1},
    [AS_ASSISTANT] = {ROLE_ASSISTANT, sizeof(ROLE_ASSISTANT) - 1},
};

/* How it travels: this, the frame for customers, and, where it differs, the one for agents. */
struct encoded {
    uint32_t frame_len;
    uint8_t id_len;
    char id[NOTICE_CHAT_ID_MAX]; /* as notice_short_id() gives it */
};

static void give(struct hub *h, struct slice bytes, struct ws_conn *by)
{
    struct encoded head;
    memcpy(&head, bytes.ptr, sizeof(head));
    const char *frames = bytes.ptr + sizeof(head);
    size_t rest = bytes.len - sizeof(head) - head.frame_len;
    struct slice frame = slice_of(frames, head.frame_len);
    events_give(h, &(struct hub_said){.chat_id = slice_of(head.id, head.id_len),
                                      .frame = frame,
                                      .to_agents = rest > 0 ? slice_of(frames + head.frame_len, rest) : frame,
                                      .by = by,
                                      .passing = true});
}

void typing_hear(void *hub, const struct blob *signal)
{
    give(hub, blob_slice(signal), NULL);
}

static void encode(struct buf *out, const struct hub_signaller *s, bool on)
{
    const struct ws_principal *who = ws_conn_principal(s->conn);
    bool named = who && s->role == AS_AGENT && who->agent;
    struct encoded head = {0};
    struct slice id = notice_short_id(buf_slice(&s->chat_id), head.id);
    struct typing t = {.chat_id = buf_slice(&s->chat_id),
                       .role = ROLE_NAMES[s->role],
                       .agent_id = named ? who->agent_id : slice_of(NULL, 0),
                       .agent_name = named ? who->name : slice_of(NULL, 0),
                       .on = on};
    if (id.ptr != head.id)
        memcpy(head.id, id.ptr, id.len);
    head.id_len = (uint8_t)id.len;
    buf_clear(out);
    buf_append(out, &head, sizeof(head));
    frame_typing(out, &t);
    if (!buf_ok(out))
        return;
    head.frame_len = (uint32_t)(out->len - sizeof(head));
    memcpy(out->ptr, &head, sizeof(head));
    t.text = buf_slice(&s->text);
    if (on && t.text.len > 0)
        frame_typing(out, &t);
}

static void pass_on(struct hub_signaller *s, bool on)
{
    struct hub *h = s->hub;
    struct relay_port *relay = ws_set_options(h->set)->relay;
    encode(&h->signal, s, on);
    if (!buf_ok(&h->signal)) {
        buf_fini(&h->signal);
        h->signals_dropped++;
        return;
    }
    give(h, buf_slice(&h->signal), s->conn);
    struct blob *shared = relay_leads_on(relay) ? blob_copy(NULL, buf_slice(&h->signal)) : NULL;
    if (shared)
        relay_send(relay, shared);
    blob_drop(shared);
}

static void arm(struct hub_signaller *s)
{
    struct timer_wheel *timers = ws_set_timers(s->hub->set);
    int64_t due_us = s->typing ? s->heard_us + END_US : INT64_MAX;
    if (s->waits && s->passed_us + GATE_US < due_us)
        due_us = s->passed_us + GATE_US;
    if (due_us == INT64_MAX)
        timer_stop(timers, &s->timer);
    else
        timer_start(timers, &s->timer, due_us);
}

static void end(struct hub_signaller *s)
{
    if (s->shown)
        pass_on(s, false);
    s->typing = s->shown = s->waits = false;
    timer_stop(ws_set_timers(s->hub->set), &s->timer);
    buf_fini(&s->chat_id);
    buf_fini(&s->text);
}

static void pass_what_waits(struct hub_signaller *s, int64_t now_us)
{
    if (!s->typing) {
        end(s);
    } else {
        pass_on(s, true);
        s->shown = true;
        s->waits = false;
    }
    s->passed_us = now_us;
}

static void on_due(struct timer *t)
{
    struct hub_signaller *s = (struct hub_signaller *)(void *)t;
    int64_t now_us = ws_set_loop(s->hub->set)->now_us;
    if (s->typing && now_us >= s->heard_us + END_US)
        end(s);
    if (s->waits && now_us >= s->passed_us + GATE_US)
        pass_what_waits(s, now_us);
    arm(s);
}

void typing_say(struct hub_signaller *s, struct slice chat_id, enum hub_role role, bool on, struct slice text)
{
    int64_t now_us = ws_set_loop(s->hub->set)->now_us;
    if (s->role != role || !slice_eq(buf_slice(&s->chat_id), chat_id))
        end(s);
    if (!on && !s->shown) { /* nobody knows that it typed */
        end(s);
        return;
    }
    s->role = (uint8_t)role;
    s->typing = on;
    s->waits = true;
    if (on)
        s->heard_us = now_us;
    buf_clear(&s->chat_id);
    buf_append_slice(&s->chat_id, chat_id);
    buf_clear(&s->text);
    buf_append_slice(&s->text, text);
    if (!buf_ok(&s->chat_id) || !buf_ok(&s->text))
        end(s);
    else if (now_us >= s->passed_us + GATE_US)
        pass_what_waits(s, now_us);
    arm(s);
}

void typing_end(struct ws_conn *c, struct slice chat_id)
{
    struct hub_signaller *s = hub_sub(c)->signaller;
    if (s && (chat_id.len == 0 || slice_eq(buf_slice(&s->chat_id), chat_id)))
        end(s);
}

struct hub_signaller *signaller_of(struct hub *h, struct ws_conn *c)
{
    struct hub_sub *sub = hub_sub(c);
    struct hub_signaller *s = sub->signaller ? sub->signaller : calloc(1, sizeof(*s));
    if (s && !sub->signaller) {
        s->timer.on_fire = on_due;
        s->hub = h;
        s->conn = c;
        s->passed_us = ws_set_loop(h->set)->now_us - GATE_US;
        sub->signaller = s;
    }
    return s;
}

void signaller_free(struct ws_conn *c)
{
    struct hub_signaller *s = hub_sub(c)->signaller;
    if (!s)
        return;
    end(s);
    hub_sub(c)->signaller = NULL;
    free(s);
}
