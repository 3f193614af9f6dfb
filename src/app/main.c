/* main.c: flags → config → server_start → wait for a signal → server_stop. Nothing else. */
#include "inherit.h"
#include "notify.h"

#include "app/access.h"
#include "app/budget.h"
#include "app/check.h"
#include "app/migrate.h"
#include "app/server.h"
#include "base/log.h"
#include "base/metrics.h"
#include "store/store.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LARGE_BLOCK 262144 /* bytes */

extern char **environ;

static void print(FILE *to, struct buf *text)
{
    (void)fwrite(text->ptr, 1, text->len, to);
    buf_fini(text);
}

static int migrate(const struct config *c)
{
    log_thread_name("main");
    return migrate_run(c, c->dry_run, stdout) == OK ? 0 : 1;
}

/* What --help and its kin print; -1: run the server. */
static int act(const struct config *c)
{
    struct buf text = {0};
    switch (c->action) {
    case CONFIG_HELP:
        config_help(&text);
        break;
    case CONFIG_VERSION:
        buf_append_lit(&text, "sakurad " SAKURAD_VERSION "\n");
        break;
    case CONFIG_CHECK:
        return check_run(c, environ) ? 0 : 2;
    case CONFIG_PRINT:
        config_print(c, &text);
        budget_print(c, &text);
        break;
    case CONFIG_MIGRATE:
        return migrate(c);
    case CONFIG_RUN:
        return -1;
    }
    print(stdout, &text);
    return fflush(stdout) == 0 ? 0 : 1;
}

static volatile sig_atomic_t json_log;

/* After the first signal the second one ends the process at once, whatever it is doing. */
static void on_second_signal(int number)
{
    static const char text[] = "sakurad: second signal, ending at once\n";
    static const char json[] =
        "{\"level\":\"error\",\"thread\":\"main\",\"event\":\"second signal, ending at once\"}\n";
    (void)!write(STDERR_FILENO, json_log ? json : text, json_log ? sizeof(json) - 1 : sizeof(text) - 1);
    _exit(128 + number);
}

/* What stops the server; SIGQUIT too, for whoever is used to it draining. */
static const int stopping[] = {SIGTERM, SIGINT, SIGQUIT};
#define STOPPING (sizeof(stopping) / sizeof(stopping[0]))

/* Before any thread: all inherit it. The others would end the process, or dump it, for no reason of ours. */
static void settle_signals(sigset_t *wanted)
{
    static const int meaningless[] = {SIGPIPE, SIGUSR1, SIGUSR2};
    sigemptyset(wanted);
    for (size_t i = 0; i < STOPPING; i++)
        sigaddset(wanted, stopping[i]);
    sigaddset(wanted, SIGHUP);
    sigprocmask(SIG_BLOCK, wanted, NULL);
    for (size_t i = 0; i < sizeof(meaningless) / sizeof(meaningless[0]); i++)
        signal(meaningless[i], SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error of the write, not the end */
}

static void wait_for_signal(const sigset_t *wanted, struct server *server)
{
    int64_t interval_ms = notify_interval_ms();
    struct timespec interval = {.tv_sec = interval_ms / 1000, .tv_nsec = interval_ms % 1000 * 1000000};
    int number;
    notify_ready(server_status(server));
    while ((number = sigtimedwait(wanted, NULL, &interval)) < 0 || number == SIGHUP) {
        if (number == SIGHUP) {
            notify_reloading();
            server_reload(server);
            notify_ready(server_status(server));
        }
        if (server_watch(server)) /* else the service manager may start us anew */
            notify_alive();
    }
    notify_stopping();
    log_info("stopping", "signal=SIG%s", sigabbrev_np(number));
    struct sigaction at_once = {.sa_handler = on_second_signal};
    signal(SIGHUP, SIG_IGN);
    for (size_t i = 0; i < STOPPING; i++)
        sigaction(stopping[i], &at_once, NULL);
    sigprocmask(SIG_UNBLOCK, wanted, NULL);
}

/* glibc raises both limits by itself once a large block has come and gone; what is freed then stays with the process. */
static void return_freed_memory(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
    (void)mallopt(M_TRIM_THRESHOLD, LARGE_BLOCK);
}

static int serve(const struct config *c, const struct inherited *sockets)
{
    return_freed_memory();
    sigset_t wanted;
    settle_signals(&wanted);
    log_thread_name("main");
    if (log_start(c->log_level, c->log_format) != OK) {
        log_last_words("cannot start", "cannot start the log thread");
        return 1;
    }
    struct buf why = {0};
    check_environment(environ);
    struct server *server = NULL;
    enum err started = server_start(c, sockets, &server, &why);
    if (started != OK) {
        log_stop();
        log_last_words("cannot start", buf_cstr(&why));
        buf_fini(&why);
        return started == ERR_INVALID ? 2 : 1; /* as for any option that cannot be */
    }
    wait_for_signal(&wanted, server);
    bool in_time = server_stop(server);
    log_stop();
    buf_fini(&why);
    return in_time ? 0 : 1;
}

/* What the options say must also fit together and exist: --help and --print-config answer whatever else is wrong. */
static enum err check(const struct config *c, struct buf *message)
{
    return c->action == CONFIG_RUN || c->action == CONFIG_CHECK ? access_check(c, message) : OK;
}

static int issue(const struct config *c)
{
    struct buf token = {0}, link = {0}, why = {0};
    enum err e = access_issue(c, &token, &why);
    if (e == OK) {
        access_console_link(c, buf_slice(&token), &link);
        (void)fwrite(token.ptr, 1, token.len, stdout); /* and nothing else: it is what scripts read */
        fputs(buf_cstr(&link), stderr);
    } else {
        log_last_words("no token", buf_cstr(&why));
    }
    buf_fini(&token);
    buf_fini(&link);
    buf_fini(&why);
    return e != OK ? 2 : fflush(stdout) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    store_mongo_unlink_counters();
    struct config config;
    struct buf message = {0};
    struct inherited sockets = {0};
    json_log = config_log_format(argc, argv, environ) == LOG_JSON;
    log_set_format(json_log ? LOG_JSON : LOG_TEXT);
    bool parsed = config_parse(&config, argc, argv, environ, &message) == OK;
    if (parsed) { /* a file may say it too */
        json_log = config.log_format == LOG_JSON;
        log_set_format(config.log_format);
    }
    bool runs = parsed && config.action == CONFIG_RUN && !config.issue_token;
    if (!parsed || (runs && inherit_sockets(&config, &sockets, &message) != OK) || check(&config, &message) != OK) {
        log_last_words("bad configuration", buf_cstr(&message));
        if (!json_log)
            fputs("Try 'sakurad --help'.\n", stderr);
        buf_fini(&message);
        if (parsed)
            config_fini(&config);
        return 2;
    }
    int code = act(&config);
    if (code < 0)
        code = config.issue_token ? issue(&config) : serve(&config, &sockets);
    config_fini(&config);
    buf_fini(&message);
    return code;
}
