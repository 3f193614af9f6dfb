#include "cache_kit.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

static struct kit *kit_of(struct store_reader *r)
{
    return (struct kit *)(void *)r->store;
}

static struct slice keep(struct kit *k, const char *s)
{
    return arena_slice(&k->arena, slice_cstr(s ? s : ""));
}

static struct kit_customer *find_customer(struct kit *k, struct slice ident)
{
    for (int by = 0; by < 3; by++)
        for (size_t i = 0; i < k->customer_count; i++) {
            const struct customer *row = &k->customers[i]->row;
            struct slice key = by == 0 ? row->id : by == 1 ? row->reference : row->email;
            if (key.len > 0 && slice_eq(key, ident))
                return k->customers[i];
        }
    return NULL;
}

static struct kit_chat *find_chat(struct kit *k, struct slice id, struct kit_customer **owner)
{
    for (size_t i = 0; i < k->customer_count; i++)
        for (size_t c = 0; c < k->customers[i]->chat_count; c++)
            if (slice_eq(slice_cstr(k->customers[i]->chats[c]->id), id)) {
                if (owner)
                    *owner = k->customers[i];
                return k->customers[i]->chats[c];
            }
    return NULL;
}

static void run_hook(struct kit *k, enum kit_moment now)
{
    if (k->moment != now || !k->hook)
        return;
    void (*hook)(struct kit *) = k->hook;
    k->hook = NULL; /* once, unless it sets itself again */
    hook(k);
}

/* What a load saw: rows by value, messages by count (they only ever grow at the end). */
struct seen {
    struct customer row;
    size_t chat_count;
    struct {
        struct kit_chat *chat;
        struct chat row;
        struct kit_message *messages;
        size_t count;
    } chats[64];
};

static struct message message_of(const struct kit_message *from)
{
    return (struct message){.rev = from->rev,
                            .timestamp_us = from->rev,
                            .role = slice_cstr(from->role),
                            .text = slice_cstr(from->text),
                            .agent_id = slice_cstr(from->agent ? from->agent : ""),
                            .agent_name = slice_cstr(from->agent ? from->agent : ""),
                            .read = from->read,
                            .via_widget = from->via_widget,
                            .legacy = from->legacy};
}

static enum err deliver(struct seen *seen, const struct load_sink *sink)
{
    enum err e = sink->customer(sink->arg, &seen->row);
    for (size_t c = 0; e == OK && c < seen->chat_count; c++) {
        seen->chats[c].row.total_messages = (int64_t)seen->chats[c].count;
        e = sink->chat(sink->arg, &seen->chats[c].row);
        for (size_t m = 0; e == OK && m < seen->chats[c].count; m++) {
            struct message message = message_of(&seen->chats[c].messages[m]);
            e = sink->message(sink->arg, &message);
        }
    }
    return e;
}

static enum err load_customer(struct store_reader *r, struct slice ident, const struct load_sink *sink)
{
    struct kit *k = kit_of(r);
    run_hook(k, KIT_BEFORE);
    struct seen *seen = calloc(1, sizeof(*seen));
    pthread_mutex_lock(&k->lock);
    k->loads++;
    struct kit_customer *u = find_customer(k, ident);
    enum err e = k->fail != OK ? k->fail : u ? OK : ERR_NOT_FOUND;
    if (e == OK) {
        seen->row = u->row;
        seen->chat_count = u->chat_count;
        for (size_t c = 0; c < u->chat_count; c++) {
            struct kit_chat *chat = u->chats[c];
            seen->chats[c].chat = chat;
            seen->chats[c].row = chat->row;
            seen->chats[c].count = chat->count;
            seen->chats[c].messages = malloc((chat->count + 1) * sizeof(struct kit_message));
            if (chat->count > 0)
                memcpy(seen->chats[c].messages, chat->messages, chat->count * sizeof(struct kit_message));
        }
    }
    pthread_mutex_unlock(&k->lock);
    run_hook(k, KIT_BETWEEN);
    if (e == OK)
        e = deliver(seen, sink);
    for (size_t c = 0; c < seen->chat_count; c++)
        free(seen->chats[c].messages);
    free(seen);
    return e;
}

