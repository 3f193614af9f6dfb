#include "http/origin.h"

#include "net/address.h"

struct parts {
    struct slice scheme, host, port; /* port: empty where there is none */
    bool colon;                      /* there is one before the port */
};

static const struct {
    struct slice scheme, port;
} known_ports[] = {{{"http", 4}, {"80", 2}}, {{"https", 5}, {"443", 3}}};

static struct slice own_port(struct slice scheme)
{
    for (size_t i = 0; i < sizeof(known_ports) / sizeof(known_ports[0]); i++)
        if (slice_eq_nocase(scheme, known_ports[i].scheme))
            return known_ports[i].port;
    return (struct slice){0};
}

/* HOST[:PORT] */
static void split_host(struct slice text, struct parts *p)
{
    const char *colon = text.len ? memrchr(text.ptr, ':', text.len) : NULL;
    const char *bracket = text.len ? memrchr(text.ptr, ']', text.len) : NULL;
    p->colon = colon && (!bracket || colon > bracket);
    p->host = text;
    p->port = (struct slice){0};
    if (!p->colon)
        return;
    p->host.len = (size_t)(colon - text.ptr);
    p->port = slice_of(colon + 1, text.len - p->host.len - 1);
}

static bool split(struct slice text, struct parts *p)
{
    const char *mark = text.len ? memmem(text.ptr, text.len, "://", 3) : NULL;
    if (!mark)
        return false;
    p->scheme = slice_of(text.ptr, (size_t)(mark - text.ptr));
    split_host(slice_of(mark + 3, text.len - p->scheme.len - 3), p);
    return true;
}

/* ---- is it one? ---- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_scheme(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!is_letter(c) && (i == 0 || !(is_digit(c) || c == '+' || c == '-' || c == '.')))
            return false;
    }
    return s.len > 0;
}

static bool in_brackets(struct slice s)
{
    return s.len >= 2 && s.ptr[0] == '[' && s.ptr[s.len - 1] == ']';
}

/* Browsers read a host whose last label is a number as an IPv4 address and write it with four. */
static bool ends_in_number(struct slice s)
{
    size_t at = s.len;
    while (at > 0 && is_digit(s.ptr[at - 1]))
        at--;
    return at < s.len && (at == 0 || s.ptr[at - 1] == '.');
}

static bool is_host(struct slice s)
{
    struct address address;
    if (in_brackets(s))
        return address_parse(s, false, &address);
    if (ends_in_number(s))
        return address_parse(s, false, &address) && !memchr(s.ptr, ':', s.len);
    for (size_t i = 0; i < s.len; i++)
        if (!is_letter(s.ptr[i]) && !is_digit(s.ptr[i]) && !strchr(".-_", s.ptr[i]))
            return false;
    return s.len > 0;
}

const char *origin_check(const char *value)
{
    static const char form[] =
        "is not an origin; give SCHEME://HOST[:PORT] without a path, such as https://example.com";
    struct parts p;
    uint16_t port;
    if (!split(slice_cstr(value), &p) || !is_scheme(p.scheme) || !is_host(p.host) ||
        (p.port.len && memchr(p.port.ptr, '/', p.port.len)))
        return form;
    if (p.colon && (!port_parse(p.port, &port) || port == 0))
        return "has a bad port; give SCHEME://HOST[:PORT] with a port of 1 to 65535";
    return NULL;
}

/* ---- as browsers write it ---- */

static void append_lower(struct buf *out, struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        buf_append_char(out, s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? (char)(s.ptr[i] - 'A' + 'a') : s.ptr[i]);
}

/* An IPv4 address inside IPv6 they write in hex. */
static void append_host(struct buf *out, struct slice host)
{
    struct address a;
    char text[ADDRESS_TEXT_MAX];
    if (!in_brackets(host) || !address_parse(host, false, &a)) {
        append_lower(out, host);
    } else if (a.len == 4) {
        buf_printf(out, "[::ffff:%x:%x]", a.bytes[0] << 8 | a.bytes[1], a.bytes[2] << 8 | a.bytes[3]);
    } else {
        address_format(&a, text);
        buf_printf(out, "[%s]", text);
    }
}

void origin_tidy(const char *value, struct buf *out)
{
    struct parts p;
    uint64_t port, own = 0;
    if (!split(slice_cstr(value), &p))
        return;
    append_lower(out, p.scheme);
    buf_append_lit(out, "://");
    append_host(out, p.host);
    (void)slice_to_u64(own_port(p.scheme), &own);
    if (slice_to_u64(p.port, &port) && port != own)
        buf_printf(out, ":%llu", (unsigned long long)port);
}

/* ---- a page of our own ---- */

bool origin_is_of_host(struct slice origin, struct slice host, struct slice scheme)
{
    struct parts page, server;
    if (host.len == 0 || !split(origin, &page))
        return false;
    struct slice own = own_port(page.scheme); /* no other scheme's pages come from a web server */
    if (own.len == 0 || (scheme.len > 0 && !slice_eq_nocase(scheme, page.scheme)))
        return false;
    split_host(host, &server);
    return server.host.len > 0 && slice_eq_nocase(page.host, server.host) &&
           slice_eq(page.port.len ? page.port : own, server.port.len ? server.port : own);
}
