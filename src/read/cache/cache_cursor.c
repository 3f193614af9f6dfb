/* A cursor's text. */
#include "read/view.h"

void view_parse_cursor(struct slice text, struct view_query *q)
{
    uint64_t rev, base = 0;
    q->has_since = false;
    q->since = q->since_base = 0;
    const char *bar = text.len > 0 ? memchr(text.ptr, '-', text.len) : NULL;
    size_t rev_len = bar ? (size_t)(bar - text.ptr) : text.len;
    if (!slice_to_u64(slice_of(text.ptr, rev_len), &rev) || rev > INT64_MAX || rev == 0)
        return;
    if (bar && (!slice_to_u64(slice_of(bar + 1, text.len - rev_len - 1), &base) || base > rev || base == 0))
        return;
    q->has_since = true;
    q->since = (int64_t)rev;
    q->since_base = (int64_t)base;
}
