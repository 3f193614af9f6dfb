#include "fetch.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int fetch(const struct endpoint *to, const char *path, struct text *body)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return 0;
    struct timeval limit = {.tv_sec = 5};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    char io[16384];
    int len = snprintf(io, sizeof(io), "GET %s HTTP/1.1\r\nHost: %s:%u\r\n\r\n", path, to->host, to->port);
    struct response r = {0};
    response_begin(&r, false);
    r.sink = body;
    enum response_step step = RESPONSE_BAD;
    if (len > 0 && len < (int)sizeof(io) &&
        connect(fd, (const struct sockaddr *)&to->address, sizeof(to->address)) == 0 &&
        send(fd, io, (size_t)len, MSG_NOSIGNAL) == len)
        step = RESPONSE_MORE;
    while (step == RESPONSE_MORE) {
        ssize_t n = recv(fd, io, sizeof(io), 0);
        size_t used;
        step = n > 0 ? response_feed(&r, io, (size_t)n, &used) : RESPONSE_BAD;
    }
    close(fd);
    response_fini(&r);
    return step == RESPONSE_DONE ? r.status : 0;
}
