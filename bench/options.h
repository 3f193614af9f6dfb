/* options.h: the command line of sakurad-bench.
 * Thread:  filled by main before any thread starts; read only afterwards.
 * Fails:   options_parse() prints one sentence and ends the program: 0 after --help, 2 on a bad value. */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define OPTIONS_LIST_MAX 8
#define OPTIONS_PIDS_MAX 8

struct endpoint {
    char host[128];
    unsigned port;
    struct sockaddr_in address;
};

enum window { WINDOW_ALL, WINDOW_ACK };

struct options {
    const char *mode;
    struct endpoint http, ws;
    const char *ws_path;
    const char *ws_hello[OPTIONS_LIST_MAX]; /* text messages sent after the upgrade, each after the answer before it */
    unsigned ws_hellos;
    const char *ws_expect; /* what the answer to the last hello must contain; NULL: no answer awaited */
    const char *path;      /* get, post, wsfan */
    const char *body;      /* post, wsfan: template; %TOKEN% and %PAD% are filled in */
    const char *headers[OPTIONS_LIST_MAX];
    unsigned header_count;
    unsigned connections, threads;
    double rate; /* operations a second, all threads together; 0: closed loop */
    double duration_s, warm_up_s, timeout_s;
    unsigned payload;
    unsigned chats, customers, history;
    unsigned subscribers, publishers;
    enum window window;
    double changed;    /* share of polls and refetches without If-None-Match */
    double background; /* sends a second beside the measured thing */
    double poll_interval_s, refetch_interval_s;
    unsigned dashboards;
    bool verify, follow, preflight, flat, no_subscribe, everything;
    const char *token_file;
    char **tokens; /* its lines: one for each WebSocket, in turn */
    unsigned token_count;
    unsigned open_window;
    const char *data_dir;
    const char *ids; /* file of chat ids to load, or to write when it does not exist */
    const char *save;
    long pids[OPTIONS_PIDS_MAX];
    unsigned pid_count;
    bool json, progress;
    uint64_t seed;
};

void options_parse(int argc, char **argv, struct options *o);
void options_free(struct options *o);
