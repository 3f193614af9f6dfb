/* email.h: what an e-mail address is here, when two are one, and which are nobody's.
 * Thread:  any; no state.
 * Owns:    nothing.
 * Two addresses are one when they are equal without blanks around them and in small letters (ASCII); each is stored as it
 * was given. The default addresses ("", unknown@example.com, …@widget.local) stand where a client knew none: any number of
 * strangers bring the same, so none of them says who somebody is. But user_<id>@widget.local, which a customer gets who
 * has none, is that customer's alone. */
#pragma once
#include "chat/model.h"

#define EMAIL_BLANKS         " \t\n\r" /* not part of an address; sqlite_sql.h folds with the same */
#define EMAIL_UNKNOWN        "unknown@example.com"
#define EMAIL_DEFAULT_DOMAIN "@widget.local"
#define EMAIL_MADE_BEGIN     "user_" /* then the customer's id, then EMAIL_DEFAULT_DOMAIN */

/* The form that is compared, in `into`; {NULL, 0} for what is longer than any address: equal to itself only. */
struct slice email_fold(struct slice given, char into[static EMAIL_MAX]);
bool email_same(struct slice a, struct slice b);
bool email_is_default(struct slice email);
/* The id of the customer that a default address was made for; empty: it is not made for one. */
struct slice email_made_for(struct slice email);
