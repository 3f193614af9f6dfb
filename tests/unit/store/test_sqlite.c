/* What is SQLite's own: the file, its schema, what a crash leaves, readers beside the writer. */
#include "sqlite_files.h"
#include "store/ident.h"
#include "store/sqlite/sqlite_store.h"
#include "suites.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- opening ---- */

enum { SYNCHRONOUS_OFF = 0, SYNCHRONOUS_FULL = 2 };

/* What the writer's connection promises of the disk. */
static int synchronous_of(struct store *store)
{
    sqlite3_stmt *stmt;
    must(sqlite3_prepare_v2(sqlite_store_of(store)->conn.db, "PRAGMA synchronous", -1, &stmt, NULL) == SQLITE_OK);
    CU_ASSERT_EQUAL(sqlite3_step(stmt), SQLITE_ROW);
    int level = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    return level;
}

static void expect_refused(const char *uri, enum err expected, const char *word)
{
    struct buf why = {0};
    struct store *s;
    enum err err = sqlite_open_uri(uri, &s, &why);
    CU_ASSERT_EQUAL(err, expected);
    CU_ASSERT_PTR_NULL(s);
    if (!strstr(buf_cstr(&why), word))
        fprintf(stderr, "\n%s: '%s' lacks '%s'\n", uri, buf_cstr(&why), word);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&why), word));
    if (s)
        s->vtable->close(s);
    buf_fini(&why);
}

static void bad_uris(void)
{
    expect_refused("sqlite:", ERR_INVALID, "path is missing");
    expect_refused("sqlite:?durability=full", ERR_INVALID, "path is missing");
    expect_refused("sqlite::memory:", ERR_INVALID, "in memory");
    expect_refused("sqlite://x.db", ERR_INVALID, "without the two slashes");
    expect_refused("sqlite:x.db?durability=half", ERR_INVALID, "full or none, not 'half'");
    expect_refused("sqlite:x.db?durability", ERR_INVALID, "full or none");
    expect_refused("sqlite:x.db?page_cache_mb=0", ERR_INVALID, "1 to 65536");
    expect_refused("sqlite:x.db?page_cache_mb=1e3", ERR_INVALID, "1 to 65536");
    expect_refused("sqlite:x.db?durability=full&nonsense=1", ERR_INVALID, "unknown option 'nonsense'");
    expect_refused("sqlite:x.db?=", ERR_INVALID, "unknown option");
    expect_refused("sqlite:/no/such/folder/x.db", ERR_IO, "No such file");
    expect_refused("sqlite:/", ERR_IO, "not a regular file");
    expect_refused("postgres://x", ERR_INVALID, "sqlite:PATH");
    CU_ASSERT_NOT_EQUAL(access("x.db", F_OK), 0); /* a refused URI makes no file */
}

static void refused_file(const char *word)
{
    char uri[256];
    snprintf(uri, sizeof(uri), "sqlite:%s", sqlite_test_path());
    struct buf why = {0};
    struct store *s;
    CU_ASSERT_NOT_EQUAL(sqlite_open_uri(uri, &s, &why), OK);
    if (!strstr(buf_cstr(&why), word))
        fprintf(stderr, "\n'%s' lacks '%s'\n", buf_cstr(&why), word);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&why), word));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&why), sqlite_test_path()));
    buf_fini(&why);
}

