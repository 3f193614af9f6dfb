#include "mongo_driver.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/metrics.h"
#include "mongo_error.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define LOG_AGAIN_US 60000000
#define DRIVER_WORDS 8 /* messages of the driver that are remembered, to say each once in LOG_AGAIN_US */

/* --- the driver's watch over the servers: its monitor threads call these --- */

static void on_topology(const mongoc_apm_topology_changed_t *event)
{
    struct mongo_health *h = mongoc_apm_topology_changed_get_context(event);
    const mongoc_topology_description_t *now = mongoc_apm_topology_changed_get_new_description(event);
    if (!h || atomic_load_explicit(&h->closing, memory_order_relaxed))
        return;
    /* The driver's function takes a non-const pointer and changes nothing. */
    bool writable = mongoc_topology_description_has_writable_server((mongoc_topology_description_t *)(uintptr_t)now);
    bool before = atomic_exchange_explicit(&h->reachable, writable, memory_order_relaxed);
    if (writable && !before) {
        log_info("mongodb reachable", "topology=%s", mongoc_topology_description_type(now));
    } else if (!writable && before) {
        mongo_health_say(h, REASON_AWAY, "no server that takes writes is reachable");
        log_warn("mongodb away", "topology=%s", mongoc_topology_description_type(now));
    }
}

static void on_heartbeat_failed(const mongoc_apm_server_heartbeat_failed_t *event)
{
    struct mongo_health *h = mongoc_apm_server_heartbeat_failed_get_context(event);
    bson_error_t error;
    mongoc_apm_server_heartbeat_failed_get_error(event, &error);
    if (h && !atomic_load_explicit(&h->reachable, memory_order_relaxed))
        mongo_health_say(h, mongo_reason(&error), error.message);
}

/* --- commands --- */

enum { COMMAND_OTHER = 13, COMMANDS };
static struct command_count {
    const char *name;
    atomic_ullong ok, failed, us;
} commands[COMMANDS] = {
    {.name = "insert"},        {.name = "update"},      {.name = "find"},     {.name = "getMore"},
    {.name = "aggregate"},     {.name = "count"},       {.name = "delete"},   {.name = "findAndModify"},
    {.name = "createIndexes"}, {.name = "listIndexes"}, {.name = "distinct"}, {.name = "ping"},
    {.name = "endSessions"},   {.name = "other"},
};

static void count_command(const char *name, bool ok, int64_t us)
{
    unsigned i = 0;
    while (i < COMMAND_OTHER && strcmp(commands[i].name, name) != 0)
        i++;
    struct command_count *c = &commands[i];
    atomic_fetch_add_explicit(ok ? &c->ok : &c->failed, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&c->us, us > 0 ? (uint64_t)us : 0, memory_order_relaxed);
}

static void on_succeeded(const mongoc_apm_command_succeeded_t *event)
{
    count_command(mongoc_apm_command_succeeded_get_command_name(event), true,
                  mongoc_apm_command_succeeded_get_duration(event));
}

static void on_failed(const mongoc_apm_command_failed_t *event)
{
    count_command(mongoc_apm_command_failed_get_command_name(event), false,
                  mongoc_apm_command_failed_get_duration(event));
}

static void append_commands(struct buf *out, void *arg)
{
    (void)arg;
    buf_append_lit(out, "# HELP sakurad_mongo_commands_total Commands sent to MongoDB, by name and result.\n"
                        "# TYPE sakurad_mongo_commands_total counter\n");
    for (unsigned i = 0; i < COMMANDS; i++) {
        unsigned long long ok = atomic_load_explicit(&commands[i].ok, memory_order_relaxed);
        unsigned long long failed = atomic_load_explicit(&commands[i].failed, memory_order_relaxed);
        buf_printf(out, "sakurad_mongo_commands_total{command=\"%s\",result=\"ok\"} %llu\n", commands[i].name, ok);
        buf_printf(out, "sakurad_mongo_commands_total{command=\"%s\",result=\"failed\"} %llu\n", commands[i].name,
                   failed);
    }
    buf_append_lit(out, "# HELP sakurad_mongo_command_seconds_sum Time spent waiting for MongoDB, by command.\n"
                        "# TYPE sakurad_mongo_command_seconds_sum counter\n");
    for (unsigned i = 0; i < COMMANDS; i++) {
        unsigned long long us = atomic_load_explicit(&commands[i].us, memory_order_relaxed);
        buf_printf(out, "sakurad_mongo_command_seconds_sum{command=\"%s\"} %llu.%06llu\n", commands[i].name,
                   us / 1000000, us % 1000000);
    }
}

/* The driver says the same at each try. True: this was said less than LOG_AGAIN_US ago. */
static bool is_said(const char *message)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct {
        uint64_t hash;
        int64_t at_us;
    } said[DRIVER_WORDS];
    uint64_t hash = hash_bytes(message, strlen(message));
    int64_t now_us = clock_mono_us();
    unsigned place = 0; /* its own, or else the oldest */
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < DRIVER_WORDS && said[place].hash != hash; i++)
        if (said[i].hash == hash || said[i].at_us < said[place].at_us)
            place = i;
    bool again = said[place].hash == hash && said[place].at_us != 0 && now_us - said[place].at_us < LOG_AGAIN_US;
    if (!again) {
        said[place].hash = hash;
        said[place].at_us = now_us;
    }
    pthread_mutex_unlock(&lock);
    return again;
}

static void on_driver_log(mongoc_log_level_t level, const char *domain, const char *message, void *arg)
{
    (void)arg;
    if (level > MONGOC_LOG_LEVEL_WARNING || is_said(message))
        return;
    if (level <= MONGOC_LOG_LEVEL_CRITICAL)
        log_error("mongodb driver", "domain=%s message=\"%s\"", domain, message);
    else if (level == MONGOC_LOG_LEVEL_WARNING)
        log_warn("mongodb driver", "domain=%s message=\"%s\"", domain, message);
}

/* libmongoc's constructor makes a file of counters named after the process, for its tool mongoc-stat, in every program
 * that is linked to it. Left there it outlives a SIGKILL, and the next process with that id finds the name taken and
 * says so on its stderr before main. The mapping stays good without the name. */
void store_mongo_unlink_counters(void)
{
    char name[32];
    (void)snprintf(name, sizeof(name), "/mongoc-%ld", (long)getpid());
    (void)shm_unlink(name); /* not there: built without them, or switched off by MONGOC_DISABLE_SHM */
}

static void driver_init(void)
{
    mongoc_init(); /* for the whole process: the driver cannot be started twice, so it is not cleaned up */
    store_mongo_unlink_counters(); /* where it is not the constructor that makes them */
    mongoc_log_set_handler(on_driver_log, NULL);
    metrics_register(append_commands, NULL);
}

void mongo_driver_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, driver_init);
}

void mongo_watch_pool(mongoc_client_pool_t *pool, struct mongo_health *h)
{
    mongoc_apm_callbacks_t *calls = mongoc_apm_callbacks_new();
    mongoc_apm_set_command_succeeded_cb(calls, on_succeeded);
    mongoc_apm_set_command_failed_cb(calls, on_failed);
    if (h) {
        mongoc_apm_set_topology_changed_cb(calls, on_topology);
        mongoc_apm_set_server_heartbeat_failed_cb(calls, on_heartbeat_failed);
    }
    mongoc_client_pool_set_apm_callbacks(pool, calls, h);
    mongoc_apm_callbacks_destroy(calls);
}
