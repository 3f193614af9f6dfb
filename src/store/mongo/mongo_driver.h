/* mongo_driver.h: the driver as a whole: its start, its log lines, its watch over the servers, and counts of commands.
 * Thread:  any. The driver's monitor threads bring what they see into mongo_health.h.
 * Metrics: sakurad_mongo_commands_total{command,result}, sakurad_mongo_command_seconds_sum{command}: of the process,
 *          all stores together. */
#pragma once
#include "mongo_health.h"

/* Driver and log handler ready, metrics registered; once for the process. */
void mongo_driver_init(void);
/* Command counts for every pool; h (may be NULL): also the watch. Before the pool's first client. */
void mongo_watch_pool(mongoc_client_pool_t *pool, struct mongo_health *h);
