/* The writer against a store that does what the test says (scripted.h). No test waits for a time to pass but for what it
 * wants to see; the store's own pauses are a millisecond. */
#include "base/clock.h"
#include "base/metrics.h"
#include "scripted.h"
#include "write_suites.h"

#include <sched.h>
#include <stdio.h>

#define PATIENT_MS 60000
#define MANY       64

static struct scripted the_store; /* large */

/* Ops that the writer finds together: it is held at a first one meanwhile. */
static void submit_together(struct scripted *s, struct op **ops, size_t count)
{
    struct op *first = script_send(s, "first", NULL, 0);
    SCRIPT(s, s->held = true);
    script_submit(s, first);
    SCRIPT_UNTIL(s, s->waiting == 1);
    for (size_t i = 0; i < count; i++)
        script_submit(s, ops[i]);
    SCRIPT(s, (s->held = false, s->tries = 0));
    CU_ASSERT_PTR_EQUAL(script_next(s), first);
    CU_ASSERT_EQUAL(script_result(s, &first), OK);
}

/* MANY sends named "0", "1", …, but for those of `guilty`; results by place. Returns how often the store was tried. */
static int send_many(struct scripted *s, const char *guilty_text, const bool *guilty, enum err *results)
{
    struct op *ops[MANY];
    for (size_t i = 0; i < MANY; i++) {
        char text[24];
        snprintf(text, sizeof(text), "%s%zu", guilty[i] ? guilty_text : "", i);
        ops[i] = script_send(s, text, NULL, 0);
        ops[i]->origin.slot = (uint32_t)i;
    }
    submit_together(s, ops, MANY);
    for (size_t i = 0; i < MANY; i++) {
        struct op *op = script_next(s);
        uint32_t at = op->origin.slot;
        results[at] = script_result(s, &op);
    }
    int tries;
    SCRIPT(s, tries = s->tries);
    return tries;
}

static void expect_innocent_stored(struct scripted *s, const bool *guilty)
{
    char expected[MANY * 8], found[MANY * 24];
    size_t len = (size_t)snprintf(expected, sizeof(expected), " first");
    for (size_t i = 0; i < MANY; i++)
        if (!guilty[i])
            len += (size_t)snprintf(expected + len, sizeof(expected) - len, " %zu", i);
    CU_ASSERT_STRING_EQUAL(script_stored(s, found, sizeof(found)), expected);
}

static void guilty_case(const char *text, enum err result, const bool *guilty, int most_tries)
{
    struct scripted *s = &the_store;
    enum err results[MANY];
    uint64_t refused = metrics_counter(M_STORE_REFUSED);
    size_t count = 0;
    script_open(s, &(struct script_options){.write_timeout_ms = PATIENT_MS});
    int tries = send_many(s, text, guilty, results);
    for (size_t i = 0; i < MANY; i++) {
        count += guilty[i];
        CU_ASSERT_EQUAL(results[i], guilty[i] ? result : OK);
    }
    CU_ASSERT(tries <= most_tries);
    CU_ASSERT_EQUAL(metrics_counter(M_STORE_REFUSED) - refused, count);
    CU_ASSERT(writer_available(s->writer));
    CU_ASSERT_EQUAL(s->recovered, 0);
    expect_innocent_stored(s, guilty);
    script_close(s);
}

/* One op that can never work, wherever it stands: the others are stored, in order, and it alone hears of it. */
static void one_guilty_not_named(void)
{
    static const size_t places[] = {0, 1, 31, 32, MANY - 1};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        bool guilty[MANY] = {0};
        guilty[places[i]] = true;
        guilty_case("poison", ERR_REFUSED, guilty, MANY / 2); /* of the order of the halvings, not of the ops */
        guilty_case("odd", ERR_FAILED, guilty, MANY / 2);
    }
}

static void several_guilty_not_named(void)
{
    bool guilty[MANY] = {0};
    guilty[3] = guilty[4] = guilty[40] = true;
    guilty_case("poison", ERR_REFUSED, guilty, 2 * MANY);
    for (size_t i = 0; i < MANY; i += 2)
        guilty[i] = true;
    guilty_case("poison", ERR_REFUSED, guilty, 2 * MANY);
}

/* A store that refuses everything costs one try an op. */
static void all_guilty(void)
{
    bool guilty[MANY];
    for (size_t i = 0; i < MANY; i++)
        guilty[i] = true;
    guilty_case("odd", ERR_FAILED, guilty, MANY + 8);
}

static void guilty_and_named(void)
{
    bool guilty[MANY] = {0};
    guilty[7] = guilty[50] = true;
    guilty_case("taken", ERR_CONFLICT, guilty, 1);
    guilty_case("half", ERR_REFUSED, guilty, 3);
}