static enum err read_customer(struct store_reader *r, enum customer_by by, struct slice value, struct arena *a,
                              struct customer *out)
{
    (void)a;
    struct kit *k = kit_of(r);
    enum err e = ERR_NOT_FOUND;
    pthread_mutex_lock(&k->lock);
    k->lookups++;
    for (unsigned bit = CUSTOMER_BY_ID; e != OK && bit <= CUSTOMER_BY_EMAIL; bit <<= 1)
        for (size_t i = 0; by & bit && e != OK && i < k->customer_count; i++) {
            const struct customer *row = &k->customers[i]->row;
            if (slice_eq(bit == CUSTOMER_BY_ID    ? row->id
                         : bit == CUSTOMER_BY_REF ? row->reference
                                                  : row->email,
                         value)) {
                *out = *row;
                e = OK;
            }
        }
    pthread_mutex_unlock(&k->lock);
    return k->fail != OK ? k->fail : e;
}

static int by_activity(const void *a, const void *b)
{
    const struct customer *x = a, *y = b;
    return x->activity_us < y->activity_us ? 1 : x->activity_us > y->activity_us ? -1 : 0;
}

static int by_rev(const void *a, const void *b)
{
    const struct customer *x = a, *y = b;
    return x->rev > y->rev ? 1 : x->rev < y->rev ? -1 : 0;
}

static enum err copy_customers(struct kit *k, struct slice owner, int64_t since,
                               int (*order)(const void *, const void *), int64_t skip, int64_t limit, struct arena *a,
                               struct customer **out, size_t *count)
{
    struct customer *rows = arena_zalloc(a, (k->customer_count + 1) * sizeof(*rows));
    size_t n = 0;
    pthread_mutex_lock(&k->lock);
    k->lists++;
    for (size_t i = 0; i < k->customer_count; i++)
        if (k->customers[i]->row.rev > since && (owner.len == 0 || slice_eq(owner, k->customers[i]->row.owner)))
            rows[n++] = k->customers[i]->row;
    pthread_mutex_unlock(&k->lock);
    qsort(rows, n, sizeof(*rows), order);
    size_t from = (size_t)skip < n ? (size_t)skip : n;
    *out = rows + from;
    *count = n - from < (size_t)limit ? n - from : (size_t)limit;
    return OK;
}

static enum err recent_customers(struct store_reader *r, struct slice owner, int64_t skip, int64_t limit,
                                 struct arena *a, struct customer **out, size_t *count)
{
    return copy_customers(kit_of(r), owner, -1, by_activity, skip, limit, a, out, count);
}

static enum err changed_customers(struct store_reader *r, int64_t since, int64_t limit, struct arena *a,
                                  struct customer **out, size_t *count)
{
    return copy_customers(kit_of(r), (struct slice){0}, since, by_rev, 0, limit, a, out, count);
}

static enum err read_chat(struct store_reader *r, struct slice chat_id, struct arena *a, struct chat *out)
{
    (void)a;
    struct kit *k = kit_of(r);
    struct kit_customer *u;
    pthread_mutex_lock(&k->lock);
    struct kit_chat *chat = find_chat(k, chat_id, &u);
    if (chat) {
        *out = chat->row;
        out->customer_id = u->row.id;
    }
    pthread_mutex_unlock(&k->lock);
    return chat ? OK : ERR_NOT_FOUND;
}

static enum err list_chats(struct store_reader *r, struct slice email, int64_t skip, int64_t limit, struct arena *a,
                           struct chat_ref **out, size_t *count, int64_t *total)
{
    struct kit *k = kit_of(r);
    struct chat_ref *refs = arena_zalloc(a, 4096 * sizeof(*refs));
    struct kit_chat *chats[4096];
    size_t n = 0;
    pthread_mutex_lock(&k->lock);
    k->lists++;
    for (size_t i = 0; i < k->customer_count; i++)
        for (size_t c = 0; c < k->customers[i]->chat_count; c++) {
            if (email.len > 0 && !slice_eq(email, k->customers[i]->row.email))
                continue;
            size_t at = n++;
            while (at > 0 && chats[at - 1]->row.last_activity_us < k->customers[i]->chats[c]->row.last_activity_us) {
                chats[at] = chats[at - 1];
                refs[at] = refs[at - 1];
                at--;
            }
            chats[at] = k->customers[i]->chats[c];
            refs[at] = (struct chat_ref){slice_cstr(chats[at]->id), k->customers[i]->row.id};
        }
    pthread_mutex_unlock(&k->lock);
    *total = (int64_t)n;
    size_t from = (size_t)skip < n ? (size_t)skip : n;
    *out = refs + from;
    *count = n - from < (size_t)limit ? n - from : (size_t)limit;
    return OK;
}

