#include "base/log.h"

#include "base/clock.h"

#include "suites.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Standard error goes to a file or a pipe between capture() and captured(). */
static struct {
    int saved, file;
} redirect;

static void capture(void)
{
    redirect.saved = dup(STDERR_FILENO);
    redirect.file = memfd_create("log", MFD_CLOEXEC);
    dup2(redirect.file, STDERR_FILENO);
}

static void captured(struct buf *text)
{
    dup2(redirect.saved, STDERR_FILENO);
    close(redirect.saved);
    lseek(redirect.file, 0, SEEK_SET);
    char chunk[4096];
    for (ssize_t n; (n = read(redirect.file, chunk, sizeof(chunk))) > 0;)
        buf_append(text, chunk, (size_t)n);
    close(redirect.file);
    (void)buf_cstr(text);
}

static size_t count_lines(const struct buf *text)
{
    size_t lines = 0;
    for (size_t i = 0; i < text->len; i++)
        lines += text->ptr[i] == '\n';
    return lines;
}

static void *log_from_named_thread(void *arg)
{
    log_thread_name("worker-0");
    log_event(LOG_INFO, "listening", "address=%s port=%d", "127.0.0.1", 8000);
    log_event(LOG_WARN, "batch failed", "reason=\"%s\" ops=%d", "disk full", 7);
    return arg;
}

/* Runs fn on a thread of its own between log_start and log_stop; text: what came out. */
static void run_logged(enum log_level level, enum log_format format, void *(*fn)(void *), struct buf *text)
{
    capture();
    CU_ASSERT_EQUAL_FATAL(log_start(level, format), OK);
    pthread_t thread;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, fn, NULL), 0);
    pthread_join(thread, NULL);
    log_stop();
    captured(text);
}

static void test_text(void)
{
    struct buf text = {0};
    run_logged(LOG_INFO, LOG_TEXT, log_from_named_thread, &text);
    int64_t when;
    CU_ASSERT_FATAL(text.len > 24 && count_lines(&text) == 2);
    CU_ASSERT(time_parse(slice_of(text.ptr, 24), &when) && text.ptr[23] == 'Z');
    CU_ASSERT(llabs(when - clock_wall_us()) < 60000000);
    CU_ASSERT_PTR_NOT_NULL(strstr(text.ptr, "Z INFO  worker-0 listening address=127.0.0.1 port=8000\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text.ptr, "Z WARN  worker-0 batch failed reason=\"disk full\" ops=7\n"));
    buf_fini(&text);
}

static void test_json(void)
{
    struct buf text = {0};
    run_logged(LOG_INFO, LOG_JSON, log_from_named_thread, &text);
    CU_ASSERT_EQUAL(count_lines(&text), 2);
    CU_ASSERT(slice_starts(buf_slice(&text), SLICE_LIT("{\"time\":\"20")));
    CU_ASSERT_PTR_NOT_NULL(strstr(text.ptr, "Z\",\"level\":\"info\",\"thread\":\"worker-0\",\"event\":\"listening\","
                                            "\"address\":\"127.0.0.1\",\"port\":8000}\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text.ptr, "\"level\":\"warn\",\"thread\":\"worker-0\",\"event\":\"batch failed\","
                                            "\"reason\":\"disk full\",\"ops\":7}\n"));
    buf_fini(&text);
}

static void *log_hostile_values(void *arg)
{
    log_event(LOG_INFO, "hostile", "a=%s b=2", "x\ny\x1b[31m\x7f\xc2\x9b\xff\"\\\tz");
    log_event(LOG_INFO, "phrases", "error=no such file path=\"a \"quoted\" b\" last=\"");
    log_event(LOG_INFO, "empty", "%s", "");
    log_event(LOG_INFO, "bare", "just words");
    return arg;
}

static void test_hostile_text(void)
{
    struct buf text = {0};
    run_logged(LOG_INFO, LOG_TEXT, log_hostile_values, &text);
    CU_ASSERT_EQUAL(count_lines(&text), 4);
    CU_ASSERT_PTR_NOT_NULL(strstr(text.ptr, "hostile a=x\\ny\\x1b[31m\\x7f\\xc2\\x9b\\xff\"\\\\x09z b=2\n"));
    buf_fini(&text);
}

