/* customer.h: what a request may say of a customer, and what one is called of whom only the id is known.
 * Thread:  any; no state.
 * Owns:    nothing: what is made lives in the caller's arena.
 * Fails:   ERR_NOMEM. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "chat/model.h"

/* Fields that the body of POST /api/users/data had. */
enum customer_field {
    CUSTOMER_EMAIL = 1 << 0,
    CUSTOMER_NAME = 1 << 1,
    CUSTOMER_TIMESTAMP = 1 << 2,
    CUSTOMER_VISITS = 1 << 3,
    CUSTOMER_IP = 1 << 4,
    CUSTOMER_LOCATION = 1 << 5,
    CUSTOMER_DEVICE = 1 << 6,
    CUSTOMER_VIBE = 1 << 7,
    CUSTOMER_DURATION = 1 << 8,
    CUSTOMER_CHAT = 1 << 9,
    CUSTOMER_CATEGORY = 1 << 10,
    CUSTOMER_STATUS = 1 << 11,
    CUSTOMER_OWNER = 1 << 12
};
bool customer_name_is_default(struct slice name); /* "", "Widget User", "User …" */
/* A new customer of whom only the id is known. Keeps the id's slice; what it makes lives in the arena. */
NODISCARD enum err customer_unknown(struct arena *a, struct slice id, int64_t now_us, struct customer *out);