static void run_sql(const char *sql)
{
    sqlite3 *db;
    must(sqlite3_open(sqlite_test_path(), &db) == SQLITE_OK);
    CU_ASSERT_EQUAL(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static int64_t ask_file(const char *path, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    must(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK);
    must(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK);
    int64_t value = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return value;
}

static void foreign_files(void)
{
    sqlite_factory.wipe(NULL);
    FILE *f = fopen(sqlite_test_path(), "w");
    must(f != NULL);
    for (int i = 0; i < 1000; i++)
        fputs("dear diary, ", f);
    fclose(f);
    refused_file("not a database");
    sqlite_factory.wipe(NULL);
    run_sql("CREATE TABLE recipes(x)");
    refused_file("another program");
    CU_ASSERT_EQUAL(ask_file(sqlite_test_path(), "SELECT count(*) FROM sqlite_schema"), 1);
    sqlite_factory.wipe(NULL);
    run_sql("PRAGMA application_id = 1397445188; PRAGMA user_version = 99; CREATE TABLE future(x)");
    refused_file("newer sakurad");
    sqlite_factory.wipe(NULL);
}

static void one_server_per_file(void)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    char pid[32];
    snprintf(pid, sizeof(pid), "(process %ld)", (long)getpid());
    refused_file("in use by another server");
    refused_file(pid);
    (void)rig_chat(&r, "ann"); /* the first goes on */
    CU_ASSERT(rig_reopen(&r)); /* and leaves no lock behind */
    rig_close(&r);
}

static void private_and_durable(void)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    (void)rig_chat(&r, "ann");
    static const char *const suffixes[] = {"", "-wal", "-shm", "-lock"};
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        char name[160];
        struct stat st;
        snprintf(name, sizeof(name), "%s%s", sqlite_test_path(), suffixes[i]);
        CU_ASSERT_EQUAL(stat(name, &st), 0);
        CU_ASSERT_EQUAL(st.st_mode & 077, 0); /* conversations are nobody else's */
    }
    CU_ASSERT_EQUAL(synchronous_of(r.store), SYNCHRONOUS_FULL);
    rig_close(&r);
}

static void durability_off(void)
{
    sqlite_factory.wipe(NULL);
    struct buf why = {0};
    struct store *s;
    CU_ASSERT_EQUAL_FATAL(sqlite_open_path("?durability=none&page_cache_mb=2", &s, &why), OK);
    CU_ASSERT_EQUAL(synchronous_of(s), SYNCHRONOUS_OFF);
    s->vtable->close(s);
    CU_ASSERT_EQUAL_FATAL(sqlite_open_path("?durability=full", &s, &why), OK);
    CU_ASSERT_EQUAL(synchronous_of(s), SYNCHRONOUS_FULL);
    s->vtable->close(s);
    buf_fini(&why);
    sqlite_factory.wipe(NULL);
}

/* ---- schema ---- */

static void migrations(void)
{
    static const char *const old_steps[] = {"CREATE TABLE a(x); INSERT INTO a VALUES (1);"};
    static const char *const new_steps[] = {"CREATE TABLE a(x); INSERT INTO a VALUES (1);",
                                            "ALTER TABLE a ADD COLUMN y DEFAULT 7;", "CREATE TABLE b(z);"};
    static const char *const bad_steps[] = {"CREATE TABLE a(x); INSERT INTO a VALUES (1);",
                                            "ALTER TABLE a ADD COLUMN y DEFAULT 7;", "CREATE TABLE b(z); nonsense;"};
    const struct schema v1 = {old_steps, 1}, v3 = {new_steps, 3}, broken = {bad_steps, 3};
    const char *path = sqlite_test_path();
    sqlite_factory.wipe(NULL);
    run_sql("");
    struct db_options options = {.path = path, .durable = true, .cache_kib = 512};
    struct sqlite_conn c = {0};
    struct buf why = {0};
    run_sql("VACUUM"); /* makes the file */
    CU_ASSERT_EQUAL_FATAL(db_open(&c, CONN_WRITER, &options, &why), OK);
    CU_ASSERT_EQUAL(schema_migrate(&c, &v1, &why), OK);
    CU_ASSERT_EQUAL(ask_file(path, "PRAGMA user_version"), 1);
    CU_ASSERT_EQUAL(schema_migrate(&c, &broken, &why), ERR_STORE); /* all or nothing */
    CU_ASSERT(why.len > 0);
    CU_ASSERT_EQUAL(ask_file(path, "PRAGMA user_version"), 1);
    CU_ASSERT_EQUAL(ask_file(path, "SELECT count(*) FROM pragma_table_info('a')"), 1);
    CU_ASSERT_EQUAL(schema_migrate(&c, &v3, &why), OK);
    CU_ASSERT_EQUAL(schema_migrate(&c, &v3, &why), OK);
    CU_ASSERT_EQUAL(ask_file(path, "PRAGMA user_version"), 3);
    CU_ASSERT_EQUAL(ask_file(path, "SELECT y FROM a"), 7);
    buf_clear(&why);
    CU_ASSERT_EQUAL(schema_migrate(&c, &v1, &why), ERR_UNSUPPORTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&why), "its schema is 3, this sakurad knows up to 1"));
    db_close(&c);
    buf_fini(&why);
    sqlite_factory.wipe(NULL);
}

