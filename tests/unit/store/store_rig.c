#include "store_rig.h"
#include "chat/customer.h"

#include <stdio.h>
#include <stdlib.h>

bool rig_reopen(struct rig *r)
{
    if (r->reader)
        r->store->vtable->reader_close(r->reader);
    if (r->store)
        r->store->vtable->close(r->store);
    r->reader = NULL;
    r->store = NULL;
    enum err err = r->factory->open(r->factory->arg, &r->store);
    CU_ASSERT_EQUAL(err, OK);
    if (err != OK)
        return false;
    err = r->store->vtable->reader_open(r->store, &r->reader);
    CU_ASSERT_EQUAL(err, OK);
    return err == OK;
}

bool rig_open(struct rig *r, const struct store_factory *factory)
{
    *r = (struct rig){.factory = factory, .rev = RIG_T0 - 1000};
    arena_init(&r->arena, 0);
    r->pool = op_pool_new(100000, 16 << 20);
    must(r->pool != NULL);
    factory->wipe(factory->arg);
    if (rig_reopen(r))
        return true;
    rig_close(r);
    return false;
}

void rig_close(struct rig *r)
{
    if (r->reader)
        r->store->vtable->reader_close(r->reader);
    if (r->store)
        r->store->vtable->close(r->store);
    r->factory->wipe(r->factory->arg);
    op_pool_free(r->pool);
    batch_room_fini(&r->room);
    arena_fini(&r->arena);
    buf_fini(&r->text);
    *r = (struct rig){0};
}

/* ---- ops ---- */

static struct op *make(struct rig *r, const struct op_kind *kind)
{
    struct op *op = op_get(r->pool, kind);
    must(op != NULL);
    r->rev += 1000;
    return op;
}

struct op *rig_send(struct rig *r, const char *chat, const char *role, const char *text, const char *key)
{
    struct op *op = make(r, &write_send.op);
    send_of(op)->message.chat_id = slice_cstr(chat);
    send_of(op)->message.role = slice_cstr(role);
    send_of(op)->message.text = slice_cstr(text);
    send_of(op)->message.client_key = slice_cstr(key);
    send_of(op)->message.rev = send_of(op)->message.timestamp_us = r->rev;
    return op;
}

struct op *rig_create(struct rig *r, const char *customer_id, const char *email, const char *name)
{
    struct op *op = make(r, &write_create_chat.op);
    create_chat_of(op)->customer_id = slice_cstr(customer_id);
    create_chat_of(op)->email = slice_cstr(email);
    create_chat_of(op)->name = slice_cstr(name);
    uuid_v4(create_chat_of(op)->chat_id);
    oid_new(&create_chat_of(op)->new_customer);
    op->rev = op->now_us = r->rev;
    return op;
}

/* As the route does it: defaults where the body has nothing. */
struct op *rig_put(struct rig *r, const struct customer *given, uint32_t set)
{
    struct op *op = make(r, &write_put_customer.op);
    struct customer u = *given;
    if (!(set & CUSTOMER_EMAIL))
        u.email = SLICE_LIT("unknown@example.com");
    if (!(set & CUSTOMER_NAME))
        u.name = SLICE_LIT("Unknown User");
    if (!(set & CUSTOMER_VIBE))
        u.vibe = SLICE_LIT("neutral");
    if (!(set & CUSTOMER_CATEGORY))
        u.category = SLICE_LIT("agent-inbox");
    if (!(set & CUSTOMER_STATUS))
        u.status = SLICE_LIT("active");
    if (!(set & CUSTOMER_VISITS))
        u.total_visits = 1;
    put_customer_of(op)->given = u;
    put_customer_of(op)->set = set;
    oid_new(&put_customer_of(op)->new_customer);
    op->rev = op->now_us = r->rev;
    return op;
}

struct op *rig_ai(struct rig *r, const char *chat, bool enabled)
{
    struct op *op = make(r, &write_set_ai.op);
    set_ai_of(op)->chat_id = slice_cstr(chat);
    set_ai_of(op)->enabled = enabled;
    op->rev = op->now_us = r->rev;
    return op;
}

struct op *rig_change(struct rig *r, const char *chat)
{
    struct op *op = make(r, &write_change_chat.op);
    change_chat_of(op)->chat_id = slice_cstr(chat);
    op->rev = op->now_us = r->rev;
    return op;
}

struct op *rig_assign(struct rig *r, const char *chat, const char *to)
{
    struct op *op = rig_change(r, chat);
    change_chat_of(op)->set_assigned = true;
    change_chat_of(op)->assigned_to = slice_cstr(to);
    return op;
}

struct op *rig_close_chat(struct rig *r, const char *chat, bool closed)
{
    struct op *op = rig_change(r, chat);
    change_chat_of(op)->set_closed = true;
    change_chat_of(op)->closed = closed;
    return op;
}

struct op *rig_change_customer(struct rig *r, const char *ident)
{
    struct op *op = make(r, &write_change_customer.op);
    change_customer_of(op)->ident = slice_cstr(ident);
    op->rev = op->now_us = r->rev;
    return op;
}

