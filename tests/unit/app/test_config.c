#include "app/config.h"

#include "app/config_value.h"

#include "suites.h"

#include <stdio.h>
#include <stdlib.h>

#define ARGS_MAX 40
#define A39      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct parsed {
    enum err err;
    struct config config;
    struct buf message;
};

/* words: arguments and, before them, NAME=VALUE of the environment; NULL ends. */
static struct parsed parse(const char *const *words)
{
    char *argv[ARGS_MAX] = {(char *)"sakurad"}, *envp[ARGS_MAX] = {0};
    int argc = 1, envc = 0;
    for (; *words; words++) {
        if (argc == 1 && strncmp(*words, "--", 2) != 0 && strchr(*words, '='))
            envp[envc++] = (char *)*words;
        else
            argv[argc++] = (char *)*words;
    }
    struct parsed p = {0};
    p.err = config_parse(&p.config, argc, argv, envp, &p.message);
    return p;
}

static void done(struct parsed *p)
{
    config_fini(&p->config);
    buf_fini(&p->message);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void test_defaults(void)
{
    struct parsed p = PARSE();
    const struct config *c = &p.config;
    CU_ASSERT_EQUAL_FATAL(p.err, OK);
    CU_ASSERT_EQUAL(c->action, CONFIG_RUN);
    CU_ASSERT_EQUAL_FATAL(c->listen.count, 2);
    CU_ASSERT_STRING_EQUAL(c->listen.items[0], "127.0.0.1:8000");
    CU_ASSERT_STRING_EQUAL(c->listen.items[1], "127.0.0.1:8001");
    CU_ASSERT_EQUAL(c->cors_origin.count, 4);
    CU_ASSERT_EQUAL(c->max_connections, 20000);
    CU_ASSERT_EQUAL(c->max_per_address, 0);
    CU_ASSERT_EQUAL(c->max_body, 1 << 20);
    CU_ASSERT_EQUAL(c->max_head, 16384);
    CU_ASSERT_EQUAL(c->head_timeout_ms, 10000);
    CU_ASSERT_EQUAL(c->body_timeout_ms, 30000);
    CU_ASSERT_EQUAL(c->idle_timeout_ms, 75000);
    CU_ASSERT_EQUAL(c->response_timeout_ms, 30000);
    CU_ASSERT(c->workers >= 1 && c->broadcasters >= 1 && c->broadcasters <= c->workers);
    CU_ASSERT_EQUAL(c->store.readers, 2);
    CU_ASSERT_EQUAL(c->queue, 16384);
    CU_ASSERT_EQUAL(c->batch, 512);
    CU_ASSERT_STRING_EQUAL(c->store.uri, "sqlite:sakurad.db");
    CU_ASSERT_FALSE(c->store.required);
    CU_ASSERT_EQUAL(c->store.write_timeout_ms, 5000);
    CU_ASSERT_EQUAL(c->cache_mb, 256);
    CU_ASSERT_EQUAL(c->notify_interval_ms, 0);
    CU_ASSERT_EQUAL(c->ws_ping_ms, 30000);
    CU_ASSERT_EQUAL(c->ws_max_message, 4096);
    CU_ASSERT_EQUAL(c->ws_backlog, 65536);
    CU_ASSERT_EQUAL(c->drain_timeout_ms, 10000);
    CU_ASSERT_EQUAL(c->log_level, LOG_INFO);
    CU_ASSERT_EQUAL(c->log_format, LOG_TEXT);
    done(&p);
}

static void test_flags(void)
{
    struct parsed p = PARSE("--cache-mb", "64", "--batch=7", "--log-level", "debug", "--log-format=json",
                            "--store-required", "--store", "mongodb://h/db", "--listen", "[::1]:0",
                            "--listen=0.0.0.0:0", "--listen", "0.0.0.0:0", "--batch", "8", "--ws-ping", "0");
    CU_ASSERT_EQUAL_FATAL(p.err, OK);
    CU_ASSERT_EQUAL(p.config.cache_mb, 64);
    CU_ASSERT_EQUAL(p.config.batch, 8); /* the last wins */
    CU_ASSERT_EQUAL(p.config.log_level, LOG_DEBUG);
    CU_ASSERT_EQUAL(p.config.log_format, LOG_JSON);
    CU_ASSERT(p.config.store.required);
    CU_ASSERT_STRING_EQUAL(p.config.store.uri, "mongodb://h/db");
    CU_ASSERT_EQUAL(p.config.ws_ping_ms, 0);
    CU_ASSERT_EQUAL_FATAL(p.config.listen.count, 3);
    CU_ASSERT_STRING_EQUAL(p.config.listen.items[0], "[::1]:0");
    done(&p);
    p = PARSE("--store-required=false");
    CU_ASSERT(p.err == OK && !p.config.store.required);
    done(&p);
}

static void test_environment(void)
{
    struct parsed p = PARSE("SAKURAD_CACHE_MB=9", "SAKURAD_LISTEN=127.0.0.1:1, [::]:2", "SAKURAD_LOG_LEVEL=warn",
                            "SAKURAD_STORE_REQUIRED=yes", "SAKURAD_QUEUE=", "SAKURAD_NO_SUCH=1", "SAKURAD_CACHE_M=1",
                            "SAKURAD_BATCH=3", "SAKURAD_HELP=1", "--batch", "5");
    CU_ASSERT_EQUAL_FATAL(p.err, OK);
    CU_ASSERT_EQUAL(p.config.action, CONFIG_RUN);
    CU_ASSERT_EQUAL(p.config.cache_mb, 9);
    CU_ASSERT_EQUAL(p.config.queue, 16384); /* empty: not set */
    CU_ASSERT_EQUAL(p.config.batch, 5);     /* flags win */
    CU_ASSERT_EQUAL(p.config.log_level, LOG_WARN);
    CU_ASSERT(p.config.store.required);
    CU_ASSERT_EQUAL_FATAL(p.config.listen.count, 2);
    CU_ASSERT_STRING_EQUAL(p.config.listen.items[1], "[::]:2");
    done(&p);
    p = PARSE("SAKURAD_LISTEN=127.0.0.1:1,127.0.0.1:2", "--listen", "127.0.0.1:3");
    CU_ASSERT_EQUAL_FATAL(p.err, OK);
    CU_ASSERT_EQUAL(p.config.listen.count, 1);
    done(&p);
}

static void test_actions(void)
{
    static const struct {
        const char *words[5];
        enum config_action action;
    } cases[] = {
        {{"--help"}, CONFIG_HELP},
        {{"-h"}, CONFIG_HELP},
        {{"-V"}, CONFIG_VERSION},
        {{"--batch", "4", "-V", "--no-such"}, CONFIG_VERSION},
        {{"--version"}, CONFIG_VERSION},
        {{"--check-config"}, CONFIG_CHECK},
        {{"--print-config", "--batch", "4"}, CONFIG_PRINT},
        {{"SAKURAD_BATCH=nonsense", "--help"}, CONFIG_HELP},
        {{"--help", "--no-such"}, CONFIG_HELP},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct parsed p = parse(cases[i].words);
        CU_ASSERT_EQUAL(p.err, OK);
        CU_ASSERT_EQUAL(p.config.action, cases[i].action);
        done(&p);
    }
}

static void test_errors(void)
{
    static const struct {
        const char *words[4];
        const char *message;
    } cases[] = {
        {{"--cache-mb", "0"}, "--cache-mb: '0' is out of range; give 1 to 1048576 MiB"},
        {{"--cache-mb=99999999999999999999"},
         "--cache-mb: '99999999999999999999' is out of range; give 1 to 1048576 MiB"},
        {{"--cache-mb", "12k"},
         "--cache-mb: '12k' is not a whole number; give 1 to 1048576 MiB, or with a unit: 512K, 64M, 1G"},
        {{"--cache-mb", "-5"},
         "--cache-mb: '-5' is not a whole number; give 1 to 1048576 MiB, or with a unit: 512K, 64M, 1G"},
        {{"--cache-mb="}, "--cache-mb: '' is not a whole number; give 1 to 1048576 MiB, or with a unit: 512K, 64M, 1G"},
        {{"--cache-mb"}, "--cache-mb needs a value: Memory for rendered chats."},
        {{"--max-body", "4194305"}, "--max-body: '4194305' is out of range; give 1 to 4194304 bytes"},
        {{"--no-such", "1"}, "--no-such is not an option; see --help"},
        {{"--cache"}, "--cache is not an option; see --help"},
        {{"--" A39 A39 A39}, "--" A39 A39 "… is not an option; see --help"},
        {{"stray"}, "'stray' is not an option; options begin with --, see --help"},
        {{"-x"}, "'-x' is not an option; options begin with --, see --help"},
        {{"-hV"}, "'-hV' is not an option; options begin with --, see --help"},
        {{"--worker", "4"}, "--worker is not an option; did you mean --workers?"},
        {{"--Workers=4"}, "--Workers is not an option; did you mean --workers?"},
        {{"--lsiten", ":8000"}, "--lsiten is not an option; did you mean --listen?"},
        {{"--verison"}, "--verison is not an option; did you mean --version?"},
        {{"--cache-mb", "1500K"}, "--cache-mb: '1500K' is not a whole number of MiB; give 1 to 1048576 MiB"},
        {{"--token-ttl", "90500ms"}, "--token-ttl: '90500ms' is not a whole number of s; give 60 to 315360000 s"},
        {{"--head-timeout", "2h"}, "--head-timeout: '2h' is out of range; give 10 to 3600000 ms"},
        {{"--ws-ping", "9223372036854775807h"},
         "--ws-ping: '9223372036854775807h' is out of range; give 0 to 3600000 ms"},
        {{"--queue", "16K"}, "--queue: '16K' is not a whole number; give 1 to 1048576 operations"},
        {{"--workers", "4s"}, "--workers: '4s' is not a whole number; give 1 to 256 threads"},
        {{"--"}, "'--' is not an option; options begin with --, see --help"},
        {{"--help=1"}, "--help: '1' is not expected; this option takes no value"},
        {{"--store-required=maybe"}, "--store-required: 'maybe' is neither true nor false; give true or false"},
        {{"--log-level", "loud"}, "--log-level: 'loud' is not known; give error, warn, info or debug"},
        {{"--log-format", "xml"}, "--log-format: 'xml' is not known; give text or json"},
        {{"SAKURAD_CACHE_MB=x"},
         "SAKURAD_CACHE_MB (environment): 'x' is not a whole number; give 1 to 1048576 MiB, or with a unit: 512K, 64M, "
         "1G"},
        {{"SAKURAD_LISTEN=127.0.0.1:1,,127.0.0.1:2"}, "SAKURAD_LISTEN (environment): '' is empty; give a value"},
        {{"--listen", "127.0.0.1:8000", "--listen=127.0.0.1:8000"},
         "--listen: '127.0.0.1:8000' is given twice; give each once"},
        {{"--listen", "127.0.0.1:65536"}, "--listen: '127.0.0.1:65536' has a bad port; give 0 to 65535"},
        {{"--cors-origin", "http://127.0.0.1:9000/"},
         "--cors-origin: 'http://127.0.0.1:9000/' is not an origin; give SCHEME://HOST[:PORT] without a path, such as "
         "https://example.com"},
        {{"--log-level", "a\nb"}, "--log-level: 'a?b' is not known; give error, warn, info or debug"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct parsed p = parse(cases[i].words);
        CU_ASSERT_EQUAL(p.err, ERR_INVALID);
        CU_ASSERT_STRING_EQUAL(buf_cstr(&p.message), cases[i].message);
        if (strcmp(buf_cstr(&p.message), cases[i].message) != 0)
            fprintf(stderr, "got: %s\n", buf_cstr(&p.message));
        done(&p);
    }
}

static void check_values(const char *flag, const char *const *values, bool good)
{
    for (; *values; values++) {
        struct parsed p = PARSE(flag, *values);
        CU_ASSERT_EQUAL(p.err, good ? OK : ERR_INVALID);
        if (p.err != (good ? OK : ERR_INVALID))
            fprintf(stderr, "%s %s\n", flag, *values);
        /* The sentence names option and value. */
        CU_ASSERT(good || (strstr(buf_cstr(&p.message), flag) && strstr(buf_cstr(&p.message), *values)));
        done(&p);
    }
}

static void test_listen_values(void)
{
    check_values("--listen",
                 (const char *const[]){"127.0.0.1:0", "0.0.0.0:65535", "[::]:80", "[fe80::1]:1", ":8000", ":0", NULL},
                 true);
    check_values("--listen",
                 (const char *const[]){"127.0.0.1",
                                       "127.0.0.1:",
                                       ":",
                                       ":x",
                                       ":65536",
                                       "8000",
                                       "localhost:8000",
                                       "1.2.3:80",
                                       "1.2.3.4.5:80",
                                       "256.0.0.1:80",
                                       "::1:80",
                                       "[::1]",
                                       "[::1:80",
                                       "::1]:80",
                                       "[]:80",
                                       "[127.0.0.1]:80",
                                       "127.0.0.1:80a",
                                       "127.0.0.1:+80",
                                       "127.0.0.1:-1",
                                       "127.0.0.1: 80",
                                       "127.0.0.1:000080",
                                       "http://127.0.0.1:80",
                                       NULL},
                 false);
}

static void test_origin_values(void)
{
    check_values("--cors-origin",
                 (const char *const[]){"http://localhost", "https://a.example.com:8443", "http://[::1]:3000",
                                       "http://127.0.0.1:3000", "chrome-extension://abcdef", NULL},
                 true);
    check_values("--cors-origin",
                 (const char *const[]){"*", "null", "localhost:3000", "http://", "http://a/", "http://a/path",
                                       "http://a:0", "http://a:65536", "http://a:", "http://a:b", "http://a b", "://a",
                                       "1http://a", "http://[::1", "http://user@a", "http://a?x", "http://a#x",
                                       "http://[a]", NULL},
                 false);
}

static void test_store_values(void)
{
    check_values("--store",
                 (const char *const[]){"sqlite:a.db", "sqlite:/var/lib/x.db", "mongodb://h1,h2:1/db?replicaSet=a",
                                       "mongodb+srv://cluster.example.com/db", NULL},
                 true);
    check_values(
        "--store",
        (const char *const[]){"sqlite:", "mongodb://", "mongodb:h", "postgres://h/db", "a.db", "SQLITE:a", NULL},
        false);
}

/* Every numeric option takes its bounds and refuses what is one beyond. */
static void test_every_range(void)
{
    for (unsigned i = 0; i < option_count; i++) {
        const struct option_row *row = &option_rows[i];
        if (row->type != OPTION_INT)
            continue;
        for (int end = 0; end < 4; end++) {
            char arg[128];
            int64_t value = end < 2 ? row->min - (end == 1) : row->max + (end == 3);
            snprintf(arg, sizeof(arg), "--%s=%lld", row->flag, (long long)value);
            struct parsed p = PARSE(arg);
            CU_ASSERT_EQUAL(p.err, end % 2 == 1 ? ERR_INVALID : OK);
            if (p.err == OK) {
                int64_t *field = option_field(&p.config, row);
                CU_ASSERT_EQUAL(*field, value);
            }
            done(&p);
        }
    }
}

static void test_units(void)
{
    static const struct {
        const char *flag, *value;
        int64_t number;
    } cases[] = {
        {"head-timeout", "500ms", 500},   {"head-timeout", "10s", 10000},
        {"head-timeout", "2m", 120000},   {"idle-timeout", "24h", 86400000},
        {"idle-timeout", "1d", 86400000}, {"token-ttl", "30d", 2592000},
        {"token-ttl", "60000ms", 60},     {"ws-ping", "0s", 0},
        {"max-body", "64K", 65536},       {"max-body", "64KiB", 65536},
        {"max-body", "1M", 1048576},      {"ws-backlog", "1GiB", 1073741824},
        {"cache-mb", "1G", 1024},         {"cache-mb", "2048K", 2},
        {"cache-mb", "64MiB", 64},        {"cache-mb", "64", 64},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char arg[128];
        int64_t number = -1;
        snprintf(arg, sizeof(arg), "--%s=%s", cases[i].flag, cases[i].value);
        struct parsed p = PARSE(arg);
        CU_ASSERT_EQUAL_FATAL(p.err, OK);
        memcpy(&number, option_field(&p.config, option_find(slice_cstr(cases[i].flag))), sizeof(number));
        CU_ASSERT_EQUAL(number, cases[i].number);
        done(&p);
    }
    check_values("--head-timeout", (const char *const[]){"s", "1.5s", "10 s", "10S", "-1s", "1sec", "10K", NULL},
                 false);
    check_values("--max-body", (const char *const[]){"K", "1.5M", "64 K", "64k", "64KB", "10s", NULL}, false);
}

static void test_too_many_items(void)
{
    const char *words[ARGS_MAX] = {0};
    for (int i = 0; i < CONFIG_LIST_MAX + 1; i++)
        words[i] = "--listen=127.0.0.1:0";
    struct parsed p = parse(words);
    CU_ASSERT_EQUAL(p.err, ERR_INVALID);
    done(&p);
    words[CONFIG_LIST_MAX] = NULL;
    p = parse(words);
    CU_ASSERT_EQUAL(p.err, OK);
    CU_ASSERT_EQUAL(p.config.listen.count, CONFIG_LIST_MAX);
    done(&p);
}

static void test_access(void)
{
    struct parsed p = PARSE();
    const struct config *c = &p.config;
    CU_ASSERT_EQUAL_FATAL(p.err, OK);
    CU_ASSERT_EQUAL(c->auth_key.count + c->admin_listen.count + c->trusted_proxy.count, 0);
    CU_ASSERT_FALSE(c->insecure_no_auth);
    CU_ASSERT_EQUAL(c->token_ttl_s, 30 * 86400);
    CU_ASSERT_EQUAL(c->rate_send + c->rate_create + c->rate_connect, 0);
    CU_ASSERT_PTR_NULL(c->user);
    CU_ASSERT_PTR_NULL(c->issue_token);
    done(&p);
    p = PARSE("--auth-key", "a", "--auth-key=b", "--admin-listen", "127.0.0.1:9000", "--trusted-proxy", "10.0.0.0/8",
              "--trusted-proxy", "2001:db8::/32", "--rate-send", "5", "--user", "nobody", "--issue-token", "widget:x");
    CU_ASSERT_EQUAL_FATAL(p.err, OK);
    CU_ASSERT_EQUAL(p.config.auth_key.count, 2);
    CU_ASSERT_EQUAL(p.config.trusted_proxy.count, 2);
    CU_ASSERT_STRING_EQUAL(p.config.issue_token, "widget:x");
    done(&p);
    p = PARSE("SAKURAD_ISSUE_TOKEN=dashboard"); /* a service must not turn into a token printer by its environment */
    CU_ASSERT_EQUAL(p.err, OK);
    CU_ASSERT_PTR_NULL(p.config.issue_token);
    done(&p);
    p = PARSE("--issue-token", "dashboard:o1", "--subject", "ann", "--name", "Ann");
    CU_ASSERT_EQUAL_FATAL(p.err, OK);
    CU_ASSERT_STRING_EQUAL(p.config.subject, "ann");
    CU_ASSERT_STRING_EQUAL(p.config.name, "Ann");
    done(&p);
    static const char *const alone[][4] = {{"--issue-token", "widget:x", "--subject", "ann"},
                                           {"--issue-token", "dashboard", "--name", "Ann"}};
    for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++) {
        p = PARSE(alone[i][0], alone[i][1], alone[i][2], alone[i][3]);
        CU_ASSERT_EQUAL(p.err, ERR_INVALID);
        CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&p.message), alone[i][2]));
        done(&p);
    }
    static const char *const bad[][2] = {
        {"--subject", "ann"},
        {"--subject", "a\nb"},
        {"--name", "\xff"},
        {"--trusted-proxy", "10.0.0.0/33"},
        {"--trusted-proxy", "10.0.0/8"},
        {"--trusted-proxy", "::1/129"},
        {"--trusted-proxy", "10.0.0.0/"},
        {"--trusted-proxy", "10.0.0.0/x"},
        {"--trusted-proxy", "localhost"},
        {"--issue-token", "widget"},
        {"--issue-token", "widget:"},
        {"--issue-token", "dashboard:"},
        {"--issue-token", "admin"},
        {"--admin-listen", "9000"},
        {"--rate-send", "-1"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        p = PARSE(bad[i][0], bad[i][1]);
        CU_ASSERT_EQUAL(p.err, ERR_INVALID);
        CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&p.message), bad[i][0]));
        done(&p);
    }
}

