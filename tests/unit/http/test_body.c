#include "http/body.h"
#include "suites.h"

#include <stdio.h>
#include <stdlib.h>

/* What the fields come to: "name:kind=text;" each; or what is wrong. */
static void describe(const struct body *b, struct buf *out)
{
    static const char *const kinds[] = {[JSON_NULL] = "null",     [JSON_BOOL] = "boolean", [JSON_NUMBER] = "number",
                                        [JSON_STRING] = "string", [JSON_ARRAY] = "array",  [JSON_OBJECT] = "object"};
    for (size_t i = 0; i < b->count; i++) {
        buf_append_slice(out, b->fields[i].name);
        buf_printf(out, ":%s=", kinds[b->fields[i].kind]);
        buf_append_slice(out, b->fields[i].text);
        buf_append_char(out, ';');
    }
}

/* In memory of exactly its size. */
static enum err parse(const char *type, struct slice text, struct buf *said)
{
    struct arena a;
    struct body b;
    char *copy = malloc(text.len ? text.len : 1);
    memcpy(copy, text.ptr, text.len);
    struct http_request req = {.content_type = slice_cstr(type), .body = slice_of(copy, text.len)};
    arena_init(&a, 0);
    enum err e = body_parse(&req, &a, &b, said);
    if (!e)
        describe(&b, said);
    arena_fini(&a);
    free(copy);
    return e;
}

#define JSON_TYPE  "application/json"
#define FORM       "application/x-www-form-urlencoded"
#define MULTI      "multipart/form-data; boundary=b"
#define CD         "Content-Disposition: form-data; name="
#define PART(n, t) "--b\r\n" CD "\"" n "\"\r\n\r\n" t "\r\n"
#define END        "--b--\r\n"

struct body_case {
    const char *type;
    struct slice text;
    enum err e;
    const char *said; /* fields, or the sentence (its beginning) */
};
#define CASE(type, text, e, said)                                                                                      \
    {                                                                                                                  \
        (type), {(text), sizeof(text) - 1}, (e), (said)                                                                \
    }

