/* What a valid address, network or store URI looks like. Each check says in a few words what is wrong. */
#include "config_table.h"

#include "chat/validate.h"
#include "http/origin.h"
#include "net/address.h"

const char *check_listen(const char *value)
{
    struct address address;
    uint16_t port;
    if (value[0] == ':' && value[1] != ':') /* every address */
        return port_parse(slice_cstr(value + 1), &port) ? NULL : "has a bad port; give 0 to 65535";
    if (address_and_port(slice_cstr(value), &address, &port))
        return NULL;
    return address.len == 0 ? "is not an address; give IPv4:PORT or [IPv6]:PORT, such as 127.0.0.1:8000, or :PORT for "
                              "every address"
                            : "has a bad port; give 0 to 65535";
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
    struct slice rest;
    if (store_kind_of(value, &rest) != STORE_UNKNOWN && rest.len > 0)
        return NULL;
    return "is not a store; give sqlite:PATH, mongodb://HOST[:PORT]/DATABASE or mongodb+srv://HOST/DATABASE";
}

const char *check_network(const char *value)
{
    struct network network;
    return network_parse(slice_cstr(value), &network)
               ? NULL
               : "is not a network; give ADDR or ADDR/BITS, such as 10.0.0.0/8 or 2001:db8::/32";
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

const char *check_agent(const char *value)
{
    _Static_assert(AGENT_NAME_MAX == CUSTOMER_ID_MAX, "one check for both");
    struct slice text = slice_cstr(value);
    return slice_is_utf8(text) && validate_agent_name(text).fault == FAULT_NONE
               ? NULL
               : "is longer than 128 bytes, or not text; give one line of UTF-8";
}
