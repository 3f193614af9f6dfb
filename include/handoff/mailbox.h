/* mailbox.h: many producers give intrusive nodes to one consumer thread, which takes the whole list at once.
 * Thread:  mailbox_push from any thread; mailbox_take, mailbox_sleeping, mailbox_awake from the consumer only.
 * Owns:    nothing: a pushed node belongs to the consumer from the push on; the producer forgets it.
 * Order:   nodes of one producer come out in the order that it pushed them.
 * Wake-up: the eventfd is written only when the consumer has said that it is about to sleep (one wake-up a
 *          batch, none under load). The consumer: take; when empty, mailbox_sleeping(); take once more; when
 *          still empty wait on mailbox_fd(); after the wait mailbox_awake() (which also drains the eventfd).
 * Built on Concurrency Kit's ck_stack (push by many, batch pop by one), reversed on take. */
#pragma once
#include "base/err.h"
#include <stddef.h>

struct mailbox_node {
    struct mailbox_node *next;
};

struct mailbox; /* heap, cache-line aligned: producers' line and consumer's line apart */

struct mailbox *mailbox_new(void); /* NULL: no memory or no descriptor */
void mailbox_free(struct mailbox *m);
void mailbox_push(struct mailbox *m, struct mailbox_node *node);
struct mailbox_node *mailbox_take(struct mailbox *m); /* oldest first, linked by next; NULL when empty */
int mailbox_fd(const struct mailbox *m);
void mailbox_sleeping(struct mailbox *m);
void mailbox_awake(struct mailbox *m);
/* Makes the consumer's wait return with nothing in the mailbox: for what it finds elsewhere (rings, stop and overflow
 * flags). Never lost, even when the consumer is between its last look and mailbox_sleeping(): a poke stays until
 * mailbox_awake(), after which the consumer must look at everything. A system call only when it sleeps. Any thread. */
void mailbox_poke(struct mailbox *m);