/* A file of the first schema, with two spellings of one address: both stay, and are compared once it is opened. */
static void addresses_of_an_older_file(void)
{
    static const struct {
        const char *ident, *id;
    } rows[] = {{"Ann@x.io", "one"}, {"ann@x.io", "two"}, {"ANN@X.IO", "one"}, {"bob@x.io", "three"}};
    const struct schema first = {sqlite_schema.steps, 1};
    struct db_options options = {.path = sqlite_test_path(), .durable = true, .cache_kib = 512};
    struct sqlite_conn c = {0};
    struct buf why = {0};
    sqlite_factory.wipe(NULL);
    run_sql("VACUUM");
    CU_ASSERT_EQUAL_FATAL(db_open(&c, CONN_WRITER, &options, &why), OK);
    CU_ASSERT_EQUAL(schema_migrate(&c, &first, &why), OK);
    db_close(&c);
    run_sql("INSERT INTO customers SELECT id, oid, email, '', oid, '', '', '', '', '', '', '', '', '', 1, 1, 1, 0, 1, "
            "id, 0 "
            "FROM (SELECT 1 id, 'one' oid, 'Ann@x.io' email UNION ALL SELECT 2, 'two', 'ann@x.io' "
            "UNION ALL SELECT 3, 'three', char(9) || ' Bob@X.io ')");
    struct rig r = {.factory = &sqlite_factory};
    arena_init(&r.arena, 0);
    for (size_t i = 0; rig_reopen(&r) && i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct customer u = {0};
        CU_ASSERT_EQUAL(ident_read(r.reader, slice_cstr(rows[i].ident), &r.arena, &u), OK);
        CU_ASSERT(slice_eq(u.id, slice_cstr(rows[i].id)));
    }
    rig_close(&r);
    buf_fini(&why);
}

static void close_rig_store(struct rig *r)
{
    r->reader->vtable->reader_close(r->reader);
    r->store->vtable->close(r->store);
    r->reader = NULL;
    r->store = NULL;
}

static void make_old_file(int version)
{
    const struct schema old = {sqlite_schema.steps, version};
    struct db_options options = {.path = sqlite_test_path(), .durable = true, .cache_kib = 512};
    struct sqlite_conn c = {0};
    struct buf why = {0};
    sqlite_factory.wipe(NULL);
    run_sql("VACUUM"); /* makes the file */
    CU_ASSERT_EQUAL_FATAL(db_open(&c, CONN_WRITER, &options, &why), OK);
    CU_ASSERT_EQUAL(schema_migrate(&c, &old, &why), OK);
    db_close(&c);
    buf_fini(&why);
}

