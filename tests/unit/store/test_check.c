/* A configuration that can never work is told apart from a database that is away: --check-config, and the words for it. */
#include "app/config.h"
#include "store/mongo/mongo_error.h"
#include "store/mongo/mongo_probe.h"
#include "suites.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A row is written below a folder of its own; %s in the URI is that folder. */
struct row {
    const char *uri, *file, *content;
    size_t len;
    const char *wrong; /* NULL: nothing; a part of the sentence */
};

#define FILE_OF(text) text, sizeof(text) - 1
#define FOUR          "    "
#define HEADER(app, version)                                                                                           \
    "SQLite format 3\0" FOUR FOUR FOUR FOUR FOUR FOUR FOUR FOUR FOUR FOUR FOUR version FOUR app FOUR FOUR FOUR FOUR    \
        FOUR FOUR FOUR
#define OURS "\x53\x4b\x52\x44"

_Static_assert(sizeof(HEADER("\0\0\0\0", "\0\0\0\0")) == 101, "a header");

static const struct row rows[] = {
    {"sqlite:%s/new.db", "other", FILE_OF(""), NULL},
    {"sqlite:%s/a.db", "a.db", FILE_OF(""), NULL},
    {"sqlite:%s/a.db", "a.db", FILE_OF(HEADER(OURS, "\0\0\0\1")), NULL},
    {"sqlite:%s/a.db", "a.db", FILE_OF(HEADER("\0\0\0\0", "\0\0\0\0")), NULL}, /* its first commit is in the -wal */
    {"sqlite:%s/a.db", "a.db", FILE_OF(HEADER(OURS, "\0\0\xff\1")), "a newer sakurad wrote it"},
    {"sqlite:%s/a.db", "a.db", FILE_OF(HEADER("ELSE", "\0\0\0\1")), "the database of another program"},
    {"sqlite:%s/a.db", "a.db", FILE_OF("hello, this is a text and no database"), "is not a SQLite database"},
    {"sqlite:%s", "other", FILE_OF(""), "is not a regular file"},
    {"sqlite:%s/no/a.db", "other", FILE_OF(""), "files cannot be made in its folder"},
    {"sqlite:%s/other/a.db", "other", FILE_OF(""), "Not a directory"},
    {"sqlite:%s/a.db?durability=some", "other", FILE_OF(""), "durability must be full or none"},
    {"mongodb://h/x?tls=true&tlsCAFile=%s/ca.pem", "other", FILE_OF(""), "tlsCAFile=/"},
    {"mongodb://h/x?tls=true&tlsCAFile=%s/ca.pem", "ca.pem", FILE_OF("junk"), "is not what is expected there"},
    {"mongodb://h/x?tls=true&tlsCAFile=%s", "ca.pem", FILE_OF("junk"), "Is a directory"},
    {"mongodb://h/x?tls=true&tlsCertificateKeyFile=%s/c.pem", "c.pem", FILE_OF("-----BEGIN CERTIFICATE-----\n"),
     "tlsCertificateKeyFile=/"},
    {"mongodb://h/x?maxPoolSize=3", "other", FILE_OF(""), "maxPoolSize=3, and --readers 2 needs 4 connections"},
    {"mongodb://joe:s3cret@h/x?maxPoolSize=x", "other", FILE_OF(""), "is not a MongoDB URI"},
    {"mongodb://h/x?w=0", "other", FILE_OF(""), "asks for w=0"},
};

static enum err check(const char *uri, struct buf *warnings, struct buf *why)
{
    struct config config;
    char *argv[] = {(char[]){"sakurad"}, (char[]){"--store"}, (char *)(uintptr_t)uri, NULL};
    enum err e = config_parse(&config, 3, argv, NULL, why);
    CU_ASSERT_EQUAL_FATAL(e, OK);
    e = store_check(&config.store, warnings, why);
    config_fini(&config);
    return e;
}

