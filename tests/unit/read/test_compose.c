/* The append-only histories, and what is cut from them. */
#include "cache_suites.h"
#include "read/compose.h"

#include <stdio.h>
#include <stdlib.h>

static const uint8_t tag[5] = TAG5;
static struct slab memory = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void drop(struct content *c)
{
    content_drop(c);
    CU_ASSERT_EQUAL(memory.used, 0);
}

static struct history *new_history(struct content *c)
{
    return content_add_history(c, &(struct chat){.chat_id = SLICE_LIT("chat-1"), .status = SLICE_LIT("open")}, true);
}

static void add_message(struct content *c, struct history *h, const struct message *m)
{
    struct buf b;
    struct message_form form;
    buf_init(&b);
    buf_append_char(&b, ',');
    render_message(&b, m, &form);
    CU_ASSERT_EQUAL(form.len + 1, b.len);
    CU_ASSERT_TRUE(history_append(c, h, b.ptr, &form, m->rev));
    buf_fini(&b);
}

static void add(struct content *c, struct history *h, int64_t rev, struct slice text, bool legacy)
{
    add_message(
        c, h,
        &(struct message){.rev = rev, .timestamp_us = rev, .role = SLICE_LIT("user"), .text = text, .legacy = legacy});
}

/* Texts of many lengths: some small, some larger than any chunk. */
static struct slice text_of(char *room, uint32_t i)
{
    size_t len = i % 97 == 13 ? 70000 : i * 37 % 900;
    int head = sprintf(room, "#%u ", i);
    memset(room + head, 'a' + (int)(i % 26), len);
    return slice_of(room, (size_t)head + len);
}

#define MANY 600

static struct content *many(struct history **h)
{
    static char room[80000];
    struct content *c = content_new(&memory, SLICE_LIT("u"));
    *h = new_history(c);
    for (uint32_t i = 0; i < MANY; i++)
        add(c, *h, T0 + i, text_of(room, i), false);
    return c;
}

/* Reads a view back and checks that it is messages [begin, end). */
static void check_view(const struct history_span *v, uint32_t begin, uint32_t end)
{
    static char room[80000];
    struct message_parts parts;
    struct slice id;
    char id_room[MESSAGE_ID_MAX], id_expected[MESSAGE_ID_MAX];
    uint32_t i = begin;
    for (struct history_iter it = history_iter(v, SIDE_AGENTS); history_next(&it, tag, &parts, &id, id_room); i++) {
        CU_ASSERT_TRUE(slice_eq(parts.text, text_of(room, i)));
        CU_ASSERT_TRUE(slice_eq(parts.role, SLICE_LIT("user")));
        CU_ASSERT_TRUE(slice_eq(id, slice_of(id_expected, message_id(T0 + i, tag, id_expected))));
    }
    CU_ASSERT_EQUAL(i, end);
    struct buf copy;
    buf_init(&copy);
    history_span_copy(v, SIDE_AGENTS, &copy);
    CU_ASSERT_EQUAL(copy.len + (end > begin), v->bytes);
    if (end > begin) {
        CU_ASSERT_EQUAL(copy.ptr[0], '{');
        CU_ASSERT_EQUAL(copy.ptr[copy.len - 1], '}');
    }
    buf_append_char(&copy, 0);
    CU_ASSERT_EQUAL(count_of(copy.ptr, "{\"role\":\"user\""), end - begin);
    buf_fini(&copy);
}

static void test_append_and_read(void)
{
    struct history *h;
    struct content *c = many(&h);
    struct history_span v;
    CU_ASSERT_EQUAL(h->count, MANY);
    history_span_take(h, &v);
    check_view(&v, 0, MANY);
    history_seal(c, h);
    history_span_take(h, &v);
    check_view(&v, 0, MANY);
    CU_ASSERT_TRUE(h->alloc_bytes < h->bytes * 5 / 4 + MANY * 16 + 4096);
    drop(c);
}

static void test_ranges(void)
{
    struct history *h;
    struct content *c = many(&h);
    for (uint32_t begin = 0; begin <= MANY + 1; begin += 41)
        for (uint32_t len = 0; len < MANY; len += len < 12 ? 1 : 83) {
            struct history_span v;
            history_span_take(h, &v);
            history_span_range(&v, begin, begin + len);
            uint32_t end = begin + len > MANY ? MANY : begin + len;
            check_view(&v, begin, begin > end ? begin : end);
            if (begin + len > MANY)
                break;
        }
    drop(c);
}

