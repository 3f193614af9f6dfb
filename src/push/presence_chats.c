/* Chats that a widget has open, in the order of their last change. One that is closed stays in it until every watcher has
 * heard of that: its subscribers were told that it is open. */
#include "presence_state.h"

#include <stdlib.h>

static void changed(struct presence *p, const struct presence_watcher *self, struct presence_chat *chat, bool open)
{
    chat->open = open;
    chat->changed = presence_tell(p, self, PRESENCE_CHATS);
    link_append(&p->in_order, &chat->in_order);
}

static uint16_t written_len(struct slice id)
{
    size_t len = id.len;
    for (size_t i = 0; i < id.len; i++)
        len += (unsigned char)id.ptr[i] < ' ' ? 5 : id.ptr[i] == '"' || id.ptr[i] == '\\';
    return len < UINT16_MAX ? (uint16_t)len : UINT16_MAX;
}

static struct presence_chat *chat_new(struct presence *p, const struct presence_watcher *self, struct slice chat_id)
{
    struct presence_chat *chat = malloc(sizeof(*chat) + chat_id.len);
    if (!chat)
        return NULL;
    must(chat_id.len <= UINT16_MAX);
    *chat = (struct presence_chat){.leaver.kind = LEAVER_CHAT, .id_len = (uint16_t)chat_id.len};
    memcpy(chat->id, chat_id.ptr, chat_id.len);
    chat->written_len = written_len(chat_id);
    if (map_put(&p->chats, slice_of(chat->id, chat->id_len), chat) != OK) {
        free(chat);
        return NULL;
    }
    changed(p, self, chat, true);
    return chat;
}

static void chat_free(struct presence *p, struct presence_chat *chat)
{
    map_remove(&p->chats, slice_of(chat->id, chat->id_len));
    link_remove(&chat->in_order);
    free(chat);
}

/* It may be leaving, or be closed already and not forgotten yet. */
static void comes_back(struct presence *p, const struct presence_watcher *self, struct presence_chat *chat)
{
    link_remove(&chat->leaver.link);
    if (chat->open) {
        p->left--;
        return;
    }
    chat->told = true;
    link_remove(&chat->in_order);
    changed(p, self, chat, true);
}

/* Nobody needs to hear that one is closed who has not heard that it was open. */
static void close_chat(struct presence *p, const struct presence_watcher *self, struct presence_chat *chat)
{
    if (!chat->told && chat->changed > p->told) {
        chat_free(p, chat);
        return;
    }
    link_remove(&chat->in_order);
    changed(p, self, chat, false);
    link_append(&p->closed, &chat->leaver.link);
}

struct presence_chat *presence_chat_come(struct presence *p, struct presence_watcher *w, struct slice chat_id)
{
    presence_lock(p);
    struct presence_chat *chat = map_get(&p->chats, chat_id);
    if (!chat)
        chat = chat_new(p, w, chat_id);
    else if (chat->connections == 0)
        comes_back(p, w, chat);
    if (chat)
        chat->connections++;
    presence_unlock(p);
    return chat;
}

void presence_chat_leave(struct presence *p, struct presence_watcher *w, struct presence_chat *chat, int64_t now_us)
{
    presence_lock(p);
    must(chat->connections > 0);
    if (--chat->connections == 0 && p->left == PRESENCE_LEFT_MAX) {
        close_chat(p, w, chat);
    } else if (chat->connections == 0) {
        p->left++;
        leaver_begin(p, &chat->leaver, now_us);
    }
    presence_unlock(p);
}

void presence_chat_again(struct presence *p, struct presence_watcher *w, struct presence_chat *chat)
{
    presence_lock(p);
    chat->told = true; /* perhaps, by its place before this */
    link_remove(&chat->in_order);
    changed(p, w, chat, true);
    presence_unlock(p);
}

void chat_gone(struct presence *p, const struct presence_watcher *self, struct presence_chat *chat)
{
    p->left--;
    close_chat(p, self, chat);
}

void presence_chats_trim(struct presence *p)
{
    uint64_t heard = UINT64_MAX;
    for (const struct presence_watcher *w = p->watchers; w; w = w->next)
        if (w->topics & PRESENCE_CHATS && w->heard < heard)
            heard = w->heard;
    while (!link_empty(&p->closed)) {
        struct presence_chat *chat = link_owner(p->closed.next, struct presence_chat, leaver.link);
        if (chat->changed > heard)
            return;
        link_remove(&chat->leaver.link);
        chat_free(p, chat);
    }
}

/* The first one that changed after `from`. What is new is mostly little, and at the end. */
static struct link *first_after(struct presence *p, uint64_t from)
{
    struct link *l = &p->in_order;
    if (from == 0)
        return l->next;
    while (l->prev != &p->in_order && link_owner(l->prev, struct presence_chat, in_order)->changed > from)
        l = l->prev;
    return l;
}

void presence_chats(struct presence *p, uint64_t from, struct presence_page *out)
{
    size_t written = 0;
    buf_clear(&out->bytes);
    out->count = 0;
    presence_lock(p);
    out->upto = p->now;
    struct link *l = first_after(p, from);
    for (; l != &p->in_order; l = l->next) {
        const struct presence_chat *chat = link_owner(l, struct presence_chat, in_order);
        if (from == 0 && !chat->open)
            continue;
        if (out->count == PRESENCE_CHATS_MAX || (out->count > 0 && written + chat->written_len > PRESENCE_BYTES_MAX))
            break;
        written += chat->written_len;
        buf_append(&out->bytes, &chat->id_len, sizeof(chat->id_len));
        buf_append_char(&out->bytes, (char)chat->open);
        buf_append(&out->bytes, chat->id, chat->id_len);
        out->count++;
    }
    out->more = l != &p->in_order;
    if (out->more)
        out->upto = link_owner(l->prev, struct presence_chat, in_order)->changed;
    if (out->upto > p->told)
        p->told = out->upto;
    presence_unlock(p);
}

bool presence_read_chat(const struct presence_page *page, size_t *at, struct slice *chat_id, bool *open)
{
    uint16_t len;
    if (*at >= page->bytes.len)
        return false;
    const char *bytes = page->bytes.ptr + *at;
    memcpy(&len, bytes, sizeof(len));
    *open = bytes[sizeof(len)] != 0;
    *chat_id = slice_of(bytes + sizeof(len) + 1, len);
    *at += sizeof(len) + 1 + len;
    return true;
}
