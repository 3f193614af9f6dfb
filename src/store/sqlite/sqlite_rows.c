#include "sqlite_rows.h"

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

enum err row_customer(sqlite3_stmt *stmt, struct arena *a, struct customer *out)
{
    bool failed = false;
    *out = (struct customer){
        .key = sqlite3_column_int64(stmt, 0),
        .id = column_keep(stmt, 1, a, &failed),
        .email = column_keep(stmt, 2, a, &failed),
        .reference = column_keep(stmt, 3, a, &failed),
        .name = column_keep(stmt, 4, a, &failed),
        .ip = column_keep(stmt, 5, a, &failed),
        .vibe = column_keep(stmt, 6, a, &failed),
        .category = column_keep(stmt, 7, a, &failed),
        .status = column_keep(stmt, 8, a, &failed),
        .owner = column_keep(stmt, 9, a, &failed),
        .last_chat = column_keep(stmt, 10, a, &failed),
        .timestamp = column_keep(stmt, 11, a, &failed),
        .location = column_keep(stmt, 12, a, &failed),
        .device = column_keep(stmt, 13, a, &failed),
        .created_us = sqlite3_column_int64(stmt, 14),
        .last_seen_us = sqlite3_column_int64(stmt, 15),
        .total_visits = sqlite3_column_int64(stmt, 16),
        .visit_duration = sqlite3_column_double(stmt, 17),
        .activity_us = sqlite3_column_int64(stmt, 18),
        .rev = sqlite3_column_int64(stmt, 19),
        .chat_count = sqlite3_column_int64(stmt, 20),
        .claimed_email = column_keep(stmt, 21, a, &failed),
    };
    return failed ? ERR_NOMEM : OK;
}

enum err row_message(sqlite3_stmt *stmt, int64_t rev, struct arena *a, struct message *out)
{
    bool failed = false;
    *out = (struct message){
        .rev = rev,
        .timestamp_us = sqlite3_column_int64(stmt, 0),
        .role = column_keep(stmt, 1, a, &failed),
        .text = column_keep(stmt, 2, a, &failed),
        .via_widget = sqlite3_column_int(stmt, 3) == 1,
        .agent_id = column_keep(stmt, 4, a, &failed),
        .agent_name = column_keep(stmt, 5, a, &failed),
    };
    return failed ? ERR_NOMEM : OK;
}

static enum err find_one(struct sqlite_conn *c, enum sql_id id, struct slice value, struct arena *a,
                         struct customer *out)
{
    sqlite3_stmt *stmt = db_stmt(c, id);
    bind_text(stmt, 1, value);
    enum err err = db_row(c, stmt);
    if (err == OK)
        err = row_customer(stmt, a, out);
    db_reset(stmt);
    return err;
}

enum err row_find_customer(struct sqlite_conn *c, enum customer_by by, struct slice value, struct arena *a,
                           struct customer *out)
{
    char text[OID_LEN];
    enum err err = ERR_NOT_FOUND;
    if (by & CUSTOMER_BY_ID)
        err = find_one(c, SQL_CUSTOMER_BY_ID, canonical_customer_id(value, text), a, out);
    if (err == ERR_NOT_FOUND && by & CUSTOMER_BY_REF)
        err = find_one(c, SQL_CUSTOMER_BY_REF, value, a, out);
    if (err == ERR_NOT_FOUND && by & CUSTOMER_BY_EMAIL)
        err = find_one(c, SQL_CUSTOMER_BY_EMAIL, value, a, out);
    if (err == ERR_NOT_FOUND && by & CUSTOMER_BY_EMAIL)
        err = find_one(c, SQL_CUSTOMER_BY_FOLDED_EMAIL, value, a, out);
    return err;
}

static void set_newest(struct chat_row *row, int64_t head, int64_t ts, int64_t total)
{
    row->head = head;
    if (head == 0)
        return;
    row->chat.updated_us = larger(row->chat.updated_us, ts);
    row->chat.last_activity_us = ts;
    row->chat.total_messages = total;
}

enum err row_chat(sqlite3_stmt *stmt, struct arena *a, struct chat_row *out)
{
    bool failed = false;
    *out = (struct chat_row){
        .chat =
            {
                .key = sqlite3_column_int64(stmt, 0),
                .chat_id = column_keep(stmt, 1, a, &failed),
                .customer_key = sqlite3_column_int64(stmt, 2),
                .customer_id = column_keep(stmt, 3, a, &failed),
                .status = column_keep(stmt, 4, a, &failed),
                .created_us = sqlite3_column_int64(stmt, 5),
                .last_activity_us = sqlite3_column_int64(stmt, 5),
                .updated_us = sqlite3_column_int64(stmt, 6),
                .rev = sqlite3_column_int64(stmt, 7),
                .flags = (uint8_t)sqlite3_column_int(stmt, 8),
                .assigned_to = column_keep(stmt, 13, a, &failed),
                .agents_read = sqlite3_column_int64(stmt, 14),
                .customer_read = sqlite3_column_int64(stmt, 15),
            },
        .first = sqlite3_column_int64(stmt, 12),
    };
    set_newest(out, sqlite3_column_int64(stmt, 9), sqlite3_column_int64(stmt, 11), sqlite3_column_int64(stmt, 10));
    return failed ? ERR_NOMEM : OK;
}

