#include "chat_suites.h"

#include "chat/validate.h"
#include "chat/words.h"

#include <stdio.h>
#include <stdlib.h>

static const char *joined(const struct words *w)
{
    static char text[4096];
    char *end = text;
    for (size_t i = 0; i < w->count; i++)
        end += sprintf(end, "%s%.*s", i ? " " : "", SLICE_ARG(w->items[i]));
    *end = '\0';
    return text;
}

static void expect_words(const char *name, const char *email, const char *expected)
{
    struct words w;
    words_of_customer(&w, slice_cstr(name), slice_cstr(email));
    if (strcmp(joined(&w), expected) != 0)
        fprintf(stderr, "\ngot %s\nnot %s\n", joined(&w), expected);
    CU_ASSERT_STRING_EQUAL(joined(&w), expected);
}

static void words_of_customers(void)
{
    expect_words("Ann Smith", "Ann.Smith@X.io", "ann.smith@x.io smith@x.io x.io io ann smith");
    expect_words("", "", "");
    expect_words("  a\ta\xc2\xa0"
                 "A  ",
                 "", "a");
    expect_words("O'Brien, (Bob)", "b_j+s@x", "b_j+s@x j+s@x s@x x o'brien, brien, bob)");
    expect_words("*** -", "", "*** -");
    expect_words("\xc3\x84\xc3\xa4 \xc5\xb8\xe1\xba\x9e \xc2\xabq\xc2\xbb", "",
                 "\xc3\xa4\xc3\xa4 \xc3\xbf\xc3\x9f q\xc2\xbb");
    expect_words("\xff\xfe"
                 "a \xc3",
                 "",
                 "\xff\xfe"
                 "a \xc3"); /* what is no UTF-8 is compared as it is */
}

/* Each of a pair is the other in small letters. */
static void letters_fold(void)
{
    static const char *const pairs[][2] = {{"AZ", "az"},
                                           {"\xc3\x80\xc3\x96\xc3\x98\xc3\x9e", "\xc3\xa0\xc3\xb6\xc3\xb8\xc3\xbe"},
                                           {"\xc4\x80\xc4\xb9\xc5\xbd", "\xc4\x81\xc4\xba\xc5\xbe"},
                                           {"\xce\x86\xce\xa9\xcf\x82", "\xce\xac\xcf\x89\xcf\x83"},
                                           {"\xd0\x81\xd0\x90\xd0\xaf\xd2\x90", "\xd1\x91\xd0\xb0\xd1\x8f\xd2\x91"},
                                           {"\xd4\xb1\xe1\xbb\xb8", "\xd5\xa1\xe1\xbb\xb9"},
                                           {"\xc4\xb0", "i"}};
    struct words big, small;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        words_of_customer(&big, slice_cstr(pairs[i][0]), (struct slice){0});
        words_of_customer(&small, slice_cstr(pairs[i][1]), (struct slice){0});
        CU_ASSERT_EQUAL(big.count, 1);
        CU_ASSERT(slice_eq(big.items[0], small.items[0]) && slice_eq(small.items[0], slice_cstr(pairs[i][1])));
    }
    words_of_customer(&big, SLICE_LIT("\xc3\x97\xc3\xb7\xe5\xb1\xb1"), (struct slice){0}); /* no letters of two sizes */
    CU_ASSERT(slice_eq(big.items[0], SLICE_LIT("\xc3\x97\xc3\xb7\xe5\xb1\xb1")));
}

/* However long and however many: bounded, and no half character. */
static void bounds(void)
{
    struct words w;
    size_t len = 100000;
    char *text = malloc(len);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)(i % 3 == 2 ? ' ' : 'a' + (i / 3 + i % 3 * 7) % 26);
    words_of_customer(&w, slice_of(text, len), slice_of(text, len));
    CU_ASSERT(w.count <= WORDS_MAX && w.used <= sizeof(w.text));
    for (size_t i = 0; i < len; i++)
        text[i] = "\xc3\x84"[i % 2];
    words_of_customer(&w, slice_of(text, len), slice_of(text + 1, len - 1));
    CU_ASSERT(w.count == 2 && w.items[1].len == WORD_BYTES);
    CU_ASSERT_EQUAL(w.items[1].len % 2, 0);
    words_of_search(&w, slice_of(text, len));
    CU_ASSERT_EQUAL(w.count, 1);
    free(text);
}

static void searches(void)
{
    static const struct {
        const char *text, *words;
        enum fault fault;
    } rows[] = {
        {"", "", FAULT_NONE},
        {" \t ", "", FAULT_NONE},
        {"Ann.Smith@X", "ann.smith@x", FAULT_NONE},
        {"@x.io (bob ***", "x.io bob ***", FAULT_NONE},
        {"a b c d e f g h", "a b c d e f g h", FAULT_NONE},
        {"a b c d e f g h a A", "a b c d e f g h", FAULT_NONE},
        {"a b c d e f g h i", "a b c d e f g h", FAULT_FORM},
    };
    struct words w;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        words_of_search(&w, slice_cstr(rows[i].text));
        CU_ASSERT_STRING_EQUAL(joined(&w), rows[i].words);
        CU_ASSERT_EQUAL(validate_search(slice_cstr(rows[i].text)).fault, rows[i].fault);
    }
    char text[ASKED_BYTES + 1];
    memset(text, 'a', sizeof(text));
    CU_ASSERT_EQUAL(validate_search(slice_of(text, ASKED_BYTES)).fault, FAULT_NONE);
    CU_ASSERT_EQUAL(validate_search(slice_of(text, ASKED_BYTES + 1)).fault, FAULT_TOO_LONG);
}

static void matches(void)
{
    struct words u, asked;
    words_of_customer(&u, SLICE_LIT("Ann Smith"), SLICE_LIT("ann@x.io"));
    static const struct {
        const char *asked;
        bool match;
    } rows[] = {{"", true}, {"a s", true}, {"x.io ANN", true}, {"ann b", false}, {"nn", false}, {"ann@x.io.", false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        words_of_search(&asked, slice_cstr(rows[i].asked));
        CU_ASSERT_EQUAL(words_match(&u, &asked), rows[i].match);
    }
}

const CU_TestInfo words_tests[] = {
    {"words of customers", words_of_customers},
    {"letters fold", letters_fold},
    {"bounds", bounds},
    {"searches", searches},
    {"matches", matches},
    CU_TEST_INFO_NULL,
};
