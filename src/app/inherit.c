/* sd_listen_fds(3) describes the variables. They are read here: the library that does it brings eight others along. */
#include "inherit.h"

#include "base/text.h"
#include "config_value.h"
#include "net/listener.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_PASSED 3 /* behind standard input, output and error */

static void forget(struct config_list *list)
{
    for (unsigned i = 0; i < list->count; i++)
        free(list->items[i]);
    *list = (struct config_list){0};
}

static bool is_listening_tcp(int fd)
{
    int accepts = 0, type = 0, family = 0;
    socklen_t len = sizeof(int);
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &len) == 0 && accepts &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM &&
           getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) == 0 && (family == AF_INET || family == AF_INET6);
}

/* How many are for this process: a child of the one that they were passed to has the variables too. */
static int passed_count(void)
{
    const char *to = getenv("LISTEN_PID"), *many = getenv("LISTEN_FDS");
    uint64_t pid, count;
    bool ours = to && many && slice_to_u64(slice_cstr(to), &pid) && pid == (uint64_t)getpid() &&
                slice_to_u64(slice_cstr(many), &count);
    return !ours ? 0 : count > INT_MAX - FIRST_PASSED ? INT_MAX - FIRST_PASSED : (int)count;
}

static enum err take_one(int fd, struct config_list *list, int *fds, unsigned *count, struct buf *why)
{
    char address[ADDRESS_TEXT_MAX];
    const char *wrong = *count == CONFIG_LIST_MAX  ? "is one too many"
                        : !is_listening_tcp(fd)    ? "is no listening TCP socket"
                        : listener_adopt(fd) != OK ? "cannot be set up"
                                                   : NULL;
    if (wrong) {
        buf_printf(why, "the socket passed as descriptor %d %s; see ListenStream= in sakurad.socket", fd, wrong);
        return ERR_INVALID;
    }
    if (*count == 0)
        forget(list);
    listener_address(fd, address);
    list->items[*count] = strdup(address);
    if (!list->items[*count])
        return ERR_NOMEM;
    fds[(*count)++] = fd;
    list->count = *count;
    return OK;
}

static bool was_given(const struct config *c, const char *flag)
{
    return c->origin[option_find(slice_cstr(flag)) - option_rows].from != CONFIG_FROM_DEFAULT;
}

enum err inherit_sockets(struct config *c, struct inherited *out, struct buf *why)
{
    struct slice names = slice_cstr(getenv("LISTEN_FDNAMES")), name;
    int passed = passed_count();
    enum err e = OK;
    *out = (struct inherited){0};
    for (int fd = FIRST_PASSED; fd < FIRST_PASSED + passed && e == OK; fd++) {
        bool admin = slice_take(&names, ':', &name) && slice_eq(name, slice_cstr("admin"));
        e = admin ? take_one(fd, &c->admin_listen, out->admin, &out->admin_count, why)
                  : take_one(fd, &c->listen, out->listen, &out->listen_count, why);
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    out->overrode = (out->listen_count && was_given(c, "listen")) || (out->admin_count && was_given(c, "admin-listen"));
    if (e == ERR_NOMEM)
        buf_append_lit(why, "no memory for the sockets that were passed");
    return e;
}
