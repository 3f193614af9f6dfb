/* sqlite_sql.h: every statement that the SQLite store ever runs on its tables, in one list, so that one test can ask
 * SQLite for the plan of each (tests/unit/store/test_sqlite_plan.c).
 * Thread:  constant data.
 * Owns:    nothing. */
#pragma once

/* An address as it is compared, in the way of email_fold(). The index customers_email_folded is on this very expression. */
#define SQL_FOLDED(address) "lower(trim(" address ", ' \t\n\r'))"

/* The columns of a customer, in the order that row_customer() reads. */
#define SQL_CUSTOMER_COLUMNS                                                                                           \
    "id, oid, email, user_ref, name, ip, vibe, category, status, owner, last_chat, timestamp, location, device, "      \
    "created, last_seen, visits, visit_duration, activity, rev, chat_count, claimed_email"

/* The columns of a chat with its customer's id, in the order that row_chat() reads. */
#define SQL_CHAT_ROWS                                                                                                  \
    "SELECT c.id, c.chat_id, c.user, u.oid, c.status, c.created, c.updated, c.rev, c.flags, c.head, c.total, "         \
    "c.last_ts, c.first, c.assigned_to, c.agents_read, c.customer_read FROM chats c JOIN customers u ON u.id = "       \
    "c.user "