static const struct body_case json_cases[] = {
    CASE(JSON_TYPE, "{\"content\":\"hi\",\"role\":\"user\"}", OK, "content:string=hi;role:string=user;"),
    CASE(JSON_TYPE, "{}", OK, ""),
    CASE(JSON_TYPE, " {\"a\":1,\"b\":true,\"c\":null,\"d\":{\"x\": [1]},\"e\":[2]} ", OK,
         "a:number=1;b:boolean=true;c:null=null;d:object={\"x\": [1]};e:array=[2];"),
    CASE(JSON_TYPE, "{\"a\\n\":\"b\\u0041\"}", OK, "a\n:string=bA;"),
    CASE("Application/JSON; charset=latin1", "{\"a\":\"b\"}", OK, "a:string=b;"),
    CASE("application/vnd.api+json", "{\"a\":\"b\"}", OK, "a:string=b;"),
    CASE("text/plain;charset=UTF-8", "{\"a\":\"b\"}", OK, "a:string=b;"),
    CASE("TEXT/PLAIN", "{\"a\":\"b\"}", OK, "a:string=b;"),
    CASE(NULL, "{\"a\":\"b\"}", OK, "a:string=b;"),
    CASE("", "{\"a\":\"b\"}", OK, "a:string=b;"),
    CASE(JSON_TYPE, "", ERR_NOT_FOUND, ""),
    CASE(NULL, "", ERR_NOT_FOUND, ""),
    CASE(FORM, "", ERR_NOT_FOUND, ""),
    CASE(MULTI, "", ERR_NOT_FOUND, ""),
    CASE("image/png", "", ERR_NOT_FOUND, ""),
    CASE(JSON_TYPE, " \r\n\t ", ERR_NOT_FOUND, ""),
    CASE(JSON_TYPE, "{", ERR_INVALID, "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
    CASE(JSON_TYPE, "nope", ERR_INVALID, "Expecting value: line 1 column 1 (char 0)"),
    CASE("text/plain", "content=hi", ERR_INVALID, "Expecting value"),
    CASE(JSON_TYPE, "{\"a\":\"\xff\"}", ERR_INVALID, "Invalid UTF-8"),
    CASE(JSON_TYPE, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", ERR_INVALID,
         "Nested too deeply"),
    CASE(JSON_TYPE, "[1]", ERR_CONFLICT, "Input should be a JSON object, not an array"),
    CASE(JSON_TYPE, "\"a\"", ERR_CONFLICT, "Input should be a JSON object, not a string"),
    CASE(JSON_TYPE, "5", ERR_CONFLICT, "Input should be a JSON object, not a number"),
    CASE(JSON_TYPE, "true", ERR_CONFLICT, "Input should be a JSON object, not a boolean"),
    CASE(JSON_TYPE, "null", ERR_CONFLICT, "Input should be a JSON object, not null"),
    CASE("application/octet-stream", "{\"a\":\"b\"}", OK, "a:string=b;"),
    CASE("image/png", "\x89PNG", ERR_UNSUPPORTED, "image/png"),
    CASE("application/xml", "<a/>", ERR_UNSUPPORTED, "application/xml"),
    CASE("application/octet-stream", "[1]", ERR_UNSUPPORTED, "application/octet-stream"),
    CASE("+json", "x", ERR_UNSUPPORTED, "+json"),
};

static const struct body_case form_cases[] = {
    CASE(FORM, "content=hi&role=user", OK, "content:string=hi;role:string=user;"),
    CASE(FORM "; charset=UTF-8", "content=a+b%20c%26d", OK, "content:string=a b c&d;"),
    CASE(FORM, "content=%E6%97%A5&x", OK, "content:string=\xe6\x97\xa5;x:string=;"),
    CASE(FORM, "a=1&&a=2&", OK, "a:string=1;a:string=2;"),
    CASE(FORM, "a=b=c", OK, "a:string=b=c;"),
    CASE(FORM, "=x", OK, ":string=x;"),
    CASE(FORM, "hello", OK, "hello:string=;"),
    CASE(FORM, "{\"content\":\"hi\"}", OK, "content:string=hi;"), /* curl -d */
    CASE(FORM, "{broken", OK, "{broken:string=;"),
    CASE(FORM, "a=%zz", ERR_INVALID, "form field is not percent-encoded UTF-8"),
    CASE(FORM, "a=%", ERR_INVALID, "form field"),
    CASE(FORM, "a=%00", ERR_INVALID, "form field"),
    CASE(FORM, "a=%ff", ERR_INVALID, "form field"),
    CASE(FORM, "a=\xff", ERR_INVALID, "form field"),
    CASE(FORM, "%ff=a", ERR_INVALID, "form field"),
};

static const struct body_case multipart_cases[] = {
    CASE(MULTI, PART("content", "hi") PART("role", "user") END, OK, "content:string=hi;role:string=user;"),
    CASE(MULTI, PART("content", "a\r\nb\r\n\r\n--c\r\n") END, OK, "content:string=a\r\nb\r\n\r\n--c\r\n;"),
    CASE(MULTI, PART("content", "") END, OK, "content:string=;"),
    CASE(MULTI, PART("content", "hi") "--b--", OK, "content:string=hi;"),
    CASE(MULTI, "preamble\r\n" PART("a", "1") "--b--\r\nepilogue \xff", OK, "a:string=1;"),
    CASE(MULTI, "\r\n" PART("a", "1") END, OK, "a:string=1;"),
    CASE(MULTI, END, OK, ""),
    CASE("multipart/form-data; boundary=\"b\"", PART("a", "1") END, OK, "a:string=1;"),
    CASE("Multipart/Form-Data; charset=utf-8; Boundary=b", PART("a", "1") END, OK, "a:string=1;"),
    CASE("multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxk",
         "------WebKitFormBoundary7MA4YWxk\r\n" CD "\"a\"\r\n\r\n1\r\n------WebKitFormBoundary7MA4YWxk--\r\n", OK,
         "a:string=1;"),
    CASE("multipart/form-data; boundary=\"a b:c\"", "--a b:c\r\n" CD "\"a\"\r\n\r\n1\r\n--a b:c--", OK, "a:string=1;"),
    CASE(MULTI, "--b \t\r\n" CD "\"a\"\r\n\r\n1\r\n--b--", OK, "a:string=1;"),
    CASE(MULTI, "--b\r\n" CD "a\r\n\r\n1\r\n" END, OK, "a:string=1;"),
    CASE(MULTI, "--b\r\ncontent-disposition:FORM-DATA;NAME=\"a\"\r\n\r\n1\r\n" END, OK, "a:string=1;"),
    CASE(MULTI, "--b\r\nContent-Type: text/plain; charset=utf-8\r\n" CD "\"a\"\r\nX: y\r\n\r\n1\r\n" END, OK,
         "a:string=1;"),
    CASE(MULTI, "--b\r\n" CD "\"a\"; filename=\"f.txt\"\r\nContent-Type: text/plain\r\n\r\nfile\r\n" END, OK,
         "a:string=file;"),
    CASE(MULTI, "--b\r\n" CD "\"a\"; filename=\"c:\\\\x;name=y\"\r\n\r\n1\r\n" END, OK, "a:string=1;"),
    CASE(MULTI, "--b\r\n" CD "\"a\\\"b\\\\c\"\r\n\r\n1\r\n" END, OK, "a\"b\\c:string=1;"),
    CASE(MULTI, "--b\r\n" CD "\"\xe6\x97\xa5\"\r\n\r\n\xe6\x97\xa5\r\n" END, OK, "\xe6\x97\xa5:string=\xe6\x97\xa5;"),
    CASE(MULTI, "--b\r\n" CD "\"a\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n1\r\n" END, OK, "a:string=1;"),
    CASE(MULTI, PART("a", "1\r\n--c--\r\n\r\n-b") END, OK, "a:string=1\r\n--c--\r\n\r\n-b;"),
    CASE(MULTI, PART("a", "1") PART("a", "2") END, OK, "a:string=1;a:string=2;"),
#define BAD(type, text, said) CASE(type, text, ERR_INVALID, said)
    BAD("multipart/form-data", PART("a", "1") END, "multipart boundary"),
    BAD("multipart/form-data; boundary=", PART("a", "1") END, "multipart boundary"),
    BAD("multipart/form-data; boundary=\"\"", PART("a", "1") END, "multipart boundary"),
    BAD("multipart/form-data; boundary=\"b", PART("a", "1") END, "multipart boundary"),
    BAD("multipart/form-data; boundary=b; boundary=c", PART("a", "1") END, "multipart boundary"),
    BAD("multipart/form-data; boundary=\"b \"", PART("a", "1") END, "multipart boundary"),
    BAD("multipart/form-data; boundary=b@", PART("a", "1") END, "multipart boundary"),
    BAD("multipart/form-data; boundary=12345678901234567890123456789012345678901234567890123456789012345678901", "x",
        "multipart boundary"),
    BAD(MULTI, "hello", "multipart body has no closing boundary"),
    BAD(MULTI, PART("a", "1"), "multipart body has no closing boundary"),
    BAD(MULTI, PART("a", "1") "--b", "malformed multipart boundary line"),
    BAD(MULTI, PART("a", "1") "--b-", "malformed multipart boundary line"),
    BAD(MULTI, PART("a", "1") "--bx\r\n", "malformed multipart boundary line"),
    BAD(MULTI, "--b\n" CD "\"a\"\n\n1\n--b--\n", "malformed multipart boundary line"),
    BAD(MULTI, "--b\r\n--b--", "malformed multipart part header"),
    BAD(MULTI, "--b\r\n\r\n1\r\n" END, "multipart part without a name"),
    BAD(MULTI, "--b\r\nX: y\r\n\r\n1\r\n" END, "multipart part without a name"),
    BAD(MULTI, "--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n" END, "multipart part without a name"),
    BAD(MULTI, "--b\r\nContent-Disposition: form-data; filename=\"name=a\"\r\n\r\n1\r\n" END,
        "multipart part without a name"),
    BAD(MULTI, "--b\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n1\r\n" END,
        "multipart part that is not form-data"),
    BAD(MULTI, "--b\r\n" CD "\"a\r\n\r\n1\r\n" END, "multipart part without a name"),
    BAD(MULTI, "--b\r\n" CD "\"a\"x\r\n\r\n1\r\n" END, "multipart part without a name"),
    BAD(MULTI, "--b\r\n" CD "\"a\"; name=\"b\"\r\n\r\n1\r\n" END, "multipart part without a name"),
    BAD(MULTI, "--b\r\n" CD "\"a\"\r\n" CD "\"b\"\r\n\r\n1\r\n" END, "multipart part with two"),
    BAD(MULTI, "--b\r\nContent-Disposition: form-data;\r\n name=\"a\"\r\n\r\n1\r\n" END,
        "multipart part without a name"),
    BAD(MULTI, "--b\r\n" CD "\"a\"\r\n folded\r\n\r\n1\r\n" END, "malformed multipart part header"),
    BAD(MULTI, "--b\r\n" CD "\"a\"\r\nno colon\r\n\r\n1\r\n" END, "malformed multipart part header"),
    BAD(MULTI, "--b\r\n" CD "\"a\"\n\n1\r\n" END, "malformed multipart part header"),
    BAD(MULTI, "--b\r\n" CD "\"a\"\r\n1\r\n" END, "malformed multipart part header"),
    BAD(MULTI, "--b\r\n" CD "\"a\"\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n1\r\n" END, "nested multipart"),
    BAD(MULTI, "--b\r\n" CD "\"a\"\r\nContent-Transfer-Encoding: base64\r\n\r\naGk=\r\n" END,
        "multipart part with a transfer encoding"),
    BAD(MULTI, PART("a", "\xff") END, "multipart field is not UTF-8"),
    BAD(MULTI, "--b\r\n" CD "\"\xff\"\r\n\r\n1\r\n" END, "multipart field is not UTF-8"),
};

static void check(const struct body_case *c)
{
    struct buf said;
    buf_init(&said);
    enum err e = parse(c->type, c->text, &said);
    bool right = e == c->e &&
                 (e ? strncmp(buf_cstr(&said), c->said, strlen(c->said)) == 0 : strcmp(buf_cstr(&said), c->said) == 0);
    if (!right)
        printf("\n    %s, %.*s: %s, %s", c->type ? c->type : "no type", SLICE_ARG(c->text), err_text(e),
               buf_cstr(&said));
    CU_ASSERT(right);
    buf_fini(&said);
}

/* No cut may crash or read past the end; a multipart body that is cut before its last boundary is refused. */
static void check_cuts(const struct body_case *c)
{
    for (size_t len = 0; len < c->text.len; len++) {
        struct buf said;
        buf_init(&said);
        enum err e = parse(c->type, slice_of(c->text.ptr, len), &said);
        CU_ASSERT(e != ERR_NOMEM);
        CU_ASSERT(e == OK || e == ERR_NOT_FOUND || said.len > 0);
        buf_fini(&said);
    }
}

#define CHECK_ALL(table)                                                                                               \
    for (size_t i = 0; i < sizeof(table) / sizeof *(table); i++) {                                                     \
        check(&(table)[i]);                                                                                            \
        check_cuts(&(table)[i]);                                                                                       \
    }

static void test_json(void)
{
    CHECK_ALL(json_cases)
}

static void test_form(void)
{
    CHECK_ALL(form_cases)
}

static void test_multipart(void)
{
    CHECK_ALL(multipart_cases)
}

static void test_multipart_cut_is_refused(void)
{
    struct slice text = SLICE_LIT(PART("content", "hi") PART("role", "user") "--b--");
    for (size_t len = 1; len < text.len; len++) {
        struct buf said;
        buf_init(&said);
        CU_ASSERT_EQUAL(parse(MULTI, slice_of(text.ptr, len), &said), ERR_INVALID);
        buf_fini(&said);
    }
}

/* n times one piece, between a start and an end. */
static enum err parse_many(const char *type, const char *start, const char *piece, unsigned n, const char *end)
{
    struct buf text, said;
    buf_init(&text);
    buf_init(&said);
    buf_append_slice(&text, slice_cstr(start));
    for (unsigned i = 0; i < n; i++)
        buf_append_slice(&text, slice_cstr(piece));
    buf_append_slice(&text, slice_cstr(end));
    enum err e = parse(type, buf_slice(&text), &said);
    CU_ASSERT(said.len > 0);
    buf_fini(&text);
    buf_fini(&said);
    return e;
}

static void test_limits(void)
{
    CU_ASSERT_EQUAL(parse_many(MULTI, "", PART("a", "1"), BODY_PARTS_MAX, END), OK);
    CU_ASSERT_EQUAL(parse_many(MULTI, "", PART("a", "1"), BODY_PARTS_MAX + 1, END), ERR_TOO_LARGE);
    CU_ASSERT_EQUAL(parse_many(FORM, "", "a=1&", BODY_FORM_FIELDS_MAX, ""), OK);
    CU_ASSERT_EQUAL(parse_many(FORM, "", "a=1&", BODY_FORM_FIELDS_MAX + 1, ""), ERR_TOO_LARGE);
    CU_ASSERT_EQUAL(parse_many(JSON_TYPE, "{", "\"a\":1,", BODY_JSON_FIELDS_MAX - 1, "\"b\":2}"), OK);
    CU_ASSERT_EQUAL(parse_many(JSON_TYPE, "{", "\"a\":1,", BODY_JSON_FIELDS_MAX, "\"b\":2}"), ERR_TOO_LARGE);
    CU_ASSERT_EQUAL(parse_many(MULTI, "--b\r\n" CD "\"a\"\r\nX: ", "y", BODY_PART_HEAD_MAX - 100, "\r\n\r\n1\r\n" END),
                    OK);
    CU_ASSERT_EQUAL(parse_many(MULTI, "--b\r\n" CD "\"a\"\r\nX: ", "y", BODY_PART_HEAD_MAX, "\r\n\r\n1\r\n" END),
                    ERR_TOO_LARGE);
}

static void test_get(void)
{
    struct arena a;
    struct body b;
    arena_init(&a, 0);
    CU_ASSERT_EQUAL(
        body_parse(&(struct http_request){.body = SLICE_LIT("{\"a\":1,\"b\":\"x\",\"a\":true}")}, &a, &b, NULL), OK);
    const struct body_field *f = body_get(&b, "a");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_EQUAL(f->kind, JSON_BOOL); /* the last one counts */
    CU_ASSERT_EQUAL(json_type(f->json), JSON_BOOL);
    CU_ASSERT_PTR_NULL(body_get(&b, "c"));
    CU_ASSERT_EQUAL(body_parse(&(struct http_request){.body = SLICE_LIT("[]")}, &a, &b, NULL), ERR_CONFLICT);
    CU_ASSERT_PTR_NULL(body_get(&b, "a"));
    arena_fini(&a);
}

static void test_no_memory(void)
{
    struct arena a;
    struct body b;
    static const struct body_case *const cases[] = {&json_cases[0], &form_cases[0], &multipart_cases[0]};
    for (size_t i = 0; i < 3; i++) {
        struct http_request req = {.content_type = slice_cstr(cases[i]->type), .body = cases[i]->text};
        arena_init(&a, 32);
        CU_ASSERT_EQUAL(body_parse(&req, &a, &b, NULL), ERR_NOMEM);
        arena_fini(&a);
    }
}

const CU_TestInfo body_tests[] = {
    {"json", test_json},           {"form", test_form},
    {"multipart", test_multipart}, {"multipart cut is refused", test_multipart_cut_is_refused},
    {"limits", test_limits},       {"get", test_get},
    {"no memory", test_no_memory}, CU_TEST_INFO_NULL,
};