/* A file of each schema that there ever was, with a customer and a message in it. */
static void files_of_older_schemas(void)
{
    static const char *const rows =
        "INSERT INTO customers(id, oid, email, user_ref, name, ip, vibe, category, status, owner, last_chat, "
        "timestamp, "
        "location, device, created, last_seen, visits, visit_duration, activity, rev, chat_count) VALUES "
        "(1, 'ann', 'ann@x.io', '', 'Ann', '', '', '', '', '', '', '', '', '', 7, 7, 1, 0, 7, 7, 2);"
        "INSERT INTO chats(id, chat_id, user, status, created, updated, rev, flags, activity_rev) "
        "VALUES (2, 'c-2', 1, 'closed', 8, 8, 8, 1, 8);"
        "UPDATE chats SET flags = flags | 8;" /* which a file of schema 4 has, and an older one gets */
        "INSERT INTO chats(id, chat_id, user, status, created, updated, rev, flags, activity_rev, head, first, total) "
        "VALUES (1, 'c-1', 1, 'open', 7, 7, 7, 0, 9, 9, 9, 1);"
        "INSERT INTO messages(rev, chat, prev, seq, ts, role, text) VALUES (9, 1, 0, 1, 9, 'user', 'old');"
        "UPDATE meta SET value = 9 WHERE key = 'rolled_rev'";
    struct rig r;
    struct customer u;
    for (int version = 1; version < sqlite_schema.version && rig_open(&r, &sqlite_factory); version++) {
        close_rig_store(&r);
        make_old_file(version);
        run_sql(rows);
        if (rig_reopen(&r)) {
            CU_ASSERT_EQUAL(ask_file(sqlite_test_path(), "PRAGMA user_version"), sqlite_schema.version);
            CU_ASSERT(rig_customer(&r, CUSTOMER_BY_ID, "ann", &u));
            CU_ASSERT_EQUAL(u.claimed_email.len, 0);
            CU_ASSERT_EQUAL(rig_say(&r, "c-1", "user", "new"), OK);
            const char *text = rig_load(&r, "ann");
            CU_ASSERT(text && strstr(text, " user old ") && strstr(text, " user new ") && !strstr(text, "via"));
            CU_ASSERT(text && strstr(text, " chat open total=2 flags=0 ") &&
                      strstr(text, "chat closed total=0 flags=9 "));
        }
        rig_close(&r);
    }
}

/* ---- what a crash leaves ---- */

static void copy_file(const char *suffix)
{
    char from[160], to[160];
    snprintf(from, sizeof(from), "%s%s", sqlite_test_path(), suffix);
    snprintf(to, sizeof(to), "%s.copy%s", sqlite_test_path(), suffix);
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    must(in && out);
    char block[65536];
    for (size_t n; (n = fread(block, 1, sizeof(block), in)) > 0;)
        must(fwrite(block, 1, n, out) == n);
    fclose(in);
    must(fclose(out) == 0);
}

/* The files as they are now, as after a SIGKILL, opened as a database of their own. */
static bool open_copy(struct rig *copy, struct rig *r)
{
    copy_file("");
    copy_file("-wal");
    struct buf why = {0};
    *copy = (struct rig){.factory = r->factory};
    arena_init(&copy->arena, 0);
    enum err err = sqlite_open_path(".copy", &copy->store, &why);
    if (err == OK)
        err = copy->store->vtable->reader_open(copy->store, &copy->reader);
    else
        fprintf(stderr, "%s\n", buf_cstr(&why));
    buf_fini(&why);
    CU_ASSERT_EQUAL(err, OK);
    return err == OK;
}

static void close_copy(struct rig *copy)
{
    copy->store->vtable->reader_close(copy->reader);
    copy->store->vtable->close(copy->store);
    buf_fini(&copy->text);
    arena_fini(&copy->arena);
}

static void expect_same(struct rig *r, struct rig *copy)
{
    const char *got = rig_load(copy, "ann");
    CU_ASSERT_STRING_EQUAL(got, rig_load(r, "ann"));
    got = rig_recent(copy, "", 0, 100);
    CU_ASSERT_STRING_EQUAL(got, rig_recent(r, "", 0, 100));
    got = rig_changed(copy, RIG_T0, 100);
    CU_ASSERT_STRING_EQUAL(got, rig_changed(r, RIG_T0, 100));
    got = rig_chats(copy, "", 0, 100);
    CU_ASSERT_STRING_EQUAL(got, rig_chats(r, "", 0, 100));
    struct totals a = rig_totals(r), b = rig_totals(copy);
    got = rig_totals_text(copy, &b);
    CU_ASSERT_STRING_EQUAL(got, rig_totals_text(r, &a));
}

