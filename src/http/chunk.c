/* Extensions mean nothing to us, but a line that is no chunk line by the grammar may be read as another by the next
 * server: it is refused. So are blanks around ";" and "=", which the RFC asks nobody to send and parsers skip in
 * different ways. */
#include "chunk.h"

#include "head.h"

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

/* ";" token, then nothing or "=" and a token or quoted string. The bytes it takes; 0: malformed. */
static size_t extension_len(struct slice s)
{
    size_t name = s.len > 0 && s.ptr[0] == ';' ? token_len(after(s, 1)) : 0;
    if (name == 0)
        return 0;
    size_t len = 1 + name;
    if (len == s.len || s.ptr[len] != '=')
        return len;
    struct slice text = after(s, ++len);
    size_t value = token_len(text);
    if (value == 0)
        value = quoted_len(text);
    return value ? len + value : 0;
}

bool chunk_line_read(struct slice line, size_t *size, size_t *size_len)
{
    size_t i = 0, value = 0;
    for (; i < line.len; i++) {
        int digit = http_hex_digit(line.ptr[i]);
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
