#include "http/origin.h"
#include "suites.h"

#include <stdio.h>

static const struct {
    const char *given, *tidy; /* NULL: refused */
} forms[] = {
    {"https://chat.example", "https://chat.example"},
    {"HTTPS://Chat.Example", "https://chat.example"},
    {"https://chat.example:443", "https://chat.example"},
    {"http://chat.example:80", "http://chat.example"},
    {"http://chat.example:0080", "http://chat.example"},
    {"http://chat.example:443", "http://chat.example:443"},
    {"https://chat.example:08443", "https://chat.example:8443"},
    {"http://127.0.0.1:3000", "http://127.0.0.1:3000"},
    {"http://[::1]:8080", "http://[::1]:8080"},
    {"http://[0:0:0:0:0:0:0:1]:80", "http://[::1]"},
    {"http://[2001:DB8::A]", "http://[2001:db8::a]"},
    {"capacitor://localhost", "capacitor://localhost"},
    {"chrome-extension://abcdef", "chrome-extension://abcdef"},
    {"http://x_y-z.example.", "http://x_y-z.example."},
    {"", NULL},
    {"*", NULL},
    {"null", NULL},
    {"chat.example", NULL},
    {"//chat.example", NULL},
    {"://chat.example", NULL},
    {"1http://x", NULL},
    {"http://", NULL},
    {"http://x/", NULL},
    {"http://x/y", NULL},
    {"http://x?y", NULL},
    {"http://x#y", NULL},
    {"http://ann@x", NULL},
    {"http://x y", NULL},
    {"http://x:", NULL},
    {"http://x:0", NULL},
    {"http://x:99999", NULL},
    {"http://x:80:80", NULL},
    {"http://::1", NULL},
    {"http://[::1", NULL},
    {"http://[127.0.0.1]", NULL},
    {"http://127.1", NULL}, /* browsers write these as four numbers */
    {"http://256.0.0.1", NULL},
    {"http://2130706433", NULL},
    {"http://b\xc3\xbc.example", NULL}, /* browsers write xn-- */
};

static void test_forms(void)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct buf tidy = {0};
        const char *wrong = origin_check(forms[i].given);
        if (!wrong)
            origin_tidy(forms[i].given, &tidy);
        bool as_wished = forms[i].tidy ? !wrong && strcmp(buf_cstr(&tidy), forms[i].tidy) == 0 : wrong != NULL;
        if (!as_wished)
            printf("  %s: %s\n", forms[i].given, wrong ? wrong : buf_cstr(&tidy));
        CU_ASSERT(as_wished);
        buf_fini(&tidy);
    }
}

static const struct {
    const char *origin, *host, *scheme;
    bool own;
} pages[] = {
    {"http://127.0.0.1:8000", "127.0.0.1:8000", "", true},
    {"http://localhost:8000", "127.0.0.1:8000", "", false},
    {"http://127.0.0.1:8001", "127.0.0.1:8000", "", false},
    {"http://chat.example", "chat.example", "", true},
    {"http://chat.example", "chat.example:80", "", true},
    {"http://chat.example:8080", "chat.example", "", false},
    {"https://chat.example", "chat.example", "", true}, /* TLS may end before us */
    {"https://chat.example", "chat.example:443", "", true},
    {"https://chat.example", "chat.example:80", "", false},
    {"https://chat.example", "Chat.Example", "", true},
    {"https://chat.example", "chat.example", "https", true},
    {"https://chat.example", "chat.example", "HTTPS", true},
    {"http://chat.example", "chat.example", "https", false},
    {"https://chat.example", "chat.example", "http", false},
    {"http://[::1]:8000", "[::1]:8000", "", true},
    {"http://[::1]", "[::1]", "", true},
    {"http://chat.example.evil.example", "chat.example", "", false},
    {"http://evil.example", "chat.example", "", false},
    {"ws://chat.example", "chat.example", "", false},
    {"file://chat.example", "chat.example", "", false},
    {"null", "null", "", false},
    {"http://", "", "", false},
    {"http://:8000", ":8000", "", false},
    {"", "chat.example", "", false},
};

static void test_own_pages(void)
{
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        bool own =
            origin_is_of_host(slice_cstr(pages[i].origin), slice_cstr(pages[i].host), slice_cstr(pages[i].scheme));
        if (own != pages[i].own)
            printf("  %s at %s\n", pages[i].origin, pages[i].host);
        CU_ASSERT_EQUAL(own, pages[i].own);
    }
    CU_ASSERT_FALSE(origin_is_of_host((struct slice){0}, (struct slice){0}, (struct slice){0}));
}

const CU_TestInfo origin_tests[] = {
    {"what is one, and how browsers write it", test_forms},
    {"pages of the server itself", test_own_pages},
    CU_TEST_INFO_NULL,
};