static void run_row(const struct row *r, const char *folder)
{
    struct buf warnings = {0}, why = {0};
    char path[128], uri[256];
    snprintf(path, sizeof(path), "%s/%s", folder, r->file);
    FILE *f = fopen(path, "w");
    must(f && fwrite(r->content, 1, r->len, f) == r->len && fclose(f) == 0);
    snprintf(uri, sizeof(uri), "%.*s%s%s", (int)strcspn(r->uri, "%"), r->uri, strchr(r->uri, '%') ? folder : "",
             strchr(r->uri, '%') ? strchr(r->uri, '%') + 2 : "");
    enum err e = check(uri, &warnings, &why);
    CU_ASSERT_EQUAL(e, r->wrong ? ERR_INVALID : OK);
    bool said = !r->wrong || strstr(buf_cstr(&why), r->wrong);
    CU_ASSERT_TRUE(said);
    if (!said)
        fprintf(stderr, "%s: '%s', not '%s'\n", uri, buf_cstr(&why), r->wrong);
    CU_ASSERT_PTR_NULL(strstr(buf_cstr(&why), "s3cret"));
    CU_ASSERT_PTR_NULL(strstr(buf_cstr(&warnings), "s3cret"));
    must(unlink(path) == 0 && rmdir(folder) == 0); /* nothing was made */
    buf_fini(&warnings);
    buf_fini(&why);
}

static void what_a_start_would_refuse(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char folder[] = "/tmp/sakurad-check-XXXXXX";
        must(mkdtemp(folder) != NULL);
        run_row(&rows[i], folder);
    }
}

static void what_is_passed_over_is_said(void)
{
    struct buf warnings = {0}, why = {0};
    CU_ASSERT_EQUAL(check("mongodb://127.0.0.1:9/x?fooBar=1", &warnings, &why), OK);
    const char *first = strstr(buf_cstr(&warnings), "Unsupported URI option \"foobar\"");
    CU_ASSERT_PTR_NOT_NULL_FATAL(first);
    CU_ASSERT_PTR_NULL(strstr(first + 1, "Unsupported")); /* once */
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&warnings), "mongodb://127.0.0.1:9/x?fooBar=1 cannot be reached now"));
    buf_fini(&warnings);
    buf_fini(&why);
}

/* --- what listens there --- */

static void *answer_once(void *arg)
{
    static const char words[] = "HTTP/1.0 400 Bad Request\r\n\r\n";
    int listener = *(int *)arg, fd = accept(listener, NULL, NULL);
    char line[256];
    must(fd >= 0 && read(fd, line, sizeof(line)) > 0 && write(fd, words, sizeof(words) - 1) > 0);
    close(fd);
    return NULL;
}

static void another_program_is_told_from_one_that_is_away(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    pthread_t thread;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(fd >= 0 && bind(fd, (struct sockaddr *)&at, len) == 0 && listen(fd, 4) == 0);
    must(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    mongoc_host_list_t host = {.host = "127.0.0.1", .port = ntohs(at.sin_port), .family = AF_INET};
    must(pthread_create(&thread, NULL, answer_once, &fd) == 0);
    CU_ASSERT_EQUAL(mongo_probe(&host), PROBE_OTHER);
    must(pthread_join(thread, NULL) == 0);
    close(fd);
    CU_ASSERT_EQUAL(mongo_probe(&host), PROBE_SILENT);
}

static void reasons(void)
{
    static const struct {
        uint32_t domain, code;
        const char *message, *want;
    } errors[] = {
        {MONGOC_ERROR_CLIENT, MONGOC_ERROR_CLIENT_AUTHENTICATE, "authentication failed", REASON_AUTHENTICATION},
        {MONGOC_ERROR_SERVER, 18, "Authentication failed.", REASON_AUTHENTICATION},
        {MONGOC_ERROR_SERVER, 13, "not authorized on sakura", REASON_PERMISSION},
        {MONGOC_ERROR_SERVER, 11000, "E11000 dup key: { name: \"TLS\" }", NULL},
        {MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_SOCKET, "Failed initialize TLS state.", REASON_TLS},
        {MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_SOCKET, "TLS handshake timed out.", REASON_NO_ANSWER},
        {MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_SOCKET, "Failed to read 4 bytes", REASON_NO_ANSWER},
        {MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_CONNECT, "Failed to connect to target host", REASON_AWAY},
        {MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_NAME_RESOLUTION, "Failed to resolve h", REASON_NAME},
        {MONGOC_ERROR_SERVER_SELECTION, 13053, "No suitable servers found", NULL},
    };
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        bson_error_t e;
        bson_set_error(&e, errors[i].domain, errors[i].code, "%s", errors[i].message);
        const char *got = mongo_reason(&e);
        CU_ASSERT_TRUE(got == errors[i].want || (got && errors[i].want && strcmp(got, errors[i].want) == 0));
    }
}

const CU_TestInfo check_tests[] = {
    {"what a start would refuse", what_a_start_would_refuse},
    {"what is passed over is said", what_is_passed_over_is_said},
    {"another program is told from one that is away", another_program_is_told_from_one_that_is_away},
    {"reasons", reasons},
    CU_TEST_INFO_NULL,
};