static enum err read_totals(struct store_reader *r, struct totals *out)
{
    (void)kit_of(r);
    *out = (struct totals){.customers = 3,
                           .chats = 7,
                           .chats_with_assistant = 2,
                           .chats_with_either = 5,
                           .messages = 11,
                           .customers_with_chats = 2,
                           .customers_with_owner = 1};
    return OK;
}

static enum err overview(struct store_reader *r, struct arena *a, struct overview *out)
{
    struct kit *k = kit_of(r);
    out->database_name = slice_cstr("kit");
    out->customers = arena_zalloc(a, 100 * sizeof(*out->customers));
    out->chats = arena_zalloc(a, 100 * sizeof(*out->chats));
    for (size_t i = 0; i < k->customer_count && i < 100; i++) {
        const struct kit_customer *u = k->customers[i];
        out->customers[out->customer_count++] = u->row;
        for (size_t c = 0; c < u->chat_count && out->chat_count < 100; c++) {
            const struct kit_chat *chat = u->chats[c];
            struct overview_chat *o = &out->chats[out->chat_count++];
            o->chat = chat->row;
            o->chat.customer_id = u->row.id;
            o->chat.total_messages = o->messages = (int64_t)chat->count;
            o->row_id = slice_cstr(chat->id);
            o->has_first = o->has_last = chat->count > 0;
            if (chat->count == 0)
                continue;
            const struct kit_message *first = &chat->messages[0], *last = &chat->messages[chat->count - 1];
            o->first = message_of(first);
            o->last = message_of(last);
        }
    }
    return OK;
}

static const struct store_vtable vtable = {
    .kind = "kit",
    .time_grain_us = 1,
    .read_customer = read_customer,
    .load_customer = load_customer,
    .recent_customers = recent_customers,
    .read_chat = read_chat,
    .list_chats = list_chats,
    .overview = overview,
    .read_totals = read_totals,
    .changed_customers = changed_customers,
};

void kit_restart(struct kit *k, size_t cache_bytes)
{
    struct cache_options options = {.max_bytes = cache_bytes, .tag = TAG5, .max_rev = k->rev, .enabled = true};
    options.overlap_us = k->overlap_us;
    options.shared = k->shared;
    options.totals.customers = (int64_t)k->customer_count;
    cache_free(k->cache);
    k->cache = cache_new(&options);
    CU_ASSERT_PTR_NOT_NULL_FATAL(k->cache);
    k->loads = k->lists = k->lookups = 0;
}

struct kit *kit_new(size_t cache_bytes)
{
    struct kit *k = calloc(1, sizeof(*k));
    CU_ASSERT_PTR_NOT_NULL_FATAL(k);
    k->store.vtable = &vtable;
    k->reader = (struct store_reader){&vtable, &k->store};
    k->rev = T0;
    pthread_mutex_init(&k->lock, NULL);
    arena_init(&k->arena, 0);
    kit_restart(k, cache_bytes);
    return k;
}

void kit_free(struct kit *k)
{
    cache_free(k->cache);
    for (size_t i = 0; i < k->customer_count; i++) {
        for (size_t c = 0; c < k->customers[i]->chat_count; c++) {
            free(k->customers[i]->chats[c]->messages);
            free(k->customers[i]->chats[c]);
        }
        free(k->customers[i]);
    }
    arena_fini(&k->arena);
    pthread_mutex_destroy(&k->lock);
    free(k);
}

static struct op *new_op(struct kit *k, const struct op_kind *kind)
{
    struct op *op = arena_zalloc(&k->arena, kind->bytes);
    op->kind = kind;
    arena_init(&op->arena, 0);
    return op;
}

struct op *kit_create(struct kit *k, const char *customer_id, const char *email, const char *name, const char *chat_id)
{
    struct op *op = new_op(k, &write_create_chat.op);
    create_chat_of(op)->customer_id = keep(k, customer_id);
    create_chat_of(op)->email = keep(k, email);
    create_chat_of(op)->name = keep(k, name);
    create_chat_of(op)->chat.chat_id = keep(k, chat_id);
    return op;
}

struct op *kit_put_customer(struct kit *k, const char *email, const char *name, const char *owner)
{
    struct op *op = new_op(k, &write_put_customer.op);
    put_customer_of(op)->given.email = keep(k, email);
    put_customer_of(op)->given.name = keep(k, name);
    put_customer_of(op)->given.owner = keep(k, owner);
    return op;
}

