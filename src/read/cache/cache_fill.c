#include "cache_fill.h"

#include "base/list.h"

#include <stdlib.h>

void fill_init(struct fill *f, struct slab *memory)
{
    *f = (struct fill){.memory = memory};
    arena_init(&f->arena, 0);
    buf_init(&f->scratch);
}

void fill_fini(struct fill *f)
{
    content_drop(f->content);
    blob_drop(f->opening);
    free(f->chats);
    buf_fini(&f->scratch);
    arena_fini(&f->arena);
}

static enum err copy_row(struct fill *f, const struct customer *customer)
{
    f->row = *customer;
    /* What the entry needs of it; the rest is rendered already. */
    f->row.id = arena_slice(&f->arena, customer->id);
    f->row.owner = arena_slice(&f->arena, customer->owner);
    f->row.email = arena_slice(&f->arena, customer->email);
    f->row.reference = arena_slice(&f->arena, customer->reference);
    f->row.claimed_email = arena_slice(&f->arena, customer->claimed_email);
    f->has_row =
        f->row.id.ptr && f->row.owner.ptr && f->row.email.ptr && f->row.reference.ptr && f->row.claimed_email.ptr;
    return f->has_row ? OK : ERR_NOMEM;
}

static enum err on_customer(void *arg, const struct customer *customer)
{
    struct fill *f = arg;
    f->content = content_new(f->memory, customer->id);
    f->opening = customer_render_opening(f->memory, customer, &f->poll_at);
    if (!f->content || !f->opening)
        return ERR_NOMEM;
    return copy_row(f, customer);
}

static void end_chat(struct fill *f)
{
    if (f->count > 0)
        history_seal(f->content, f->chats[f->count - 1].history);
}

static enum err on_chat(void *arg, const struct chat *chat)
{
    struct fill *f = arg;
    if (!f->content)
        return ERR_STORE;
    end_chat(f);
    if (!list_room(f->chats, f->count, f->cap, 8))
        return ERR_NOMEM;
    struct history *h = content_add_history(f->content, chat, true);
    if (!h)
        return ERR_NOMEM;
    f->chats[f->count++] = (struct fill_chat){.history = h, .key = chat->key, .rev = chat->rev, .flags = chat->flags};
    return OK;
}

static enum err on_message(void *arg, const struct message *message)
{
    struct fill *f = arg;
    if (f->count == 0)
        return ERR_STORE;
    struct history *h = f->chats[f->count - 1].history;
    struct message_form form;
    buf_clear(&f->scratch);
    buf_append_char(&f->scratch, ',');
    render_message(&f->scratch, message, &form);
    if (!buf_ok(&f->scratch) || !history_append(f->content, h, f->scratch.ptr, &form, message->rev))
        return ERR_NOMEM;
    if (message->legacy)
        return OK;
    /* A store may roll up a chat's row later than its messages: the messages are right. */
    if (message->rev > h->rev)
        h->rev = message->rev;
    if (message->timestamp_us > h->last_activity_us)
        h->last_activity_us = message->timestamp_us;
    if (message->timestamp_us > h->updated_us)
        h->updated_us = message->timestamp_us;
    return OK;
}

enum err fill_load(struct fill *f, struct store_reader *reader, struct slice ident)
{
    struct load_sink sink = {.customer = on_customer, .chat = on_chat, .message = on_message, .arg = f};
    enum err e = reader->vtable->load_customer(reader, ident, &sink);
    if (e != OK)
        return e;
    if (!f->has_row)
        return ERR_NOT_FOUND;
    end_chat(f);
    return OK;
}

/* The store's rows may lag behind their messages, so all are looked at. */
int64_t fill_newest(const struct fill *f)
{
    int64_t newest = f->row.rev;
    for (size_t i = 0; i < f->count; i++) {
        newest = f->chats[i].rev > newest ? f->chats[i].rev : newest;
        newest = f->chats[i].history->rev > newest ? f->chats[i].history->rev : newest;
    }
    return newest;
}

void fill_customer(const struct fill *f, struct snap_customer *out)
{
    *out = (struct snap_customer){
        .content = f->content, .opening = f->opening, .poll_at = f->poll_at, .last_seen_us = f->row.last_seen_us};
}
