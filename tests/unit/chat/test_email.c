#include "chat_suites.h"

#include "chat/email.h"

static void same_addresses(void)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"ann@x.io", "ann@x.io", true},
        {"ann@x.io", "Ann@X.IO", true},
        {"ann@x.io", " ann@x.io\t", true},
        {" ANN@x.io", "ann@X.io  ", true},
        {"ann@x.io", "ann @x.io", false},
        {"ann@x.io", "ann@x.iO.", false},
        {"\xc3\x84@x.io", "\xc3\xa4@x.io", false}, /* beyond ASCII as it stands */
        {"[@x.io", "{@x.io", false},
        {"", " ", true},
        {"@x.io", "`x.io", false},
        {"a", "", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char one[EMAIL_MAX], two[EMAIL_MAX];
        struct slice a = slice_cstr(rows[i].a), b = slice_cstr(rows[i].b);
        CU_ASSERT_EQUAL(email_same(a, b), rows[i].same);
        CU_ASSERT_EQUAL(email_same(b, a), rows[i].same);
        CU_ASSERT_EQUAL(slice_eq(email_fold(a, one), email_fold(b, two)), rows[i].same);
    }
}

static void folded_form(void)
{
    char room[EMAIL_MAX], text[EMAIL_MAX + 3];
    CU_ASSERT(slice_eq(email_fold(SLICE_LIT(" \r\n\tAnn.B@X.io "), room), slice_cstr("ann.b@x.io")));
    CU_ASSERT(slice_eq(email_fold(SLICE_LIT("  "), room), slice_cstr("")));
    memset(text, 'A', sizeof(text));
    text[0] = text[EMAIL_MAX + 1] = ' ';
    CU_ASSERT_EQUAL(email_fold(slice_of(text, EMAIL_MAX + 2), room).len, EMAIL_MAX); /* blanks are not of it */
    text[0] = 'A';
    CU_ASSERT_PTR_NULL(email_fold(slice_of(text, EMAIL_MAX + 1), room).ptr);
}

static void default_addresses(void)
{
    static const struct {
        const char *email;
        bool is_default;
        const char *made_for;
    } rows[] = {{"", true, ""},
                {" \t", true, ""},
                {"unknown@example.com", true, ""},
                {"Unknown@Example.COM ", true, ""},
                {"user_1@widget.local", true, "1"},
                {" USER_Ab@Widget.Local ", true, "Ab"},
                {"user_ann@x.io@widget.local", true, "ann@x.io"},
                {"user_@widget.local", true, ""},
                {"users_1@widget.local", true, ""},
                {"guest@widget.local", true, ""},
                {"@widget.local", true, ""},
                {"a@widget.local.io", false, ""},
                {"user_1@x.io", false, ""},
                {"ann@x.io", false, ""},
                {"unknown@example.co", false, ""}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_EQUAL(email_is_default(slice_cstr(rows[i].email)), rows[i].is_default);
        CU_ASSERT(slice_eq(email_made_for(slice_cstr(rows[i].email)), slice_cstr(rows[i].made_for)));
    }
    CU_ASSERT(email_is_default((struct slice){0}));
}

const CU_TestInfo email_tests[] = {
    {"same addresses", same_addresses},
    {"folded form", folded_form},
    {"default addresses", default_addresses},
    CU_TEST_INFO_NULL,
};
