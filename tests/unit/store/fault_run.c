#include "fault_run.h"

#include "base/clock.h"
#include "sqlite_files.h"
#include "store/sqlite/sqlite_store.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { CHATS = 3, BATCH_MOST = 8, TRIES = 200 };

struct run {
    struct rig rig; /* its store and reader are NULL while it is down */
    char chats[CHATS][UUID_LEN + 1];
    int64_t said[CHATS]; /* acknowledged */
    int64_t seen[CHATS]; /* by the check */
    int seen_chat;
    struct op *batch[BATCH_MOST];
    size_t count;
    const struct fault_run *asked;
    const char *broken; /* what was first */
};

static void breaks(struct run *run, const char *what)
{
    if (!run->broken)
        run->broken = what;
}

/* ---- up and down ---- */

static void stop(struct run *run)
{
    struct rig *r = &run->rig;
    if (r->reader)
        r->store->vtable->reader_close(r->reader);
    if (r->store)
        r->store->vtable->close(r->store);
    r->reader = NULL;
    r->store = NULL;
}

static void open_reader(struct run *run)
{
    struct rig *r = &run->rig;
    if (r->store && !r->reader && r->store->vtable->reader_open(r->store, &r->reader) != OK)
        r->reader = NULL;
}

static bool is_up(const struct run *run)
{
    return run->rig.store && (run->rig.reader || run->asked->alone) && !fault_power_is_off();
}

static void start(struct run *run)
{
    struct rig *r = &run->rig;
    for (int tries = 0; !is_up(run) && tries < TRIES; tries++) {
        if (!r->store && sqlite_factory.open(NULL, &r->store) != OK)
            r->store = NULL;
        if (!run->asked->alone)
            open_reader(run);
        if (!fault_power_is_off())
            continue;
        stop(run);
        fault_power_on(run->asked->kept);
    }
    if (!is_up(run)) {
        breaks(run, "the store does not open again");
        return;
    }
    struct sqlite_store *s = sqlite_store_of(r->store);
    if (!run->asked->alone)
        return;
    checkpointer_stop(s->checkpointer);
    s->checkpointer = NULL;
}

/* What is still to be done is not done, and what the plan says of a cut comes before what is asked here. */
static void crash(struct run *run, enum fault_kept kept)
{
    kept = fault_power_is_off() ? run->asked->kept : kept;
    fault_power_off();
    stop(run);
    fault_power_on(kept);
    start(run);
}

/* ---- what was stored ---- */

static int64_t ask(struct run *run, const char *sql)
{
    int64_t value = -1;
    for (int tries = 0; value < 0 && tries < TRIES; tries++) {
        if (!is_up(run))
            crash(run, FAULT_KEEP_ALL);
        if (run->rig.store)
            value = sqlite_ask(sqlite_store_of(run->rig.store)->conn.db, sql);
    }
    return value;
}

static int64_t ask_chat(struct run *run, int chat, const char *what)
{
    char sql[200];
    snprintf(sql, sizeof(sql), "SELECT %s FROM chats c LEFT JOIN messages m ON m.chat = c.id WHERE c.chat_id = '%s'",
             what, run->chats[chat]);
    return ask(run, sql);
}

static enum err see_customer(void *arg, const struct customer *u)
{
    (void)arg, (void)u;
    return OK;
}

static enum err see_chat(void *arg, const struct chat *c)
{
    struct run *run = arg;
    run->seen_chat = 0;
    while (run->seen_chat < CHATS && !slice_eq(c->chat_id, slice_cstr(run->chats[run->seen_chat])))
        run->seen_chat++;
    return OK;
}

static enum err see_message(void *arg, const struct message *m)
{
    struct run *run = arg;
    uint64_t number;
    bool next =
        run->seen_chat < CHATS && slice_to_u64(m->text, &number) && (int64_t)number == run->seen[run->seen_chat]++;
    if (!next)
        breaks(run, "a history has another order, or another message");
    return OK;
}

static void check_histories(struct run *run)
{
    struct load_sink sink = {.customer = see_customer, .chat = see_chat, .message = see_message, .arg = run};
    memset(run->seen, 0, sizeof(run->seen));
    const struct store_vtable *v = run->rig.store->vtable;
    if (v->load_customer(run->rig.reader, SLICE_LIT("ann"), &sink) != OK ||
        v->load_customer(run->rig.reader, SLICE_LIT("bob"), &sink) != OK)
        breaks(run, "a history cannot be read");
    for (int i = 0; i < CHATS; i++)
        if (run->seen[i] != run->said[i])
            breaks(run, "an acknowledged message is not in its history");
}

