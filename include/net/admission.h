/* admission.h: how many connections there may be, in all and from one address.
 * Thread:  admission_enter() from the acceptor; admission_leave() from any thread. A lock guards the table of
 *          addresses, held for one lookup; without a limit per address there is no table and no lock.
 * Owns:    the table.
 * Fails:   enter says which bound was met; nothing is then counted. */
#pragma once
#include "base/err.h"
#include <stdint.h>
#include <sys/socket.h>

struct admission;

enum admission_verdict { ADMIT, REFUSE_TOTAL, REFUSE_ADDRESS };

struct admission *admission_new(int64_t max_total, int64_t max_per_address); /* 0 per address: no limit */
void admission_free(struct admission *a);
/* ticket: give it back with admission_leave() when the connection has ended, on whatever thread that is. */
enum admission_verdict admission_enter(struct admission *a, const struct sockaddr *peer, uint64_t *ticket);
void admission_leave(struct admission *a, uint64_t ticket);
int64_t admission_total(const struct admission *a);
