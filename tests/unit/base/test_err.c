#include "base/err.h"

#include "suites.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_table_is_complete(void)
{
    for (int e = 0; e < ERR__COUNT; e++) {
        CU_ASSERT_PTR_NOT_NULL_FATAL(err_text((enum err)e));
        CU_ASSERT(strlen(err_text((enum err)e)) > 0);
        for (int other = 0; other < e; other++)
            CU_ASSERT_STRING_NOT_EQUAL(err_text((enum err)e), err_text((enum err)other));
    }
    CU_ASSERT_PTR_NOT_NULL(err_text((enum err)999));
}

static void test_must_ends_the_process(void)
{
    pid_t child = fork();
    if (child == 0) {
        close(STDERR_FILENO);
        must(1 + 1 == 2);
        must(1 + 1 == 3);
        _exit(0);
    }
    int status = 0;
    CU_ASSERT_EQUAL_FATAL(waitpid(child, &status, 0), child);
    CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

const CU_TestInfo err_tests[] = {
    {"every err has a text", test_table_is_complete},
    {"must() aborts on a broken invariant only", test_must_ends_the_process},
    CU_TEST_INFO_NULL,
};