/* Refused after tries that failed: the circuit's clock begins anew, and what was given up is looked at again. */
static void refused_after_trouble(void)
{
    struct scripted *s = &the_store;
    script_open(s, &(struct script_options){.write_timeout_ms = PATIENT_MS});
    struct op *ops[2] = {script_send(s, "poison", NULL, 0), script_send(s, "good", NULL, 0)};
    SCRIPT(s, s->fail = 3);
    script_submit(s, ops[0]);
    script_submit(s, ops[1]);
    for (int i = 0; i < 2; i++) {
        struct op *op = script_next(s);
        bool bad = op == ops[0];
        CU_ASSERT_EQUAL(script_result(s, &op), bad ? ERR_REFUSED : OK);
    }
    CU_ASSERT(writer_available(s->writer));
    script_close(s);
}

static void fails_and_comes_back(void)
{
    struct scripted *s = &the_store;
    char found[64];
    uint64_t retries = metrics_counter(M_STORE_RETRY);
    script_open(s, &(struct script_options){.write_timeout_ms = PATIENT_MS});
    struct op *op = script_send(s, "a", NULL, 0);
    SCRIPT(s, s->fail = 5);
    script_submit(s, op);
    CU_ASSERT_PTR_EQUAL(script_next(s), op);
    CU_ASSERT_EQUAL(script_result(s, &op), OK);
    CU_ASSERT_EQUAL(s->tries, 6);
    CU_ASSERT_EQUAL(metrics_counter(M_STORE_RETRY) - retries, 5);
    CU_ASSERT_EQUAL(s->recovered, 0); /* nothing was given up: nobody has missed anything */
    CU_ASSERT_STRING_EQUAL(script_stored(s, found, sizeof(found)), " a");
    script_close(s);
}

/* Stored, and not said: the same ids again, so once. */
static void unclear(void)
{
    struct scripted *s = &the_store;
    char found[64];
    script_open(s, &(struct script_options){.write_timeout_ms = PATIENT_MS});
    struct op *op = script_send(s, "a", NULL, 0);
    SCRIPT(s, s->unclear = 2);
    script_submit(s, op);
    CU_ASSERT_PTR_EQUAL(script_next(s), op);
    CU_ASSERT_FALSE(send_of(op)->message.duplicate);
    CU_ASSERT_EQUAL(send_of(op)->message.rev, s->rows[0].rev);
    CU_ASSERT_EQUAL(script_result(s, &op), OK);
    CU_ASSERT_STRING_EQUAL(script_stored(s, found, sizeof(found)), " a");
    script_close(s);
}

/* expire(): each op by its own deadline, in the batch and behind it. */
static void deadlines_while_failing(void)
{
    struct scripted *s = &the_store;
    uint64_t timeouts = metrics_counter(M_WRITE_TIMEOUT);
    script_open(s, &(struct script_options){.write_timeout_ms = PATIENT_MS, .batch_max = 2});
    SCRIPT(s, s->fail = -1);
    struct op *patient = script_send(s, "patient", NULL, 0), *hasty = script_send(s, "hasty", NULL, 5);
    struct op *behind = script_send(s, "behind", NULL, 5), *last = script_send(s, "last", NULL, 0);
    script_submit(s, patient);
    script_submit(s, hasty);
    script_submit(s, behind);
    script_submit(s, last);
    for (int i = 0; i < 2; i++) {
        struct op *op = script_next(s);
        CU_ASSERT(op == hasty || op == behind);
        CU_ASSERT_EQUAL(script_result(s, &op), ERR_TIMEOUT);
    }
    CU_ASSERT_EQUAL(metrics_counter(M_WRITE_TIMEOUT) - timeouts, 2);
    SCRIPT(s, s->fail = 0);
    for (int i = 0; i < 2; i++) {
        struct op *op = script_next(s);
        CU_ASSERT_PTR_EQUAL(op, i == 0 ? patient : last);
        CU_ASSERT_EQUAL(script_result(s, &op), OK);
    }
    script_close(s);
}

/* A store that is only slow: who waits behind it past his time is not tried any more. */
static void deadline_behind_a_slow_store(void)
{
    struct scripted *s = &the_store;
    char found[64];
    script_open(s, &(struct script_options){.write_timeout_ms = PATIENT_MS});
    struct op *slow = script_send(s, "slow", NULL, 0), *late = script_send(s, "late", NULL, 1);
    SCRIPT(s, s->held = true);
    script_submit(s, slow);
    SCRIPT_UNTIL(s, s->waiting == 1);
    script_submit(s, late);
    while (clock_mono_us() <= late->deadline_us)
        sched_yield();
    SCRIPT(s, s->held = false);
    CU_ASSERT_PTR_EQUAL(script_next(s), slow);
    CU_ASSERT_PTR_EQUAL(script_next(s), late);
    CU_ASSERT_EQUAL(script_result(s, &slow), OK);
    CU_ASSERT_EQUAL(script_result(s, &late), ERR_TIMEOUT);
    CU_ASSERT_STRING_EQUAL(script_stored(s, found, sizeof(found)), " slow");
    script_close(s);
}