/* Before, in and after each step of a round of the roll-up: 20 chats, 8 with each commit. */
static void crash_at_every_commit(void)
{
    enum { CHATS = 20 };
    struct rig r, copy;
    if (!rig_open(&r, &sqlite_factory))
        return;
    struct sqlite_store *s = sqlite_store_of(r.store);
    const char *chats[CHATS];
    char name[16];
    for (int i = 0; i < CHATS; i++) {
        snprintf(name, sizeof(name), "u%d", i);
        chats[i] = rig_chat(&r, i % 5 ? arena_dup(&r.arena, slice_cstr(name)) : "ann");
    }
    bool seen_middle = false;
    for (int step = 0; step < 30; step++) {
        if (step % 10 == 5)
            s->roll.ended_us = INT64_MIN / 2; /* a round is due */
        struct op *ops[] = {rig_send(&r, chats[(step * 7) % CHATS], "agent", "x", NULL),
                            rig_send(&r, chats[(step * 3) % CHATS], "user", "y", NULL),
                            rig_send(&r, chats[0], "user", "z", NULL)};
        CU_ASSERT_EQUAL(rig_apply(&r, ops, 3), OK);
        seen_middle |= s->roll.running;
        if (!open_copy(&copy, &r))
            break;
        expect_same(&r, &copy);
        close_copy(&copy);
    }
    CU_ASSERT(seen_middle);
    CU_ASSERT(s->roll.rolled_messages > 0);
    rig_close(&r);
}

/* After close every row is up to date, for whoever opens the file with another program. */
static void rows_follow(void)
{
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    sqlite_store_of(r.store)->roll.ended_us = INT64_MAX / 2; /* no round is due, however long this takes */
    const char *a = rig_chat(&r, "ann"), *b = rig_chat(&r, "bob");
    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(rig_say(&r, i ? a : b, "user", "x"), OK);
    const char *path = sqlite_test_path();
    CU_ASSERT_EQUAL(ask_file(path, "SELECT sum(total) FROM chats"), 0); /* a send writes its own row only */
    sqlite_store_of(r.store)->committed_us = INT64_MIN / 2;             /* quiet for long */
    r.store->vtable->maintain(r.store, 0, false);
    CU_ASSERT_EQUAL(ask_file(path, "SELECT sum(total) FROM chats"), 0); /* busy: not now */
    r.store->vtable->maintain(r.store, 0, true);
    CU_ASSERT_EQUAL(ask_file(path, "SELECT sum(total) FROM chats"), 5);
    CU_ASSERT_EQUAL(ask_file(path, "SELECT value FROM counters WHERE name = 'messages'"), 5);
    CU_ASSERT_EQUAL(ask_file(path, "SELECT max(rev) FROM customers"), r.rev);
    CU_ASSERT_EQUAL(ask_file(path, "SELECT value FROM meta WHERE key = 'rolled_rev'"), r.rev);
    CU_ASSERT_EQUAL(rig_say(&r, b, "user", "x"), OK);
    CU_ASSERT(rig_reopen(&r));
    CU_ASSERT_EQUAL(ask_file(path, "SELECT total FROM chats WHERE id = 2"), 2);
    CU_ASSERT_EQUAL(ask_file(path,
                             "SELECT count(*) FROM chats WHERE first = (SELECT min(rev) FROM messages m WHERE "
                             "m.chat = chats.id) AND head = (SELECT max(rev) FROM messages m WHERE m.chat = chats.id)"),
                    2);
    rig_close(&r);
}

