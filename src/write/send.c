#include "write/send.h"

static void give_ids(struct op *op)
{
    send_of(op)->message.rev = op->rev;
    send_of(op)->message.timestamp_us = op->now_us;
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
    out->message = (struct message){
        .rev = m->rev, .timestamp_us = m->timestamp_us, .role = m->role, .text = m->text, .via_widget = m->via_widget};
    out->link = &m->link;
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
