/* Documents of MongoDB to the model where there is little room: a row is whole, or it is none. */
#include "store/mongo/bson_map.h"
#include "suites.h"

#include <string.h>

static bson_t *document(const char *json)
{
    bson_error_t error;
    bson_t *doc = bson_new_from_json((const uint8_t *)json, -1, &error);
    must(doc);
    return doc;
}

/* The text of a row that was made; NULL: there was no room for it. */
typedef const char *(*map_fn)(const bson_t *doc, struct arena *a, struct buf *out);

/* With as much room as there may be, and then with less and less of it. */
static void with_little_room(map_fn map, const char *json, const char *want)
{
    bson_t *doc = document(json);
    size_t refused = 0;
    for (size_t room = 16; room <= 4096; room += 16) {
        struct arena a;
        struct buf text;
        arena_init(&a, room);
        buf_init(&text);
        const char *got = map(doc, &a, &text);
        refused += got == NULL;
        CU_ASSERT(!got || strcmp(got, want) == 0);
        if (got && strcmp(got, want) != 0)
            fprintf(stderr, "\nwith %zu bytes: %s\nexpected: %s\n", room, got, want);
        CU_ASSERT(room < 4096 || got);
        buf_fini(&text);
        arena_fini(&a);
    }
    CU_ASSERT(refused > 0);
    bson_destroy(doc);
}

static const char *customer(const bson_t *doc, struct arena *a, struct buf *out)
{
    struct customer u;
    if (map_customer(doc, a, &u) != OK)
        return NULL;
    buf_printf(out, "%.*s %.*s %.*s %.*s %.*s %.*s %.*s", SLICE_ARG(u.id), SLICE_ARG(u.email), SLICE_ARG(u.name),
               SLICE_ARG(u.owner), SLICE_ARG(u.reference), SLICE_ARG(u.timestamp), SLICE_ARG(u.location));
    return buf_cstr(out);
}

/* A field without room for it would be taken for an empty one, and be written back as that. */
static void customers(void)
{
    with_little_room(customer,
                     "{\"_id\":{\"$oid\":\"65a00000000000000000000e\"},\"email\":\"ann@x.io\",\"name\":4711,"
                     "\"dashboard_user_id\":{\"$oid\":\"65a00000000000000000000f\"},\"user_id\":1.5,"
                     "\"timestamp\":{\"$date\":\"2024-01-04T00:00:00Z\"},\"location\":{\"a\":[1,\"b\"]}}",
                     "65a00000000000000000000e ann@x.io 4711 65a00000000000000000000f 1.5 "
                     "2024-01-04T00:00:00.000000Z {\"a\":[1,\"b\"]}");
}

static const char *chat(const bson_t *doc, struct arena *a, struct buf *out)
{
    struct chat c;
    if (map_chat(doc, a, &c) != OK)
        return NULL;
    buf_printf(out, "%.*s %.*s %.*s %.*s", SLICE_ARG(c.chat_id), SLICE_ARG(c.customer_id), SLICE_ARG(c.status),
               SLICE_ARG(c.assigned_to));
    return buf_cstr(out);
}

static void chats(void)
{
    with_little_room(chat, "{\"chat_id\":\"c\",\"user_id\":12,\"status\":true,\"assigned_to\":\"ann\"}",
                     "c 12 true ann");
    with_little_room(chat,
                     "{\"_id\":{\"$oid\":\"65a00000000000000000000e\"},\"status\":\"closed\",\"assigned_to\":"
                     "{\"$oid\":\"65a00000000000000000000f\"}}",
                     "65a00000000000000000000e  closed 65a00000000000000000000f");
}

static const char *message(const bson_t *doc, struct arena *a, struct buf *out)
{
    struct message m;
    bson_iter_t fields;
    must(bson_iter_init(&fields, doc));
    if (map_message(&fields, a, &m) != OK)
        return NULL;
    buf_printf(out, "%.*s: %.*s", SLICE_ARG(m.role), SLICE_ARG(m.text));
    return buf_cstr(out);
}

/* Its content stands in for a text that is empty, not for one that there was no room for. */
static void messages(void)
{
    with_little_room(message, "{\"role\":7,\"text\":3.25,\"content\":\"other\"}", "7: 3.25");
    with_little_room(message, "{\"text\":\"\",\"content\":{\"$date\":\"2024-01-04T00:00:00Z\"}}",
                     "user: 2024-01-04T00:00:00.000000Z");
}

const CU_TestInfo bson_row_tests[] = {
    {"customers", customers},
    {"chats", chats},
    {"messages", messages},
    CU_TEST_INFO_NULL,
};
