/* customer.h: what a request may say of a customer, and what one is called of whom only the id is known.
 * Thread:  any; no state.
 * Owns:    nothing: what is made lives in the caller's arena.
 * Fails:   ERR_NOMEM. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "chat/model.h"

/* Fields that the body of POST /api/users/data had. */
enum user_field {
    USER_EMAIL = 1 << 0,
    USER_NAME = 1 << 1,
    USER_TIMESTAMP = 1 << 2,
    USER_VISITS = 1 << 3,
    USER_IP = 1 << 4,
    USER_LOCATION = 1 << 5,
    USER_DEVICE = 1 << 6,
    USER_VIBE = 1 << 7,
    USER_DURATION = 1 << 8,
    USER_CHAT = 1 << 9,
    USER_CATEGORY = 1 << 10,
    USER_STATUS = 1 << 11,
    USER_OWNER = 1 << 12
};
bool user_name_is_default(struct slice name); /* "", "Widget User", "User …" */
/* A new customer of whom only the id is known. Keeps the id's slice; what it makes lives in the arena. */
NODISCARD enum err user_unknown(struct arena *a, struct slice id, int64_t now_us, struct user *out);
