/* conn_share.h: what a connection keeps, settled with the pots of net/share.h. Private to net/. All of it passes where the
 * set has no book.
 * Thread:  the worker's. */
#pragma once
#include "net/conn.h"

/* For the room that the buffers have now. False: they have grown, there is none, and nobody gives way. */
bool conn_charge_in(struct conn *c);
bool conn_charge_out(struct conn *c);
/* A large body for whose rest there would be no room: then another answer goes out, not this one broken off. */
bool conn_is_crowded(const struct conn *c, const struct blob *body);
bool conn_keep_body(struct conn *c, struct blob *body); /* pending from now on, none of it sent. False: no room */
void conn_drop_body(struct conn *c);
