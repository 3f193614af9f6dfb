/* Extensions mean nothing to us, but a line that is no chunk line by the grammar (RFC 9112, 7.1.1) may be read as another
 * by the next server: it is refused. Blanks may stand around ";" and "=" and nowhere else. */
#include "chunk.h"

#include "head.h"

#include "base/text.h"

static size_t token_len(struct slice s)
{
    size_t i = 0;
    while (i < s.len && http_is_tchar((unsigned char)s.ptr[i]))
        i++;
    return i;
}

/* With both quotes; 0: none begins here, or it does not end. */
static size_t quoted_len(struct slice s)
{
    if (s.len == 0 || s.ptr[0] != '"')
        return 0;
    for (size_t i = 1; i < s.len; i++) {
        if (s.ptr[i] == '"')
            return i + 1;
        if (s.ptr[i] == '\\')
            i++;
    }
    return 0;
}

static struct slice after(struct slice s, size_t len)
{
    return slice_of(s.ptr + len, s.len - len);
}

/* The blanks, the mark and the blanks after it that s begins with; 0: it does not. */
static size_t mark_len(struct slice s, char mark)
{
    size_t i = 0;
    while (i < s.len && (s.ptr[i] == ' ' || s.ptr[i] == '\t'))
        i++;
    if (i == s.len || s.ptr[i++] != mark)
        return 0;
    while (i < s.len && (s.ptr[i] == ' ' || s.ptr[i] == '\t'))
        i++;
    return i;
}

/* ";" token, then nothing or "=" and a token or quoted string. The bytes it takes; 0: malformed. */
static size_t extension_len(struct slice s)
{
    size_t len = mark_len(s, ';');
    size_t name = len > 0 ? token_len(after(s, len)) : 0;
    if (name == 0)
        return 0;
    len += name;
    size_t equals = mark_len(after(s, len), '=');
    if (equals == 0)
        return len;
    len += equals;
    struct slice text = after(s, len);
    size_t value = token_len(text);
    if (value == 0)
        value = quoted_len(text);
    return value ? len + value : 0;
}

bool chunk_line_read(struct slice line, size_t *size, size_t *size_len)
{
    size_t i = 0, value = 0;
    for (; i < line.len; i++) {
        int digit = hex_digit(line.ptr[i]);
        if (digit < 0)
            break;
        if (value > (SIZE_MAX >> 4))
            return false;
        value = value << 4 | (size_t)digit;
    }
    if (i == 0)
        return false;
    *size = value;
    *size_len = i;
    for (struct slice rest = after(line, i); rest.len > 0;) {
        size_t len = extension_len(rest);
        if (len == 0)
            return false;
        rest = after(rest, len);
    }
    return true;
}
