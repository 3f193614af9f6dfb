/* main.c: options → mode → run → report. Exit 0 after a run, also one with errors (they are in the report); 1 when the
 * run could not be made; 2 on a bad option. */
#include "modes.h"
#include "report.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define TABLE_MAX 65536 /* descriptors */

static const struct mode *const MODES[] = {&MODE_SEND, &MODE_NOTIFY, &MODE_FANOUT,  &MODE_POLL,  &MODE_REFETCH,
                                           &MODE_MIX,  &MODE_IDLE,   &MODE_SIGNALS, &MODE_STORM, &MODE_FILL,
                                           &MODE_GET,  &MODE_POST,   &MODE_WSFAN};

static const struct mode *find_mode(const struct options *o)
{
    if (strcmp(o->mode, "refetch") == 0 && o->follow)
        return &MODE_FOLLOW;
    for (size_t i = 0; i < sizeof(MODES) / sizeof(MODES[0]); i++)
        if (strcmp(o->mode, MODES[i]->name) == 0)
            return MODES[i];
    fprintf(stderr, "sakurad-bench: no mode '%s' (see --help)\n", o->mode);
    return NULL;
}

void options_subscribe(struct options *o)
{
    if (o->ws_hellos || o->no_subscribe)
        return;
    o->ws_hello[o->ws_hellos++] =
        o->flat ? "{\"action\":\"subscribe\",\"subscription_type\":\"chat_updates\",\"format\":\"flat\"}"
                : "{\"action\":\"subscribe\",\"subscription_type\":\"chat_updates\"}";
    o->ws_expect = "\"subscribed\"";
}

/* A descriptor a connection: as many as the system lets us have. */
static void raise_descriptors(void)
{
    struct rlimit limit = {.rlim_cur = 1 << 20, .rlim_max = 1 << 20};
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* The kernel's table of descriptors gets its size while there is one thread: with more, each doubling of it is a pause of
 * some 10 ms, in which the server would seem slow. */
static void grow_descriptor_table(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, (int)(limit.rlim_cur < TABLE_MAX ? limit.rlim_cur : TABLE_MAX) - 1);
    if (fd >= 0)
        close(fd);
}

/* The last answer that is awaited; storm awaits more than answers, and by itself. */
static void subscribe_to_everything(struct options *o, bool storm)
{
    static const char *const HELLOS[] = {"{\"action\":\"subscribe\",\"subscription_type\":\"chat_updates\"}",
                                         "{\"action\":\"subscribe\",\"subscription_type\":\"unread_counts\"}",
                                         "{\"action\":\"subscribe\",\"subscription_type\":\"website_status\"}",
                                         "{\"action\":\"subscribe\",\"subscription_type\":\"chat_events\"}",
                                         "{\"action\":\"subscribe\",\"subscription_type\":\"presence\"}"};
    if (o->ws_hellos)
        return;
    for (size_t i = 0; i < sizeof(HELLOS) / sizeof(HELLOS[0]); i++)
        o->ws_hello[o->ws_hellos++] = HELLOS[i];
    o->ws_expect = storm ? NULL : "\"subscribed\",\"subscription_type\":\"presence\"";
}

static void subscribe_to_events(struct options *o)
{
    o->ws_hello[0] = "{\"action\":\"subscribe\",\"subscription_type\":\"chat_events\"}";
    o->ws_hellos = 1;
    o->ws_expect = "\"subscribed\"";
}

static void adjust(struct options *o, const struct mode *mode)
{
    if (mode == &MODE_STORM || (mode == &MODE_IDLE && o->everything))
        subscribe_to_everything(o, mode == &MODE_STORM);
    else if (mode == &MODE_SIGNALS)
        subscribe_to_events(o);
    else if (mode != &MODE_WSFAN)
        options_subscribe(o);
    if (mode == &MODE_IDLE || mode == &MODE_STORM)
        o->warm_up_s = 0;                            /* opening is what is measured */
    if (mode == &MODE_MIX || mode == &MODE_FOLLOW) { /* browsers revalidate; the rates that the options leave open */
        o->changed = o->changed < 1 ? o->changed : 0;
        o->rate = o->rate > 0 ? o->rate : mode == &MODE_MIX ? 200 : 100;
    }
    if (mode == &MODE_SIGNALS || mode == &MODE_STORM || mode == &MODE_IDLE || mode == &MODE_FANOUT ||
        mode == &MODE_WSFAN || mode == &MODE_NOTIFY || mode == &MODE_MIX)
        return;
    if (o->threads > o->connections)
        o->threads = o->connections;
}

int main(int argc, char **argv)
{
    struct options options;
    options_parse(argc, argv, &options);
    const struct mode *mode = find_mode(&options);
    if (!mode)
        return 2;
    adjust(&options, mode);
    signal(SIGPIPE, SIG_IGN);
    raise_descriptors();
    grow_descriptor_table();
    struct load load = {.options = &options, .mode = mode, .threads = options.threads};
    if (mode == &MODE_FILL) {
        mode->prepare(&load);
        mode->release(&load);
        return 0;
    }
    load_run(&load);
    if (options.json)
        report_json(&load);
    else
        report_text(&load);
    load_fini(&load);
    options_free(&options);
    return 0;
}