struct op *rig_mark(struct rig *r, const char *chat, enum chat_side side, int64_t mark)
{
    struct op *op = make(r, &write_mark_read.op);
    mark_read_of(op)->chat_id = slice_cstr(chat);
    mark_read_of(op)->side = side;
    mark_read_of(op)->mark = mark;
    op->rev = op->now_us = r->rev;
    return op;
}

enum err rig_apply(struct rig *r, struct op *const *ops, size_t count)
{
    return batch_apply(r->store, &r->room, ops, count, &r->changed);
}

const char *rig_chat(struct rig *r, const char *customer_id)
{
    struct op *op = rig_create(r, customer_id, NULL, NULL);
    CU_ASSERT_EQUAL(RIG_APPLY(r, op), OK);
    CU_ASSERT_EQUAL(op->result, OK);
    return arena_dup(&r->arena, slice_of(create_chat_of(op)->chat_id, UUID_LEN));
}

enum err rig_say(struct rig *r, const char *chat, const char *role, const char *text)
{
    struct op *op = rig_send(r, chat, role, text, NULL);
    enum err err = RIG_APPLY(r, op);
    enum err result = op->result;
    op_put(r->pool, op);
    return err == OK ? result : err;
}

/* ---- what the store gives back ---- */

static void put_time(struct buf *out, int64_t us)
{
    buf_printf(out, "@%lld", (long long)(us - RIG_T0) / 1000);
}

static void put_mark(struct buf *out, const char *name, int64_t mark)
{
    if (mark == 0)
        return;
    buf_printf(out, " %s=", name);
    put_time(out, mark);
}

static void put_hands(struct buf *out, const struct chat *c)
{
    if (c->assigned_to.len > 0)
        buf_printf(out, " to=%.*s", SLICE_ARG(c->assigned_to));
    put_mark(out, "agents", c->agents_read);
    put_mark(out, "customer", c->customer_read);
}

static enum err on_customer(void *arg, const struct customer *u)
{
    struct buf *out = arg;
    buf_printf(out, "%.*s %.*s %.*s chats=%lld ", SLICE_ARG(u->id), SLICE_ARG(u->name), SLICE_ARG(u->email),
               (long long)u->chat_count);
    put_time(out, u->activity_us);
    buf_append_char(out, '\n');
    return OK;
}

static enum err on_chat(void *arg, const struct chat *c)
{
    struct buf *out = arg;
    buf_printf(out, " chat %.*s total=%lld flags=%d ", SLICE_ARG(c->status), (long long)c->total_messages, c->flags);
    put_time(out, c->created_us);
    put_time(out, c->last_activity_us);
    put_hands(out, c);
    buf_append_char(out, '\n');
    return OK;
}

static enum err on_message(void *arg, const struct message *m)
{
    struct buf *out = arg;
    buf_printf(out, "  %.*s %.*s ", SLICE_ARG(m->role), SLICE_ARG(m->text));
    put_time(out, m->timestamp_us);
    if (m->via_widget)
        buf_append_lit(out, " via widget");
    if (m->agent_id.len > 0 || m->agent_name.len > 0)
        buf_printf(out, " by %.*s (%.*s)", SLICE_ARG(m->agent_name), SLICE_ARG(m->agent_id));
    buf_append_char(out, '\n');
    CU_ASSERT_FALSE(m->read);
    CU_ASSERT_FALSE(m->legacy);
    return OK;
}

const char *rig_load(struct rig *r, const char *ident)
{
    struct load_sink sink = {.customer = on_customer, .chat = on_chat, .message = on_message, .arg = &r->text};
    buf_clear(&r->text);
    enum err err = r->store->vtable->load_customer(r->reader, slice_cstr(ident), &sink);
    if (err == ERR_NOT_FOUND)
        return NULL;
    CU_ASSERT_EQUAL(err, OK);
    return buf_cstr(&r->text);
}

/* ---- one chat's row ---- */

struct row_text {
    struct slice chat_id;
    struct buf *out;
};

static enum err on_row(void *arg, const struct chat *c)
{
    const struct row_text *row = arg;
    if (!slice_eq(c->chat_id, row->chat_id))
        return OK;
    buf_printf(row->out, "%.*s flags=%d rev=", SLICE_ARG(c->status), c->flags);
    put_time(row->out, c->rev);
    put_hands(row->out, c);
    return OK;
}

static enum err no_customer(void *arg, const struct customer *u)
{
    (void)arg, (void)u;
    return OK;
}

static enum err no_message(void *arg, const struct message *m)
{
    (void)arg, (void)m;
    return OK;
}