enum err row_find_chat(struct sqlite_conn *c, struct slice chat_id, struct arena *a, struct chat_row *out)
{
    sqlite3_stmt *stmt = db_stmt(c, SQL_CHAT_BY_CHAT_ID);
    bind_text(stmt, 1, chat_id);
    enum err err = db_row(c, stmt);
    if (err == OK)
        err = row_chat(stmt, a, out);
    db_reset(stmt);
    return err;
}

void chat_row_overlay(struct chat_row *row, const struct head *head)
{
    if (head->rev <= row->head)
        return;
    set_newest(row, head->rev, head->ts, head->total);
    if (row->first == 0)
        row->first = head->first;
}

struct slice canonical_customer_id(struct slice id, char text[static OID_LEN])
{
    struct oid oid;
    if (!oid_parse(id, &oid))
        return id;
    oid_format(&oid, text);
    return slice_of(text, OID_LEN);
}

enum err meta_get(struct sqlite_conn *c, const char *key, int64_t *out)
{
    sqlite3_stmt *stmt = db_stmt(c, SQL_META_GET);
    bind_text(stmt, 1, slice_cstr(key));
    enum err err = db_row(c, stmt);
    *out = err == OK ? sqlite3_column_int64(stmt, 0) : 0;
    db_reset(stmt);
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err meta_put(struct sqlite_conn *c, const char *key, int64_t value)
{
    sqlite3_stmt *stmt = db_stmt(c, SQL_META_PUT);
    bind_text(stmt, 1, slice_cstr(key));
    bind_int(stmt, 2, value);
    return db_run(c, stmt);
}

/* ---- totals ---- */

static const struct {
    const char *name;
    size_t offset;
} counters[] = {
    {"users", offsetof(struct totals, customers)},
    {"chats", offsetof(struct totals, chats)},
    {"messages", offsetof(struct totals, messages)},
    {"chats_with_agent", offsetof(struct totals, chats_with_agent)},
    {"chats_with_assistant", offsetof(struct totals, chats_with_assistant)},
    {"chats_with_either", offsetof(struct totals, chats_with_either)},
    {"users_with_chats", offsetof(struct totals, customers_with_chats)},
    {"users_with_owner", offsetof(struct totals, customers_with_owner)},
    {"inbox_all", offsetof(struct totals, inbox[INBOX_ALL])},
    {"inbox_agent_active", offsetof(struct totals, inbox[INBOX_AGENT_ACTIVE])},
    {"inbox_agent_resolved", offsetof(struct totals, inbox[INBOX_AGENT_RESOLVED])},
    {"inbox_my_chats", offsetof(struct totals, inbox[INBOX_MY_CHATS])},
    {"inbox_my_escalated", offsetof(struct totals, inbox[INBOX_MY_ESCALATED])},
    {"inbox_my_resolved", offsetof(struct totals, inbox[INBOX_MY_RESOLVED])},
};
#define COUNTERS (sizeof(counters) / sizeof(counters[0]))
_Static_assert(COUNTERS * sizeof(int64_t) == sizeof(struct totals), "a total without a counter");

static int64_t *field(struct totals *t, size_t i)
{
    return (int64_t *)(void *)((char *)t + counters[i].offset);
}

enum err counters_get(struct sqlite_conn *c, struct totals *out)
{
    enum err err = OK;
    for (size_t i = 0; err == OK && i < COUNTERS; i++) {
        sqlite3_stmt *stmt = db_stmt(c, SQL_COUNTER_GET);
        bind_text(stmt, 1, slice_cstr(counters[i].name));
        err = db_row(c, stmt);
        if (err == OK)
            *field(out, i) = sqlite3_column_int64(stmt, 0);
        db_reset(stmt);
    }
    return err == ERR_NOT_FOUND ? ERR_STORE : err;
}

enum err counter_add(struct sqlite_conn *c, const char *name, int64_t delta)
{
    sqlite3_stmt *stmt = db_stmt(c, SQL_COUNTER_ADD);
    bind_text(stmt, 1, slice_cstr(name));
    bind_int(stmt, 2, delta);
    return db_run(c, stmt);
}

enum err counters_add(struct sqlite_conn *c, struct totals *delta, struct totals *sum)
{
    enum err err = OK;
    for (size_t i = 0; err == OK && i < COUNTERS; i++) {
        int64_t more = *field(delta, i);
        *field(sum, i) += more;
        err = more != 0 ? counter_add(c, counters[i].name, more) : OK;
    }
    return err;
}
