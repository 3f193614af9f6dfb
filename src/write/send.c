#include "write/send.h"

/* Who wrote it is known of an agent's words only, and only by name. */
static void give_ids(struct op *op)
{
    struct new_message *m = &send_of(op)->message;
    m->rev = op->rev;
    m->timestamp_us = op->now_us;
    if (m->agent_name.len == 0 || !slice_eq(m->role, SLICE_LIT(ROLE_AGENT)))
        m->agent_id = m->agent_name = (struct slice){0};
}

static struct chat_link *link_of(struct op *op, struct slice *chat_id)
{
    *chat_id = send_of(op)->message.chat_id;
    return &send_of(op)->message.link;
}

static struct new_message *message_of(struct op *op)
{
    return &send_of(op)->message;
}

static size_t raise(struct op *op, struct event *out)
{
    const struct new_message *m = &send_of(op)->message;
    if (op->result != OK)
        return 0;
    *out = (struct event){.kind = m->duplicate ? EVENT_REPEATED : EVENT_MESSAGE,
                          .rev = m->rev,
                          .at_us = m->timestamp_us,
                          .chat_id = m->chat_id};
    out->message = (struct message){.rev = m->rev,
                                    .timestamp_us = m->timestamp_us,
                                    .role = m->role,
                                    .text = m->text,
                                    .via_widget = m->via_widget,
                                    .agent_id = m->agent_id,
                                    .agent_name = m->agent_name};
    out->link = &m->link;
    out->reopened = !m->duplicate && m->reopened;
    return 1;
}

static void doubt(struct op *op, struct event *out)
{
    out->chat_id = send_of(op)->message.chat_id;
}

const struct write_kind write_send = {.op = {.bytes = sizeof(struct send)},
                                      .give_ids = give_ids,
                                      .link = link_of,
                                      .message = message_of,
                                      .raise = raise,
                                      .doubt = doubt};
