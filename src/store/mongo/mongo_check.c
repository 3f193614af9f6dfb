/* What can be known of a MongoDB configuration before it is used: what the URI asks for and cannot be had (files, a
 * pool too small for our threads), which a start refuses too; and, for --check-config, what comes of one try to
 * connect. */
#include "mongo_check.h"

#include "mongo_driver.h"
#include "mongo_error.h"
#include "mongo_probe.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PEM_MOST (1 << 20)
#define LOOK_MS  2000
#define OTHERS                                                                                                         \
    2 /* beside the readers: the counters, and main while it warms the cache. The writer's pool needs fewer */

/* --- what the URI names --- */

static enum err refuse_file(struct buf *why, const char *option, const char *path, const char *what)
{
    buf_printf(why, "the store's URI names %s=%s: %s", option, path, what);
    return ERR_INVALID;
}

/* The driver reads them at each connection, and says of whatever is wrong that no server is suitable. */
static enum err check_pem(const mongoc_uri_t *uri, const char *option, const char *const *wanted, struct buf *why)
{
    const char *path = mongoc_uri_get_option_as_utf8(uri, option, NULL);
    if (!path)
        return OK;
    char *text = malloc(PEM_MOST);
    if (!text)
        return ERR_NOMEM;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, PEM_MOST - 1) : -1;
    enum err e = n < 0 ? refuse_file(why, option, path, strerror(errno)) : OK;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    for (; e == OK && *wanted; wanted++)
        if (!strstr(text, *wanted))
            e = refuse_file(why, option, path, "is not what is expected there: a PEM file with its parts in it");
    free(text);
    return e;
}

static enum err check_pool(const mongoc_uri_t *uri, int64_t readers, struct buf *why)
{
    int64_t needed = readers + OTHERS;
    int64_t most = mongoc_uri_get_option_as_int32(uri, MONGOC_URI_MAXPOOLSIZE, INT32_MAX);
    if (most >= needed)
        return OK;
    buf_printf(why,
               "the store's URI has maxPoolSize=%lld, and --readers %lld needs %lld connections: leave it out, or give "
               "fewer readers",
               (long long)most, (long long)readers, (long long)needed);
    return ERR_INVALID;
}

enum err mongo_check_uri(const struct mongo_uris *u, const struct store_settings *settings, struct buf *why)
{
    static const char *const certificate[] = {"-----BEGIN CERTIFICATE-----", NULL};
    static const char *const both[] = {"-----BEGIN CERTIFICATE-----", "PRIVATE KEY-----", NULL};
    enum err e = check_pem(u->uri[MONGO_WRITER], "tlsCAFile", certificate, why);
    if (e == OK)
        e = check_pem(u->uri[MONGO_WRITER], "tlsCertificateKeyFile", both, why);
    return e == OK ? check_pool(u->uri[MONGO_WRITER], settings->readers, why) : e;
}

/* --- one try --- */

struct collected {
    pthread_mutex_t lock; /* the driver's monitors write too */
    struct buf *lines;
};

/* Takes the driver's warnings about the URI (what it passes over there), each once. Its lines about connections are
 * left out: the try itself tells. */
static void collect(mongoc_log_level_t level, const char *domain, const char *message, void *arg)
{
    struct collected *c = arg;
    if (level > MONGOC_LOG_LEVEL_WARNING || strcmp(domain, "cluster") == 0)
        return;
    struct slice text = slice_trim(slice_cstr(message), " \n");
    pthread_mutex_lock(&c->lock);
    if (!strstr(buf_cstr(c->lines), message))
        buf_printf(c->lines, "the store's URI: %.*s\n", SLICE_ARG(text));
    pthread_mutex_unlock(&c->lock);
}

/* The most telling answer of those that the URI names; *which: whose it is. */
static enum probe_result probe_all(const mongoc_uri_t *uri, const mongoc_host_list_t **which)
{
    enum probe_result found = PROBE_SILENT;
    for (const mongoc_host_list_t *h = mongoc_uri_get_hosts(uri); h && !mongoc_uri_get_tls(uri); h = h->next) {
        enum probe_result result = mongo_probe(h);
        if (result <= found)
            continue;
        found = result;
        *which = h;
    }
    return found;
}

/* Why the ping failed: ERR_INVALID for what could never work; else a warning, since the database may only be away. */
static enum err judge(const struct mongo_uris *u, const char *masked, const bson_error_t *error, struct buf *warnings,
                      struct buf *why)
{
    const char *reason = mongo_reason(error);
    const mongoc_host_list_t *host = NULL;
    if (reason && (strcmp(reason, REASON_AUTHENTICATION) == 0 || strcmp(reason, REASON_TLS) == 0)) {
        buf_printf(why, "the store %s: %s: %s", masked, reason, error->message);
        return ERR_INVALID;
    }
    enum probe_result answer = probe_all(u->uri[MONGO_WRITER], &host);
    if (answer == PROBE_OTHER) {
        buf_printf(why, "the store %s: what answers at %s is not MongoDB, or wants TLS (tls=true)", masked,
                   host->host_and_port);
        return ERR_INVALID;
    }
    buf_printf(warnings, "the store %s cannot be reached now: %s", masked, error->message);
    if (answer == PROBE_MONGO)
        buf_printf(warnings,
                   "; MongoDB answers at %s, but not as a server that fits the URI (replicaSet?) and takes writes",
                   host->host_and_port);
    buf_append_char(warnings, '\n');
    return OK;
}

static enum err look(const struct mongo_uris *u, const char *masked, struct buf *warnings, struct buf *why)
{
    struct mongo_conn conn;
    bson_error_t error = {0};
    mongoc_uri_set_option_as_int32(u->uri[MONGO_WRITER], MONGOC_URI_SERVERSELECTIONTIMEOUTMS, LOOK_MS);
    mongoc_uri_set_option_as_int32(u->uri[MONGO_WRITER], MONGOC_URI_CONNECTTIMEOUTMS, LOOK_MS / 2);
    enum err e = mongo_alone_open(&conn, u, MONGO_WRITER, why);
    if (e == OK && !mongo_ping(&conn, &error))
        e = judge(u, masked, &error, warnings, why);
    mongo_alone_close(&conn);
    return e;
}

enum err store_mongo_check(const struct store_settings *settings, struct buf *warnings, struct buf *why)
{
    struct mongo_uris uris;
    struct buf masked = {0};
    struct collected collected = {.lock = PTHREAD_MUTEX_INITIALIZER, .lines = warnings};
    mongo_driver_init();
    mongoc_log_set_handler(collect, &collected);
    store_mask_uri(settings->uri, &masked);
    enum err e = mongo_uris_init(&uris, settings, NULL, why);
    if (e == OK)
        e = mongo_check_uri(&uris, settings, why);
    if (e == OK)
        e = look(&uris, buf_cstr(&masked), warnings, why);
    mongo_uris_fini(&uris);
    mongoc_log_set_handler(NULL,
                           NULL); /* what the driver says from here on is not wanted: the process reports, and ends */
    buf_fini(&masked);
    return e;
}
