/* config.h: every option in one table: flag, environment name, default, range, unit, group, help.
 * Thread:  filled by main before any thread starts; read-only afterwards (const struct config * everywhere).
 * Owns:    its strings, until config_fini().
 * Fails:   config_parse() says what is wrong in one sentence that names the option, the value and the range. */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "store/settings.h"

#define CONFIG_LIST_MAX    32
#define CONFIG_OPTIONS_MAX 128

struct config_list {
    char *items[CONFIG_LIST_MAX];
    unsigned count;
};

enum config_action { CONFIG_RUN, CONFIG_HELP, CONFIG_VERSION, CONFIG_CHECK, CONFIG_PRINT, CONFIG_MIGRATE };

/* Who said an option's value. */
struct config_origin {
    enum { CONFIG_FROM_DEFAULT, CONFIG_FROM_FLAG, CONFIG_FROM_ENVIRONMENT, CONFIG_FROM_FILE } from;
    unsigned line; /* of the file; a list's last */
};

struct config {
    enum config_action action;
    char *config_file;                               /* --config; NULL: none */
    struct config_origin origin[CONFIG_OPTIONS_MAX]; /* as the table's rows */
    /* network */
    struct config_list listen;      /* ADDR:PORT, [v6]:PORT, :PORT; default 127.0.0.1:8000 and 127.0.0.1:8001 */
    struct config_list cors_origin; /* default: localhost and 127.0.0.1, http, ports 3000 and 3001 */
    bool no_console;                /* no pages: neither console, widget nor client */
    int64_t max_connections;        /* all kinds together; default 20000 */
    int64_t max_per_address;        /* connections from one address; 0 = no limit (default) */
    int64_t max_body;               /* bytes of a request body; default 1 MiB */
    int64_t max_head;               /* bytes of a request head; default 16 KiB */
    int64_t head_timeout_ms;        /* whole head, from the first byte; default 10 s */
    int64_t body_timeout_ms;        /* whole body; default 30 s */
    int64_t idle_timeout_ms;        /* keep-alive between requests; default 75 s */
    int64_t response_timeout_ms;    /* least rate of reading is averaged over it; default 30 s */
    /* who may do what */
    struct config_list auth_key;      /* files; the first signs, all verify; none: authentication is off (default) */
    bool insecure_no_auth;            /* listen beyond loopback without a key */
    int64_t token_ttl_s;              /* of tokens issued here; default 30 days */
    bool dry_run;                     /* --migrate only says what it would do */
    char *issue_token;                /* "dashboard[:OWNER]" or "widget:ID": print a token and exit; NULL: no */
    char *subject, *name;             /* of that token: which agent, and what it is called; NULL: not said */
    struct config_list admin_listen;  /* ADDR:PORT apart for metrics and debug routes; default none */
    struct config_list trusted_proxy; /* ADDR or ADDR/BITS whose X-Forwarded-For is believed; default none */
    int64_t rate_send, rate_create, rate_connect; /* per second, address and principal; 0 = no limit (default) */
    int64_t rate_signals;                         /* the same; of a WebSocket, for each connection */
    char *user;                                   /* to become after binding; NULL: stay (default) */
    /* threads and queues */
    int64_t workers, broadcasters;
    int64_t queue;     /* operations waiting for the writer; same for the readers; default 16384 */
    int64_t buffer_mb; /* MiB for requests and answers under way; default 256 */
    int64_t batch;     /* most operations in one commit; default 512 */
    /* store */
    struct store_settings store; /* default sqlite:sakurad.db, 2 readers, 5000 ms for a write */
    int64_t cache_mb;            /* MiB; default 256 */
    /* notifications */
    int64_t notify_interval_ms; /* least time between two notices of one chat to one subscriber; default 0 */
    bool typing_preview;        /* agents see what a visitor has typed so far; default no */
    int64_t presence_grace_ms;  /* how long who has left still counts; default 30000 */
    int64_t ws_ping_ms;         /* server ping interval; 0 = off; default 30000 */
    int64_t ws_max_message;     /* bytes of one message from a client; default 4096 */
    int64_t ws_backlog;         /* bytes pending for one slow subscriber before 1013; default 65536 */
    /* process */
    int64_t drain_timeout_ms; /* default 10000 */
    enum log_level log_level;
    enum log_format log_format;
};

/* Reads flags (--name VALUE or --name=VALUE), then the environment (SAKURAD_LISTEN, SAKURAD_CACHE_MB, …; lists are
 * comma-separated), then the file of --config; defaults for the rest. A list comes from the first that has it.
 * On ERR_INVALID *message (owner: caller, buf) holds the sentence for stderr. */
NODISCARD enum err config_parse(struct config *c, int argc, char **argv, char **envp, struct buf *message);
/* Only how lines are logged, as far as the words say it: how to say that the rest is wrong. */
enum log_format config_log_format(int argc, char **argv, char **envp);
/* Variables that begin with SAKURAD_ and are none of ours: a line for each, with the nearest name. */
void config_unknown_env(char **envp, struct buf *out);
void config_fini(struct config *c);
void config_help(struct buf *out);                          /* --help: grouped, defaults, units, env names */
void config_print(const struct config *c, struct buf *out); /* --print-config: a --config file, passwords masked */
