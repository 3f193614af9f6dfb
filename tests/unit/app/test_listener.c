/* Listeners, admission, acceptor: real sockets on loopback. */
#include "api/api.h"
#include "net/acceptor.h"
#include "net/listener.h"
#include "suites.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static void test_addresses(void)
{
    static const char *const bad[] = {
        "",       "127.0.0.1", "127.0.0.1:",   "127.0.0.1:x", "127.0.0.1:65536", "localhost:1",  "[::1]",
        "[::1]:", "[::1:80",   "::1:80",       "300.0.0.1:1", "127.0.0.1:-1",    "[1.2.3.4]:80", ":",
        ":x",     ":65536",    "127.0.0.1: 80"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct buf why = {0};
        int fd = -1;
        CU_ASSERT_EQUAL(listener_open(slice_cstr(bad[i]), &fd, &why), ERR_INVALID);
        CU_ASSERT(why.len > 0);
        buf_fini(&why);
    }
    CU_ASSERT_TRUE(listener_is_loopback(SLICE_LIT("127.0.0.1:8000")));
    CU_ASSERT_TRUE(listener_is_loopback(SLICE_LIT("127.9.9.9:8000")));
    CU_ASSERT_TRUE(listener_is_loopback(SLICE_LIT("[::1]:8000")));
    CU_ASSERT_FALSE(listener_is_loopback(SLICE_LIT("0.0.0.0:8000")));
    CU_ASSERT_FALSE(listener_is_loopback(SLICE_LIT("[::]:8000")));
    CU_ASSERT_FALSE(listener_is_loopback(SLICE_LIT("10.0.0.1:8000")));
    CU_ASSERT_FALSE(listener_is_loopback(SLICE_LIT(":8000")));
}

/* ":PORT": whoever comes by IPv4 is let in, and by IPv6 where the machine has it. */
static void test_every_address(void)
{
    struct buf why = {0};
    int fd = -1, client = socket(AF_INET, SOCK_STREAM, 0);
    char address[ADDRESS_TEXT_MAX];
    CU_ASSERT_EQUAL_FATAL(listener_open(SLICE_LIT(":0"), &fd, &why), OK);
    listener_address(fd, address);
    const char *port = strrchr(address, ':') + 1;
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CU_ASSERT_EQUAL(connect(client, (struct sockaddr *)&to, sizeof(to)), 0);
    close(client);
    if (address[0] == '[') {
        struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = to.sin_port, .sin6_addr = in6addr_loopback};
        client = socket(AF_INET6, SOCK_STREAM, 0);
        CU_ASSERT(connect(client, (struct sockaddr *)&to6, sizeof(to6)) == 0 || errno == EADDRNOTAVAIL);
        close(client);
    }
    close(fd);
    CU_ASSERT_EQUAL(listener_check(SLICE_LIT(":8000"), &why), OK);
    buf_fini(&why);
}

static void test_port_zero_and_taken_port(void)
{
    struct buf why = {0};
    int fd = -1, second = -1;
    char address[ADDRESS_TEXT_MAX];
    CU_ASSERT_EQUAL_FATAL(listener_open(SLICE_LIT("127.0.0.1:0"), &fd, &why), OK);
    listener_address(fd, address);
    CU_ASSERT(strncmp(address, "127.0.0.1:", 10) == 0 && atoi(address + 10) > 0);
    CU_ASSERT_EQUAL(listener_open(slice_cstr(address), &second, &why), ERR_IO);
    CU_ASSERT(strstr(buf_cstr(&why), "Address already in use") != NULL);
    close(fd);
    buf_fini(&why);
}

static struct sockaddr_in peer_of(const char *address)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET};
    must(inet_pton(AF_INET, address, &in4.sin_addr) == 1);
    return in4;
}

static void test_admission(void)
{
    struct admission *a = admission_new(3, 2);
    struct sockaddr_in one = peer_of("10.0.0.1"), two = peer_of("10.0.0.2");
    uint64_t t1, t2, t3, t4;
    CU_ASSERT_EQUAL(admission_enter(a, (struct sockaddr *)&one, &t1), ADMIT);
    CU_ASSERT_EQUAL(admission_enter(a, (struct sockaddr *)&one, &t2), ADMIT);
    CU_ASSERT_EQUAL(admission_enter(a, (struct sockaddr *)&one, &t3), REFUSE_ADDRESS);
    CU_ASSERT_EQUAL(admission_enter(a, (struct sockaddr *)&two, &t3), ADMIT);
    CU_ASSERT_EQUAL(admission_enter(a, (struct sockaddr *)&two, &t4), REFUSE_TOTAL);
    CU_ASSERT_EQUAL(admission_total(a), 3);
    admission_leave(a, t1);
    CU_ASSERT_EQUAL(admission_enter(a, (struct sockaddr *)&one, &t1), ADMIT);
    admission_leave(a, t1);
    admission_leave(a, t2);
    admission_leave(a, t3);
    CU_ASSERT_EQUAL(admission_total(a), 0);
    admission_free(a);
}

static atomic_int delivered;
static atomic_int flushed;
static atomic_int well_set;
static atomic_int refuse;

static bool has_option(int fd, int option, int wanted)
{
    int value = -1;
    socklen_t len = sizeof(value);
    return getsockopt(fd, IPPROTO_TCP, option, &value, &len) == 0 && value == wanted;
}

