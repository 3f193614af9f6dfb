#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define CLIENT_V6_BYTES 8

static struct address from_v6(const struct in6_addr *in6)
{
    struct address a = {.len = 16};
    memcpy(a.bytes, in6, 16);
    if (!IN6_IS_ADDR_V4MAPPED(in6))
        return a;
    struct address v4 = {.len = 4};
    memcpy(v4.bytes, a.bytes + 12, 4);
    return v4;
}

struct address address_of(const struct sockaddr *peer)
{
    struct address a = {0};
    if (peer->sa_family == AF_INET6)
        return from_v6(&((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr);
    if (peer->sa_family == AF_INET) {
        a.len = 4;
        memcpy(a.bytes, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, 4);
    }
    return a;
}

bool port_parse(struct slice text, uint16_t *out)
{
    uint64_t port;
    if (text.len > 5 || !slice_to_u64(text, &port) || port > UINT16_MAX)
        return false;
    *out = (uint16_t)port;
    return true;
}

/* Takes ":PORT" off the end; false: what stands there is not one. */
static bool drop_port(struct slice *text)
{
    uint16_t port;
    const char *colon = memrchr(text->ptr, ':', text->len);
    const char *bracket = memrchr(text->ptr, ']', text->len);
    bool v6 = text->ptr[0] == '[';
    if (!colon || (v6 && bracket && colon < bracket))
        return true;
    if (!v6 && memchr(text->ptr, ':', text->len) != colon)
        return true; /* several colons and no brackets: IPv6 without a port */
    size_t host = (size_t)(colon - text->ptr);
    if (!port_parse(slice_of(colon + 1, text->len - host - 1), &port))
        return false;
    text->len = host;
    return true;
}

bool address_parse(struct slice text, bool with_port, struct address *out)
{
    char host[INET6_ADDRSTRLEN];
    struct in6_addr in6;
    struct in_addr in4;
    if (text.len == 0 || (with_port && !drop_port(&text)))
        return false;
    bool brackets = text.len >= 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']';
    if (brackets)
        text = slice_of(text.ptr + 1, text.len - 2);
    if (text.len == 0 || text.len >= sizeof(host) || memchr(text.ptr, '\0', text.len))
        return false;
    memcpy(host, text.ptr, text.len);
    host[text.len] = '\0';
    if (!brackets && inet_pton(AF_INET, host, &in4) == 1) {
        *out = (struct address){.len = 4};
        memcpy(out->bytes, &in4, 4);
        return true;
    }
    if (inet_pton(AF_INET6, host, &in6) != 1)
        return false;
    *out = from_v6(&in6);
    return true;
}

bool address_and_port(struct slice text, struct address *out, uint16_t *port)
{
    const char *colon = text.len ? memrchr(text.ptr, ':', text.len) : NULL;
    struct slice host = slice_of(text.ptr, colon ? (size_t)(colon - text.ptr) : 0);
    *out = (struct address){0};
    if (host.len == 0 || (host.ptr[0] != '[' && memchr(host.ptr, ':', host.len)) || !address_parse(host, false, out))
        return false;
    return port_parse(slice_of(colon + 1, text.len - host.len - 1), port);
}

void address_format(const struct address *a, char out[static ADDRESS_TEXT_MAX])
{
    must(inet_ntop(a->len == 4 ? AF_INET : AF_INET6, a->bytes, out, ADDRESS_TEXT_MAX));
}

bool address_in_loopback(const struct address *a)
{
    static const uint8_t v6[16] = {[15] = 1};
    return a->len == 4 ? a->bytes[0] == 127 : a->len == 16 && memcmp(a->bytes, v6, 16) == 0;
}

struct slice address_client(const struct address *a)
{
    return slice_of((const char *)a->bytes, a->len == 16 ? CLIENT_V6_BYTES : a->len);
}

bool network_parse(struct slice text, struct network *out)
{
    const char *slash = text.len ? memchr(text.ptr, '/', text.len) : NULL;
    struct slice host = slash ? slice_of(text.ptr, (size_t)(slash - text.ptr)) : text;
    *out = (struct network){0};
    if (!address_parse(host, false, &out->base))
        return false;
    uint64_t bits = out->base.len * 8u, most = bits;
    if (slash && !slice_to_u64(slice_of(slash + 1, text.len - host.len - 1), &bits))
        return false;
    /* ::ffff:10.0.0.0/104 is 10.0.0.0/8; a shorter prefix would be more than IPv4 */
    if (slash && out->base.len == 4 && memchr(host.ptr, ':', host.len)) {
        if (bits < 96)
            return false;
        bits -= 96;
    }
    out->bits = (uint8_t)bits;
    return bits <= most;
}

bool network_has(const struct network *n, const struct address *a)
{
    if (a->len == 0 || a->len != n->base.len)
        return false;
    unsigned whole = n->bits / 8, rest = n->bits % 8;
    if (memcmp(n->base.bytes, a->bytes, whole) != 0)
        return false;
    return rest == 0 || ((n->base.bytes[whole] ^ a->bytes[whole]) >> (8 - rest)) == 0;
}
