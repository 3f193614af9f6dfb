/* access.h: what the options say about who may do what, checked before anything starts and then made ready.
 * Thread:  main, before threads start.
 * Owns:    struct access owns keys and buckets until access_close().
 * Fails:   with a sentence for the operator that names the option and says what to do. */
#pragma once
#include "api/api.h"
#include "base/config.h"

struct access {
    struct auth *auth;          /* NULL: authentication is off */
    struct rate_limiter *rates; /* NULL: no limits */
    struct network proxies[CONFIG_LIST_MAX];
    unsigned proxy_count;
    bool insecure; /* reachable from elsewhere, and no key */
};

/* ERR_INVALID: the options contradict each other, or name what is not there; *why says so. */
NODISCARD enum err access_check(const struct config *c, struct buf *why);
/* warnings: lines for the log. */
NODISCARD enum err access_open(const struct config *c, struct access *out, struct buf *warnings, struct buf *why);
void access_close(struct access *a); /* accepts a zeroed one */
/* Fills the fields of the api that guard its routes. The listeners are in the order of `listen`, then `admin_listen`. */
void access_guard(const struct access *a, const struct config *c, struct api *api);
/* --issue-token: the token and a line end. */
NODISCARD enum err access_issue(const struct config *c, struct buf *out, struct buf *why);
/* --user: the process is that user's from here on, and cannot go back. Sockets are bound and keys read before. */
NODISCARD enum err access_drop_root(const char *user, struct buf *why);
