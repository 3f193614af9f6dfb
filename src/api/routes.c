/* Every endpoint, a row each: method, path, handler, who may call it, which bucket it draws from. To add one: a row here,
 * a handler in api_<thing>.c, its line in openapi.json and in tests/e2e. */
#include "call.h"

#define GET   METHOD_BIT(METHOD_GET)
#define POST  METHOD_BIT(METHOD_POST)
#define PATCH METHOD_BIT(METHOD_PATCH)

const struct endpoint endpoints[] = {
    /* widget */
    {GET, "/api/health", api_health, ACCESS_PUBLIC, RATE_NONE},
    {POST, "/api/users/data", api_put_customer, ACCESS_OWN, RATE_CREATE},
    {POST, "/api/users/chats/create", api_create_chat, ACCESS_CREATE, RATE_CREATE},
    {POST, "/api/users/chats/{chat_id}/send", api_send, ACCESS_OWN, RATE_SEND},
    {GET, "/api/users/{ident}/chats", api_poll, ACCESS_OWN, RATE_NONE},
    {POST, "/api/chat", api_ask, ACCESS_SIGNED, RATE_NONE},
    {POST, "/api/chats/{chat_id}/read", api_mark_read, ACCESS_OWN, RATE_SIGNAL},
    /* dashboard */
    {GET, "/api/debug/users-chats", api_refetch, ACCESS_DASHBOARD, RATE_NONE},
    {GET, "/api/users", api_customers, ACCESS_DASHBOARD, RATE_NONE},
    {GET, "/api/users/{ident}", api_customer, ACCESS_DASHBOARD, RATE_NONE},
    {PATCH, "/api/users/{ident}", api_change_customer, ACCESS_DASHBOARD, RATE_NONE},
    {GET, "/api/chats", api_chats, ACCESS_DASHBOARD, RATE_NONE},
    {GET, "/api/chats/{chat_id}", api_chat, ACCESS_OWN, RATE_NONE},
    {PATCH, "/api/chats/{chat_id}", api_change_chat, ACCESS_DASHBOARD, RATE_NONE},
    {GET, "/api/chats/{chat_id}/messages", api_history, ACCESS_OWN, RATE_NONE},
    {POST, "/api/dashboard/chats/{chat_id}/send", api_agent_send, ACCESS_DASHBOARD, RATE_SEND},
    {POST, "/api/chats/{chat_id}/send", api_agent_send, ACCESS_DASHBOARD, RATE_SEND},
    {PATCH, "/api/dashboard/chats/{chat_id}/ai-agent", api_set_ai, ACCESS_DASHBOARD, RATE_NONE},
    {GET, "/api/dashboard/chats/{chat_id}/ai-agent", api_get_ai, ACCESS_DASHBOARD, RATE_NONE},
    {GET, "/api/reports/stats", api_report, ACCESS_OVERALL, RATE_NONE},
    {GET, "/api/agent/stats", api_agent, ACCESS_OVERALL, RATE_NONE},
    {GET, "/api/debug/database-overview", api_overview, ACCESS_ADMIN, RATE_NONE},
    {GET, "/health", api_probe, ACCESS_PUBLIC, RATE_NONE},
    {GET, "/ws/dashboard", api_websocket, ACCESS_OWN, RATE_NONE},
    /* pages */
    {GET, "/", api_page, ACCESS_PUBLIC, RATE_NONE},
    {GET, "/demo", api_page, ACCESS_PUBLIC, RATE_NONE},
    {GET, "/stats", api_page, ACCESS_OPERATORS, RATE_NONE},
    {GET, "/assets/{name}", api_page, ACCESS_PUBLIC, RATE_NONE},
    {GET, "/widget.js", api_page, ACCESS_PUBLIC, RATE_NONE},
    {GET, "/client.js", api_page, ACCESS_PUBLIC, RATE_NONE},
    {GET, "/dev/{folder}/{file}", api_source, ACCESS_PUBLIC, RATE_NONE},
    {GET, "/dev/{folder}/{sub}/{file}", api_source, ACCESS_PUBLIC, RATE_NONE},
    /* operators and developers */
    {GET, "/metrics", api_metrics, ACCESS_ADMIN, RATE_NONE},
    {GET, "/api/openapi.json", api_openapi, ACCESS_PUBLIC, RATE_NONE},
    {GET, "/api/asyncapi.json", api_asyncapi, ACCESS_PUBLIC, RATE_NONE},
};
const unsigned endpoint_count = sizeof(endpoints) / sizeof(endpoints[0]);
