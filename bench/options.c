#include "options.h"

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

static const char USAGE[] =
    "usage: sakurad-bench MODE [options]\n"
    "\n"
    "Modes against sakurad (customers and chats are made through its API):\n"
    "  send      customers' messages, each answered once it is durable\n"
    "  notify    POST to WebSocket frame for one subscriber, beside the disk's own fdatasync\n"
    "  fanout    durable sends to thousands of WebSocket subscribers\n"
    "  poll      widgets polling their chats\n"
    "  refetch   dashboards refetching the inbox; --follow: after each notification\n"
    "  mix       widgets polling, sends, dashboards subscribed and refetching\n"
    "  idle      opens and subscribes WebSockets; memory per connection, wake-ups of the server meanwhile\n"
    "  signals   widgets and agents that type, each heard by the other side\n"
    "  storm     agents that connect at once and subscribe to everything\n"
    "  fill      makes customers, chats and history, measures nothing else\n"
    "Modes against any server:\n"
    "  get, post HTTP requests to --path\n"
    "  wsfan     POSTs to --path that the server sends to every WebSocket on --ws-path\n"
    "\n"
    "Where:\n"
    "  --url URL            http://HOST:PORT (default http://127.0.0.1:8000)\n"
    "  --ws-url URL         ws://HOST:PORT[/PATH] (default: the --url, path /ws/dashboard)\n"
    "  --path PATH          get, post, wsfan (default /)\n"
    "  --body TEXT          post, wsfan; in wsfan %TOKEN% is the mark that is looked for in the frames, %PAD% filler\n"
    "  --header 'N: V'      on every HTTP request and upgrade (up to 8)\n"
    "  --ws-hello TEXT      message after the upgrade (up to 8); --ws-expect TEXT: what the last answer contains\n"
    "  --pid PID[,PID]      the server's processes; default: process_* values of its /metrics\n"
    "How much:\n"
    "  --connections N      HTTP connections (default 64); --threads N (default 1)\n"
    "  --rate N             operations a second, open loop: latency counts from the intended start; default: closed "
    "loop\n"
    "  --duration S         (default 10); --warm-up S (default 1); --timeout S (default 10)\n"
    "  --payload BYTES      of a message's content (default 120); wsfan: of the frame\n"
    "  --customers N --chats N --history N    made before the run (history: messages in each chat)\n"
    "  --ids FILE           reads the chats from FILE; makes them and writes FILE where it does not exist\n"
    "  --seed N             names and choices (default: from the clock)\n"
    "Modes' own:\n"
    "  --subscribers N --publishers N   fanout, wsfan, idle, storm (default 100 and 1); signals: agents and widgets\n"
    "  --window all|ack     a publisher's next send comes when all subscribers have the last one, or at its answer\n"
    "  --flat               subscribe with \"format\":\"flat\"\n"
    "  --changed F          share of polls and refetches without If-None-Match (default 1); --unchanged: 0\n"
    "  --background N       notify, poll, refetch: sends a second to other chats\n"
    "  --verify             notify: a GET at the frame must show the message\n"
    "  --data-dir DIR       notify: where 250 bytes are appended and fdatasync'ed (default .)\n"
    "  --dashboards N       mix, refetch --follow (default 50); --refetch-interval S least time between two (default "
    "0.5)\n"
    "  --poll-interval S    mix: a widget's (default 2); --preflight: OPTIONS before each refetch of a follower\n"
    "  --open-window N      idle, fanout, storm: upgrades under way at once on one thread (default 128)\n"
    "  --no-subscribe, --everything     idle: no subscription, or all that there are\n"
    "  --tokens FILE        a line of it for each WebSocket, in turn, as its bearer token\n"
    "  --save FILE          get: the last body\n"
    "Output:\n"
    "  --json               one JSON object on stdout; --progress: a line a second on stderr (default: on a "
    "terminal)\n";

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

enum kind { UNSIGNED, REAL, TEXT, FLAG, LIST, SPECIAL };

struct row {
    const char *name;
    enum kind kind;
    void *to;
    double min, max;
    unsigned *count; /* LIST */
};

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

static double number(const struct row *row, const char *text)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (end == text || *end || errno || !isfinite(value) || value < row->min || value > row->max)
        fail("--%s must be a number from %g to %g, not '%s'", row->name, row->min, row->max, text);
    return value;
}