static void test_help_names_everything(void)
{
    struct buf help = {0};
    config_help(&help);
    const char *text = buf_cstr(&help);
    for (unsigned i = 0; i < option_count; i++) {
        char flag[80], env[OPTION_ENV_LEN];
        snprintf(flag, sizeof(flag), " --%s", option_rows[i].flag);
        option_env_name(&option_rows[i], env);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, flag));
        CU_ASSERT_EQUAL(strstr(text, env) != NULL, option_rows[i].type != OPTION_ACTION && !option_rows[i].flag_only);
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nNetwork:\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "Default: 256 MiB."));
    for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        CU_ASSERT(strcspn(line, "\n") <= 120);
    buf_fini(&help);
}

static void test_print_masks(void)
{
    struct parsed p = PARSE("--store", "mongodb://joe:hunter2@h/db?tlsCertificateKeyFilePassword=hunter3&w=1");
    CU_ASSERT_EQUAL_FATAL(p.err, OK);
    struct buf out = {0};
    config_print(&p.config, &out);
    const char *text = buf_cstr(&out);
    CU_ASSERT_PTR_NULL(strstr(text, "hunter"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "store = mongodb://joe:***@h/db?tlsCertificateKeyFilePassword=***&w=1\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "listen = 127.0.0.1:8000,127.0.0.1:8001\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "log-level = info\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "store-required = false\n"));
    CU_ASSERT_PTR_NULL(strstr(text, "help"));
    buf_fini(&out);
    done(&p);
}

static void test_mask_uri(void)
{
    static const char *const cases[][2] = {
        {"sqlite:a@b:c.db", "sqlite:a@b:c.db"},
        {"mongodb://h:27017/db", "mongodb://h:27017/db"},
        {"mongodb://joe@h/db", "mongodb://joe@h/db"},
        {"mongodb://joe:pw@h1:1,h2:2/db", "mongodb://joe:***@h1:1,h2:2/db"},
        {"mongodb://joe:p@/w?x@h/db", "mongodb://joe:***@h/db"},
        {"mongodb://:pw@h/db", "mongodb://:***@h/db"},
        {"mongodb://h/db?a=1&PASSWORD=x&b", "mongodb://h/db?a=1&PASSWORD=***&b"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf out = {0};
        store_mask_uri(cases[i][0], &out);
        CU_ASSERT_STRING_EQUAL(buf_cstr(&out), cases[i][1]);
        buf_fini(&out);
    }
    struct parsed p = PARSE("--store", "mongo://joe:hunter2@h/db");
    CU_ASSERT_EQUAL(p.err, ERR_INVALID);
    CU_ASSERT_PTR_NULL(strstr(buf_cstr(&p.message), "hunter2")); /* nor in an error */
    done(&p);
}

/* A slip in a variable's name was passed over without a word. */
static void test_unknown_environment(void)
{
    static const char *const rows[][2] = {
        {"SAKURAD_CACHE_MBB=1",
         "SAKURAD_CACHE_MBB (environment) is no option of this version; did you mean SAKURAD_CACHE_MB?\n"},
        {"SAKURAD_CACHEMB=1",
         "SAKURAD_CACHEMB (environment) is no option of this version; did you mean SAKURAD_CACHE_MB?\n"},
        {"SAKURAD_STOER=x", "SAKURAD_STOER (environment) is no option of this version; did you mean SAKURAD_STORE?\n"},
        {"SAKURAD_listen=x", "SAKURAD_listen (environment) is no option of this version\n"},
        {"SAKURAD_XYZZY", "SAKURAD_XYZZY (environment) is no option of this version\n"},
        {"SAKURAD_=1", "SAKURAD_ (environment) is no option of this version\n"},
        {"SAKURAD_\033[31m=1", "SAKURAD_?[31m (environment) is no option of this version\n"},
        {"SAKURAD_CHECK_CONFIG=1",
         "SAKURAD_CHECK_CONFIG (environment) is no option of this version\n"}, /* a flag only */
        {"SAKURAD_CACHE_MB=1", ""},
        {"SAKURAD_CACHE_MB=", ""},
        {"SAKURADX=1", ""},
        {"sakurad_store=1", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf lines = {0};
        char name[64];
        strcpy(name, rows[i][0]);
        config_unknown_env((char *[]){(char[]){"HOME=/"}, name, NULL}, &lines);
        CU_ASSERT_STRING_EQUAL(buf_cstr(&lines), rows[i][1]);
        buf_fini(&lines);
    }
    struct buf lines = {0};
    char *longest = calloc(1, 10001);
    must(longest);
    memset(longest, 'A', 10000);
    memcpy(longest, "SAKURAD_", 8);
    config_unknown_env((char *[]){longest, NULL}, &lines);
    CU_ASSERT(lines.len > 0 && lines.len < 200);
    free(longest);
    buf_fini(&lines);
}

const CU_TestInfo config_tests[] = {
    {"defaults", test_defaults},
    {"flags", test_flags},
    {"environment", test_environment},
    {"unknown names in the environment", test_unknown_environment},
    {"actions", test_actions},
    {"errors name option, value and range", test_errors},
    {"--listen", test_listen_values},
    {"--cors-origin", test_origin_values},
    {"--store", test_store_values},
    {"every numeric option's range", test_every_range},
    {"units", test_units},
    {"too many items", test_too_many_items},
    {"who may do what", test_access},
    {"--help names every option", test_help_names_everything},
    {"--print-config masks passwords", test_print_masks},
    {"masking a URI", test_mask_uri},
    CU_TEST_INFO_NULL,
};