static bool taken_again(struct scripted *s)
{
    struct op *op = script_send(s, "again", NULL, 0);
    if (writer_submit(s->writer, op) != OK) {
        op_put(s->producer.ops, op);
        return false;
    }
    CU_ASSERT_PTR_EQUAL(script_next(s), op);
    CU_ASSERT_EQUAL(script_result(s, &op), OK);
    return true;
}

/* The circuit: everything queued is answered, nothing is taken, and probe() finds by itself that the store is well. */
static void away_and_back(void)
{
    struct scripted *s = &the_store;
    script_open(s, &(struct script_options){.write_timeout_ms = 20});
    SCRIPT(s, (s->fail = -1, s->unwell = true));
    struct op *op = script_send(s, "lost", NULL, 0), *refused = script_send(s, "refused", NULL, 0);
    script_submit(s, op);
    CU_ASSERT_PTR_EQUAL(script_next(s), op);
    CU_ASSERT_EQUAL(script_result(s, &op), ERR_STORE);
    CU_ASSERT_FALSE(writer_available(s->writer));
    CU_ASSERT_EQUAL(writer_submit(s->writer, refused), ERR_STORE);
    op_put(s->producer.ops, refused);
    CU_ASSERT_EQUAL(s->recovered, 0);
    SCRIPT(s, (s->fail = 0, s->unwell = false));
    SCRIPT_UNTIL(s, s->recovered > 0);
    while (!taken_again(s)) /* the hook is called just before */
        sched_yield();
    script_close(s);
}

/* An op that passed the gate while the circuit opened neither tries the store nor closes the circuit. */
static void entering_as_it_opens(void)
{
    struct scripted *s = &the_store;
    script_open(s, &(struct script_options){.write_timeout_ms = 1, .batch_max = 1});
    for (int round = 0; round < 60; round++) {
        int64_t sent = 0, back = 0;
        SCRIPT(s, (s->fail = -1, s->unwell = true));
        for (bool open = false; !open;) {
            struct op *op = script_send(s, "x", NULL, 0);
            open = writer_submit(s->writer, op) != OK;
            sent += !open;
            if (open)
                op_put(s->producer.ops, op);
        }
        for (; back < sent; back++) {
            struct op *op = script_next(s);
            CU_ASSERT_EQUAL(script_result(s, &op), ERR_STORE);
        }
        CU_ASSERT_FALSE(writer_available(s->writer));
        SCRIPT(s, (s->fail = 0, s->unwell = false));
        while (!taken_again(s))
            sched_yield();
    }
    script_close(s);
}

static void away_at_start(void)
{
    struct scripted *s = &the_store;
    script_open(s, &(struct script_options){.write_timeout_ms = PATIENT_MS, .away_at_start = true});
    SCRIPT_UNTIL(s, s->recovered > 0);
    struct op *op = script_send(s, "x", NULL, 0);
    while (writer_submit(s->writer, op) != OK)
        sched_yield();
    CU_ASSERT_EQUAL(s->prepare_fails, 0);
    CU_ASSERT_PTR_EQUAL(script_next(s), op);
    CU_ASSERT_EQUAL(send_of(op)->message.rev, SCRIPT_PREPARED_REV + 1); /* goes on behind what is stored */
    CU_ASSERT_EQUAL(script_result(s, &op), OK);
    script_close(s);
}

/* Tried once, and past its time by then. */
static void time_out(struct scripted *s, struct op *op)
{
    SCRIPT(s, s->held = true);
    script_submit(s, op);
    SCRIPT_UNTIL(s, s->waiting == 1);
    SCRIPT(s, (op->deadline_us = 1, s->held = false)); /* the writer holds it, and waits for us */
    CU_ASSERT_PTR_EQUAL(script_next(s), op);
    CU_ASSERT_EQUAL(script_result(s, &op), ERR_TIMEOUT);
}

/* rest(): all that failed was given up before the circuit opened, so no batch will show that the store is well. */
static void well_again_with_nothing_to_do(void)
{
    struct scripted *s = &the_store;
    script_open(s, &(struct script_options){.write_timeout_ms = PATIENT_MS});
    SCRIPT(s, s->fail = -1);
    time_out(s, script_send(s, "x", NULL, 0));
    SCRIPT_UNTIL(s, s->recovered == 1);
    CU_ASSERT(writer_available(s->writer));
    script_close(s);
}