struct op *kit_send(struct kit *k, const char *chat_id, const char *role, const char *text)
{
    struct op *op = new_op(k, &write_send.op);
    send_of(op)->message.chat_id = keep(k, chat_id);
    send_of(op)->message.role = keep(k, role);
    send_of(op)->message.text = keep(k, text);
    return op;
}

struct op *kit_ai(struct kit *k, const char *chat_id, bool enabled)
{
    struct op *op = new_op(k, &write_set_ai.op);
    set_ai_of(op)->chat_id = keep(k, chat_id);
    set_ai_of(op)->enabled = enabled;
    return op;
}

static struct kit_customer *add_customer(struct kit *k, struct slice id, struct slice email, struct slice name,
                                         int64_t rev)
{
    struct kit_customer *u = calloc(1, sizeof(*u));
    u->row = (struct customer){.key = (int64_t)k->customer_count + 1,
                               .id = id,
                               .email = email,
                               .name = name,
                               .category = keep(k, "agent-inbox"),
                               .status = keep(k, "active"),
                               .created_us = rev};
    k->customers[k->customer_count++] = u;
    return u;
}

static void commit_create(struct kit *k, struct op *op)
{
    struct create_chat *o = create_chat_of(op);
    struct kit_customer *u = find_customer(k, o->customer_id.len > 0 ? o->customer_id : o->email);
    if (u)
        o->before = u->row;
    if (u && o->email.len > 0)
        u->row.email = o->email;
    if (!u)
        u = add_customer(k, o->customer_id.len > 0 ? o->customer_id : o->email, o->email, o->name, op->rev);
    o->address_alone = o->before.id.len == 0;
    struct kit_chat *chat = calloc(1, sizeof(*chat));
    snprintf(chat->id, sizeof(chat->id), "%.*s", SLICE_ARG(o->chat.chat_id));
    chat->row = (struct chat){.key = op->rev,
                              .customer_key = u->row.key,
                              .rev = op->rev,
                              .created_us = op->now_us,
                              .last_activity_us = op->now_us,
                              .updated_us = op->now_us,
                              .chat_id = slice_cstr(chat->id),
                              .customer_id = u->row.id,
                              .status = keep(k, "open")};
    u->chats[u->chat_count++] = chat;
    u->row.rev = op->rev;
    u->row.activity_us = op->now_us;
    o->customer = u->row;
    o->chat = chat->row;
}

static void commit_put_customer(struct kit *k, struct op *op)
{
    struct put_customer *o = put_customer_of(op);
    struct kit_customer *u = find_customer(k, o->given.email);
    if (u)
        o->before = u->row;
    else
        u = add_customer(k, o->given.email, o->given.email, o->given.name, op->rev);
    o->address_alone = o->before.id.len == 0;
    u->row.name = o->given.name;
    u->row.owner = o->given.owner;
    u->row.last_seen_us = u->row.activity_us = op->now_us;
    u->row.rev = op->rev;
    o->customer = u->row;
}

static void link_of(const struct kit_customer *u, const struct kit_chat *chat, struct chat_link *link)
{
    *link = (struct chat_link){.known = true,
                               .flags = chat->row.flags,
                               .chat_key = chat->row.key,
                               .customer_key = u->row.key,
                               .customer_id = u->row.id,
                               .owner = u->row.owner,
                               .owner_known = true};
}

static struct kit_message *new_message(struct kit_chat *chat)
{
    if (chat->count == chat->cap) {
        chat->cap = chat->cap ? chat->cap * 2 : 8;
        chat->messages = realloc(chat->messages, chat->cap * sizeof(*chat->messages));
    }
    return &chat->messages[chat->count++];
}

static void commit_send(struct kit *k, struct op *op)
{
    struct new_message *o = &send_of(op)->message;
    struct kit_customer *u;
    struct kit_chat *chat = find_chat(k, o->chat_id, &u);
    if (!chat) {
        op->result = ERR_NOT_FOUND;
        return;
    }
    link_of(u, chat, &o->link);
    struct kit_message *m = new_message(chat);
    *m = (struct kit_message){.rev = o->rev,
                              .role = arena_dup(&k->arena, o->role),
                              .text = arena_dup(&k->arena, o->text),
                              .agent = o->agent_id.len > 0 ? arena_dup(&k->arena, o->agent_id) : NULL,
                              .via_widget = o->via_widget};
    chat->row.flags |= chat_flags_of_role(o->role);
    if (slice_eq(o->role, SLICE_LIT("user")) && chat->row.flags & CHAT_CLOSED) {
        chat->row.flags &= (uint8_t)~CHAT_CLOSED;
        chat->row.status = keep(k, "open");
        chat->row.rev = o->rev;
        o->reopened = true;
    }
    u->row.rev = o->rev;
    chat->row.last_activity_us = chat->row.updated_us = u->row.activity_us = o->timestamp_us;
}