static void check_memory(struct run *run)
{
    struct heads *heads = &sqlite_store_of(run->rig.store)->heads;
    for (int i = 0; i < CHATS; i++) {
        struct head head = {.chat = ask_chat(run, i, "c.id")};
        int64_t newest = ask_chat(run, i, "coalesce(max(m.rev), 0)");
        heads_get(heads, &head, 1);
        if (head.rev > 0) {
            if (head.rev != newest || head.total != ask_chat(run, i, "count(m.rev)"))
                breaks(run, "memory's newest message is not the newest");
        } else if (ask_chat(run, i, "c.head") != newest) {
            breaks(run, "a row is behind and memory does not know");
        }
    }
}

static void check_totals(struct run *run)
{
    struct totals t = rig_totals(&run->rig);
    if (t.messages != ask(run, "SELECT count(*) FROM messages") || t.chats != ask(run, "SELECT count(*) FROM chats") ||
        t.customers != ask(run, "SELECT count(*) FROM customers") ||
        t.chats_with_agent != ask(run, "SELECT count(DISTINCT chat) FROM messages WHERE role = 'agent'") ||
        t.inbox[INBOX_ALL] != t.chats)
        breaks(run, "a total is not the count");
    struct overview o;
    int64_t messages = 0;
    if (run->rig.store->vtable->overview(run->rig.reader, &run->rig.arena, &o) != OK)
        breaks(run, "the overview cannot be read");
    for (size_t i = 0; i < o.chat_count; i++)
        messages += o.chats[i].messages;
    if (messages != t.messages || strcmp(rig_changed(&run->rig, RIG_T0, 10), "bob ann") != 0)
        breaks(run, "a listing misses something");
}

/* With no faults on the way. */
static void check(struct run *run)
{
    open_reader(run);
    if (!run->rig.reader) {
        breaks(run, "no reader opens");
        return;
    }
    check_histories(run);
    check_memory(run);
    check_totals(run);
    if (!sqlite_passes_check(sqlite_store_of(run->rig.store)->conn.db))
        breaks(run, "the file is not sound");
}

/* ---- chats, sends ---- */

/* A create whose answer was lost with the server is made again, as another chat: the first may be there too. */
static void create_chat(struct run *run, int chat)
{
    struct op *op = NULL;
    enum err err = ERR_STORE;
    for (int tries = 0; err != OK && tries < TRIES; tries++) {
        if (!is_up(run)) {
            crash(run, FAULT_KEEP_ALL);
            op = NULL;
        }
        if (!op)
            op = rig_create(&run->rig, chat < 2 ? "ann" : "bob", NULL, NULL);
        err = run->rig.store ? RIG_APPLY(&run->rig, op) : ERR_STORE;
    }
    if (err != OK || op->result != OK)
        breaks(run, "a chat cannot be made");
    memcpy(run->chats[chat], create_chat_of(op)->chat_id, UUID_LEN);
}

static int chat_of(int number)
{
    return number * 7 % 10 % CHATS;
}

static bool has_key(int number)
{
    return number % 3 != 0;
}

static void add_send(struct run *run, int number, int64_t place)
{
    char text[32], key[32];
    struct arena *a = &run->rig.arena;
    snprintf(text, sizeof(text), "%lld", (long long)place);
    snprintf(key, sizeof(key), "key-%d", number);
    run->batch[run->count++] =
        rig_send(&run->rig, run->chats[chat_of(number)], number % 40 == 20 ? "agent" : "user",
                 arena_dup(a, slice_cstr(text)), has_key(number) ? arena_dup(a, slice_cstr(key)) : "");
}

static void add_sends(struct run *run, int first, int count)
{
    int64_t places[CHATS];
    memcpy(places, run->said, sizeof(places));
    for (int i = 0; i < count; i++)
        add_send(run, first + i, places[chat_of(first + i)]++);
}

static void forget_batch(struct run *run)
{
    for (size_t i = 0; i < run->count; i++)
        op_put(run->rig.pool, run->batch[i]);
    run->count = 0;
}

