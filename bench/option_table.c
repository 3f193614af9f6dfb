#include "option_table.h"

#include <string.h>

#define ROW(its_name, its_value, its_kind, field, text)                                                                \
    .group = GROUP, .name = (its_name), .value = (its_value), .kind = (its_kind),                                      \
    .offset = offsetof(struct options, field), .help = (text)
#define UNSIGNED(name, value, field, low, high, text)                                                                  \
    {                                                                                                                  \
        ROW(name, value, OPTION_UNSIGNED, field, text), .min = (low), .max = (high)                                    \
    }
#define REAL(name, value, field, low, high, text)                                                                      \
    {                                                                                                                  \
        ROW(name, value, OPTION_REAL, field, text), .min = (low), .max = (high)                                        \
    }
#define TEXT(name, value, field, text)                                                                                 \
    {                                                                                                                  \
        ROW(name, value, OPTION_TEXT, field, text)                                                                     \
    }
#define FLAG(name, field, text)                                                                                        \
    {                                                                                                                  \
        ROW(name, NULL, OPTION_FLAG, field, text)                                                                      \
    }
#define LIST(name, value, field, count, text)                                                                          \
    {                                                                                                                  \
        ROW(name, value, OPTION_LIST, field, text), .count_offset = offsetof(struct options, count)                    \
    }
#define SPECIAL(name, value, text)                                                                                     \
    {                                                                                                                  \
        ROW(name, value, OPTION_SPECIAL, mode, text)                                                                   \
    }

const struct mode_row mode_rows[] = {
    {"Modes against sakurad (customers and chats are made through its API)", NULL},
    {"send", "customers' messages, each answered once it is durable"},
    {"notify", "POST to WebSocket frame for one subscriber, beside the disk's own fdatasync"},
    {"fanout", "durable sends to thousands of WebSocket subscribers"},
    {"poll", "widgets polling their chats"},
    {"refetch", "dashboards refetching the inbox; --follow: after each notification"},
    {"mix", "widgets polling, sends, dashboards subscribed and refetching"},
    {"idle", "opens and subscribes WebSockets; memory per connection, wake-ups of the server meanwhile"},
    {"signals", "widgets and agents that type, each heard by the other side"},
    {"storm", "agents that connect at once and subscribe to everything"},
    {"fill", "makes customers, chats and history, measures nothing else"},
    {"Modes against any server", NULL},
    {"get, post", "HTTP requests to --path"},
    {"wsfan", "POSTs to --path that the server sends to every WebSocket on --ws-path"},
    {0},
};