static void commit_ai(struct kit *k, struct op *op)
{
    struct set_ai *o = set_ai_of(op);
    struct kit_customer *u;
    struct kit_chat *chat = find_chat(k, o->chat_id, &u);
    if (!chat) {
        op->result = ERR_NOT_FOUND;
        return;
    }
    link_of(u, chat, &o->link);
    chat->row.flags = (uint8_t)(o->enabled ? chat->row.flags & ~CHAT_AI_DISABLED : chat->row.flags | CHAT_AI_DISABLED);
    chat->row.rev = op->rev;
    chat->row.updated_us = op->now_us;
}

void kit_commit(struct kit *k, struct op *op)
{
    pthread_mutex_lock(&k->lock);
    int64_t rev = ++k->rev;
    batch_give_ids(op, rev, rev);
    if (op->kind == &write_send.op)
        commit_send(k, op);
    else if (op->kind == &write_create_chat.op)
        commit_create(k, op);
    else if (op->kind == &write_put_customer.op)
        commit_put_customer(k, op);
    else
        commit_ai(k, op);
    pthread_mutex_unlock(&k->lock);
}

void kit_apply(struct kit *k, struct op *op)
{
    struct totals changed = {0};
    changed.messages = op->kind == &write_send.op;
    tell_memory(k->cache, &op, 1, &changed);
}

void kit_write(struct kit *k, struct op *op)
{
    kit_commit(k, op);
    kit_apply(k, op);
}

static int64_t said(struct kit *k, struct op *op)
{
    kit_write(k, op);
    CU_ASSERT_EQUAL(op->result, OK);
    return send_of(op)->message.rev;
}

int64_t say(struct kit *k, const char *chat_id, const char *role, const char *text)
{
    return said(k, kit_send(k, chat_id, role, text));
}

int64_t say_as(struct kit *k, const char *chat_id, const char *agent, const char *text)
{
    struct op *op = kit_send(k, chat_id, "agent", text);
    send_of(op)->message.agent_id = send_of(op)->message.agent_name = keep(k, agent);
    return said(k, op);
}

int64_t say_via(struct kit *k, const char *chat_id, const char *role, const char *text)
{
    struct op *op = kit_send(k, chat_id, role, text);
    send_of(op)->message.via_widget = true;
    return said(k, op);
}

void open_chat(struct kit *k, const char *customer_id, const char *chat_id)
{
    char email[160], name[160];
    snprintf(email, sizeof(email), "%s@x.io", customer_id);
    snprintf(name, sizeof(name), "Name of %s", customer_id);
    kit_write(k, kit_create(k, customer_id, email, name, chat_id));
}

void add_legacy(struct kit *k, const char *chat_id, const char *role, const char *text)
{
    struct kit_chat *chat = find_chat(k, slice_cstr(chat_id), NULL);
    /* In the old service's local time: later than all that follows. */
    *new_message(chat) = (struct kit_message){.rev = T0 + INT64_C(3600000000),
                                              .role = arena_dup(&k->arena, slice_cstr(role)),
                                              .text = arena_dup(&k->arena, slice_cstr(text)),
                                              .legacy = true};
}

