#include "app/access.h"

#include "api/api.h"
#include "base/clock.h"
#include "net/listener.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

/* ---- do the options fit together? ---- */

static const char *beyond_loopback(const struct config_list *list)
{
    for (unsigned i = 0; i < list->count; i++)
        if (!listener_is_loopback(slice_cstr(list->items[i])))
            return list->items[i];
    return NULL;
}

static enum err check_reach(const struct config *c, struct buf *why)
{
    const char *flag = "--listen", *open = beyond_loopback(&c->listen);
    if (!open) {
        flag = "--admin-listen";
        open = beyond_loopback(&c->admin_listen);
    }
    if (!open || c->auth_key.count > 0 || c->insecure_no_auth)
        return OK;
    buf_printf(why,
               "%s %s: beyond loopback whoever reaches the port could read and write everything; give --auth-key FILE "
               "(a new key: head -c 48 /dev/urandom | base64 -w0 > FILE && chmod 600 FILE), or --insecure-no-auth if "
               "that is wanted",
               flag, open);
    return ERR_INVALID;
}

static enum err check_doors(const struct config *c, struct buf *why)
{
    for (unsigned i = 0; i < c->admin_listen.count; i++)
        for (unsigned k = 0; k < c->listen.count; k++)
            if (strcmp(c->admin_listen.items[i], c->listen.items[k]) == 0 &&
                !slice_ends(slice_cstr(c->listen.items[k]), SLICE_LIT(":0"))) {
                buf_printf(why, "--admin-listen %s: is a --listen address too; give it one of its own",
                           c->admin_listen.items[i]);
                return ERR_INVALID;
            }
    return OK;
}

static enum err check_user(const struct config *c, struct buf *why)
{
    if (!c->user)
        return OK;
    const struct passwd *entry = getpwnam(c->user);
    if (!entry)
        buf_printf(why, "--user %s: there is no such user", c->user);
    else if (entry->pw_uid == 0)
        buf_printf(why, "--user %s: is root; give a user without rights of its own", c->user);
    else if (geteuid() != 0 && geteuid() != entry->pw_uid)
        buf_printf(why, "--user %s: needs to be started as root", c->user);
    else
        return OK;
    return ERR_INVALID;
}

enum err access_check(const struct config *c, struct buf *why)
{
    struct access a = {0};
    enum err e = check_reach(c, why);
    if (e == OK)
        e = check_doors(c, why);
    if (e == OK)
        e = check_user(c, why);
    if (e == OK && c->issue_token && c->auth_key.count == 0) {
        buf_append_lit(why, "--issue-token needs --auth-key FILE, the key to sign with");
        e = ERR_INVALID;
    }
    if (e == OK)
        e = access_open(c, &a, NULL, why);
    access_close(&a);
    return e;
}

/* ---- made ready ---- */

static enum err read_proxies(const struct config *c, struct access *a, struct buf *why)
{
    for (unsigned i = 0; i < c->trusted_proxy.count; i++) {
        if (!network_parse(slice_cstr(c->trusted_proxy.items[i]), &a->proxies[i])) {
            buf_printf(why, "--trusted-proxy %s: is not a network", c->trusted_proxy.items[i]);
            return ERR_INVALID;
        }
        a->proxy_count++;
    }
    return OK;
}

enum err access_open(const struct config *c, struct access *out, struct buf *warnings, struct buf *why)
{
    const int64_t rates[RATE_KINDS] = {[RATE_SEND] = c->rate_send,
                                       [RATE_CREATE] = c->rate_create,
                                       [RATE_CONNECT] = c->rate_connect,
                                       [RATE_SIGNAL] = c->rate_signals};
    *out = (struct access){0};
    enum err e = read_proxies(c, out, why);
    if (e == OK)
        e = origins_read(&c->cors_origin, &out->origins, why);
    if (e == OK && c->auth_key.count > 0)
        e = auth_new(c->auth_key.items, c->auth_key.count, &out->auth, warnings, why);
    if (e == OK && access_limits(c)) {
        out->rates = rate_limiter_new(rates, RATE_CLIENTS_MAX);
        e = out->rates ? OK : ERR_NOMEM;
    }
    out->insecure = !out->auth && (beyond_loopback(&c->listen) || beyond_loopback(&c->admin_listen));
    if (warnings && out->insecure)
        buf_append_lit(warnings, "authentication is off and others can connect: whoever reaches the port reads and "
                                 "writes everything (--insecure-no-auth)\n");
    if (e == ERR_NOMEM)
        buf_append_lit(why, "no memory for keys and limits");
    if (e != OK)
        access_close(out);
    return e;
}

void access_close(struct access *a)
{
    auth_free(a->auth);
    origins_free(&a->origins);
    rate_limiter_free(a->rates);
    *a = (struct access){0};
}

/* The keys become the grants'. */
static enum err grant(struct access *a, struct api *api)
{
    enum err e = grants_publish(api->grants, a->auth, a->origins.items, a->origins.count);
    a->auth = NULL;
    return e;
}