/* As the writer does: the same ops again, with the upkeep that asks whether the store is well. False: no answer. */
static bool send_batch(struct run *run, int tries, bool duplicates)
{
    int64_t revs[BATCH_MOST];
    for (size_t i = 0; i < run->count; i++)
        revs[i] = send_of(run->batch[i])->message.rev;
    enum err err = ERR_STORE;
    for (int i = 0; err != OK && i < tries && is_up(run); i++) {
        if (i % 4 == 3)
            run->rig.store->vtable->maintain(run->rig.store, clock_mono_us(), true);
        err = rig_apply(&run->rig, run->batch, run->count);
    }
    for (size_t i = 0; err == OK && i < run->count; i++) {
        struct op *op = run->batch[i];
        if (op->result != OK || send_of(op)->message.duplicate != duplicates ||
            (!duplicates && send_of(op)->message.rev != revs[i]))
            breaks(run, "a message got another answer than OK and its id");
    }
    if (err != OK && tries == TRIES && is_up(run))
        breaks(run, "a batch is never taken");
    return err == OK;
}

/* Nobody had an answer. The batch is stored as a whole or not at all, and comes again with other ids, as clients do it: by
 * its keys, and those without one only if they are not there. */
static void send_again(struct run *run, int first, int count)
{
    forget_batch(run);
    int64_t stored = 0;
    for (int i = 0; i < CHATS; i++)
        stored += ask_chat(run, i, "count(m.rev)") - run->said[i];
    if (stored != 0 && stored != count)
        breaks(run, "half of a batch is stored");
    if (stored == 0)
        add_sends(run, first, count);
    for (int i = 0; stored != 0 && i < count; i++)
        if (has_key(first + i))
            add_send(run, first + i, 0);
    while (!run->broken && !send_batch(run, TRIES, stored != 0))
        crash(run, FAULT_KEEP_ALL); /* the same ids go on: this time it is the same writer */
}

static void upkeep(struct run *run, int turn)
{
    if (!is_up(run))
        return;
    struct sqlite_store *s = sqlite_store_of(run->rig.store);
    if (turn % 3 == 0)
        s->roll.ended_us = INT64_MIN / 2; /* a round is due with the next commit */
    if (turn % 4 != 1)
        return;
    s->committed_us = INT64_MIN / 2; /* quiet for long: rows follow, and the log is moved */
    run->rig.store->vtable->maintain(run->rig.store, clock_mono_us(), true);
    while (s->checkpointer && checkpointer_busy(s->checkpointer))
        usleep(20);
}

static void send_all(struct run *run)
{
    for (int first = 0, turn = 0; first < SENDS && !run->broken; turn++) {
        int count = 1 + turn * 5 % BATCH_MOST;
        count = count > SENDS - first ? SENDS - first : count;
        add_sends(run, first, count);
        bool killed = turn == 20 || turn == 30;
        if (!send_batch(run, killed ? 1 : TRIES, false)) {
            crash(run, FAULT_KEEP_ALL);
            send_again(run, first, count);
        } else if (killed) {
            crash(run, FAULT_KEEP_ALL);
        }
        forget_batch(run);
        for (int i = 0; i < count; i++)
            run->said[chat_of(first + i)]++;
        first += count;
        upkeep(run, turn);
        if (turn == 10 || turn == 36) {
            stop(run);
            start(run);
        }
    }
}

/* No room for the log is made: 20 MiB of zeros each time are not what this is about. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    must(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = bytes;
    must(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

const char *fault_run(struct fault_run *asked)
{
    struct run run = {.asked = asked, .rig = {.factory = &sqlite_factory, .rev = RIG_T0 - 1000}};
    arena_init(&run.rig.arena, 0);
    run.rig.pool = op_pool_new(1000, 1 << 20);
    must(run.rig.pool != NULL);
    (void)signal(SIGXFSZ, SIG_IGN);
    limit_files(2 << 20);
    fault_forget();
    sqlite_factory.wipe(NULL);
    fault_plan(&asked->plan);
    start(&run);
    for (int i = 0; i < CHATS; i++)
        create_chat(&run, i);
    send_all(&run);
    asked->calls = fault_count();
    fault_plan(&(struct fault_plan){0});
    if (!run.broken && is_up(&run)) /* as it runs */
        check(&run);
    crash(&run, FAULT_KEEP_SYNCED);
    check(&run); /* and what the disk has */
    stop(&run);
    limit_files(RLIM_INFINITY);
    rig_close(&run.rig);
    return run.broken;
}
