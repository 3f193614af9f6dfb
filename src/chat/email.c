#include "chat/email.h"

struct slice email_fold(struct slice given, char into[static EMAIL_MAX])
{
    struct slice s = slice_trim(given, EMAIL_BLANKS);
    if (s.len > EMAIL_MAX)
        return (struct slice){0};
    for (size_t i = 0; i < s.len; i++)
        into[i] = (char)(s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? s.ptr[i] + ('a' - 'A') : s.ptr[i]);
    return slice_of(into, s.len);
}

bool email_same(struct slice a, struct slice b)
{
    return slice_eq(a, b) || slice_eq_nocase(slice_trim(a, EMAIL_BLANKS), slice_trim(b, EMAIL_BLANKS));
}

static bool ends_nocase(struct slice s, struct slice end)
{
    return s.len >= end.len && slice_eq_nocase(slice_of(s.ptr + s.len - end.len, end.len), end);
}

bool email_is_default(struct slice email)
{
    struct slice s = slice_trim(email, EMAIL_BLANKS);
    return s.len == 0 || slice_eq_nocase(s, SLICE_LIT(EMAIL_UNKNOWN)) ||
           ends_nocase(s, SLICE_LIT(EMAIL_DEFAULT_DOMAIN));
}

struct slice email_made_for(struct slice email)
{
    const struct slice begin = SLICE_LIT(EMAIL_MADE_BEGIN), end = SLICE_LIT(EMAIL_DEFAULT_DOMAIN);
    struct slice s = slice_trim(email, EMAIL_BLANKS);
    if (s.len <= begin.len + end.len || !ends_nocase(s, end) || !slice_eq_nocase(slice_of(s.ptr, begin.len), begin))
        return (struct slice){0};
    return slice_of(s.ptr + begin.len, s.len - begin.len - end.len);
}
