#include "chat/model.h"

uint8_t chat_flags_of_role(struct slice role)
{
    if (slice_eq(role, SLICE_LIT(ROLE_AGENT)))
        return CHAT_HAS_AGENT;
    if (slice_eq(role, SLICE_LIT(ROLE_ASSISTANT)))
        return CHAT_HAS_ASSISTANT;
    return 0;
}

enum inbox inbox_of(struct slice category, struct slice status)
{
    static const struct {
        const char *category, *status;
        enum inbox inbox;
    } rows[] = {
        {CATEGORY_AGENT_INBOX, "active", INBOX_AGENT_ACTIVE},  {CATEGORY_AGENT_INBOX, "resolved", INBOX_AGENT_RESOLVED},
        {CATEGORY_HUMAN_CHATS, "active", INBOX_MY_CHATS},      {CATEGORY_HUMAN_CHATS, "escalated", INBOX_MY_ESCALATED},
        {CATEGORY_HUMAN_CHATS, "resolved", INBOX_MY_RESOLVED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (slice_eq(category, slice_cstr(rows[i].category)) && slice_eq(status, slice_cstr(rows[i].status)))
            return rows[i].inbox;
    return INBOX_ALL;
}
