#include "inherit.h"

#include "config_value.h"
#include "net/listener.h"

#include <stdlib.h>
#include <systemd/sd-daemon.h>

static void forget(struct config_list *list)
{
    for (unsigned i = 0; i < list->count; i++)
        free(list->items[i]);
    *list = (struct config_list){0};
}

static enum err take_one(int fd, struct config_list *list, int *fds, unsigned *count, struct buf *why)
{
    char address[ADDRESS_TEXT_MAX];
    const char *wrong = *count == CONFIG_LIST_MAX                                  ? "is one too many"
                        : sd_is_socket_inet(fd, AF_UNSPEC, SOCK_STREAM, 1, 0) <= 0 ? "is no listening TCP socket"
                        : listener_adopt(fd) != OK                                 ? "cannot be set up"
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
    char **names = NULL;
    enum err e = OK;
    int passed = sd_listen_fds_with_names(1, &names);
    *out = (struct inherited){0};
    if (passed < 0) {
        buf_printf(why, "cannot take the sockets that were passed: %s", strerror(-passed));
        return ERR_INVALID;
    }
    for (int i = 0; i < passed && e == OK; i++) {
        bool admin = names && names[i] && strcmp(names[i], "admin") == 0;
        e = admin ? take_one(SD_LISTEN_FDS_START + i, &c->admin_listen, out->admin, &out->admin_count, why)
                  : take_one(SD_LISTEN_FDS_START + i, &c->listen, out->listen, &out->listen_count, why);
    }
    for (int i = 0; names && i < passed; i++)
        free(names[i]);
    free(names);
    out->overrode = (out->listen_count && was_given(c, "listen")) || (out->admin_count && was_given(c, "admin-listen"));
    if (e == ERR_NOMEM)
        buf_append_lit(why, "no memory for the sockets that were passed");
    return e;
}