static void test_since(void)
{
    struct history *h;
    struct content *c = many(&h);
    for (int64_t since = -1; since <= MANY; since++) {
        struct history_span v;
        history_span_take(h, &v);
        CU_ASSERT_EQUAL(history_span_place(&v, T0 + since), since < 0 ? 0 : since > MANY ? MANY : (uint32_t)since);
        history_span_since(&v, T0 + since);
        check_view(&v, since + 1 > MANY ? MANY : (uint32_t)(since + 1), MANY);
    }
    CU_ASSERT_TRUE(history_has(h, T0));
    CU_ASSERT_TRUE(history_has(h, T0 + MANY - 1));
    CU_ASSERT_FALSE(history_has(h, T0 + MANY));
    CU_ASSERT_FALSE(history_has(h, T0 - 1));
    drop(c);
}

/* A view is a moment: what is appended later does not show in it, and its bytes stay. */
static void test_view_is_a_moment(void)
{
    static char room[80000];
    struct content *c = content_new(&memory, SLICE_LIT("u"));
    struct history *h = new_history(c);
    struct history_span views[200];
    for (uint32_t i = 0; i < 200; i++) {
        history_span_take(h, &views[i]);
        add(c, h, T0 + i, text_of(room, i), false);
    }
    for (uint32_t i = 0; i < 200; i++)
        check_view(&views[i], 0, i);
    drop(c);
}

static void test_legacy_first(void)
{
    struct content *c = content_new(&memory, SLICE_LIT("u"));
    struct history *h = new_history(c);
    add(c, h, T0 + 999999999, SLICE_LIT("old"), true);
    add(c, h, T0 + 999999998, SLICE_LIT("older clock"), true);
    add(c, h, T0 + 1, SLICE_LIT("new"), false);
    CU_ASSERT_EQUAL(h->last_rev, T0 + 1);
    CU_ASSERT_TRUE(history_has(h, T0 + 1));
    CU_ASSERT_FALSE(history_has(h, T0 + 999999999));
    struct history_span v;
    history_span_take(h, &v);
    history_span_since(&v, T0);
    CU_ASSERT_EQUAL(v.begin, 2);
    history_span_take(h, &v);
    struct history_iter it = history_iter(&v, SIDE_AGENTS);
    struct message_parts parts;
    struct slice id;
    char room[MESSAGE_ID_MAX];
    CU_ASSERT_TRUE(history_next(&it, tag, &parts, &id, room));
    CU_ASSERT_TRUE(slice_eq(id, SLICE_LIT("msg_1795558360_0_6e1ee9f9")));
    CU_ASSERT_TRUE(history_next(&it, tag, &parts, &id, room));
    CU_ASSERT_TRUE(slice_eq(id, SLICE_LIT("msg_1795558360_1_6e1ee9f9")));
    drop(c);
}

static void test_move(void)
{
    struct content *a = content_new(&memory, SLICE_LIT("a")), *b = content_new(&memory, SLICE_LIT("b"));
    struct history *h[3];
    for (int i = 0; i < 3; i++) {
        h[i] = new_history(a);
        add(a, h[i], T0 + i, SLICE_LIT("x"), false);
    }
    size_t both = a->alloc_bytes + b->alloc_bytes;
    history_move(a, b, h[1]);
    history_move(a, b, h[2]);
    CU_ASSERT_EQUAL(a->history_count, 1);
    CU_ASSERT_EQUAL(b->history_count, 2);
    CU_ASSERT_PTR_EQUAL(a->last, h[0]);
    CU_ASSERT_PTR_EQUAL(b->last, h[2]);
    CU_ASSERT_EQUAL(a->alloc_bytes + b->alloc_bytes, both);
    content_drop(a);
    add(b, h[1], T0 + 9, SLICE_LIT("y"), false);
    drop(b);
}

/* Messages of everybody, some legacy, some read for everybody, of many lengths. */
static struct history *of_everybody(struct content *c, uint32_t count)
{
    static char room[80000];
    static const char *const roles[] = {"user", "assistant", "supervisor"};
    struct history *h = new_history(c);
    for (uint32_t i = 0; i < count; i++) {
        struct message m = {.rev = T0 + i, .timestamp_us = i % 7 ? T0 + i : 0, .text = text_of(room, i)};
        m.role = slice_cstr(i == 89 ? "agent" : roles[i < 200 ? i % 3 : 1 + i % 2]); /* who reads by writing */
        m.legacy = i < 20;
        m.read = m.legacy && i % 4 == 0;
        m.via_widget = i % 5 == 0;
        if (i % 2)
            m.agent_id = m.agent_name = SLICE_LIT("ann");
        add_message(c, h, &m);
    }
    return h;
}