/* More chats than memory keeps: those left out are read from their rows, which are up to date then. */
static void more_chats_than_kept(void)
{
    enum { CHATS = 40000, AT_ONCE = 1000 };
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    struct sqlite_store *s = sqlite_store_of(r.store);
    char(*ids)[UUID_LEN + 1] = calloc(CHATS, sizeof(*ids));
    struct op *ops[AT_ONCE];
    must(ids != NULL);
    for (int round = 0; round < 3; round++)
        for (int from = 0; from < CHATS; from += AT_ONCE) {
            for (int i = 0; i < AT_ONCE; i++) {
                char *id = ids[from + i];
                if (round > 0) {
                    ops[i] = rig_send(&r, id, "user", "x", NULL);
                    continue;
                }
                ops[i] = rig_create(&r, "ann", NULL, NULL);
                memcpy(id, create_chat_of(ops[i])->chat_id, UUID_LEN);
            }
            CU_ASSERT_EQUAL(rig_apply(&r, ops, AT_ONCE), OK);
            for (int i = 0; i < AT_ONCE; i++)
                op_put(r.pool, ops[i]);
            CU_ASSERT(s->heads.count <= HEADS_KEPT + 16384);
        }
    CU_ASSERT(s->heads.count < CHATS);
    CU_ASSERT(s->heads.pending_count < CHATS);
    CU_ASSERT_EQUAL(rig_totals(&r).messages, 2 * CHATS);
    CU_ASSERT(rig_reopen(&r));
    CU_ASSERT_EQUAL(ask_file(sqlite_test_path(), "SELECT count(*) FROM chats WHERE total = 2"), CHATS);
    CU_ASSERT_EQUAL(rig_totals(&r).messages, 2 * CHATS);
    free(ids);
    rig_close(&r);
}

/* ---- room for the log ---- */

static off_t log_size(void)
{
    char name[160];
    struct stat st;
    snprintf(name, sizeof(name), "%s-wal", sqlite_test_path());
    return stat(name, &st) == 0 ? st.st_size : 0;
}

/* Zeros where the log will be: made at open, nothing to SQLite, and gone with the log at close. */
static void log_has_room(void)
{
    enum { ROOM = 20 << 20 };
    struct rig r, copy;
    if (!rig_open(&r, &sqlite_factory))
        return;
    CU_ASSERT_EQUAL(log_size(), ROOM);
    CU_ASSERT_EQUAL(rig_say(&r, rig_chat(&r, "ann"), "user", "one"), OK);
    CU_ASSERT_EQUAL(log_size(), ROOM);
    if (open_copy(&copy, &r)) {
        expect_same(&r, &copy);
        close_copy(&copy);
    }
    CU_ASSERT(rig_reopen(&r));
    CU_ASSERT_EQUAL(log_size(), ROOM);
    /* A log of nothing but zeros, as a SIGKILL right after the room was made leaves it. */
    CU_ASSERT_EQUAL(ask_file(sqlite_test_path(), "PRAGMA wal_checkpoint(TRUNCATE)"), 0);
    CU_ASSERT_EQUAL(log_size(), 0);
    char name[160];
    snprintf(name, sizeof(name), "%s-wal", sqlite_test_path());
    CU_ASSERT_EQUAL(truncate(name, ROOM), 0);
    if (open_copy(&copy, &r)) {
        expect_same(&r, &copy);
        close_copy(&copy);
    }
    rig_close(&r);
}

