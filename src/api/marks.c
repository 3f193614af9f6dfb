#include "marks.h"

#include "api/api.h"
#include "base/clock.h"
#include "write/mark_read.h"
#include "write/writer.h"

/* No scope goes with the op: memory has seen that the chat is in it. */
static enum err fill(struct mark_read *m, const struct mark_wish *wish, int64_t mark)
{
    m->side = wish->side;
    m->mark = mark;
    m->chat_id = arena_slice(&m->op.arena, wish->chat_id);
    m->message_id = arena_slice(&m->op.arena, wish->message_id);
    return m->chat_id.ptr && m->message_id.ptr ? OK : ERR_NOMEM;
}

static enum err give(const struct api *api, struct producer *p, const struct mark_wish *wish, int64_t mark,
                     op_complete_fn complete)
{
    struct op *op = producer_op(p, &write_mark_read.op, complete);
    if (!op)
        return ERR_BUSY;
    op->origin = wish->origin;
    op->parsed_us = wish->parsed_us;
    op->queued_us = clock_mono_us();
    op->deadline_us = op->parsed_us + api->write_timeout_ms * 1000;
    enum err e = fill(mark_read_of(op), wish, mark);
    if (e == OK)
        e = writer_submit(api->writer, op);
    if (e != OK)
        op_put(p->ops, op);
    return e;
}

enum mark_answer mark_submit(const struct api *api, struct producer *p, const struct mark_wish *wish,
                             op_complete_fn complete, enum err *e)
{
    int64_t mark = 0;
    enum mark_answer answer = cache_mark(api->cache, wish->chat_id, &wish->scope, wish->side, wish->message_id, &mark);
    if (answer == MARK_FURTHER)
        *e = give(api, p, wish, mark, complete);
    return answer;
}
