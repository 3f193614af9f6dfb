#include "mongo_probe.h"

#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROBE_MS    1000
#define HEADER_LEN  16
#define OPCODE_AT   12
#define OPCODE_MSG  2013 /* little-endian, as everything here */
#define MESSAGE_LEN 52

/* {"hello": 1, "$db": "admin"} as OP_MSG, and an empty line behind it, which those wait for that speak in lines. */
static const char hello[] = "\x34\0\0\0\1\0\0\0\0\0\0\0\xdd\x07\0\0"
                            "\0\0\0\0\0"
                            "\x1f\0\0\0"
                            "\x10hello\0\1\0\0\0"
                            "\x02$db\0\6\0\0\0admin\0\0\r\n\r";
_Static_assert(sizeof(hello) == MESSAGE_LEN + 4, "as its head says");

static bool ready(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    return poll(&p, 1, PROBE_MS) == 1;
}

static enum probe_result ask(int fd)
{
    char answer[HEADER_LEN];
    size_t have = 0;
    if (send(fd, hello, sizeof(hello), MSG_NOSIGNAL) != (ssize_t)sizeof(hello))
        return PROBE_SILENT;
    while (have < sizeof(answer)) {
        if (!ready(fd, POLLIN))
            return have > 0 ? PROBE_OTHER : PROBE_SILENT;
        ssize_t n = recv(fd, answer + have, sizeof(answer) - have, 0);
        if (n <= 0)
            return PROBE_OTHER;
        have += (size_t)n;
    }
    const unsigned char *opcode = (const unsigned char *)answer + OPCODE_AT;
    return (opcode[0] | opcode[1] << 8) == OPCODE_MSG && opcode[2] == 0 && opcode[3] == 0 ? PROBE_MONGO : PROBE_OTHER;
}

static enum probe_result probe_address(const struct addrinfo *at)
{
    enum probe_result result = PROBE_SILENT;
    int error = 0;
    socklen_t len = sizeof(error);
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return PROBE_SILENT;
    (void)connect(fd, at->ai_addr, at->ai_addrlen); /* its result is asked for below */
    if (ready(fd, POLLOUT) && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0)
        result = ask(fd);
    close(fd);
    return result;
}

enum probe_result mongo_probe(const mongoc_host_list_t *host)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    enum probe_result result = PROBE_SILENT;
    char port[8];
    (void)snprintf(port, sizeof(port), "%u", (unsigned)host->port);
    if (host->family == AF_UNIX || getaddrinfo(host->host, port, &hints, &found) != 0)
        return PROBE_SILENT;
    for (const struct addrinfo *at = found; at && result == PROBE_SILENT; at = at->ai_next)
        result = probe_address(at);
    freeaddrinfo(found);
    return result;
}
