#include "net/listener.h"

#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG      4096  /* the kernel cuts it to net.core.somaxconn */
#define UNSENT_BYTES 65536 /* taken by the kernel ahead of the peer's window; else one that never reads holds 4 MB */

/* "1.2.3.4:80" or "[::1]:80" → socket address. */
static enum err parse_address(struct slice text, struct sockaddr_storage *out, socklen_t *len)
{
    char host[INET6_ADDRSTRLEN];
    bool v6 = text.len > 0 && text.ptr[0] == '[';
    const char *end = v6 ? memchr(text.ptr, ']', text.len) : memrchr(text.ptr, ':', text.len);
    if (!end)
        return ERR_INVALID;
    const char *start = text.ptr + (v6 ? 1 : 0);
    const char *colon = v6 ? end + 1 : end;
    size_t host_len = (size_t)(end - start);
    size_t left = text.len - (size_t)(colon - text.ptr);
    uint64_t port = 0;
    if (host_len >= sizeof(host) || left < 2 || *colon != ':' || !slice_to_u64(slice_of(colon + 1, left - 1), &port) ||
        port > 65535)
        return ERR_INVALID;
    memcpy(host, start, host_len);
    host[host_len] = '\0';
    *out = (struct sockaddr_storage){0};
    struct sockaddr_in *in4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
    if (v6) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons((uint16_t)port);
        *len = sizeof(*in6);
        return inet_pton(AF_INET6, host, &in6->sin6_addr) == 1 ? OK : ERR_INVALID;
    }
    in4->sin_family = AF_INET;
    in4->sin_port = htons((uint16_t)port);
    *len = sizeof(*in4);
    return inet_pton(AF_INET, host, &in4->sin_addr) == 1 ? OK : ERR_INVALID;
}

/* Accepted connections inherit them: two calls less for each. */
static void set_connection_options(int fd)
{
    int on = 1, unsent = UNSENT_BYTES;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
}

enum err listener_open(struct slice address, int *out, struct buf *why)
{
    struct sockaddr_storage at;
    socklen_t len = 0;
    if (parse_address(address, &at, &len) != OK) {
        buf_printf(why, "cannot listen on %.*s: not an ADDR:PORT", SLICE_ARG(address));
        return ERR_INVALID;
    }
    int fd = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0;
    /* An IPv6 listener takes IPv6 only: 0.0.0.0 and [::] can then both be listened on, and mean what they say. */
    if (good && at.ss_family == AF_INET6)
        good = setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0;
    if (good)
        set_connection_options(fd);
    good = good && bind(fd, (struct sockaddr *)&at, len) == 0 && listen(fd, BACKLOG) == 0;
    if (!good) {
        buf_printf(why, "cannot listen on %.*s: %s", SLICE_ARG(address), strerror(errno));
        if (fd >= 0)
            close(fd);
        return ERR_IO;
    }
    *out = fd;
    return OK;
}

enum err listener_check(struct slice address, struct buf *why)
{
    struct sockaddr_storage at;
    socklen_t len = 0;
    if (parse_address(address, &at, &len) != OK) {
        buf_printf(why, "cannot listen on %.*s: not an ADDR:PORT", SLICE_ARG(address));
        return ERR_INVALID;
    }
    if (at.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&at)->sin6_port = 0;
    else
        ((struct sockaddr_in *)&at)->sin_port = 0;
    int fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && bind(fd, (struct sockaddr *)&at, len) == 0;
    if (!good)
        buf_printf(why, "cannot listen on %.*s: %s", SLICE_ARG(address), strerror(errno));
    if (fd >= 0)
        close(fd);
    return good ? OK : ERR_INVALID;
}

void listener_address(int fd, char out[static ADDRESS_TEXT_MAX])
{
    struct sockaddr_storage at = {0};
    socklen_t len = sizeof(at);
    char host[INET6_ADDRSTRLEN] = "?";
    out[0] = '\0';
    if (getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        return;
    if (at.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&at;
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
        snprintf(out, ADDRESS_TEXT_MAX, "[%s]:%u", host, ntohs(in6->sin6_port));
    } else {
        const struct sockaddr_in *in4 = (const struct sockaddr_in *)&at;
        inet_ntop(AF_INET, &in4->sin_addr, host, sizeof(host));
        snprintf(out, ADDRESS_TEXT_MAX, "%s:%u", host, ntohs(in4->sin_port));
    }
}

bool listener_is_loopback(struct slice address)
{
    struct address at;
    return address_parse(address, true, &at) && address_in_loopback(&at);
}
