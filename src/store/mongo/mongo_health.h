/* mongo_health.h: what is known of the database right now, from the driver's own watch over it and from the last
 * results.
 * Thread:  mongo_health_get from any thread: never waits (a busy lock only costs the detail text). The others from
 *          whichever thread has news, the driver's monitors among them.
 * Owns:    nothing. */
#pragma once
#include "store/store.h"

#include <mongoc/mongoc.h>
#include <pthread.h>
#include <stdatomic.h>

/* One word for what a failure says of the database or of its configuration (mongo_error.c). */
#define REASON_AUTHENTICATION "authentication"
#define REASON_PERMISSION     "permission"
#define REASON_TLS            "tls"
#define REASON_NAME           "name_resolution"
#define REASON_AWAY           "away"
#define REASON_NO_ANSWER      "no_answer" /* it takes connections, and does not answer as MongoDB does */

struct mongo_health {
    atomic_bool reachable; /* the monitors see a server that takes writes */
    atomic_bool failing;   /* the last call failed though it may be reachable */
    atomic_bool closing;   /* the pools are being destroyed: what their monitors see now is their own end */
    atomic_llong logged_us;
    _Atomic(const char *) reason;
    atomic_llong refused_us; /* when a refusal was last logged */
    pthread_mutex_t lock;    /* guards detail */
    char detail[STORE_DETAIL_MAX];
};

void mongo_health_init(struct mongo_health *h);
void mongo_health_fini(struct mongo_health *h);
void mongo_health_get(struct mongo_health *h, struct store_health *out);
void mongo_health_say(struct mongo_health *h, const char *reason,
                      const char *detail); /* until something else is said */
/* It will fail in the same way until somebody changes something: no need to ask often. */
bool mongo_health_hopeless(const struct mongo_health *h);
void mongo_health_worked(struct mongo_health *h);