static void flush(void *arg)
{
    (void)arg;
    atomic_store(&flushed, atomic_load(&delivered));
}

static enum err deliver(void *arg, const struct accepted *connection)
{
    (void)arg;
    if (atomic_load(&refuse))
        return ERR_BUSY;
    if (has_option(connection->fd, TCP_NODELAY, 1) && has_option(connection->fd, TCP_NOTSENT_LOWAT, 65536))
        atomic_fetch_add(&well_set, 1);
    atomic_fetch_add(&delivered, 1); /* before the client can see the close */
    close(connection->fd);
    return OK;
}

/* To the end of the stream: the status of the answer that came, 0: closed without one, -1: not closed. */
static int read_to_end(int fd)
{
    char text[512] = "";
    size_t len = 0;
    for (;;) {
        struct pollfd pfd = {.fd = fd, .events = POLLIN};
        if (poll(&pfd, 1, 60000) != 1)
            return -1;
        ssize_t n = recv(fd, text + len, sizeof(text) - 1 - len, 0);
        if (n <= 0)
            break;
        len += (size_t)n;
        text[len] = '\0';
    }
    return len == 0 ? 0 : strncmp(text, "HTTP/1.1 ", 9) == 0 ? atoi(text + 9) : -1;
}

static int connect_once(const char *address)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(strchr(address, ':') + 1))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int end = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 ? read_to_end(fd) : -1;
    close(fd);
    return end;
}

static void test_acceptor(void)
{
    struct buf why = {0};
    int fd = -1;
    char address[ADDRESS_TEXT_MAX];
    CU_ASSERT_EQUAL_FATAL(listener_open(SLICE_LIT("127.0.0.1:0"), &fd, &why), OK);
    listener_address(fd, address);
    struct admission *admission = admission_new(2, 0);
    struct acceptor_options options = {.refusal = api_refusal,
                                       .listeners = &fd,
                                       .listener_count = 1,
                                       .admission = admission,
                                       .deliver = deliver,
                                       .flush = flush};
    struct acceptor *acceptor = NULL;
    CU_ASSERT_EQUAL_FATAL(acceptor_start(&options, &acceptor), OK);
    CU_ASSERT_EQUAL(connect_once(address), 0);
    CU_ASSERT_EQUAL(connect_once(address), 0);
    CU_ASSERT_EQUAL(atomic_load(&delivered), 2);
    CU_ASSERT_EQUAL(connect_once(address), 503); /* max-connections: both tickets are still out */
    CU_ASSERT_EQUAL(atomic_load(&delivered), 2);
    admission_leave(admission, 0);
    atomic_store(&refuse, 1); /* the worker's ring is full */
    CU_ASSERT_EQUAL(connect_once(address), 503);
    acceptor_free(acceptor);
    CU_ASSERT_EQUAL(atomic_load(&delivered), 2);
    CU_ASSERT_EQUAL(atomic_load(&flushed), 2); /* nobody who got one sleeps on */
    CU_ASSERT_EQUAL(atomic_load(&well_set), 2);
    CU_ASSERT_EQUAL(admission_total(admission), 1); /* the refused one's ticket is back */
    atomic_store(&refuse, 0);
    admission_free(admission);
    buf_fini(&why);
}

/* Descriptors run out: clients are closed at once, nothing spins, and all is well when they come back. */
static void test_out_of_descriptors(void)
{
    struct buf why = {0};
    int fd = -1;
    char address[ADDRESS_TEXT_MAX];
    atomic_store(&delivered, 0);
    CU_ASSERT_EQUAL_FATAL(listener_open(SLICE_LIT("127.0.0.1:0"), &fd, &why), OK);
    listener_address(fd, address);
    struct admission *admission = admission_new(100, 0);
    struct acceptor_options options = {
        .refusal = api_refusal, .listeners = &fd, .listener_count = 1, .admission = admission, .deliver = deliver};
    struct acceptor *acceptor = NULL;
    CU_ASSERT_EQUAL_FATAL(acceptor_start(&options, &acceptor), OK);
    int probe = dup(fd);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    struct rlimit before, tight;
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, &before), 0);
    tight = before;
    tight.rlim_cur = (rlim_t)client + 1; /* nothing above the client's own descriptor */
    close(probe);
    int filler = dup(fd); /* takes the hole */
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &tight), 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(strchr(address, ':') + 1))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CU_ASSERT_EQUAL(connect(client, (struct sockaddr *)&to, sizeof(to)), 0);
    CU_ASSERT_EQUAL(read_to_end(client), 503);
    CU_ASSERT_EQUAL(atomic_load(&delivered), 0);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &before), 0);
    CU_ASSERT_EQUAL(connect_once(address), 0);
    CU_ASSERT_EQUAL(atomic_load(&delivered), 1);
    close(client);
    close(filler);
    acceptor_free(acceptor);
    admission_free(admission);
    buf_fini(&why);
}

const CU_TestInfo listener_tests[] = {{"addresses", test_addresses},
                                      {"every address", test_every_address},
                                      {"port zero, taken port", test_port_zero_and_taken_port},
                                      {"admission", test_admission},
                                      {"acceptor", test_acceptor},
                                      {"out of descriptors", test_out_of_descriptors},
                                      CU_TEST_INFO_NULL};
