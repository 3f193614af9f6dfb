/* uws.c: uWebSockets through the C interface of the library that the socketify wheel ships (it runs on libuv), one
 * thread: a POST's body goes to every WebSocket by the library's own publish(); any other POST is echoed.
 *   uws PORT
 * The declarations are the library's; it comes without a header. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct options {
    const char *key, *cert, *passphrase, *dh, *ca, *ciphers;
    int low_memory;
};
struct behavior {
    int compression;
    unsigned max_payload;
    unsigned short idle_timeout;
    unsigned max_backpressure;
    bool close_on_backpressure, reset_idle_on_send, pings;
    unsigned short max_lifetime;
    void (*upgrade)(void *, void *, void *, void *);
    void (*open)(void *, void *);
    void (*message)(void *, const char *, size_t, int, void *);
    void (*drain)(void *, void *);
    void (*ping)(void *, const char *, size_t, void *);
    void (*pong)(void *, const char *, size_t, void *);
    void (*close)(void *, int, const char *, size_t, void *);
    void (*subscription)(void *, const char *, size_t, int, int, void *);
};
struct listen_config {
    int port;
    const char *host;
    int options;
};
void *socketify_create_loop(void);
void *socketify_get_native_loop(void *loop);
int socketify_loop_run(void *loop, int mode);
void *uws_get_loop_with_native(void *native);
void *uws_create_app(int ssl, struct options options);
void uws_app_post(int ssl, void *app, const char *pattern, void (*fn)(void *, void *, void *), void *arg);
void uws_app_listen_with_config(int ssl, void *app, struct listen_config config,
                                void (*fn)(void *, struct listen_config, void *), void *arg);
bool uws_publish(int ssl, void *app, const char *topic, size_t topic_len, const char *message, size_t len, int opcode,
                 bool compress);
void uws_res_on_data(int ssl, void *res, void (*fn)(void *, const char *, size_t, bool, void *), void *arg);
void uws_res_on_aborted(int ssl, void *res, void (*fn)(void *, void *), void *arg);
void uws_res_end(int ssl, void *res, const char *data, size_t len, bool close);
size_t uws_req_get_header(void *req, const char *name, size_t len, const char **value);
void uws_res_upgrade(int ssl, void *res, void *data, const char *key, size_t key_len, const char *protocol,
                     size_t protocol_len, const char *extensions, size_t extensions_len, void *context);
void uws_ws(int ssl, void *app, const char *pattern, struct behavior behavior, void *arg);
bool uws_ws_subscribe(int ssl, void *ws, const char *topic, size_t len);

static void *app;

static void on_aborted(void *res, void *arg)
{
    (void)res;
    (void)arg;
}

static void on_publish(void *res, const char *chunk, size_t len, bool last, void *arg)
{
    (void)arg;
    if (!last) /* the client's bodies come in one piece */
        return;
    uws_publish(0, app, "all", 3, chunk, len, 1, false);
    uws_res_end(0, res, "{}", 2, false);
}

static void on_echo(void *res, const char *chunk, size_t len, bool last, void *arg)
{
    (void)arg;
    if (last)
        uws_res_end(0, res, chunk, len, false);
}

static void publish(void *res, void *req, void *arg)
{
    (void)req;
    uws_res_on_aborted(0, res, on_aborted, NULL);
    uws_res_on_data(0, res, on_publish, arg);
}

static void echo(void *res, void *req, void *arg)
{
    (void)req;
    uws_res_on_aborted(0, res, on_aborted, NULL);
    uws_res_on_data(0, res, on_echo, arg);
}

static void on_upgrade(void *res, void *req, void *context, void *arg)
{
    (void)arg;
    const char *key;
    size_t len = uws_req_get_header(req, "sec-websocket-key", 17, &key);
    uws_res_upgrade(0, res, NULL, key, len, "", 0, "", 0, context);
}

static void on_open(void *ws, void *arg)
{
    (void)arg;
    uws_ws_subscribe(0, ws, "all", 3);
}

static void on_listen(void *socket, struct listen_config config, void *arg)
{
    (void)arg;
    if (!socket) {
        fprintf(stderr, "cannot listen on port %d\n", config.port);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    struct rlimit files = {262144, 262144};
    setrlimit(RLIMIT_NOFILE, &files);
    void *loop = socketify_create_loop();
    uws_get_loop_with_native(socketify_get_native_loop(loop));
    app = uws_create_app(0, (struct options){0});
    uws_app_post(0, app, "/pub", publish, NULL);
    uws_app_post(0, app, "/echo", echo, NULL);
    uws_ws(
        0, app, "/*",
        (struct behavior){.max_payload = 65536, .max_backpressure = 64 << 20, .upgrade = on_upgrade, .open = on_open},
        NULL);
    uws_app_listen_with_config(0, app, (struct listen_config){atoi(argv[1]), "127.0.0.1", 0}, on_listen, NULL);
    return socketify_loop_run(loop, 0);
}