/* Given up though it was stored: by the time that the sender comes again nobody has heard of it. */
static void give_up_one(struct scripted *s, const char *text, const char *key)
{
    int recovered;
    SCRIPT(s, (s->unclear = 1, recovered = s->recovered));
    time_out(s, script_send(s, text, key, 0));
    SCRIPT_UNTIL(s, s->recovered > recovered);
}

static int unheard_of(struct scripted *s, const char *text, const char *key)
{
    int before, after;
    SCRIPT(s, before = s->unheard);
    struct op *op = script_send(s, text, key, 0);
    script_submit(s, op);
    CU_ASSERT_PTR_EQUAL(script_next(s), op);
    CU_ASSERT(send_of(op)->message.duplicate);
    CU_ASSERT_EQUAL(script_result(s, &op), OK);
    SCRIPT(s, after = s->unheard);
    return after - before;
}

static void doubts_begin_anew(void)
{
    struct scripted *s = &the_store;
    script_open(s, &(struct script_options){.write_timeout_ms = PATIENT_MS});
    give_up_one(s, "one", "k1");
    CU_ASSERT_EQUAL(unheard_of(s, "one", "k1"), 1);
    struct op *heard = script_send(s, "heard", "k2", 0);
    script_submit(s, heard);
    CU_ASSERT_PTR_EQUAL(script_next(s), heard);
    CU_ASSERT_EQUAL(script_result(s, &heard), OK);
    give_up_one(s, "three", "k3");
    CU_ASSERT_EQUAL(unheard_of(s, "heard", "k2"), 0); /* between two troubles */
    CU_ASSERT_EQUAL(unheard_of(s, "one", "k1"), 0);
    CU_ASSERT_EQUAL(unheard_of(s, "three", "k3"), 1);
    script_close(s);
}

static int resolved_for(struct scripted *s, const char *text)
{
    int before, after;
    SCRIPT(s, before = s->resolved);
    struct op *op = script_send(s, text, NULL, 0);
    script_submit(s, op);
    CU_ASSERT_PTR_EQUAL(script_next(s), op);
    CU_ASSERT_EQUAL(script_result(s, &op), OK);
    SCRIPT(s, after = s->resolved);
    return after - before;
}

/* What was given up may have closed the chat, so that the next message opens it: memory has not heard of that. */
static void links_in_doubt_are_asked_for(void)
{
    struct scripted *s = &the_store;
    script_open(s, &(struct script_options){.write_timeout_ms = PATIENT_MS});
    CU_ASSERT_EQUAL(resolved_for(s, "new"), 1);
    CU_ASSERT_EQUAL(resolved_for(s, "known"), 0);
    SCRIPT(s, (s->unclear = 1, s->unwell = true));
    time_out(s, script_send(s, "given up", NULL, 0));
    CU_ASSERT_EQUAL(resolved_for(s, "in doubt"), 1);
    CU_ASSERT_EQUAL(resolved_for(s, "known again"), 0);
    script_close(s);
}

/* A stop finishes what is queued, be the store well or away. */
static void stop_finishes(void)
{
    struct scripted *s = &the_store;
    for (int away = 0; away < 2; away++) {
        script_open(s, &(struct script_options){.write_timeout_ms = 10});
        SCRIPT(s, (s->fail = away ? -1 : 0, s->unwell = away, s->held = true));
        struct op *ops[3];
        for (int i = 0; i < 3; i++) {
            ops[i] = script_send(s, "x", NULL, 0);
            script_submit(s, ops[i]);
        }
        SCRIPT(s, s->held = false);
        writer_stop(s->writer);
        for (int i = 0; i < 3; i++) {
            struct op *op = script_next(s);
            CU_ASSERT_EQUAL(script_result(s, &op), away ? ERR_STORE : OK);
        }
        script_free(s);
    }
}

const CU_TestInfo writer_tests[] = {
    {"one op that can never work", one_guilty_not_named},
    {"several that can never work", several_guilty_not_named},
    {"none that can ever work", all_guilty},
    {"one that can never work, and is named", guilty_and_named},
    {"refused after trouble", refused_after_trouble},
    {"fails and comes back", fails_and_comes_back},
    {"stored and not said", unclear},
    {"deadlines while it fails", deadlines_while_failing},
    {"a deadline behind a slow store", deadline_behind_a_slow_store},
    {"away and back", away_and_back},
    {"entering as the circuit opens", entering_as_it_opens},
    {"away at start", away_at_start},
    {"well again with nothing to do", well_again_with_nothing_to_do},
    {"doubts begin anew with each trouble", doubts_begin_anew},
    {"whose chat is in doubt is asked", links_in_doubt_are_asked_for},
    {"a stop finishes what is queued", stop_finishes},
    CU_TEST_INFO_NULL,
};