const char *rig_row(struct rig *r, const char *chat)
{
    const struct store_vtable *v = r->store->vtable;
    struct slice id = slice_cstr(chat);
    struct buf ways[3] = {0};
    struct row_text rows[3] = {{id, &ways[0]}, {id, &ways[1]}, {id, &ways[2]}};
    struct chat found = {0}, read = {0};
    CU_ASSERT_EQUAL(v->read_chat(r->reader, id, &r->arena, &read), OK);
    (void)on_row(&rows[0], &read);
    const struct load_sink sink = {.customer = no_customer, .chat = on_row, .message = no_message, .arg = &rows[1]};
    CU_ASSERT_EQUAL(v->load_customer(r->reader, read.customer_id, &sink), OK);
    CU_ASSERT_EQUAL(v->begin(r->store), OK);
    CU_ASSERT_EQUAL(v->find_chat(r->store, id, &r->arena, &found), OK);
    CU_ASSERT_EQUAL(v->commit(r->store), OK);
    (void)on_row(&rows[2], &found);
    CU_ASSERT_STRING_EQUAL(buf_cstr(&ways[0]), buf_cstr(&ways[1]));
    CU_ASSERT_STRING_EQUAL(buf_cstr(&ways[0]), buf_cstr(&ways[2]));
    const char *text = arena_dup(&r->arena, buf_slice(&ways[0]));
    for (size_t i = 0; i < 3; i++)
        buf_fini(&ways[i]);
    return text;
}

static const char *customers_text(struct rig *r, enum err err, const struct customer *customers, size_t count)
{
    CU_ASSERT_EQUAL(err, OK);
    buf_clear(&r->text);
    for (size_t i = 0; err == OK && i < count; i++)
        buf_printf(&r->text, "%s%.*s", i ? " " : "", SLICE_ARG(customers[i].id));
    return buf_cstr(&r->text);
}

const char *rig_recent(struct rig *r, const char *owner, int64_t skip, int64_t limit)
{
    struct customer *customers;
    size_t count;
    enum err err =
        r->store->vtable->recent_customers(r->reader, slice_cstr(owner), skip, limit, &r->arena, &customers, &count);
    return customers_text(r, err, customers, count);
}

const char *rig_search(struct rig *r, const char *const by[4], int64_t skip, int64_t limit)
{
    struct words words;
    struct slice given[4];
    for (size_t i = 0; i < 4; i++)
        given[i] = slice_cstr(by[i] ? by[i] : "");
    struct customer_filter filter = {.category = given[1], .status = given[2], .owner = given[3]};
    words_of_search(&words, given[0]);
    filter.word_count = words.count;
    memcpy(filter.words, words.items, words.count * sizeof(words.items[0]));
    struct customer *customers;
    size_t count;
    int64_t total;
    enum err err =
        r->store->vtable->search_customers(r->reader, &filter, skip, limit, &r->arena, &customers, &count, &total);
    if (!customers_text(r, err, customers, count))
        return NULL;
    struct buf all = {0};
    buf_printf(&all, "%lld: %s", (long long)total, buf_cstr(&r->text));
    buf_fini(&r->text);
    r->text = all;
    return buf_cstr(&r->text);
}

const char *rig_changed(struct rig *r, int64_t since, int64_t limit)
{
    struct customer *customers;
    size_t count;
    enum err err = r->store->vtable->changed_customers(r->reader, since, limit, &r->arena, &customers, &count);
    return customers_text(r, err, customers, count);
}

const char *rig_chats(struct rig *r, const char *email, int64_t skip, int64_t limit)
{
    struct chat_ref *chats;
    size_t count;
    int64_t total;
    enum err err =
        r->store->vtable->list_chats(r->reader, slice_cstr(email), skip, limit, &r->arena, &chats, &count, &total);
    CU_ASSERT_EQUAL(err, OK);
    buf_clear(&r->text);
    buf_printf(&r->text, "%lld:", (long long)total);
    for (size_t i = 0; err == OK && i < count; i++)
        buf_printf(&r->text, " %.*s", SLICE_ARG(chats[i].customer_id));
    return buf_cstr(&r->text);
}

bool rig_customer(struct rig *r, enum customer_by by, const char *value, struct customer *out)
{
    const struct store_vtable *v = r->store->vtable;
    CU_ASSERT_EQUAL(v->begin(r->store), OK);
    enum err err = v->find_customer(r->store, by, slice_cstr(value), &r->arena, out);
    CU_ASSERT_EQUAL(v->commit(r->store), OK);
    CU_ASSERT(err == OK || err == ERR_NOT_FOUND);
    return err == OK;
}

struct totals rig_totals(struct rig *r)
{
    struct totals t = {0};
    CU_ASSERT_EQUAL(r->store->vtable->read_totals(r->reader, &t), OK);
    return t;
}

const char *rig_totals_text(struct rig *r, const struct totals *t)
{
    buf_clear(&r->text);
    const int64_t values[] = {t->customers,
                              t->chats,
                              t->messages,
                              t->chats_with_agent,
                              t->chats_with_assistant,
                              t->chats_with_either,
                              t->customers_with_chats,
                              t->customers_with_owner,
                              t->inbox[0],
                              t->inbox[1],
                              t->inbox[2],
                              t->inbox[3],
                              t->inbox[4],
                              t->inbox[5]};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        buf_printf(&r->text, "%s%lld", i ? " " : "", (long long)values[i]);
    return buf_cstr(&r->text);
}
