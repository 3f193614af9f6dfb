#include "app/check.h"

#include "app/access.h"
#include "base/log.h"
#include "net/listener.h"
#include "store/store.h"

#include <stdio.h>
#include <unistd.h>

static enum err check_addresses(const struct config_list *list, struct buf *why)
{
    enum err e = OK;
    for (unsigned i = 0; e == OK && i < list->count; i++)
        e = listener_check(slice_cstr(list->items[i]), why);
    return e;
}

/* Keys are root's to read; for the store it must not be root's rights that suffice. */
static enum err check_all(const struct config *c, struct buf *warnings, struct buf *why)
{
    struct access access = {0};
    enum err e = check_addresses(&c->listen, why);
    if (e == OK)
        e = check_addresses(&c->admin_listen, why);
    if (e == OK)
        e = access_open(c, &access, warnings, why);
    access_close(&access);
    if (e == OK && c->user && geteuid() == 0)
        e = access_drop_root(c->user, why);
    return e == OK ? store_check(&c->store, warnings, why) : e;
}

bool check_run(const struct config *c, char **envp)
{
    struct buf warnings = {0}, why = {0};
    log_thread_name("main");
    config_unknown_env(envp, &warnings);
    enum err e = check_all(c, &warnings, &why);
    for (struct slice lines = buf_slice(&warnings), line; slice_take(&lines, '\n', &line);)
        fprintf(stderr, "sakurad: warning: %.*s\n", SLICE_ARG(line));
    if (e != OK)
        fprintf(stderr, "sakurad: %s\n", why.len > 0 ? buf_cstr(&why) : err_text(e));
    else
        (void)fputs("configuration is valid\n", stdout);
    buf_fini(&warnings);
    buf_fini(&why);
    return fflush(stdout) == 0 && e == OK;
}

void check_environment(char **envp)
{
    struct buf names = {0};
    config_unknown_env(envp, &names);
    for (struct slice lines = buf_slice(&names), line; slice_take(&lines, '\n', &line);)
        log_warn("environment", "warning=\"%.*s\"", SLICE_ARG(line));
    buf_fini(&names);
}