/* What the copy says of each message, against what is said where each is rendered by itself. Returns the unread ones. */
static uint32_t check_reads(const struct history_span *v, enum chat_side asker)
{
    const size_t tail = strlen("\"read\":false,\"via\":\"widget\"}");
    struct history_iter raw = history_iter(v, asker), it = raw;
    struct message_form form;
    struct message_parts parts;
    struct slice id;
    char room[MESSAGE_ID_MAX];
    struct buf copy;
    size_t end = 0;
    int64_t rev;
    uint32_t unread = 0;
    buf_init(&copy);
    history_span_copy(v, asker, &copy);
    while (history_next_raw(&raw, &form, &rev) && history_next(&it, tag, &parts, &id, room)) {
        end += form.len;
        const char *at = memmem(copy.ptr + end - tail, tail, "\"read\":", 7);
        CU_ASSERT_PTR_NOT_NULL_FATAL(at);
        CU_ASSERT_EQUAL(memcmp(at + 7, parts.read ? "true " : "false", 5), 0);
        unread += !parts.read;
        end++; /* the comma */
    }
    CU_ASSERT_EQUAL(copy.len, end > 0 ? end - 1 : 0);
    buf_fini(&copy);
    return unread;
}

/* Wherever the marks are and whatever is cut, over the chunks' borders: the copy says what each message says, and what is counted
 * as messages come and are read is what a count of all of them finds. */
static void test_reads(void)
{
    static const uint32_t marks[] = {0, 1, 7, 19, 20, 21, 35, 150, 151, 220, 298, 299, 300};
    for (size_t m = 0; m < sizeof(marks) / sizeof(marks[0]); m++) {
        struct content *c = content_new(&memory, SLICE_LIT("u"));
        struct history *h = of_everybody(c, 300);
        for (int step = 0; step < 2; step++) {
            uint32_t place = step == 0 ? marks[m] / 2 : marks[m];
            int64_t mark = place <= 20 ? place : T0 + place - 1;
            history_mark(h, SIDE_AGENTS, mark);
            history_mark(h, SIDE_CUSTOMER, mark);
            struct history_span all;
            history_span_take(h, &all);
            CU_ASSERT_EQUAL(check_reads(&all, SIDE_AGENTS), all.unread[SIDE_AGENTS]);
            CU_ASSERT_EQUAL(check_reads(&all, SIDE_CUSTOMER), all.unread[SIDE_AGENTS] + all.unread[SIDE_CUSTOMER]);
            for (uint32_t begin = 0; begin < 300; begin += 29) {
                struct history_span part = all;
                history_span_range(&part, begin, begin % 2 ? 300 : begin + 50);
                check_reads(&part, SIDE_AGENTS);
                check_reads(&part, SIDE_CUSTOMER);
                part = all;
                history_span_since(&part, T0 + begin);
                check_reads(&part, SIDE_CUSTOMER);
            }
        }
        drop(c);
    }
}

static void test_empty_bodies(void)
{
    struct look look = {.tag = tag, .asker = SIDE_AGENTS};
    struct snap s;
    snap_init(&s, 0);
    struct blob *body = compose_refetch(&s, &look, &(struct cursor){.stamp = 7, .form = '.', .sign = 5});
    struct slice text = blob_slice(body);
    CU_ASSERT_TRUE(slice_eq(text, SLICE_LIT("{\"users\":[],\"cursor\":\"7.5\"}")));
    blob_drop(body);
    body = compose_refetch(&s, &look,
                           &(struct cursor){.stamp = 7, .base = 3, .form = '~', .sign = 6, .read = 9, .more = true});
    text = blob_slice(body);
    CU_ASSERT_TRUE(slice_eq(text, SLICE_LIT("{\"users\":[],\"cursor\":\"7-3~6_9\",\"more\":true}")));
    blob_drop(body);
    body = compose_chats(NULL, 0, &look, &(struct page){0, 0, 100});
    text = blob_slice(body);
    CU_ASSERT_TRUE(slice_eq(text, SLICE_LIT("{\"chats\":[],\"total\":0,\"skip\":0,\"limit\":100}")));
    blob_drop(body);
    snap_fini(&s);
}

const CU_TestInfo compose_tests[] = {
    {"append and read back", test_append_and_read},
    {"ranges", test_ranges},
    {"since", test_since},
    {"a view is a moment", test_view_is_a_moment},
    {"legacy messages come first and are old", test_legacy_first},
    {"histories move between contents", test_move},
    {"read or not, wherever it is cut", test_reads},
    {"empty bodies", test_empty_bodies},
    CU_TEST_INFO_NULL,
};
