#include "option_table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
static void fail(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("sakurad-bench: ", stderr);
    vfprintf(stderr, fmt, args);
    fputs("\n", stderr);
    va_end(args);
    exit(2);
}

static void resolve(struct endpoint *e, const char *url, const char *scheme, const char **path)
{
    size_t skip = strlen(scheme);
    if (strncmp(url, scheme, skip) != 0)
        fail("'%s' is not a URL that begins with %s", url, scheme);
    const char *host = url + skip;
    size_t len = strcspn(host, ":/");
    if (len == 0 || len >= sizeof(e->host))
        fail("no host in '%s'", url);
    memcpy(e->host, host, len);
    e->host[len] = '\0';
    e->port = 80;
    const char *rest = host + len;
    if (*rest == ':') {
        char *end;
        unsigned long port = strtoul(rest + 1, &end, 10);
        if (port == 0 || port > 65535)
            fail("bad port in '%s'", url);
        e->port = (unsigned)port;
        rest = end;
    }
    if (*rest == '/' && rest[1] && path)
        *path = rest;
    else if (*rest && strcmp(rest, "/") != 0)
        fail("unexpected '%s' in '%s'", rest, url);
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    int rc = getaddrinfo(e->host, NULL, &hints, &found);
    if (rc != 0)
        fail("%s: %s", e->host, gai_strerror(rc));
    memcpy(&e->address, found->ai_addr, sizeof(e->address));
    e->address.sin_port = htons((uint16_t)e->port);
    freeaddrinfo(found);
}

static double number(const struct option_row *row, const char *text)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (end == text || *end || errno || !isfinite(value) || value < row->min || value > row->max)
        fail("--%s must be a number from %g to %g, not '%s'", row->name, row->min, row->max, text);
    return value;
}

static void set_row(struct options *o, const struct option_row *row, const char *text)
{
    void *field = (char *)o + row->offset;
    unsigned *count = (unsigned *)(void *)((char *)o + row->count_offset);
    switch (row->kind) {
    case OPTION_UNSIGNED:
        *(unsigned *)field = (unsigned)number(row, text);
        break;
    case OPTION_REAL:
        *(double *)field = number(row, text);
        break;
    case OPTION_TEXT:
        *(const char **)field = text;
        break;
    case OPTION_FLAG:
        *(bool *)field = true;
        break;
    case OPTION_LIST:
        if (*count == OPTIONS_LIST_MAX)
            fail("--%s at most %d times", row->name, OPTIONS_LIST_MAX);
        ((const char **)field)[(*count)++] = text;
        break;
    case OPTION_SPECIAL:
        break;
    }
}

static void set_pids(struct options *o, const char *text)
{
    while (*text) {
        char *end;
        long pid = strtol(text, &end, 10);
        if (pid <= 0 || end == text || (*end && *end != ','))
            fail("--pid: '%s' is no process id", text);
        if (o->pid_count == OPTIONS_PIDS_MAX)
            fail("--pid: at most %d", OPTIONS_PIDS_MAX);
        o->pids[o->pid_count++] = pid;
        text = *end ? end + 1 : end;
    }
}

static void set_special(struct options *o, const char *name, const char *text, const char **url, const char **ws_url)
{
    if (strcmp(name, "url") == 0)
        *url = text;
    else if (strcmp(name, "ws-url") == 0)
        *ws_url = text;
    else if (strcmp(name, "pid") == 0)
        set_pids(o, text);
    else if (strcmp(name, "unchanged") == 0)
        o->changed = 0;
    else if (strcmp(name, "seed") == 0)
        o->seed = strtoull(text, NULL, 10);
    else if (strcmp(name, "window") == 0 && strcmp(text, "all") == 0)
        o->window = WINDOW_ALL;
    else if (strcmp(name, "window") == 0 && strcmp(text, "ack") == 0)
        o->window = WINDOW_ACK;
    else
        fail("--%s: '%s' is not known", name, text);
}

static void parse_rows(int argc, char **argv, struct options *o, const char **url, const char **ws_url)
{
    struct option table[OPTION_ROWS_MAX + 2] = {0};
    for (unsigned i = 0; i < option_count; i++)
        table[i] = (struct option){.name = option_rows[i].name,
                                   .has_arg = option_rows[i].value ? required_argument : no_argument};
    table[option_count] = (struct option){.name = "help", .has_arg = no_argument, .val = 'h'};
    for (;;) {
        int index = 0;
        int c = getopt_long(argc, argv, "h", table, &index);
        if (c == -1)
            break;
        if (c == 'h') {
            options_help(stdout);
            exit(0);
        }
        if (c != 0)
            exit(2); /* getopt has said what is wrong */
        if (option_rows[index].kind == OPTION_SPECIAL)
            set_special(o, option_rows[index].name, optarg, url, ws_url);
        else
            set_row(o, &option_rows[index], optarg);
    }
    if (optind >= argc)
        fail("which mode? (see --help)");
    o->mode = argv[optind];
    if (optind + 1 < argc)
        fail("unexpected '%s'", argv[optind + 1]);
}

static void read_tokens(struct options *o)
{
    FILE *f = fopen(o->token_file, "re");
    char line[4096];
    if (!f)
        fail("%s: %s", o->token_file, strerror(errno));
    while (fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\r\n")] = '\0';
        o->tokens = line[0] ? reallocarray(o->tokens, o->token_count + 1, sizeof(char *)) : o->tokens;
        if (line[0] && (!o->tokens || !(o->tokens[o->token_count++] = strdup(line))))
            fail("out of memory");
    }
    fclose(f);
    if (o->token_count == 0)
        fail("%s: no token in it", o->token_file);
}

static void set_defaults(struct options *o)
{
    *o = (struct options){.ws_path = "/ws/dashboard",
                          .path = "/",
                          .connections = 64,
                          .threads = 1,
                          .duration_s = 10,
                          .warm_up_s = 1,
                          .timeout_s = 10,
                          .payload = 120,
                          .subscribers = 100,
                          .publishers = 1,
                          .changed = 1,
                          .poll_interval_s = 2,
                          .refetch_interval_s = 0.5,
                          .dashboards = 50,
                          .open_window = 128,
                          .data_dir = ".",
                          .progress = isatty(STDERR_FILENO)};
}

void options_parse(int argc, char **argv, struct options *o)
{
    set_defaults(o);
    const char *url = "http://127.0.0.1:8000";
    const char *ws_url = NULL;
    parse_rows(argc, argv, o, &url, &ws_url);
    resolve(&o->http, url, "http://", NULL);
    if (ws_url)
        resolve(&o->ws, ws_url, "ws://", &o->ws_path);
    else
        o->ws = o->http;
    if (o->token_file)
        read_tokens(o);
    if (o->seed == 0) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        o->seed = ((uint64_t)now.tv_sec << 20 ^ (uint64_t)now.tv_nsec) & 0xffffffffffff;
    }
}

void options_free(struct options *o)
{
    for (unsigned i = 0; i < o->token_count; i++)
        free(o->tokens[i]);
    free(o->tokens);
}