/* Where there is no place for it, the log stays as it was and the store opens all the same. */
static void no_place_for_room(void)
{
    struct rig r;
    struct rlimit before;
    must(getrlimit(RLIMIT_FSIZE, &before) == 0);
    struct rlimit small = {.rlim_cur = 4 << 20, .rlim_max = before.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    must(setrlimit(RLIMIT_FSIZE, &small) == 0);
    bool open = rig_open(&r, &sqlite_factory);
    must(setrlimit(RLIMIT_FSIZE, &before) == 0);
    if (!open)
        return;
    CU_ASSERT(log_size() > 0 && log_size() < 4 << 20);
    CU_ASSERT_EQUAL(rig_say(&r, rig_chat(&r, "ann"), "user", "one"), OK);
    CU_ASSERT(rig_reopen(&r));
    rig_close(&r);
}

/* ---- readers beside the writer ---- */

struct race {
    struct rig *rig;
    atomic_bool stop;
    atomic_int loads;
    atomic_int faults;
};

struct watch {
    int64_t expected; /* the next message's number */
    int64_t total;
    bool broken;
};

static enum err watch_customer(void *arg, const struct customer *u)
{
    (void)arg, (void)u;
    return OK;
}

static enum err watch_chat(void *arg, const struct chat *c)
{
    struct watch *w = arg;
    w->broken |= w->expected != w->total; /* the chat before was as long as its row said */
    w->expected = 0;
    w->total = c->total_messages;
    return OK;
}

static enum err watch_message(void *arg, const struct message *m)
{
    struct watch *w = arg;
    uint64_t number;
    w->broken |= !slice_to_u64(m->text, &number) || (int64_t)number != w->expected++;
    return OK;
}

static void *read_on(void *arg)
{
    struct race *race = arg;
    struct store *s = race->rig->store;
    struct store_reader *reader;
    if (s->vtable->reader_open(s, &reader) != OK) {
        atomic_fetch_add(&race->faults, 1);
        return NULL;
    }
    int64_t seen = 0;
    struct arena a;
    arena_init(&a, 0);
    while (!atomic_load(&race->stop)) {
        struct watch w = {0};
        struct load_sink sink = {.customer = watch_customer, .chat = watch_chat, .message = watch_message, .arg = &w};
        bool bad = s->vtable->load_customer(reader, SLICE_LIT("ann"), &sink) != OK || w.broken || w.expected != w.total;
        struct customer *customers;
        size_t count;
        bad |= s->vtable->recent_customers(reader, (struct slice){0}, 0, 10, &a, &customers, &count) != OK ||
               count != 2 || customers[0].rev < customers[1].rev || customers[0].rev < seen;
        seen = bad ? seen : customers[0].rev;
        atomic_fetch_add(&race->faults, bad);
        atomic_fetch_add(&race->loads, 1);
        arena_reset(&a);
    }
    arena_fini(&a);
    s->vtable->reader_close(reader);
    return NULL;
}

static void readers_beside_the_writer(void)
{
    enum { ROUNDS = 150 };
    struct rig r;
    if (!rig_open(&r, &sqlite_factory))
        return;
    struct sqlite_store *s = sqlite_store_of(r.store);
    const char *chats[] = {rig_chat(&r, "ann"), rig_chat(&r, "ann"), rig_chat(&r, "bob")};
    struct race race = {.rig = &r};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        must(pthread_create(&threads[i], NULL, read_on, &race) == 0);
    char numbers[ROUNDS][12];
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(numbers[i], sizeof(numbers[i]), "%d", i);
        if (i % 4 == 0)
            s->roll.ended_us = INT64_MIN / 2;
        if (i % 10 == 0)
            checkpointer_ask(s->checkpointer);
        struct op *ops[3];
        for (int k = 0; k < 3; k++)
            ops[k] = rig_send(&r, chats[k], k ? "user" : "agent", numbers[i], NULL);
        CU_ASSERT_EQUAL(rig_apply(&r, ops, 3), OK);
        for (int k = 0; k < 3; k++)
            op_put(r.pool, ops[k]);
    }
    while (atomic_load(&race.loads) < 4)
        usleep(1000);
    atomic_store(&race.stop, true);
    for (int i = 0; i < 2; i++)
        (void)pthread_join(threads[i], NULL);
    CU_ASSERT_EQUAL(atomic_load(&race.faults), 0);
    rig_close(&r);
}

