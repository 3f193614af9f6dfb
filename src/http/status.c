#include "http/reply.h"

static const char *const texts[] = {
    [100] = "Continue",
    [101] = "Switching Protocols",
    [200] = "OK",
    [204] = "No Content",
    [304] = "Not Modified",
    [307] = "Temporary Redirect",
    [400] = "Bad Request",
    [401] = "Unauthorized",
    [403] = "Forbidden",
    [404] = "Not Found",
    [405] = "Method Not Allowed",
    [408] = "Request Timeout",
    [409] = "Conflict",
    [412] = "Precondition Failed",
    [413] = "Content Too Large",
    [414] = "URI Too Long",
    [415] = "Unsupported Media Type",
    [417] = "Expectation Failed",
    [422] = "Unprocessable Content",
    [426] = "Upgrade Required",
    [429] = "Too Many Requests",
    [431] = "Request Header Fields Too Large",
    [500] = "Internal Server Error",
    [501] = "Not Implemented",
    [503] = "Service Unavailable",
    [504] = "Gateway Timeout",
    [505] = "HTTP Version Not Supported",
};

const char *http_status_text(int status)
{
    bool known = status >= 0 && (size_t)status < sizeof(texts) / sizeof(texts[0]) && texts[status];
    return known ? texts[status] : "Unknown";
}

bool reply_is_bodyless(int status)
{
    return status < 200 || status == 204 || status == 304;
}
