/* address.h: an IP address as a short value, and networks in CIDR form.
 * Thread:  values; no state.
 * An IPv4 address that came mapped into IPv6 (::ffff:1.2.3.4) is its IPv4 address. */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include <sys/socket.h>

struct address {
    uint8_t len; /* 0: none; 4; 16 */
    uint8_t bytes[16];
};

struct network {
    struct address base;
    uint8_t bits;
};

struct address address_of(const struct sockaddr *peer); /* len 0: another family */
/* "1.2.3.4", "::1", "[::1]"; with_port: also "1.2.3.4:80" and "[::1]:80", which proxies write. */
bool address_parse(struct slice text, bool with_port, struct address *out);
/* "1.2.3.4:80" or "[::1]:80". False: out->len is 0 where the address is at fault, else it is the port. */
bool address_and_port(struct slice text, struct address *out, uint16_t *port);
bool port_parse(struct slice text, uint16_t *out);                               /* one to five digits, 0 to 65535 */
#define ADDRESS_TEXT_MAX 64                                                      /* with brackets, port and NUL */
void address_format(const struct address *a, char out[static ADDRESS_TEXT_MAX]); /* without brackets; len is not 0 */
bool address_in_loopback(const struct address *a);                               /* 127.0.0.0/8, ::1 */
/* What a limit counts as one client: an IPv6 client owns a whole /64. */
struct slice address_client(const struct address *a);

bool network_parse(struct slice text, struct network *out); /* ADDR or ADDR/BITS */
bool network_has(const struct network *n, const struct address *a);