struct kit_chat *kit_chat(struct kit *k, const char *chat_id)
{
    struct kit_chat *chat = find_chat(k, slice_cstr(chat_id), NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(chat);
    return chat;
}

void kit_tell_read(struct kit *k, const char *chat_id, enum chat_side side, int64_t mark)
{
    struct kit_customer *u;
    struct chat_link link;
    struct event e = {.kind = EVENT_READ, .chat_id = slice_cstr(chat_id)};
    pthread_mutex_lock(&k->lock);
    struct kit_chat *chat = find_chat(k, e.chat_id, &u);
    link_of(u, chat, &link);
    e.rev = e.at_us = ++k->rev;
    pthread_mutex_unlock(&k->lock);
    e.read.side = side;
    e.read.mark = mark;
    e.read.link = &link;
    cache_take(k->cache, &e, 1);
}

void kit_read(struct kit *k, const char *chat_id, enum chat_side side, int64_t mark)
{
    pthread_mutex_lock(&k->lock);
    struct chat *row = &kit_chat(k, chat_id)->row;
    int64_t *stored = side == SIDE_AGENTS ? &row->agents_read : &row->customer_read;
    if (mark > *stored)
        *stored = mark;
    pthread_mutex_unlock(&k->lock);
    kit_tell_read(k, chat_id, side, mark);
}

void kit_change(struct kit *k, const char *chat_id, const char *assigned_to, bool closed)
{
    struct kit_customer *u;
    struct chat_link link;
    struct event e = {.kind = EVENT_CHAT_CHANGED, .chat_id = slice_cstr(chat_id)};
    pthread_mutex_lock(&k->lock);
    struct kit_chat *chat = find_chat(k, e.chat_id, &u);
    struct chat *row = &chat->row;
    link_of(u, chat, &link);
    row->assigned_to = keep(k, assigned_to);
    row->status = keep(k, closed ? "closed" : "open");
    row->flags = (uint8_t)(closed ? row->flags | CHAT_CLOSED : row->flags & ~CHAT_CLOSED);
    row->rev = u->row.rev = row->updated_us = u->row.activity_us = e.rev = e.at_us = ++k->rev;
    struct chat now = *row;
    pthread_mutex_unlock(&k->lock);
    e.changed.now = &now;
    e.changed.link = &link;
    cache_take(k->cache, &e, 1);
}

struct answer ask(struct kit *k, const struct view_query *q)
{
    struct view_answer out;
    struct answer a = {0};
    struct arena arena;
    arena_init(&arena, 0);
    cache_serve(k->cache, q, &out);
    if (out.result == VIEW_LOAD) {
        a.built = true;
        view_build(&k->reader, k->cache, q, &arena, &out);
    }
    a.result = out.result;
    a.error = out.error;
    memcpy(a.etag, out.etag, out.etag_len);
    a.body = out.body ? arena_dup(&k->arena, blob_slice(out.body)) : "";
    CU_ASSERT_EQUAL(out.body != NULL, out.result == VIEW_OK);
    blob_drop(out.body);
    arena_fini(&arena);
    return a;
}

struct answer get(struct kit *k, enum view view, const char *ident)
{
    return ask(k, &(struct view_query){.view = view, .ident = slice_cstr(ident ? ident : "")});
}

void cursor_of(const char *body, char out[128])
{
    const char *at = strstr(body, "\"cursor\":\"");
    out[0] = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    CU_ASSERT_EQUAL(sscanf(at, "\"cursor\":\"%127[^\"]\"", out), 1);
}

struct answer ask_since(struct kit *k, struct view_query q, const char *cursor, char next[128])
{
    char text[128];
    snprintf(text, sizeof(text), "%s", cursor);
    view_parse_cursor(slice_cstr(text), &q);
    CU_ASSERT_TRUE(q.has_since);
    struct answer a = ask(k, &q);
    cursor_of(a.body, next);
    return a;
}

int unread_of(const char *body)
{
    const char *at = strstr(body, "\"unread\":");
    int n = -1;
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    CU_ASSERT_EQUAL(sscanf(at, "\"unread\":%d", &n), 1);
    return n;
}

size_t count_of(const char *haystack, const char *needle)
{
    size_t n = 0;
    for (const char *at = haystack; (at = strstr(at, needle)); at++)
        n++;
    return n;
}

/* Without the signature of its cursor, which is another one in each process, and what follows it. */
static char *without_sign(const char *body)
{
    char *text = strdup(body), *at = strstr(text, "\"cursor\":\"");
    char *sign = at ? at + 10 + strspn(at + 10, "0123456789-") : NULL;
    if (sign)
        memmove(sign, strchr(sign, '"'), strlen(strchr(sign, '"')) + 1);
    return text;
}

void check_text(const char *file, int line, const char *answered, const char *wanted)
{
    char *actual = without_sign(answered), *expected = without_sign(wanted);
    if (strcmp(actual, expected) != 0)
        fprintf(stderr, "%s:%d:\n  actual:   %s\n  expected: %s\n", file, line, actual, expected);
    CU_ASSERT_STRING_EQUAL(actual, expected);
    free(actual);
    free(expected);
}
