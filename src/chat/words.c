#include "chat/words.h"

#include "base/text.h"

#define NO_CHARACTER 0xfffd

/* ---- characters ---- */

/* s begins with a well-formed sequence of `len` bytes, or with a byte that is none (len 1). */
static uint32_t decode(const char *at, size_t len)
{
    const unsigned char *p = (const unsigned char *)at;
    switch (len) {
    case 1:
        return p[0] < 0x80 ? p[0] : NO_CHARACTER;
    case 2:
        return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
    case 3:
        return (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
    default:
        return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 | (uint32_t)(p[2] & 0x3f) << 6 |
               (p[3] & 0x3f);
    }
}

static char *put_character(char *at, uint32_t c)
{
    if (c < 0x80) {
        *at++ = (char)c;
    } else if (c < 0x800) {
        *at++ = (char)(0xc0 | c >> 6);
        *at++ = (char)(0x80 | (c & 0x3f));
    } else {
        *at++ = (char)(0xe0 | c >> 12);
        *at++ = (char)(0x80 | (c >> 6 & 0x3f));
        *at++ = (char)(0x80 | (c & 0x3f));
    }
    return at;
}

/* Capitals of a block, and where their small letters are. step 2: capital and small letter take turns, the capital first. */
static const struct capitals {
    uint32_t first, last, step;
    int32_t away;
} capitals[] = {
    {'A', 'Z', 1, 32},       {0xc0, 0xd6, 1, 32},    {0xd8, 0xde, 1, 32},        {0x100, 0x12e, 2, 1},
    {0x130, 0x130, 1, -199}, {0x132, 0x136, 2, 1},   {0x139, 0x147, 2, 1},       {0x14a, 0x176, 2, 1},
    {0x178, 0x178, 1, -121}, {0x179, 0x17d, 2, 1},   {0x17f, 0x17f, 1, -268},    {0x18f, 0x18f, 1, 202},
    {0x1a0, 0x1a4, 2, 1},    {0x1af, 0x1af, 1, 1},   {0x1cd, 0x1db, 2, 1},       {0x1de, 0x1ee, 2, 1},
    {0x1f8, 0x21e, 2, 1},    {0x222, 0x232, 2, 1},   {0x386, 0x386, 1, 38},      {0x388, 0x38a, 1, 37},
    {0x38c, 0x38c, 1, 64},   {0x38e, 0x38f, 1, 63},  {0x391, 0x3a1, 1, 32},      {0x3a3, 0x3ab, 1, 32},
    {0x3c2, 0x3c2, 1, 1},    {0x400, 0x40f, 1, 80},  {0x410, 0x42f, 1, 32},      {0x460, 0x480, 2, 1},
    {0x48a, 0x4be, 2, 1},    {0x4c0, 0x4c0, 1, 15},  {0x4c1, 0x4cd, 2, 1},       {0x4d0, 0x52e, 2, 1},
    {0x531, 0x556, 1, 48},   {0x1e00, 0x1e94, 2, 1}, {0x1e9e, 0x1e9e, 1, -7615}, {0x1ea0, 0x1efe, 2, 1},
};

/* The small letter; it takes no more bytes than the capital. */
static uint32_t fold(uint32_t c)
{
    for (size_t i = 0; i < sizeof(capitals) / sizeof(capitals[0]) && c >= capitals[i].first; i++)
        if (c <= capitals[i].last)
            return (c - capitals[i].first) % capitals[i].step == 0 ? (uint32_t)((int32_t)c + capitals[i].away) : c;
    return c;
}

static bool is_blank(uint32_t c)
{
    return c <= 0x20 || (c >= 0x7f && c <= 0xa0) || (c >= 0x2000 && c <= 0x200b) || c == 0x2028 || c == 0x2029 ||
           c == 0x202f || c == 0x205f || c == 0x3000 || c == 0xfeff;
}

static bool is_punctuation(uint32_t c)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    return c < 0x80 ? !letter : c == 0xab || c == 0xb7 || c == 0xbb || (c >= 0x2010 && c <= 0x205e);
}

/* ---- words ---- */

/* At most `most` bytes of s, and no half character. */
static struct slice cut(struct slice s, size_t most)
{
    if (s.len <= most)
        return s;
    while (most > 0 && ((unsigned char)s.ptr[most] & 0xc0) == 0x80)
        most--;
    return slice_of(s.ptr, most);
}

bool words_have(const struct words *w, struct slice word)
{
    for (size_t i = 0; i < w->count; i++)
        if (slice_eq(w->items[i], word))
            return true;
    return false;
}

static void add_word(struct words *w, size_t most, struct slice word)
{
    word = cut(word, WORD_BYTES);
    if (w->count < most && !words_have(w, word))
        w->items[w->count++] = word;
}

/* One blank-free piece of folded text: where its words begin. first_only: a search's, which is one word. */
static void split(struct words *w, size_t most, struct slice piece, bool first_only)
{
    bool inside = false, any = false;
    for (size_t at = 0, step; at < piece.len && !(first_only && any); at += step) {
        step = utf8_len(slice_of(piece.ptr + at, piece.len - at));
        step = step == 0 ? 1 : step;
        bool letter = !is_punctuation(decode(piece.ptr + at, step));
        if (letter && !inside) {
            add_word(w, most, slice_of(piece.ptr + at, piece.len - at));
            any = true;
        }
        inside = letter;
    }
    if (!any && piece.len > 0)
        add_word(w, most, piece);
}

/* Folds text into w->text and takes the words. */
static void add_text(struct words *w, size_t most, struct slice text, bool asked)
{
    char *piece = w->text + w->used, *end = piece;
    text = cut(text, WORDS_TEXT_MAX);
    while (text.len > 0) {
        size_t step = utf8_len(text);
        step = step == 0 ? 1 : step;
        uint32_t c = decode(text.ptr, step), small = fold(c);
        if (is_blank(c)) {
            split(w, most, slice_of(piece, (size_t)(end - piece)), asked);
            piece = end;
        } else if (small != c) {
            end = put_character(end, small);
        } else {
            end = slice_put(end, slice_of(text.ptr, step));
        }
        text = slice_of(text.ptr + step, text.len - step);
    }
    split(w, most, slice_of(piece, (size_t)(end - piece)), asked);
    w->used = (size_t)(end - w->text);
}

void words_of_customer(struct words *out, struct slice name, struct slice email)
{
    out->count = out->used = 0;
    add_text(out, WORDS_MAX, email, false);
    add_text(out, WORDS_MAX, name, false);
}

/* ---- searches ---- */

void words_of_search(struct words *out, struct slice asked)
{
    out->count = out->used = 0;
    add_text(out, ASKED_WORDS, cut(asked, ASKED_BYTES), true);
}

size_t words_asked(struct slice asked)
{
    struct words w = {.count = 0};
    add_text(&w, ASKED_WORDS + 1, cut(asked, ASKED_BYTES), true);
    return w.count;
}

static bool has_prefix(const struct words *w, struct slice prefix)
{
    for (size_t i = 0; i < w->count; i++)
        if (slice_starts(w->items[i], prefix))
            return true;
    return false;
}

bool words_match(const struct words *customers, const struct words *asked)
{
    for (size_t i = 0; i < asked->count; i++)
        if (!has_prefix(customers, asked->items[i]))
            return false;
    return true;
}
