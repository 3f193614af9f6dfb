/* A run of 200 sends with restarts, once for every call that SQLite makes to its files on the way, where that call goes
 * wrong: it is refused, or torn, or an outage begins with it, or the power goes. Afterwards what was acknowledged is
 * readable, in order, once; totals equal counts; memory equals the rows; the file is sound. */
#include "fault_run.h"
#include "sqlite_fault_suites.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { OUTAGE = 25, STRIDE = 41 };

static const struct {
    const char *name;
    struct fault_plan plan; /* without its `at` */
    enum fault_kept kept;
} kinds[] = {
    {"refused", {.kind = FAULT_REFUSE, .ops = FAULT_CHANGES, .calls = 1}, FAULT_KEEP_ALL},
    {"torn", {.kind = FAULT_TEAR, .ops = FAULT_CHANGES, .calls = 1}, FAULT_KEEP_ALL},
    {"a read refused", {.kind = FAULT_REFUSE, .ops = FAULT_READ, .calls = 1}, FAULT_KEEP_ALL},
    {"an outage", {.kind = FAULT_REFUSE, .ops = FAULT_CHANGES, .calls = OUTAGE}, FAULT_KEEP_ALL},
    {"killed", {.kind = FAULT_REFUSE, .ops = FAULT_CHANGES, .calls = 1, .power_cut = true}, FAULT_KEEP_ALL},
    {"power cut", {.kind = FAULT_REFUSE, .ops = FAULT_CHANGES, .calls = 1, .power_cut = true}, FAULT_KEEP_SYNCED},
    {"power cut, pages torn",
     {.kind = FAULT_TEAR, .ops = FAULT_CHANGES, .calls = 1, .power_cut = true},
     FAULT_KEEP_SOME},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* Each fault is a line of the log: thousands. */
static int quiet_log(void)
{
    int kept = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    must(kept >= 0 && nowhere >= 0 && dup2(nowhere, STDERR_FILENO) == STDERR_FILENO);
    close(nowhere);
    return kept;
}

static void loud_log(int kept)
{
    must(dup2(kept, STDERR_FILENO) == STDERR_FILENO);
    close(kept);
}

static bool one(size_t kind, int64_t at, int64_t *calls)
{
    struct fault_plan plan = kinds[kind].plan;
    plan.at = at;
    int log = quiet_log();
    const char *broken = fault_run(&plan, kinds[kind].kept, calls);
    loud_log(log);
    if (broken)
        printf("\n    %s at call %lld: %s\n", kinds[kind].name, (long long)at, broken);
    return broken == NULL;
}

static void every_call(void)
{
    const char *full = getenv("SAKURAD_TEST_FULL");
    int64_t stride = full && strcmp(full, "1") == 0 ? 1 : STRIDE, runs = 0, broken = 0;
    for (size_t kind = 0; kind < KINDS; kind++) {
        int64_t calls = 0, all;
        CU_ASSERT_FATAL(one(kind, 0, &calls)); /* none goes wrong */
        CU_ASSERT_FATAL(calls > SENDS);
        for (int64_t at = 1 + (int64_t)kind % stride; at <= calls; at += stride, runs++)
            broken += !one(kind, at, &all);
        printf("\n    %s: %lld calls", kinds[kind].name, (long long)calls);
    }
    printf("\n    %lld runs, %lld broken ", (long long)runs, (long long)broken);
    CU_ASSERT_EQUAL(broken, 0);
}

const CU_TestInfo sqlite_every_call_tests[] = {
    {"200 sends with restarts", every_call},
    CU_TEST_INFO_NULL,
};