static void test_hostile_json(void)
{
    struct buf text = {0};
    run_logged(LOG_INFO, LOG_JSON, log_hostile_values, &text);
    CU_ASSERT_EQUAL(count_lines(&text), 4);
    CU_ASSERT_PTR_NOT_NULL(strstr(text.ptr, "\"a\":\"x\\u000ay\\u001b[31m\\u007f\\u009b\\ufffd\\\"\\\\\\u0009z\","
                                            "\"b\":2}\n"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text.ptr, "\"error\":\"no such file\",\"path\":\"a \\\"quoted\\\" b\",\"last\":\"\\\"\"}\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text.ptr, "\"event\":\"empty\"}\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text.ptr, "\"event\":\"bare\",\"text\":\"just words\"}\n"));
    buf_fini(&text);
}

static void *log_numbers(void *arg)
{
    log_event(LOG_INFO, "numbers",
              "a=0 b=-12 c=1.5 d=1795557360588000 e=18446744073709551615 f=\"7\" g=007 h=1. i=.5 j=- k=1e3 "
              "l=0x10 m=127.0.0.1 n=1.2.3 o=12 apples p=-0.25 q=NaN r= s=5");
    return arg;
}

/* Whoever adds them up need not parse them out of strings; what only looks like one is not broken JSON. */
static void test_numbers_are_numbers(void)
{
    struct buf text = {0};
    run_logged(LOG_INFO, LOG_JSON, log_numbers, &text);
    CU_ASSERT_PTR_NOT_NULL(strstr(
        text.ptr,
        "\"a\":0,\"b\":-12,\"c\":1.5,\"d\":1795557360588000,\"e\":\"18446744073709551615\",\"f\":\"7\","
        "\"g\":\"007\",\"h\":\"1.\",\"i\":\".5\",\"j\":\"-\",\"k\":\"1e3\",\"l\":\"0x10\","
        "\"m\":\"127.0.0.1\",\"n\":\"1.2.3\",\"o\":\"12 apples\",\"p\":-0.25,\"q\":\"NaN\",\"r\":\"\",\"s\":5}\n"));
    buf_fini(&text);
}

static void test_last_words(void)
{
    for (int format = LOG_TEXT; format <= LOG_JSON; format++) {
        struct buf text = {0};
        capture();
        log_set_format((enum log_format)format);
        log_last_words("cannot start", "the \"store\" is\ngone");
        captured(&text);
        if (format == LOG_TEXT) {
            CU_ASSERT_STRING_EQUAL(buf_cstr(&text), "sakurad: the \"store\" is\ngone\n");
        } else {
            CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&text),
                                          "\"level\":\"error\",\"thread\":\"main\",\"event\":\"cannot start\","
                                          "\"error\":\"the \\\"store\\\" is\\u000agone\"}\n"));
        }
        buf_fini(&text);
    }
    log_set_format(LOG_TEXT);
}

/* err.c knows no log: it prints by itself until the log has said how. */
static void test_broken_invariant(void)
{
    for (int format = LOG_TEXT; format <= LOG_JSON; format++) {
        struct buf text = {0};
        capture();
        pid_t child = fork();
        if (child == 0) {
            log_set_format((enum log_format)format);
            must_failed("file.c", 7, "a == b");
        }
        CU_ASSERT_EQUAL(waitpid(child, NULL, 0), child);
        captured(&text);
        if (format == LOG_TEXT)
            CU_ASSERT_STRING_EQUAL(buf_cstr(&text), "sakurad: file.c:7: broken invariant: a == b\n");
        if (format == LOG_JSON)
            CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&text),
                                          "\"level\":\"error\",\"thread\":\"main\",\"event\":\"broken "
                                          "invariant\",\"error\":\"file.c:7: broken invariant: a == b\"}\n"));
        buf_fini(&text);
    }
}

static void *log_long_lines(void *arg)
{
    static char big[20000];
    memset(big, 1, sizeof(big) - 1); /* each byte takes six in JSON */
    log_event(LOG_INFO, "long", "a=1 value=%s", big);
    memset(big, 'x', sizeof(big) - 1);
    log_event(LOG_INFO, big, "a=%s", big);
    return arg;
}

static void test_long_lines_are_cut(void)
{
    for (int format = LOG_TEXT; format <= LOG_JSON; format++) {
        struct buf text = {0};
        run_logged(LOG_INFO, (enum log_format)format, log_long_lines, &text);
        CU_ASSERT_EQUAL(count_lines(&text), 2);
        CU_ASSERT(text.len < 20000);
        if (format == LOG_JSON)
            CU_ASSERT(slice_ends(buf_slice(&text), SLICE_LIT("\"}\n")));
        buf_fini(&text);
    }
}

