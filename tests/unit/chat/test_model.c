#include "chat_suites.h"

#include "chat/model.h"

static void test_flags(void)
{
    CU_ASSERT_EQUAL(chat_flags_of_role(SLICE_LIT("agent")), CHAT_HAS_AGENT);
    CU_ASSERT_EQUAL(chat_flags_of_role(SLICE_LIT("assistant")), CHAT_HAS_ASSISTANT);
    CU_ASSERT_EQUAL(chat_flags_of_role(SLICE_LIT("user")), 0);
    CU_ASSERT_EQUAL(chat_flags_of_role(SLICE_LIT("Agent")), 0);
    CU_ASSERT_EQUAL(chat_flags_of_role(SLICE_LIT("")), 0);
}

static void test_inboxes(void)
{
    static const struct {
        const char *category, *status;
        enum inbox inbox;
    } cases[] = {
        {"agent-inbox", "active", INBOX_AGENT_ACTIVE},
        {"agent-inbox", "resolved", INBOX_AGENT_RESOLVED},
        {"agent-inbox", "escalated", INBOX_ALL},
        {"human-chats", "active", INBOX_MY_CHATS},
        {"human-chats", "escalated", INBOX_MY_ESCALATED},
        {"human-chats", "resolved", INBOX_MY_RESOLVED},
        {"", "", INBOX_ALL},
        {"agent-inbox", "", INBOX_ALL},
        {"other", "active", INBOX_ALL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CU_ASSERT_EQUAL(inbox_of(slice_cstr(cases[i].category), slice_cstr(cases[i].status)), cases[i].inbox);
}

const CU_TestInfo model_tests[] = {
    {"flags of a role", test_flags},
    {"inbox of a customer", test_inboxes},
    CU_TEST_INFO_NULL,
};