enum { BATCH = 64, TEXT = 4096, BATCHES = 600 }; /* about 160 MiB of messages */

static void write_batch(struct rig *r, const char *chat, const char *text, int count)
{
    struct op *ops[BATCH] = {NULL};
    for (int k = 0; k < count; k++)
        ops[k] = rig_send(r, chat, "user", text, NULL);
    CU_ASSERT_EQUAL(rig_apply(r, ops, (size_t)count), OK);
    for (int k = 0; k < count; k++)
        op_put(r->pool, ops[k]);
}

/* Writes them all; the most frames that the log had. A log longer than `patience` waits for the thread, however late the
 * scheduler lets it run: a little is written now and then, since the log starts anew with a write. */
static int64_t longest_log(struct rig *r, int64_t patience)
{
    static char text[TEXT + 1];
    const struct sqlite_store *s = sqlite_store_of(r->store);
    const char *chat = rig_chat(r, "ann");
    int64_t most = 0;
    int waits = 1200; /* a minute, of all together */
    memset(text, 'x', TEXT);
    for (int i = 0; i < BATCHES; i++) {
        write_batch(r, chat, text, BATCH);
        for (; s->log_frames > patience && waits > 0; waits--) {
            usleep(50000);
            write_batch(r, chat, "y", 1);
        }
        most = s->log_frames > most ? s->log_frames : most;
    }
    return most;
}

static void open_quick(struct rig *r)
{
    struct buf why = {0};
    sqlite_factory.wipe(NULL);
    *r = (struct rig){.factory = &sqlite_factory, .rev = RIG_T0, .pool = op_pool_new(BATCH + 1, 0)};
    CU_ASSERT_EQUAL_FATAL(sqlite_open_path("?durability=none", &r->store, &why), OK);
}

/* The log does not grow for ever under constant load: the thread moves it, the writer finishes, it starts anew. */
static void log_is_bounded(void)
{
    struct rig r;
    open_quick(&r);
    int64_t most = longest_log(&r, 16384);
    CU_ASSERT(most > 4000);   /* the test wrote enough to see it */
    CU_ASSERT(most <= 16384); /* 64 MiB: the writer never had to do it all by itself */
    rig_close(&r);
}

/* Nor where the thread gets nothing done. */
static void log_is_bounded_by_the_writer(void)
{
    static const struct db_options nowhere = {.path = "/nonexistent/x.db"};
    struct rig r;
    open_quick(&r);
    struct sqlite_store *s = sqlite_store_of(r.store);
    checkpointer_stop(s->checkpointer);
    s->checkpointer = NULL;
    CU_ASSERT_EQUAL_FATAL(checkpointer_start(&nowhere, &s->checkpointer), OK);
    int64_t most = longest_log(&r, INT64_MAX);
    CU_ASSERT(most > 16384);
    CU_ASSERT(most <= 32768 + BATCH * 4); /* 128 MiB and a batch */
    rig_close(&r);
}

const CU_TestInfo sqlite_tests[] = {
    {"bad URIs", bad_uris},
    {"foreign files are refused, untouched", foreign_files},
    {"one server per file", one_server_per_file},
    {"files are private, commits durable", private_and_durable},
    {"durability off", durability_off},
    {"migrations are all or nothing", migrations},
    {"addresses of an older file are compared", addresses_of_an_older_file},
    {"files of older schemas", files_of_older_schemas},
    {"a crash at every commit of a roll-up", crash_at_every_commit},
    {"rows follow when quiet and at close", rows_follow},
    {"more chats than memory keeps", more_chats_than_kept},
    {"readers beside the writer", readers_beside_the_writer},
    {"the log is bounded", log_is_bounded},
    {"the log is bounded by the writer alone", log_is_bounded_by_the_writer},
    {"the log has room", log_has_room},
    {"no place for the room", no_place_for_room},
    CU_TEST_INFO_NULL,
};
