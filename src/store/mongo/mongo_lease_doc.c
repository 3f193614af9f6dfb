#include "mongo_lease_doc.h"

#include "base/clock.h"
#include "bson_map.h"
#include "mongo_cursor.h"
#include "mongo_error.h"

#define DOCUMENT "sakurad"

static void copy_text(const bson_t *doc, const char *key, char *out, size_t size)
{
    struct slice text = bson_string(doc, key);
    (void)snprintf(out, size, "%.*s", SLICE_ARG(text));
}

static void describe(const bson_t *doc, const struct lease_doc *d, char *out, size_t size)
{
    char since[TIME_TEXT_LEN];
    bson_iter_t it;
    struct slice version = bson_string(doc, "version");
    time_format(bson_iter_init_find(&it, doc, "since") ? bson_time(&it) : 0, since);
    (void)snprintf(out, size, "host %s, pid %lld, since %.*s, version %.*s", d->process.host, (long long)d->process.pid,
                   TIME_TEXT_LEN, since, SLICE_ARG(version));
}

static void map_lease(struct lease_table *l, const bson_t *doc, struct lease_doc *d, char *who, size_t who_size)
{
    d->there = true;
    copy_text(doc, "holder", d->holder, sizeof(d->holder));
    copy_text(doc, "heir", d->heir, sizeof(d->heir));
    copy_text(doc, "host", d->process.host, sizeof(d->process.host));
    copy_text(doc, "boot", d->process.boot, sizeof(d->process.boot));
    copy_text(doc, "pid_ns", d->process.pid_ns, sizeof(d->process.pid_ns));
    d->process.pid = bson_number(doc, "pid");
    d->process.started = bson_number(doc, "started");
    d->turn = bson_number(doc, "turn");
    d->lease_us = bson_number(doc, "lease_ms") * 1000;
    d->state = process_state(&d->process, &l->process);
    describe(doc, d, who, who_size);
}

enum err lease_read(struct lease_table *l, struct lease_doc *d, char *who, size_t who_size)
{
    struct mongo_find how = {.limit = 1, .primary = true};
    bson_t *doc, *filter = BCON_NEW("_id", DOCUMENT);
    *d = (struct lease_doc){0};
    who[0] = '\0';
    enum err e = mongo_first(l->conn, "reading the lease", mongo_find(l->conn, l->documents, filter, &how), &doc);
    if (doc)
        map_lease(l, doc, d, who, who_size);
    bson_destroy(doc);
    return e;
}

static void put_holder(struct lease_table *l, bson_t *doc)
{
    const struct process_name *p = &l->process;
    int64_t now_ms = clock_wall_us() / 1000;
    BCON_APPEND(doc, "holder", BCON_UTF8(l->self), "heir", BCON_UTF8(""), "host", BCON_UTF8(p->host), "pid",
                BCON_INT64(p->pid), "boot", BCON_UTF8(p->boot), "pid_ns", BCON_UTF8(p->pid_ns), "started",
                BCON_INT64(p->started), "version", BCON_UTF8(SAKURAD_VERSION), "lease_ms",
                BCON_INT64(l->lease_us / 1000), "since", BCON_DATE_TIME(now_ms), "renewed", BCON_DATE_TIME(now_ms));
}

/* A compare-and-set; takes filter and change. True: the document was as the filter says, and is changed now. *failed:
 * whether it is cannot be said. */
static bool change_lease(struct lease_table *l, bson_t *filter, bson_t *change, const char *what, bool *failed)
{
    bson_error_t error;
    bson_t reply;
    bool ok = mongoc_collection_update_one(l->documents, filter, change, NULL, &reply, &error);
    bool matched = ok && bson_number(&reply, "matchedCount") == 1;
    if (!ok)
        (void)mongo_failed(l->conn, what, &error);
    *failed = !ok;
    bson_destroy(&reply);
    bson_destroy(filter);
    bson_destroy(change);
    return matched;
}

bool lease_create(struct lease_table *l)
{
    bson_error_t error;
    bson_t doc = BSON_INITIALIZER;
    BSON_APPEND_UTF8(&doc, "_id", DOCUMENT);
    BSON_APPEND_INT64(&doc, "turn", 1);
    put_holder(l, &doc);
    bool ok = mongoc_collection_insert_one(l->documents, &doc, NULL, NULL, &error);
    if (!ok && error.code != MONGOC_ERROR_DUPLICATE_KEY) /* else somebody was faster */
        (void)mongo_failed(l->conn, "making the lease", &error);
    bson_destroy(&doc);
    return ok;
}

bool lease_take(struct lease_table *l, const struct lease_doc *seen)
{
    bool failed;
    bson_t set;
    bson_t *filter = BCON_NEW("_id", DOCUMENT, "holder", BCON_UTF8(seen->holder), "turn", BCON_INT64(seen->turn));
    bson_t *change = BCON_NEW("$inc", "{", "turn", BCON_INT64(1), "}");
    bson_append_document_begin(change, "$set", -1, &set);
    put_holder(l, &set);
    bson_append_document_end(change, &set);
    return change_lease(l, filter, change, "taking the lease", &failed);
}

void lease_ask(struct lease_table *l, const struct lease_doc *seen)
{
    bool failed;
    bson_t *filter = BCON_NEW("_id", DOCUMENT, "holder", BCON_UTF8(seen->holder));
    (void)change_lease(l, filter, BCON_NEW("$set", "{", "heir", BCON_UTF8(l->self), "}"), "asking for the lease",
                       &failed);
}

bool lease_give_back(struct lease_table *l)
{
    bool failed;
    bson_t *filter = BCON_NEW("_id", DOCUMENT, "holder", BCON_UTF8(l->self));
    return change_lease(l, filter,
                        BCON_NEW("$set", "{", "holder", BCON_UTF8(""), "}", "$inc", "{", "turn", BCON_INT64(1), "}"),
                        "giving the lease back", &failed);
}

bool lease_renew(struct lease_table *l, bool *failed)
{
    bson_t *filter = BCON_NEW("_id", DOCUMENT, "holder", BCON_UTF8(l->self), "heir", "{", "$in", "[", BCON_NULL,
                              BCON_UTF8(""), "]", "}");
    bson_t *change = BCON_NEW("$set", "{", "renewed", BCON_DATE_TIME(clock_wall_us() / 1000), "}", "$inc", "{", "turn",
                              BCON_INT64(1), "}");
    return change_lease(l, filter, change, "renewing the lease", failed);
}
