#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG      4096  /* the kernel cuts it to net.core.somaxconn */
#define UNSENT_BYTES 65536 /* taken by the kernel ahead of the peer's window; else one that never reads holds 4 MB */

static socklen_t to_socket_address(const struct address *a, uint16_t port, struct sockaddr_storage *out)
{
    *out = (struct sockaddr_storage){0};
    if (a->len == 4) {
        struct sockaddr_in *in4 = (struct sockaddr_in *)out;
        *in4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&in4->sin_addr, a->bytes, sizeof(in4->sin_addr));
        return sizeof(*in4);
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
    *in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&in6->sin6_addr, a->bytes, sizeof(in6->sin6_addr));
    return sizeof(*in6);
}

/* ":8000": every address of the machine by one socket for both families; where the kernel has no IPv6, IPv4's. */
static bool every_address(struct slice text, uint16_t *port)
{
    return text.len > 1 && text.ptr[0] == ':' && port_parse(slice_of(text.ptr + 1, text.len - 1), port);
}

/* A socket that is to be bound to the address, in `at`. any_port: its own may be taken. */
static enum err make_socket(struct slice address, bool any_port, struct sockaddr_storage *at, socklen_t *len, int *fd,
                            struct buf *why)
{
    struct address a = {.len = 16};
    uint16_t port;
    bool every = every_address(address, &port);
    if (!every && !address_and_port(address, &a, &port)) {
        buf_printf(why, "cannot listen on %.*s: not an ADDR:PORT", SLICE_ARG(address));
        return ERR_INVALID;
    }
    /* An IPv6 listener takes IPv6 only: 0.0.0.0 and [::] can then both be listened on, and mean what they say. */
    int only = every ? 0 : 1;
    *len = to_socket_address(&a, any_port ? 0 : port, at);
    *fd = socket(at->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0 && every && errno == EAFNOSUPPORT) {
        a = (struct address){.len = 4};
        *len = to_socket_address(&a, any_port ? 0 : port, at);
        *fd = socket(at->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    }
    if (*fd >= 0 && at->ss_family == AF_INET6)
        (void)setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
    return OK;
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
    socklen_t len;
    int fd, on = 1;
    enum err e = make_socket(address, false, &at, &len, &fd, why);
    if (e != OK)
        return e;
    bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0;
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

enum err listener_adopt(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return ERR_IO;
    set_connection_options(fd);
    return OK;
}

enum err listener_check(struct slice address, struct buf *why)
{
    struct sockaddr_storage at;
    socklen_t len;
    int fd;
    enum err e = make_socket(address, true, &at, &len, &fd, why);
    if (e != OK)
        return e;
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
    char host[ADDRESS_TEXT_MAX];
    out[0] = '\0';
    if (getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        return;
    struct address a = address_of((struct sockaddr *)&at);
    address_format(&a, host);
    in_port_t port = a.len == 4 ? ((struct sockaddr_in *)&at)->sin_port : ((struct sockaddr_in6 *)&at)->sin6_port;
    snprintf(out, ADDRESS_TEXT_MAX, a.len == 4 ? "%s:%u" : "[%s]:%u", host, ntohs(port));
}

bool listener_is_loopback(struct slice address)
{
    struct address at;
    return address_parse(address, true, &at) && address_in_loopback(&at);
}
