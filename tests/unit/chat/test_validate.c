#include "chat_suites.h"

#include "chat/validate.h"

#include <stdlib.h>

static struct slice times(const char *unit, size_t n)
{
    static char room[80000];
    size_t len = strlen(unit);
    for (size_t i = 0; i < n; i++)
        memcpy(room + i * len, unit, len);
    return slice_of(room, n * len);
}

static void test_chars(void)
{
    CU_ASSERT_EQUAL(text_chars(SLICE_LIT("")), 0);
    CU_ASSERT_EQUAL(text_chars(SLICE_LIT("abc")), 3);
    CU_ASSERT_EQUAL(text_chars(SLICE_LIT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80")), 3);
    CU_ASSERT_EQUAL(text_chars(SLICE_LIT("a\xff\xfe")), 3);
    CU_ASSERT_EQUAL(text_chars(SLICE_LIT("\xf0\x9f\x98")), 3);
}

static void test_content(void)
{
    CU_ASSERT_EQUAL(validate_content(SLICE_LIT("")).fault, FAULT_TOO_SHORT);
    CU_ASSERT_EQUAL(validate_content((struct slice){0}).fault, FAULT_TOO_SHORT);
    CU_ASSERT_EQUAL(validate_content(SLICE_LIT(" ")).fault, FAULT_NONE);
    CU_ASSERT_EQUAL(validate_content(times("x", 70000)).fault, FAULT_NONE);
}

static void test_role(void)
{
    struct verdict v = validate_role(SLICE_LIT(""));
    CU_ASSERT_EQUAL(v.fault, FAULT_TOO_SHORT);
    CU_ASSERT_EQUAL(v.limit, 1);
    CU_ASSERT_EQUAL(validate_role(SLICE_LIT("user")).fault, FAULT_NONE);
    CU_ASSERT_EQUAL(validate_role(times("x", 32)).fault, FAULT_NONE);
    v = validate_role(times("x", 33));
    CU_ASSERT_EQUAL(v.fault, FAULT_TOO_LONG);
    CU_ASSERT_EQUAL(v.limit, 32);
    CU_ASSERT_EQUAL(validate_role(times("\xf0\x9f\x98\x80", 32)).fault, FAULT_NONE);
    CU_ASSERT_EQUAL(validate_role(times("\xf0\x9f\x98\x80", 33)).fault, FAULT_TOO_LONG);
}

static void test_client_key(void)
{
    CU_ASSERT_EQUAL(validate_client_key(SLICE_LIT("")).fault, FAULT_NONE);
    CU_ASSERT_EQUAL(validate_client_key(times("k", 128)).fault, FAULT_NONE);
    CU_ASSERT_EQUAL(validate_client_key(times("k", 129)).fault, FAULT_TOO_LONG);
    CU_ASSERT_EQUAL(validate_client_key(times("\xe2\x82\xac", 128)).fault, FAULT_NONE);
    CU_ASSERT_EQUAL(validate_client_key(times("\xe2\x82\xac", 129)).fault, FAULT_TOO_LONG);
    CU_ASSERT_EQUAL(validate_client_key(times("k", 5000)).fault, FAULT_TOO_LONG);
}

static void check_limit(struct verdict (*rule)(struct slice), size_t max)
{
    CU_ASSERT_EQUAL(rule(SLICE_LIT("")).fault, FAULT_NONE);
    CU_ASSERT_EQUAL(rule(times("@", max)).fault, FAULT_NONE);
    struct verdict v = rule(times("@", max + 1));
    CU_ASSERT_EQUAL(v.fault, FAULT_TOO_LONG);
    CU_ASSERT_EQUAL(v.limit, (int64_t)max);
    CU_ASSERT_PTR_NOT_NULL(v.reason);
}

static void test_limits(void)
{
    check_limit(validate_customer_id, CUSTOMER_ID_MAX);
    check_limit(validate_email, EMAIL_MAX);
    check_limit(validate_name, CUSTOMER_NAME_MAX);
    check_limit(validate_field, FIELD_MAX);
    check_limit(validate_object, JSON_FIELD_MAX);
}

static void test_an_address_has_its_sign(void)
{
    static const char *const bad[] = {"ann", "64b7f0c2aa01bb02cc03dd04", " x ", "ann.x.io"};
    static const char *const good[] = {"", "  ", "ann@x.io", " Ann@X.io ", "@", "\xc3\xbc@x.io"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CU_ASSERT_EQUAL(validate_email(slice_cstr(bad[i])).fault, FAULT_FORM);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        CU_ASSERT_EQUAL(validate_email(slice_cstr(good[i])).fault, FAULT_NONE);
}

/* user_<id>@widget.local is the address of that id; as an id it would answer for its owner. */
static void test_a_made_address_is_no_new_id(void)
{
    CU_ASSERT_EQUAL(validate_new_id(SLICE_LIT("user_ann@widget.local")).fault, FAULT_FORM);
    CU_ASSERT_EQUAL(validate_new_id(SLICE_LIT("USER_ann@Widget.Local")).fault, FAULT_FORM);
    CU_ASSERT_EQUAL(validate_new_id(SLICE_LIT("ann@x.io")).fault, FAULT_NONE);
    CU_ASSERT_EQUAL(validate_new_id(SLICE_LIT("user_ann")).fault, FAULT_NONE);
    check_limit(validate_new_id, CUSTOMER_ID_MAX);
}

static void test_control_characters(void)
{
    static const char *const bad[] = {"a\nb", "\x01", "a\x7f", "\r\nX: y", "\t"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct slice s = slice_cstr(bad[i]);
        CU_ASSERT_EQUAL(validate_customer_id(s).fault, FAULT_FORM);
        CU_ASSERT_EQUAL(validate_email(s).fault, FAULT_FORM);
        CU_ASSERT_TRUE(chat_id_possible(s)); /* existing data may call a chat anything */
        CU_ASSERT_FALSE(customer_ident_possible(s));
        CU_ASSERT_EQUAL(validate_name(s).fault, FAULT_NONE);
    }
    CU_ASSERT_EQUAL(validate_email(slice_of("a\0b", 3)).fault, FAULT_FORM);
    CU_ASSERT_EQUAL(validate_email(SLICE_LIT("\xc3\xbc@x.io")).fault, FAULT_NONE);
}

static void test_idents(void)
{
    CU_ASSERT_FALSE(chat_id_possible(SLICE_LIT("")));
    CU_ASSERT_TRUE(chat_id_possible(SLICE_LIT("00000000-0000-4000-8000-000000000000")));
    CU_ASSERT_TRUE(chat_id_possible(times("x", CHAT_ID_MAX)));
    CU_ASSERT_FALSE(chat_id_possible(times("x", CHAT_ID_MAX + 1)));
    CU_ASSERT_FALSE(customer_ident_possible(SLICE_LIT("")));
    CU_ASSERT_TRUE(customer_ident_possible(times("x", EMAIL_MAX)));
    CU_ASSERT_FALSE(customer_ident_possible(times("x", EMAIL_MAX + 1)));
}

const CU_TestInfo validate_tests[] = {
    {"characters", test_chars},
    {"content", test_content},
    {"role", test_role},
    {"client key", test_client_key},
    {"limits in bytes", test_limits},
    {"control characters", test_control_characters},
    {"ids in paths", test_idents},
    {"an address has its sign", test_an_address_has_its_sign},
    {"a made address is no new id", test_a_made_address_is_no_new_id},
    CU_TEST_INFO_NULL,
};