/* Rows of one group stand together. */
const struct option_row option_rows[] = {
#define GROUP "Where"
    SPECIAL("url", "URL", "http://HOST:PORT (default http://127.0.0.1:8000)"),
    SPECIAL("ws-url", "URL", "ws://HOST:PORT[/PATH] (default: the --url, path /ws/dashboard)"),
    TEXT("path", "PATH", path, "get, post, wsfan (default /)"),
    TEXT("body", "TEXT", body,
         "post, wsfan; in wsfan %TOKEN% is the mark that is looked for in the frames, %PAD% filler"),
    LIST("header", "'N: V'", headers, header_count, "on every HTTP request and upgrade (up to 8)"),
    LIST("ws-hello", "TEXT", ws_hello, ws_hellos, "message after the upgrade (up to 8)"),
    TEXT("ws-expect", "TEXT", ws_expect, "what the answer to the last --ws-hello contains"),
    SPECIAL("pid", "PID[,PID]", "the server's processes (default: process_* values of its /metrics)"),
    TEXT("tokens", "FILE", token_file, "a line of it for each WebSocket, in turn, as its bearer token"),
#undef GROUP
#define GROUP "How much"
    UNSIGNED("connections", "N", connections, 1, 200000, "HTTP connections (default 64)"),
    UNSIGNED("threads", "N", threads, 1, 64, "threads of the generator (default 1)"),
    REAL("rate", "N", rate, 0, 1e8,
         "operations a second, open loop: latency counts from the intended start (default: closed loop)"),
    REAL("duration", "S", duration_s, 0.1, 1e6, "seconds that are measured (default 10)"),
    REAL("warm-up", "S", warm_up_s, 0, 1e6, "seconds before them (default 1)"),
    REAL("timeout", "S", timeout_s, 0.1, 3600, "seconds for one operation (default 10)"),
    UNSIGNED("payload", "BYTES", payload, 1, 16u << 20, "of a message's content (default 120); wsfan: of the frame"),
    UNSIGNED("customers", "N", customers, 1, 20e6, "made before the run"),
    UNSIGNED("chats", "N", chats, 1, 20e6, "made before the run"),
    UNSIGNED("history", "N", history, 0, 1e8, "messages in each chat, made before the run"),
    TEXT("ids", "FILE", ids, "reads the chats from FILE; makes them and writes FILE where it does not exist"),
    SPECIAL("seed", "N", "names and choices (default: from the clock)"),
#undef GROUP
#define GROUP "Modes' own"
    UNSIGNED("subscribers", "N", subscribers, 1, 1e6, "fanout, wsfan, idle, storm (default 100); signals: agents"),
    UNSIGNED("publishers", "N", publishers, 1, 1024, "fanout, wsfan (default 1); signals: widgets"),
    SPECIAL("window", "all|ack",
            "a publisher's next send comes when all subscribers have the last one, or at its answer"),
    FLAG("flat", flat, "subscribe with \"format\":\"flat\""),
    REAL("changed", "F", changed, 0, 1, "share of polls and refetches without If-None-Match (default 1)"),
    SPECIAL("unchanged", NULL, "--changed 0"),
    REAL("background", "N", background, 0, 1e7, "notify, poll, refetch: sends a second to other chats"),
    FLAG("verify", verify, "notify: a GET at the frame must show the message"),
    TEXT("data-dir", "DIR", data_dir, "notify: where 250 bytes are appended and fdatasync'ed (default .)"),
    FLAG("follow", follow, "refetch: after each notification"),
    UNSIGNED("dashboards", "N", dashboards, 0, 100000, "mix, refetch --follow (default 50)"),
    REAL("refetch-interval", "S", refetch_interval_s, 0, 3600, "least time between two of a dashboard (default 0.5)"),
    REAL("poll-interval", "S", poll_interval_s, 0.001, 3600, "mix: a widget's (default 2)"),
    FLAG("preflight", preflight, "OPTIONS before each refetch of a follower"),
    UNSIGNED("open-window", "N", open_window, 1, 4096,
             "idle, fanout, storm: upgrades under way at once on one thread (default 128)"),
    FLAG("no-subscribe", no_subscribe, "idle: no subscription"),
    FLAG("everything", everything, "idle: all subscriptions that there are"),
    TEXT("save", "FILE", save, "get: the last body"),
#undef GROUP
#define GROUP "Output"
    FLAG("json", json, "one JSON object on stdout"),
    FLAG("progress", progress, "a line a second on stderr (default: on a terminal)"),
};
const unsigned option_count = sizeof(option_rows) / sizeof(option_rows[0]);
_Static_assert(sizeof(option_rows) / sizeof(option_rows[0]) <= OPTION_ROWS_MAX, "options_parse() has room for them");

void options_help(FILE *to)
{
    fputs("usage: sakurad-bench MODE [options]\n", to);
    for (const struct mode_row *m = mode_rows; m->names; m++) {
        if (m->help)
            fprintf(to, "  %-9s %s\n", m->names, m->help);
        else
            fprintf(to, "\n%s:\n", m->names);
    }
    for (unsigned i = 0; i < option_count; i++) {
        const struct option_row *row = &option_rows[i];
        char flag[64];
        if (i == 0 || strcmp(row->group, row[-1].group) != 0)
            fprintf(to, "\n%s:\n", row->group);
        snprintf(flag, sizeof(flag), "--%s%s%s", row->name, row->value ? " " : "", row->value ? row->value : "");
        fprintf(to, "  %-22s %s\n", flag, row->help);
    }
}