enum err access_guard(struct access *a, const struct config *c, struct api *api)
{
    _Static_assert(2 * CONFIG_LIST_MAX <= API_DOORS_MAX, "each listener is a door");
    api->auth_on = a->auth != NULL;
    api->rates = a->rates;
    api->proxies = a->proxies;
    api->proxy_count = a->proxy_count;
    api->admin_apart = c->admin_listen.count > 0;
    api->guarded = a->auth || a->rates || api->admin_apart;
    for (unsigned i = 0; i < c->listen.count; i++)
        api->doors[i] = (struct api_door){.loopback = listener_is_loopback(slice_cstr(c->listen.items[i]))};
    for (unsigned i = 0; i < c->admin_listen.count; i++)
        api->doors[c->listen.count + i] =
            (struct api_door){.admin = true, .loopback = listener_is_loopback(slice_cstr(c->admin_listen.items[i]))};
    return grant(a, api);
}

/* The files are read again. Whether there is authentication at all was decided by the flags and does not change. */
enum err access_reload(const struct config *c, struct api *api, struct buf *warnings, struct buf *why)
{
    struct access a = {0};
    enum err e = origins_read(&c->cors_origin, &a.origins, why);
    if (e == OK && c->auth_key.count > 0)
        e = auth_new(c->auth_key.items, c->auth_key.count, &a.auth, warnings, why);
    if (e == OK)
        e = grant(&a, api);
    if (e == ERR_NOMEM)
        buf_append_lit(why, "no memory for keys and origins");
    access_close(&a);
    return e;
}

/* ---- --issue-token ---- */

enum err access_issue(const struct config *c, struct buf *out, struct buf *why)
{
    struct access a = {0};
    struct principal p;
    struct slice text = slice_cstr(c->issue_token);
    const char *colon = strchr(c->issue_token, ':');
    struct slice id = colon ? slice_cstr(colon + 1) : (struct slice){0};
    bool widget = slice_starts(text, SLICE_LIT("widget:"));
    if (!principal_set(&p, widget ? PRINCIPAL_WIDGET : PRINCIPAL_DASHBOARD, id)) {
        buf_append_lit(why, "--issue-token: the id is longer than 128 bytes, or not text");
        return ERR_INVALID;
    }
    if (c->subject) /* checked with the options */
        must(principal_set_agent(&p, slice_cstr(c->subject), slice_cstr(c->name)));
    enum err e = access_open(c, &a, NULL, why);
    if (e == OK)
        e = auth_issue(a.auth, &p, clock_wall_us() / 1000000, c->token_ttl_s, out);
    buf_append_char(out, '\n');
    access_close(&a);
    return e;
}

/* What a browser on this machine calls it by. False: its port is not known yet. */
static bool put_first_place(const struct config *c, struct buf *out)
{
    static const struct address any;
    struct slice listen = slice_cstr(c->listen.items[0]);
    const char *colon = memrchr(listen.ptr, ':', listen.len);
    struct slice host = slice_of(listen.ptr, (size_t)(colon - listen.ptr));
    struct address address = {0}; /* ":8000" has none */
    if (strcmp(colon, ":0") == 0)
        return false;
    if (!address_parse(host, false, &address) || memcmp(address.bytes, any.bytes, address.len) == 0)
        host = SLICE_LIT("localhost"); /* every address of this machine */
    buf_printf(out, "http://%.*s%s/", SLICE_ARG(host), colon);
    return true;
}

void access_console_link(const struct config *c, struct slice token, struct buf *out)
{
    struct buf place = {0};
    bool dashboard = slice_starts(slice_cstr(c->issue_token), SLICE_LIT("dashboard"));
    if (dashboard && !c->no_console && put_first_place(c, &place)) {
        buf_printf(out, "console: %s#token=", buf_cstr(&place));
        buf_append_slice(out, slice_trim(token, "\n"));
        buf_append_char(out, '\n');
    }
    buf_fini(&place);
}

/* ---- --user ---- */

static enum err refuse(struct buf *why, const char *user, const char *what)
{
    buf_printf(why, "--user %s: %s: %s", user, what, strerror(errno));
    return ERR_DENIED;
}

enum err access_drop_root(const char *user, struct buf *why)
{
    uid_t real, effective, saved;
    errno = 0;
    const struct passwd *entry = getpwnam(user);
    if (!entry)
        return refuse(why, user, "cannot look it up");
    uid_t uid = entry->pw_uid;
    gid_t gid = entry->pw_gid;
    if (geteuid() == 0) {
        /* Groups first: without root they could no longer be given up. */
        if (setgroups(1, &gid) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
            return refuse(why, user, "cannot become it");
    }
    if (getresuid(&real, &effective, &saved) != 0 || real != uid || effective != uid || saved != uid || setuid(0) == 0)
        return refuse(why, user, "root was not given up");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return refuse(why, user, "cannot renounce new privileges");
    return OK;
}
