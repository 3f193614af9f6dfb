#include "config_table.h"

#include <sched.h>
#include <stdio.h>

#define FIELD(name) offsetof(struct config, name)

static int64_t cores(void)
{
    cpu_set_t set; /* what this process may use, which in a container is less than what the machine has */
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1;
    int n = CPU_COUNT(&set);
    return n < 1 ? 1 : n > 256 ? 256 : n;
}

static int64_t half_of_cores(void)
{
    int64_t n = cores() / 2;
    return n < 1 ? 1 : n;
}

static const char *const level_names[] = {"error", "warn", "info", "debug", NULL};
static const char *const format_names[] = {"text", "json", NULL};

#define INT(name, field, value, lowest, highest, its_unit, what, about, text)                                          \
    {                                                                                                                  \
        .flag = (name), .type = OPTION_INT, .offset = FIELD(field), .fallback = (value), .min = (lowest),              \
        .max = (highest), .unit = (its_unit), .placeholder = (what), .group = (about), .help = (text)                  \
    }
#define THREADS(name, field, function, function_text, highest, text)                                                   \
    {                                                                                                                  \
        .flag = (name), .type = OPTION_INT, .offset = FIELD(field), .computed = (function),                            \
        .computed_text = (function_text), .min = 1, .max = (highest), .unit = "threads", .placeholder = "N",           \
        .group = "Threads and queues", .help = (text)                                                                  \
    }
#define ACTION(name, its_letter, action, text)                                                                         \
    {                                                                                                                  \
        .letter = (its_letter), .flag = (name), .type = OPTION_ACTION, .min = (action), .group = "Process",            \
        .help = (text)                                                                                                 \
    }

#define HOUR_MS INT64_C(3600000)
#define ACCESS  "Access"

