/* What the writer gave up while the store was failing may be stored all the same: the answer was lost, not the write.
 * While the store is away what is in memory is still the best there is, so it stays. Once the store answers again, those
 * whom such an op touches are loaded anew. */
#include "cache_int.h"

static int64_t op_rev(const struct op *op)
{
    return op->kind == OP_SEND          ? op->send.message.rev
           : op->kind == OP_CREATE_CHAT ? op->create.rev
           : op->kind == OP_PUT_USER    ? op->put_user.rev
                                        : op->set_ai.rev;
}

void cache_doubt(struct cache *c, const struct op *op)
{
    int64_t rev = op_rev(op);
    cache_lock(c);
    if (op->kind == OP_SEND) {
        struct cchat *chat = index_chat(c, op->send.message.chat_id, index_hash(op->send.message.chat_id));
        if (chat)
            links_front(&c->doubted, &chat->user->doubt);
    } else {
        /* A customer that the order may lack, or a switch that is answered without a load: everything goes. */
        c->doubt_all = true;
    }
    c->doubt_rev = rev > c->doubt_rev ? rev : c->doubt_rev;
    cache_unlock(c);
}

void cache_settle_doubts(struct cache *c)
{
    cache_lock(c);
    if (c->doubt_all)
        cache_forget_all(c, c->doubt_rev);
    c->doubt_all = false;
    while (c->doubted.count > 0) {
        struct cuser *u = entry_of(c->doubted.head.next, struct cuser, doubt);
        links_remove(&c->doubted, &u->doubt);
        if (u->state != USER_KNOWN)
            user_unload(c, u);
        user_changed(c, u, c->doubt_rev, true);
    }
    cache_unlock(c);
}
