/* Every endpoint, a row each. To add one: a row here, a handler in api_<thing>.c, its line in openapi.json and in
 * tests/e2e. */
#include "call.h"

#define GET   METHOD_BIT(METHOD_GET)
#define POST  METHOD_BIT(METHOD_POST)
#define PATCH METHOD_BIT(METHOD_PATCH)

const struct endpoint endpoints[] = {
    /* widget */
    {GET, "/api/health", api_health},
    {POST, "/api/users/data", api_put_user},
    {POST, "/api/users/chats/create", api_create_chat},
    {POST, "/api/users/chats/{chat_id}/send", api_send},
    {GET, "/api/users/{ident}/chats", api_poll},
    {POST, "/api/chat", api_ask},
    /* dashboard */
    {GET, "/api/debug/users-chats", api_refetch},
    {GET, "/api/users", api_users},
    {GET, "/api/users/{ident}", api_user},
    {GET, "/api/chats", api_chats},
    {GET, "/api/chats/{chat_id}", api_chat},
    {GET, "/api/chats/{chat_id}/messages", api_history},
    {POST, "/api/dashboard/chats/{chat_id}/send", api_send},
    {POST, "/api/chats/{chat_id}/send", api_send},
    {PATCH, "/api/dashboard/chats/{chat_id}/ai-agent", api_set_ai},
    {GET, "/api/dashboard/chats/{chat_id}/ai-agent", api_get_ai},
    {GET, "/api/reports/stats", api_report},
    {GET, "/api/agent/stats", api_agent},
    {GET, "/api/debug/database-overview", api_overview},
    {GET, "/health", api_probe},
    {GET, "/ws/dashboard", api_websocket},
    /* operators and developers */
    {GET, "/metrics", api_metrics},
    {GET, "/api/openapi.json", api_openapi},
};
const unsigned endpoint_count = sizeof(endpoints) / sizeof(endpoints[0]);
