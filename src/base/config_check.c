/* What a valid address, network or store URI looks like. Each check says in a few words what is wrong. */
#include "config_table.h"

#include "base/origin.h"

#include <arpa/inet.h>
#include <stdlib.h>

static bool is_port(struct slice s, uint64_t lowest)
{
    uint64_t port;
    return s.len <= 5 && slice_to_u64(s, &port) && port >= lowest && port <= 65535;
}

static bool is_address(int family, struct slice s)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char address[sizeof(struct in6_addr)];
    if (s.len == 0 || s.len >= sizeof(text) || memchr(s.ptr, '\0', s.len))
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    return inet_pton(family, text, address) == 1;
}

const char *check_listen(const char *value)
{
    static const char form[] = "is not an address; give IPv4:PORT or [IPv6]:PORT, such as 127.0.0.1:8000";
    const char *colon = strrchr(value, ':');
    if (!colon)
        return form;
    struct slice host = slice_of(value, (size_t)(colon - value));
    bool v6 = host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (v6 ? !is_address(AF_INET6, slice_of(host.ptr + 1, host.len - 2)) : !is_address(AF_INET, host))
        return form;
    if (!is_port(slice_cstr(colon + 1), 0))
        return "has a bad port; give 0 to 65535";
    return NULL;
}

/* Or @FILE, whose lines are read when the server starts. */
const char *check_origin(const char *value)
{
    if (value[0] == '@')
        return value[1] ? NULL : "names no file; give @FILE, one origin a line";
    return origin_check(value);
}

void tidy_origin(const char *value, struct buf *out)
{
    if (value[0] == '@')
        buf_append_slice(out, slice_cstr(value));
    else
        origin_tidy(value, out);
}

const char *check_store(const char *value)
{
    static const char form[] =
        "is not a store; give sqlite:PATH, mongodb://HOST[:PORT]/DATABASE or mongodb+srv://HOST/DATABASE";
    struct slice uri = slice_cstr(value);
    const struct slice schemes[] = {SLICE_LIT("sqlite:"), SLICE_LIT("mongodb://"), SLICE_LIT("mongodb+srv://")};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (slice_starts(uri, schemes[i]) && uri.len > schemes[i].len)
            return NULL;
    return form;
}

/* An address, or a network as ADDR/BITS. */
const char *check_network(const char *value)
{
    static const char form[] = "is not a network; give ADDR or ADDR/BITS, such as 10.0.0.0/8 or 2001:db8::/32";
    struct slice text = slice_cstr(value);
    const char *slash = strchr(value, '/');
    uint64_t bits = 0;
    if (slash)
        text.len = (size_t)(slash - value);
    bool v4 = is_address(AF_INET, text);
    if (!v4 && !is_address(AF_INET6, text))
        return form;
    if (slash && (!slice_to_u64(slice_cstr(slash + 1), &bits) || bits > (v4 ? 32 : 128)))
        return form;
    return NULL;
}

const char *check_issue(const char *value)
{
    static const char form[] = "is not a principal; give dashboard, dashboard:OWNER or widget:CUSTOMER";
    struct slice text = slice_cstr(value);
    const struct slice bound[] = {SLICE_LIT("dashboard:"), SLICE_LIT("widget:")};
    if (slice_eq(text, SLICE_LIT("dashboard")))
        return NULL;
    for (size_t i = 0; i < sizeof(bound) / sizeof(bound[0]); i++)
        if (slice_starts(text, bound[i]))
            return text.len > bound[i].len ? NULL : form;
    return form;
}
