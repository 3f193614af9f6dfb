/* bare.c: the physical limit: one epoll loop that parses nothing.
 *   bare http PORT [BYTES]   each read is taken for one request and answered with the same bytes (a body of BYTES)
 *   bare fan  PORT           a POST's body goes to every WebSocket as one frame, one send() each, then the answer
 * A client must keep to one request at a time that fits a read, and to the key of RFC 6455's sample handshake. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define FDS 262144
static int subscribers[FDS];
static int place[FDS]; /* of a descriptor in subscribers, + 1 */
static int subscriber_count;
static char *answer;
static size_t answer_len;
static const char UPGRADE[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static void send_all(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, 1000);
            continue;
        }
        if (n < 0)
            return;
        bytes += n;
        len -= (size_t)n;
    }
}

static void fan_out(const char *body, size_t len)
{
    static char frame[65536 + 4];
    size_t head = len < 126 ? 2 : 4;
    frame[0] = (char)0x81;
    frame[1] = (char)(len < 126 ? len : 126);
    frame[2] = (char)(len >> 8);
    frame[3] = (char)len;
    memcpy(frame + head, body, len);
    for (int i = 0; i < subscriber_count; i++)
        send_all(subscribers[i], frame, head + len);
}

static void drop(int fd)
{
    if (place[fd]) {
        int last = subscribers[--subscriber_count];
        subscribers[place[fd] - 1] = last;
        place[last] = place[fd];
        place[fd] = 0;
    }
    close(fd);
}

static void serve(int fd, bool fan)
{
    static char in[65536];
    ssize_t n = recv(fd, in, sizeof(in), 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        drop(fd);
    } else if (!fan || in[0] == 'P') {
        char *body = fan ? memmem(in, (size_t)n, "\r\n\r\n", 4) : NULL;
        if (body)
            fan_out(body + 4, (size_t)(in + n - body - 4));
        send_all(fd, answer, answer_len);
    } else if (in[0] == 'G') {
        send_all(fd, UPGRADE, sizeof(UPGRADE) - 1);
        subscribers[subscriber_count++] = fd;
        place[fd] = subscriber_count;
    } /* else: a subscriber talks; nobody listens */
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    bool fan = strcmp(argv[1], "fan") == 0;
    int body = argc > 3 ? atoi(argv[3]) : 16;
    answer_len = (size_t)asprintf(&answer,
                                  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                                  "%0*d",
                                  body, body, 0);
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){FDS, FDS});
    signal(SIGPIPE, SIG_IGN);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1, ep = epoll_create1(0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    struct sockaddr_in at = {AF_INET, htons((unsigned short)atoi(argv[2])), {htonl(INADDR_LOOPBACK)}, {0}};
    if (bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 4096))
        return 1;
    epoll_ctl(ep, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN, .data.fd = listener});
    for (;;) {
        struct epoll_event events[256];
        int n = epoll_wait(ep, events, 256, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd != listener) {
                serve(events[i].data.fd, fan);
                continue;
            }
            for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
                epoll_ctl(ep, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN | EPOLLET, .data.fd = fd});
            }
        }
    }
}
