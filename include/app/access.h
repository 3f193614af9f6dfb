/* access.h: what the options say about who may do what, checked before anything starts and then made ready.
 * Thread:  main, before threads start.
 * Owns:    struct access owns keys and buckets until access_close().
 * Fails:   with a sentence for the operator that names the option and says what to do. */
#pragma once
#include "api/grants.h"
#include "api/rate_limit.h"
#include "app/config.h"
#include "app/origins.h"
#include "net/address.h"

struct api;

struct access {
    struct auth *auth;                       /* NULL: authentication is off, or handed to the grants */
    struct origin_list origins;              /* whose pages may read answers */
    struct rate_limiter *rates;              /* NULL: no limits */
    struct network proxies[CONFIG_LIST_MAX]; /* the api reads them too */
    unsigned proxy_count;
    bool insecure; /* reachable from elsewhere, and no key */
};

static inline bool access_limits(const struct config *c)
{
    return c->rate_send + c->rate_create + c->rate_connect + c->rate_signals > 0;
}

/* ERR_INVALID: the options contradict each other, or name what is not there; *why says so. */
NODISCARD enum err access_check(const struct config *c, struct buf *why);
/* warnings: lines for the log. */
NODISCARD enum err access_open(const struct config *c, struct access *out, struct buf *warnings, struct buf *why);
void access_close(struct access *a); /* accepts a zeroed one */
/* Fills the fields of the api that guard its routes. The listeners are in the order of `listen`, then `admin_listen`. */
NODISCARD enum err access_guard(struct access *a, const struct config *c, struct api *api);
/* SIGHUP: keys and origins from their files again. Fails: the old ones stay in force, *why says why. */
NODISCARD enum err access_reload(const struct config *c, struct api *api, struct buf *warnings, struct buf *why);
/* --issue-token: the token and a line end. */
NODISCARD enum err access_issue(const struct config *c, struct buf *out, struct buf *why);
/* A line for the person who issued it: where the console opens with that token. Nothing where there is no such place: a widget's
 * token, --no-console, or a port that is not known yet. */
void access_console_link(const struct config *c, struct slice token, struct buf *out);
/* --user: the process is that user's from here on, and cannot go back. Sockets are bound and keys read before. */
NODISCARD enum err access_drop_root(const char *user, struct buf *why);