#define SQL_STATEMENTS(X)                                                                                              \
    X(SQL_BEGIN_WRITE, "BEGIN IMMEDIATE")                                                                              \
    X(SQL_BEGIN_READ, "BEGIN")                                                                                         \
    X(SQL_COMMIT, "COMMIT")                                                                                            \
    X(SQL_ROLLBACK, "ROLLBACK")                                                                                        \
    /* messages */                                                                                                     \
    X(SQL_MESSAGE_INSERT,                                                                                              \
      "INSERT INTO messages(rev, chat, ts, role, text, client_key, prev, seq, via, agent_id, agent_name) "             \
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING")                                  \
    X(SQL_MESSAGE_BY_KEY, "SELECT rev, ts FROM messages WHERE chat = ?1 AND client_key = ?2")                          \
    X(SQL_MESSAGE_SAME, "SELECT 1 FROM messages WHERE rev = ?1 AND chat = ?2 AND ts = ?3 AND role = ?4 AND text = ?5 " \
                        "AND client_key IS ?6")                                                                        \
    X(SQL_MESSAGE_PREV, "SELECT prev FROM messages WHERE rev = ?1")                                                    \
    X(SQL_MESSAGE_ROW, "SELECT ts, role, text, via, agent_id, agent_name FROM messages WHERE rev = ?1")                \
    X(SQL_MESSAGES_AFTER, "SELECT rev, chat, seq, ts FROM messages WHERE rev > ?1 ORDER BY rev")                       \
    /* chats */                                                                                                        \
    X(SQL_CHAT_LINK, "SELECT c.id, c.user, c.flags, u.oid, c.head, c.total, c.last_ts, u.owner "                       \
                     "FROM chats c JOIN customers u ON u.id = c.user WHERE c.chat_id = ?1")                            \
    X(SQL_CHAT_HEAD, "SELECT user, head, total, last_ts FROM chats WHERE id = ?1")                                     \
    X(SQL_CHAT_KEY, "SELECT id FROM chats WHERE chat_id = ?1")                                                         \
    X(SQL_CHAT_BY_CHAT_ID, SQL_CHAT_ROWS "WHERE c.chat_id = ?1")                                                       \
    X(SQL_CHAT_BY_KEY, SQL_CHAT_ROWS "WHERE c.id = ?1")                                                                \
    X(SQL_CHAT_NAMES, "SELECT c.chat_id, u.oid FROM chats c JOIN customers u ON u.id = c.user WHERE c.id = ?1")        \
    X(SQL_CHATS_OF_CUSTOMER, "SELECT id, activity_rev FROM chats WHERE user = ?1 ORDER BY id")                         \
    X(SQL_CHATS_OF_EMAIL, "SELECT c.id, c.activity_rev FROM customers u JOIN chats c ON c.user = u.id "                \
                          "WHERE " SQL_FOLDED("u.email") " = " SQL_FOLDED("?1"))                                       \
    X(SQL_CHATS_RECENT, "SELECT id, activity_rev FROM chats ORDER BY activity_rev DESC")                               \
    X(SQL_CHATS_FIRST, "SELECT id FROM chats ORDER BY id LIMIT ?1")                                                    \
    X(SQL_CHAT_HEADS_RECENT, "SELECT id, user, head, total, last_ts FROM chats ORDER BY activity_rev DESC LIMIT ?1")   \
    X(SQL_CHAT_INSERT, "INSERT INTO chats(chat_id, user, status, created, updated, rev, flags, activity_rev) "         \
                       "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?6) ON CONFLICT(chat_id) DO NOTHING")                      \
    X(SQL_CHAT_ADD_FLAGS, "UPDATE chats SET flags = flags | ?2 WHERE id = ?1")                                         \
    /* 4: CHAT_AI_DISABLED, 8: CHAT_CLOSED */                                                                          \
    X(SQL_CHAT_SET_FLAGS, "UPDATE chats SET flags = (flags & ~4) | (?2 & 4), rev = max(rev, ?3), "                     \
                          "updated = max(updated, ?4) WHERE id = ?1")                                                  \
    X(SQL_CHAT_PUT, "UPDATE chats SET flags = (flags & ~8) | (?2 & 8), rev = ?3, updated = ?4, status = ?5, "          \
                    "assigned_to = ?6 WHERE id = ?1")                                                                  \
    X(SQL_CHAT_REOPEN, "UPDATE chats SET flags = flags & ~8, rev = ?2, updated = ?3, status = 'open' "                 \
                       "WHERE id = ?1 AND flags & 8")                                                                  \
    X(SQL_CHAT_READ, "UPDATE chats SET customer_read = max(customer_read, ?2), agents_read = max(agents_read, ?3) "    \
                     "WHERE id = ?1 AND (customer_read < ?2 OR agents_read < ?3)")                                     \
    X(SQL_CHAT_ROLL,                                                                                                   \
      "UPDATE chats SET head = ?2, total = ?3, last_ts = ?4, first = CASE first WHEN 0 THEN ?5 ELSE first END, "       \
      "activity_rev = max(activity_rev, ?2) WHERE id = ?1")                                                            \
    /* customers */                                                                                                    \
    X(SQL_CUSTOMER_BY_KEY, "SELECT " SQL_CUSTOMER_COLUMNS " FROM customers WHERE id = ?1")                             \
    X(SQL_CUSTOMER_BY_ID, "SELECT " SQL_CUSTOMER_COLUMNS " FROM customers WHERE oid = ?1")                             \
    X(SQL_CUSTOMER_BY_REF,                                                                                             \
      "SELECT " SQL_CUSTOMER_COLUMNS " FROM customers WHERE user_ref = ?1 AND user_ref <> '' ORDER BY id LIMIT 1")     \
    X(SQL_CUSTOMER_BY_EMAIL, "SELECT " SQL_CUSTOMER_COLUMNS " FROM customers WHERE email = ?1 ORDER BY id LIMIT 1")    \
    X(SQL_CUSTOMER_BY_FOLDED_EMAIL, "SELECT " SQL_CUSTOMER_COLUMNS " FROM customers "                                  \
                                    "WHERE " SQL_FOLDED("email") " = " SQL_FOLDED("?1") " ORDER BY id LIMIT 1")        \
    X(SQL_CUSTOMER_ORDER, "SELECT rev, activity, owner FROM customers WHERE id = ?1")                                  \
    X(SQL_CUSTOMERS_RECENT, "SELECT id, rev FROM customers ORDER BY rev DESC")                                         \
    X(SQL_CUSTOMERS_RECENT_OF_OWNER,                                                                                   \
      "SELECT id, rev FROM customers WHERE owner = ?1 AND owner <> '' ORDER BY rev DESC")                              \
    X(SQL_CUSTOMERS_OF_SECTION, "SELECT id FROM customers WHERE category = ?1 AND status = ?2")                        \
    X(SQL_CUSTOMERS_OF_CATEGORY, "SELECT id FROM customers WHERE category = ?1")                                       \
    X(SQL_CUSTOMERS_OF_STATUS, "SELECT id FROM customers WHERE status = ?1")                                           \
    X(SQL_CUSTOMERS_OF_OWNER, "SELECT id FROM customers WHERE owner = ?1 AND owner <> ''")                             \
    X(SQL_CUSTOMERS_OF_WORD, "SELECT customer FROM customer_words WHERE word >= ?1 AND word < ?2")                     \
    X(SQL_CUSTOMERS_AFTER, "SELECT id, name, email FROM customers WHERE id > ?1 ORDER BY id LIMIT ?2")                 \
    X(SQL_CUSTOMER_NEWEST, "SELECT max(id) FROM customers")                                                            \
    X(SQL_CUSTOMER_NAMED, "SELECT name, email FROM customers WHERE oid = ?1")                                          \
    X(SQL_WORD_ADD, "INSERT INTO customer_words(word, customer) VALUES (?1, ?2) ON CONFLICT DO NOTHING")               \
    X(SQL_WORD_REMOVE, "DELETE FROM customer_words WHERE word = ?1 AND customer = ?2")                                 \
    X(SQL_CUSTOMERS_CHANGED, "SELECT id, rev FROM customers WHERE rev > ?1 ORDER BY rev")                              \
    X(SQL_CUSTOMERS_FIRST, "SELECT " SQL_CUSTOMER_COLUMNS " FROM customers ORDER BY id LIMIT ?1")                      \
    X(SQL_CUSTOMER_PUT,                                                                                                \
      "INSERT INTO customers(oid, email, user_ref, name, ip, vibe, category, status, owner, last_chat, timestamp, "    \
      "location, device, claimed_email, created, last_seen, visits, visit_duration, activity, rev, chat_count) "       \
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, 0) "         \
      "ON CONFLICT(oid) DO UPDATE SET email = ?2, user_ref = ?3, name = ?4, ip = ?5, vibe = ?6, category = ?7, "       \
      "status = ?8, owner = ?9, last_chat = ?10, timestamp = ?11, location = ?12, device = ?13, claimed_email = ?14, " \
      "created = ?15, last_seen = ?16, visits = ?17, visit_duration = ?18, activity = ?19, rev = ?20 RETURNING id")    \
    X(SQL_CUSTOMER_ADD_CHAT, "UPDATE customers SET chat_count = chat_count + 1 WHERE id = ?1")                         \
    X(SQL_CUSTOMER_ROLL, "UPDATE customers SET rev = ?2, activity = max(activity, ?3) WHERE id = ?1 AND rev < ?2")     \
    /* totals, watermarks */                                                                                           \
    X(SQL_COUNTER_GET, "SELECT value FROM counters WHERE name = ?1")                                                   \
    X(SQL_COUNTER_ADD, "UPDATE counters SET value = value + ?2 WHERE name = ?1")                                       \
    X(SQL_META_GET, "SELECT value FROM meta WHERE key = ?1")                                                           \
    X(SQL_META_PUT,                                                                                                    \
      "INSERT INTO meta(key, value) VALUES (?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value")            \
    X(SQL_META_DELETE, "DELETE FROM meta WHERE key = ?1")                                                              \
    X(SQL_MAX_REV,                                                                                                     \
      "SELECT max(coalesce((SELECT max(rev) FROM messages), 0), coalesce((SELECT max(rev) FROM customers), 0), "       \
      "coalesce((SELECT value FROM meta WHERE key = 'last_rev'), 0))")

#define SQL_ID(id, text) id,
enum sql_id { SQL_STATEMENTS(SQL_ID) SQL_COUNT };