static void set_row(const struct row *row, const char *text)
{
    switch (row->kind) {
    case UNSIGNED:
        *(unsigned *)row->to = (unsigned)number(row, text);
        break;
    case REAL:
        *(double *)row->to = number(row, text);
        break;
    case TEXT:
        *(const char **)row->to = text;
        break;
    case FLAG:
        *(bool *)row->to = true;
        break;
    case LIST:
        if (*row->count == OPTIONS_LIST_MAX)
            fail("--%s at most %d times", row->name, OPTIONS_LIST_MAX);
        ((const char **)row->to)[(*row->count)++] = text;
        break;
    case SPECIAL:
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

static void parse_rows(int argc, char **argv, struct options *o, const struct row *rows, const char **url,
                       const char **ws_url)
{
    struct option table[64] = {0};
    int rows_count = 0;
    for (; rows[rows_count].name; rows_count++) {
        const struct row *r = &rows[rows_count];
        bool flag = r->kind == FLAG || strcmp(r->name, "unchanged") == 0;
        table[rows_count] = (struct option){.name = r->name, .has_arg = flag ? no_argument : required_argument};
    }
    table[rows_count] = (struct option){.name = "help", .has_arg = no_argument, .val = 'h'};
    for (;;) {
        int index = 0;
        int c = getopt_long(argc, argv, "h", table, &index);
        if (c == -1)
            break;
        if (c == 'h') {
            fputs(USAGE, stdout);
            exit(0);
        }
        if (c != 0)
            exit(2); /* getopt has said what is wrong */
        if (rows[index].kind == SPECIAL)
            set_special(o, rows[index].name, optarg, url, ws_url);
        else
            set_row(&rows[index], optarg);
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
    const struct row rows[] = {
        {"url", SPECIAL, NULL, 0, 0, NULL},
        {"ws-url", SPECIAL, NULL, 0, 0, NULL},
        {"pid", SPECIAL, NULL, 0, 0, NULL},
        {"unchanged", SPECIAL, NULL, 0, 0, NULL},
        {"seed", SPECIAL, NULL, 0, 0, NULL},
        {"window", SPECIAL, NULL, 0, 0, NULL},
        {"path", TEXT, &o->path, 0, 0, NULL},
        {"body", TEXT, &o->body, 0, 0, NULL},
        {"ws-expect", TEXT, &o->ws_expect, 0, 0, NULL},
        {"ids", TEXT, &o->ids, 0, 0, NULL},
        {"save", TEXT, &o->save, 0, 0, NULL},
        {"data-dir", TEXT, &o->data_dir, 0, 0, NULL},
        {"header", LIST, o->headers, 0, 0, &o->header_count},
        {"ws-hello", LIST, o->ws_hello, 0, 0, &o->ws_hellos},
        {"connections", UNSIGNED, &o->connections, 1, 200000, NULL},
        {"threads", UNSIGNED, &o->threads, 1, 64, NULL},
        {"rate", REAL, &o->rate, 0, 1e8, NULL},
        {"duration", REAL, &o->duration_s, 0.1, 1e6, NULL},
        {"warm-up", REAL, &o->warm_up_s, 0, 1e6, NULL},
        {"timeout", REAL, &o->timeout_s, 0.1, 3600, NULL},
        {"payload", UNSIGNED, &o->payload, 1, 16u << 20, NULL},
        {"chats", UNSIGNED, &o->chats, 1, 20e6, NULL},
        {"customers", UNSIGNED, &o->customers, 1, 20e6, NULL},
        {"history", UNSIGNED, &o->history, 0, 1e8, NULL},
        {"subscribers", UNSIGNED, &o->subscribers, 1, 1e6, NULL},
        {"publishers", UNSIGNED, &o->publishers, 1, 1024, NULL},
        {"changed", REAL, &o->changed, 0, 1, NULL},
        {"background", REAL, &o->background, 0, 1e7, NULL},
        {"poll-interval", REAL, &o->poll_interval_s, 0.001, 3600, NULL},
        {"refetch-interval", REAL, &o->refetch_interval_s, 0, 3600, NULL},
        {"dashboards", UNSIGNED, &o->dashboards, 0, 100000, NULL},
        {"open-window", UNSIGNED, &o->open_window, 1, 4096, NULL},
        {"verify", FLAG, &o->verify, 0, 0, NULL},
        {"follow", FLAG, &o->follow, 0, 0, NULL},
        {"preflight", FLAG, &o->preflight, 0, 0, NULL},
        {"flat", FLAG, &o->flat, 0, 0, NULL},
        {"no-subscribe", FLAG, &o->no_subscribe, 0, 0, NULL},
        {"everything", FLAG, &o->everything, 0, 0, NULL},
        {"tokens", TEXT, &o->token_file, 0, 0, NULL},
        {"json", FLAG, &o->json, 0, 0, NULL},
        {"progress", FLAG, &o->progress, 0, 0, NULL},
        {0},
    };
    parse_rows(argc, argv, o, rows, &url, &ws_url);
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
