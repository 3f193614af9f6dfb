#include "base/slice.h"

static char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool slice_eq_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i]))
            return false;
    return true;
}

bool slice_starts(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && slice_eq(slice_of(s.ptr, prefix.len), prefix);
}

bool slice_ends(struct slice s, struct slice suffix)
{
    if (s.len < suffix.len)
        return false;
    return suffix.len == 0 || memcmp(s.ptr + (s.len - suffix.len), suffix.ptr, suffix.len) == 0;
}

/* strchr() finds the NUL that ends the set, too: a NUL byte in the slice must not count as a member. */
static bool in_set(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

struct slice slice_trim(struct slice s, const char *set)
{
    while (s.len > 0 && in_set(s.ptr[0], set)) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && in_set(s.ptr[s.len - 1], set))
        s.len--;
    return s;
}

bool slice_take(struct slice *rest, char end, struct slice *part)
{
    *part = *rest;
    if (rest->len == 0)
        return false;
    const char *at = memchr(rest->ptr, end, rest->len);
    if (at)
        part->len = (size_t)(at - rest->ptr);
    size_t step = part->len + (at ? 1 : 0);
    *rest = slice_of(rest->ptr + step, rest->len - step);
    return true;
}
