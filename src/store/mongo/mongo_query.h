/* mongo_query.h: questions that several files ask of customers, chats and messages.
 * Thread:  the connection's.
 * Fails:   ERR_NOT_FOUND; as mongo_failed() says; ERR_NOMEM. */
#pragma once
#include "bson_map.h"
#include "mongo_client.h"

/* Of a chat's embedded messages only the roles: count and flags without the texts. */
#define MONGO_CHAT_FIELDS                                                                                              \
    "{\"chat_id\":1,\"user_id\":1,\"status\":1,\"created_at\":1,\"last_activity\":1,\"updated_at\":1,"                 \
    "\"total_messages\":1,\"last_rev\":1,\"changed_rev\":1,\"ai_agent_enabled\":1,\"has_agent\":1,"                    \
    "\"has_assistant\":1,\"assigned_to\":1,\"agents_read\":1,\"customer_read\":1,\"messages.role\":1}"
NODISCARD enum err mongo_chat(const struct mongo_conn *conn, struct slice chat_id, struct arena *a, struct chat *out);

/* The customers of these ids, each in its place; id empty: there is none. only (may be NULL): nor one that this filter lets not
 * pass. */
NODISCARD enum err mongo_customers_by_id(const struct mongo_conn *conn, const struct slice *ids, size_t count,
                                         const bson_t *only, struct arena *a, struct customer *out);
/* Fills chat_count and raises activity_us by the customers' chats. ids are distinct. rev stays the row's own: the chats
 * were read later, and the row may be older than they are. */
NODISCARD enum err mongo_enrich(const struct mongo_conn *conn, struct customer *customers, size_t count);

/* Documents of customer-messages by chat; those that --migrate copied and not yet took out of the chat's own
 * document do not count. *newest: highest rev. */
struct mongo_count {
    struct slice chat_id;
    bool has_embedded;
    int64_t count;
    int64_t newest;
};
NODISCARD enum err mongo_count_messages(const struct mongo_conn *conn, struct mongo_count *chats, size_t count);
