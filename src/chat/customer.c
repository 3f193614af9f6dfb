#include "chat/customer.h"

#include "chat/email.h"

#include "base/text.h"

#define DEFAULT_VIBE     "neutral"
#define DEFAULT_CATEGORY "agent-inbox"
#define DEFAULT_STATUS   "active"
#define NAME_ID_BYTES    8 /* "User <first 8 of id>" */

bool customer_name_is_default(struct slice name)
{
    return name.len == 0 || slice_eq(name, SLICE_LIT("Widget User")) || slice_starts(name, SLICE_LIT("User "));
}

/* No printf: an id that stands in a database may hold a NUL. */
static struct slice join(struct arena *a, struct slice before, struct slice middle, struct slice after)
{
    size_t len = before.len + middle.len + after.len;
    char *text = arena_alloc(a, len);
    if (!text)
        return (struct slice){0};
    (void)slice_put(slice_put(slice_put(text, before), middle), after);
    return slice_of(text, len);
}

/* The first bytes of the id, not cut inside a character. */
static struct slice id_prefix(struct slice id)
{
    size_t len = 0;
    while (len < id.len && len < NAME_ID_BYTES) {
        size_t step = utf8_len(slice_of(id.ptr + len, id.len - len));
        len += step > 0 ? step : 1;
    }
    return slice_of(id.ptr, len < id.len ? len : id.len);
}

enum err customer_unknown(struct arena *a, struct slice id, int64_t now_us, struct customer *out)
{
    *out = (struct customer){
        .created_us = now_us,
        .last_seen_us = now_us,
        .total_visits = 1,
        .id = id,
        .email = join(a, SLICE_LIT(EMAIL_MADE_BEGIN), id, SLICE_LIT(EMAIL_DEFAULT_DOMAIN)),
        .name = join(a, SLICE_LIT("User "), id_prefix(id), SLICE_LIT("")),
        .vibe = SLICE_LIT(DEFAULT_VIBE),
        .category = SLICE_LIT(DEFAULT_CATEGORY),
        .status = SLICE_LIT(DEFAULT_STATUS),
    };
    return id.ptr && out->email.ptr && out->name.ptr ? OK : ERR_NOMEM;
}