/* Rows of one group stand together: --help prints them in this order. */
const struct option_row option_rows[] = {
    {.flag = "listen",
     .type = OPTION_LIST,
     .offset = FIELD(listen),
     .fallback = "127.0.0.1:8000,127.0.0.1:8001",
     .placeholder = "ADDR:PORT",
     .check = check_listen,
     .group = "Network",
     .help = "Serve HTTP and WebSocket here; may be given several times. IPv6 as [ADDR]:PORT; :PORT is every "
             "address of this machine, IPv4 and IPv6; port 0: any free one."},
    {.flag = "cors-origin",
     .type = OPTION_LIST,
     .offset = FIELD(cors_origin),
     .fallback = "http://localhost:3000,http://localhost:3001,http://127.0.0.1:3000,http://127.0.0.1:3001",
     .placeholder = "ORIGIN",
     .check = check_origin,
     .tidy = tidy_origin,
     .group = "Network",
     .help =
         "A web origin whose pages may call, or @FILE with one origin a line, which SIGHUP reads again; may be given "
         "several times. Replaces the default list. The server's own pages always may."},
    {.flag = "no-console",
     .type = OPTION_BOOL,
     .offset = FIELD(no_console),
     .fallback = "false",
     .group = "Network",
     .help = "Serve no pages: neither the console, /demo and /stats nor /widget.js and /client.js."},
    INT("max-connections", max_connections, "20000", 1, 1000000, "connections", "N", "Network",
        "Most open connections, HTTP and WebSocket together."),
    INT("max-per-address", max_per_address, "0", 0, 1000000, "connections", "N", "Network",
        "Most open connections from one address; 0: no limit."),
    INT("max-body", max_body, "1048576", 1, 4194304, "bytes", "BYTES", "Network", "Largest body of a request."),
    INT("max-head", max_head, "16384", 256, 1048576, "bytes", "BYTES", "Network",
        "Largest head (request line and headers) of a request."),
    INT("head-timeout", head_timeout_ms, "10000", 10, HOUR_MS, "ms", "MS", "Network",
        "Time for a whole request head, from its first byte."),
    INT("body-timeout", body_timeout_ms, "30000", 10, HOUR_MS, "ms", "MS", "Network", "Time for a whole request body."),
    INT("idle-timeout", idle_timeout_ms, "75000", 10, 24 * HOUR_MS, "ms", "MS", "Network",
        "Time that a kept-alive connection may idle between requests."),
    INT("response-timeout", response_timeout_ms, "30000", 10, HOUR_MS, "ms", "MS", "Network",
        "A client that takes less than 4 KiB a second of its answer over this time is cut."),

    {.flag = "auth-key",
     .type = OPTION_LIST,
     .offset = FIELD(auth_key),
     .placeholder = "FILE",
     .group = ACCESS,
     .help = "A key of 32 bytes or more: turns authentication on. May be given several times, for rotation: the first "
             "signs tokens, all verify them."},
    {.flag = "insecure-no-auth",
     .type = OPTION_BOOL,
     .offset = FIELD(insecure_no_auth),
     .fallback = "false",
     .group = ACCESS,
     .help = "Listen beyond loopback without --auth-key: whoever reaches the port reads and writes everything."},
    INT("token-ttl", token_ttl_s, "2592000", 60, INT64_C(315360000), "s", "SECONDS", ACCESS,
        "Life of the tokens issued here."),
    {.flag = "issue-token",
     .type = OPTION_TEXT,
     .offset = FIELD(issue_token),
     .placeholder = "ROLE[:ID]",
     .check = check_issue,
     .flag_only = true,
     .group = ACCESS,
     .help = "Print a token signed with the first --auth-key, then exit: dashboard, dashboard:OWNER (that owner's "
             "customers only) or widget:CUSTOMER."},
    {.flag = "subject",
     .type = OPTION_TEXT,
     .offset = FIELD(subject),
     .placeholder = "ID",
     .check = check_agent,
     .flag_only = true,
     .group = ACCESS,
     .help = "With --issue-token dashboard: which agent the token is for."},
    {.flag = "name",
     .type = OPTION_TEXT,
     .offset = FIELD(name),
     .placeholder = "NAME",
     .check = check_agent,
     .flag_only = true,
     .group = ACCESS,
     .help = "With --subject: what the agent is called; shown beside the agent's messages."},
    {.flag = "admin-listen",
     .type = OPTION_LIST,
     .offset = FIELD(admin_listen),
     .placeholder = "ADDR:PORT",
     .check = check_listen,
     .group = ACCESS,
     .help = "Serve metrics and the database overview here, and no longer on --listen; on loopback they need no token. "
             "May be given several times."},
    {.flag = "trusted-proxy",
     .type = OPTION_LIST,
     .offset = FIELD(trusted_proxy),
     .placeholder = "NETWORK",
     .check = check_network,
     .group = ACCESS,
     .help = "A reverse proxy, ADDR or ADDR/BITS, whose X-Forwarded-For is believed. May be given several times."},
    INT("rate-send", rate_send, "0", 0, 1000000, "per second", "N", ACCESS,
        "Messages that one address and one principal may send, over time; ten times as many at once. 0: no limit."),
    INT("rate-create", rate_create, "0", 0, 1000000, "per second", "N", ACCESS,
        "The same for chats created and customers reported."),
    INT("rate-connect", rate_connect, "0", 0, 1000000, "per second", "N", ACCESS,
        "The same for connections of one address; behind a trusted proxy, for WebSockets of one client."),
    INT("rate-signals", rate_signals, "0", 0, 1000000, "per second", "N", ACCESS,
        "The same for reading (POST), and for typing and reading on one WebSocket."),
    {.flag = "user",
     .type = OPTION_TEXT,
     .offset = FIELD(user),
     .placeholder = "NAME",
     .group = ACCESS,
     .help = "Become this user once the sockets are bound; needs to be started as root."},

    THREADS("workers", workers, cores, "one per core", 256, "Threads that serve HTTP."),
    INT("readers", store.readers, "2", 1, 64, "threads", "N", "Threads and queues",
        "Threads that read the store for what the cache lacks."),
    THREADS("broadcasters", broadcasters, half_of_cores, "half the cores, at least 1", 256,
            "Threads that serve WebSocket."),
    INT("queue", queue, "16384", 1, 1048576, "operations", "N", "Threads and queues",
        "Most operations waiting for the writer, and as many for the readers; more are answered 503."),
    INT("buffer-mb", buffer_mb, "256", 1, 1048576, "MiB", "MIB", "Threads and queues",
        "Memory for requests that have not come whole (a quarter), answers that have not been taken and dashboards' "
        "answers (three eighths each). Where one is full, who holds most of it is answered 503 or cut."),
    INT("batch", batch, "512", 1, 16384, "operations", "N", "Threads and queues",
        "Most operations in one commit of the store."),

    {.flag = "store",
     .type = OPTION_TEXT,
     .offset = FIELD(store.uri),
     .fallback = "sqlite:sakurad.db",
     .placeholder = "URI",
     .check = check_store,
     .uri = true,
     .group = "Store",
     .help = "sqlite:PATH, mongodb://HOST[:PORT]/DATABASE or mongodb+srv://HOST/DATABASE."},
    {.flag = "store-required",
     .type = OPTION_BOOL,
     .offset = FIELD(store.required),
     .fallback = "false",
     .group = "Store",
     .help = "Exit with status 1 when the store cannot be reached at start, instead of retrying."},
    {.flag = "store-shared",
     .type = OPTION_BOOL,
     .offset = FIELD(store.shared),
     .fallback = "false",
     .group = "Store",
     .help =
         "MongoDB: where another server has the database, have it handed over instead of ending with status 1. That "
         "one then answers 503; for a rolling change."},
    INT("write-timeout", store.write_timeout_ms, "5000", 10, 600000, "ms", "MS", "Store",
        "Time that a write may wait for the store before it is answered 503."),
    INT("cache-mb", cache_mb, "256", 1, 1048576, "MiB", "MIB", "Store", "Memory for rendered chats."),

    INT("notify-interval", notify_interval_ms, "0", 0, HOUR_MS, "ms", "MS", "Notifications",
        "Least time between two notices of one chat to one subscriber; 0: none is held back."),
    INT("presence-grace", presence_grace_ms, "30000", 0, HOUR_MS, "ms", "MS", "Notifications",
        "How long an agent or an open chat still counts as there when its connections have ended."),
    INT("ws-ping", ws_ping_ms, "30000", 0, HOUR_MS, "ms", "MS", "Notifications",
        "Interval of pings to WebSocket clients; 0: no pings."),
    INT("ws-max-message", ws_max_message, "4096", 64, 1048576, "bytes", "BYTES", "Notifications",
        "Largest WebSocket message from a client."),
    INT("ws-backlog", ws_backlog, "65536", 256, 1073741824, "bytes", "BYTES", "Notifications",
        "Most bytes kept for a slow subscriber before it is closed with 1013."),

    {.flag = "typing-preview",
     .type = OPTION_BOOL,
     .offset = FIELD(typing_preview),
     .fallback = "false",
     .group = "Notifications",
     .help =
         "Pass on to agents what a visitor has typed so far, where the widget says it. Never stored, never logged."},

    {.flag = "config",
     .type = OPTION_TEXT,
     .offset = FIELD(config_file),
     .placeholder = "FILE",
     .flag_only = true,
     .group = "Process",
     .help = "Read options from FILE, once at the start: a line each, NAME = VALUE with the flags' names; # begins a "
             "comment, a list takes several lines. Flags and the environment win over it."},
    INT("drain-timeout", drain_timeout_ms, "10000", 0, 600000, "ms", "MS", "Process",
        "Time for requests in flight to finish when told to stop."),
    {.flag = "log-level",
     .type = OPTION_CHOICE,
     .offset = FIELD(log_level),
     .fallback = "info",
     .placeholder = "LEVEL",
     .choices = level_names,
     .group = "Process",
     .help = "Least severe lines to log."},
    {.flag = "log-format",
     .type = OPTION_CHOICE,
     .offset = FIELD(log_format),
     .fallback = "text",
     .placeholder = "FORMAT",
     .choices = format_names,
     .group = "Process",
     .help = "How lines are logged."},
    ACTION(
        "migrate", 0, CONFIG_MIGRATE,
        "MongoDB: move the messages that old deployments embedded in customer-chats into customer-messages, then exit. "
        "Safe to repeat and to interrupt."),
    {.flag = "dry-run",
     .type = OPTION_BOOL,
     .offset = FIELD(dry_run),
     .fallback = "false",
     .flag_only = true,
     .group = "Process",
     .help = "With --migrate: say what would be moved, change nothing."},
    ACTION("check-config", 0, CONFIG_CHECK,
           "Check the options, the environment, files and the store as a start would, then exit. "
           "Changes nothing; a database that is away is a warning."),
    ACTION("print-config", 0, CONFIG_PRINT,
           "Print every option's value and who said it, in the form of a --config file, passwords masked, then exit."),
    ACTION("version", 'V', CONFIG_VERSION, "Print the version, then exit."),
    ACTION("help", 'h', CONFIG_HELP, "Print this text, then exit."),
};
const unsigned option_count = sizeof(option_rows) / sizeof(option_rows[0]);

const struct option_row *option_find(struct slice flag)
{
    for (unsigned i = 0; i < option_count; i++)
        if (slice_eq(flag, slice_cstr(option_rows[i].flag)))
            return &option_rows[i];
    return NULL;
}

void option_env_name(const struct option_row *row, char out[static OPTION_ENV_LEN])
{
    int n = snprintf(out, OPTION_ENV_LEN, "SAKURAD_%s", row->flag);
    must(n > 0 && n < OPTION_ENV_LEN);
    for (char *c = out; *c; c++) {
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
        else if (*c == '-')
            *c = '_';
    }
}
