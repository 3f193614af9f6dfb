/* inherit.h: listening sockets that whoever started us has bound (systemd's socket units). They outlive the process, so a
 * restart refuses no connection: what comes meanwhile waits in the kernel's queue. Private to app/.
 * Thread:  main, before others start.
 * Owns:    the descriptors are the process's copies: closing one at the end takes nothing from who passed it.
 * Fails:   ERR_INVALID: one of them is no listening TCP socket, or there are too many; *why says so. */
#pragma once
#include "app/config.h"

struct inherited {
    int listen[CONFIG_LIST_MAX], admin[CONFIG_LIST_MAX]; /* in the order of the config's lists */
    unsigned listen_count, admin_count;
    bool overrode; /* addresses were given too, and are not used */
};

/* Sockets named `admin` are used in place of --admin-listen, all others in place of --listen: the lists in *c then have
 * their addresses. The variables that told of them are gone afterwards. */
NODISCARD enum err inherit_sockets(struct config *c, struct inherited *out, struct buf *why);