static void *log_all_levels(void *arg)
{
    log_error("at error", "n=%d", 1);
    log_warn("at warn", "n=%d", 2);
    log_info("at info", "n=%d", 3);
    log_debug("at debug", "n=%d", 4);
    return arg;
}

static void test_levels(void)
{
    for (int level = LOG_ERROR; level <= LOG_DEBUG; level++) {
        struct buf text = {0};
        run_logged((enum log_level)level, LOG_TEXT, log_all_levels, &text);
        CU_ASSERT_EQUAL(count_lines(&text), (size_t)level + 1);
        buf_fini(&text);
    }
}

static void test_direct_when_not_started(void)
{
    struct buf text = {0};
    capture();
    log_event(LOG_ERROR, "not started", "n=%d", 1);
    captured(&text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text.ptr, " not started n=1\n"));
    buf_fini(&text);
    log_stop(); /* nothing to stop */
}

#define FLOOD_THREADS 4
#define FLOOD_EACH    10000

static void *flood(void *arg)
{
    for (long i = 0; i < FLOOD_EACH; i++)
        log_event(LOG_INFO, "flood", "thread=%ld n=%ld filler=0123456789abcdef", (long)(intptr_t)arg, i);
    return NULL;
}

/* Nobody reads the pipe at first: callers must not wait, what does not fit is counted, and nothing else is lost. */
static void test_full_drops_and_counts(void)
{
    int ends[2];
    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
    int saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    uint64_t dropped = log_dropped();
    CU_ASSERT_EQUAL_FATAL(log_start(LOG_INFO, LOG_TEXT), OK);
    pthread_t threads[FLOOD_THREADS];
    for (long i = 0; i < FLOOD_THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, flood, (void *)i), 0);
    for (int i = 0; i < FLOOD_THREADS; i++)
        pthread_join(threads[i], NULL);
    dropped = log_dropped() - dropped;
    CU_ASSERT(dropped > 0 && dropped < (uint64_t)FLOOD_THREADS * FLOOD_EACH);

    uint64_t lines = 0, told = 0; /* by one report, or by several where the log thread was late */
    long last[FLOOD_THREADS] = {-1, -1, -1, -1};
    FILE *reader = fdopen(ends[0], "r");
    char line[512];
    while (lines + told < (uint64_t)FLOOD_THREADS * FLOOD_EACH) {
        long thread, n;
        unsigned long long more;
        if (!fgets(line, sizeof(line), reader))
            break;
        if (sscanf(line, "%*s WARN %*s log lines dropped lines=%llu", &more) == 1)
            told += more;
        if (sscanf(line, "%*s INFO %*s flood thread=%ld n=%ld", &thread, &n) != 2)
            continue;
        CU_ASSERT_FATAL(thread >= 0 && thread < FLOOD_THREADS && n > last[thread]);
        last[thread] = n;
        lines++;
    }
    CU_ASSERT_EQUAL(lines + dropped, (uint64_t)FLOOD_THREADS * FLOOD_EACH);
    CU_ASSERT_EQUAL(told, dropped);
    log_stop();
    dup2(saved, STDERR_FILENO);
    close(saved);
    fclose(reader);
}

/* A pipe that nobody ever reads must not keep the process from ending. */
static void test_stop_gives_up(void)
{
    int ends[2];
    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
    int saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    CU_ASSERT_EQUAL_FATAL(log_start(LOG_INFO, LOG_TEXT), OK);
    flood(NULL);
    int64_t before = clock_mono_us();
    log_stop();
    CU_ASSERT(clock_mono_us() - before < 40000000); /* it takes a few seconds */
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[0]);
}

const CU_TestInfo log_tests[] = {
    {"text", test_text},
    {"JSON", test_json},
    {"numbers are numbers in JSON", test_numbers_are_numbers},
    {"last words", test_last_words},
    {"a broken invariant, in the format of the log", test_broken_invariant},
    {"hostile values, text", test_hostile_text},
    {"hostile values, JSON", test_hostile_json},
    {"long lines are cut", test_long_lines_are_cut},
    {"levels", test_levels},
    {"written directly when not started", test_direct_when_not_started},
    {"full: drops, counts, says so", test_full_drops_and_counts},
    {"stop gives up on a stuck pipe", test_stop_gives_up},
    CU_TEST_INFO_NULL,
};
