#include "net/admission.h"

#include "base/map.h"
#include "net/address.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* One client that has connections now. Its pointer is the ticket. */
struct client {
    struct address address;
    int64_t count;
};

struct admission {
    int64_t max_total;
    int64_t max_per_address;
    atomic_int_fast64_t total;
    pthread_mutex_t lock; /* guards clients */
    struct map clients;   /* address_client() → struct client */
};

struct admission *admission_new(int64_t max_total, int64_t max_per_address)
{
    struct admission *a = calloc(1, sizeof(*a));
    if (!a)
        return NULL;
    a->max_total = max_total;
    a->max_per_address = max_per_address;
    pthread_mutex_init(&a->lock, NULL);
    map_init(&a->clients);
    return a;
}

void admission_free(struct admission *a)
{
    if (!a)
        return;
    size_t pos = 0;
    for (struct client *at; (at = map_next(&a->clients, &pos));)
        free(at);
    map_fini(&a->clients);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

static bool enter_address(struct admission *a, const struct sockaddr *peer, uint64_t *ticket)
{
    struct address address = address_of(peer);
    bool entered = false;
    pthread_mutex_lock(&a->lock);
    struct client *at = map_get(&a->clients, address_client(&address));
    if (!at && (at = calloc(1, sizeof(*at)))) {
        at->address = address;
        if (map_put(&a->clients, address_client(&at->address), at) != OK) {
            free(at);
            at = NULL;
        }
    }
    if (at && at->count < a->max_per_address) {
        at->count++;
        *ticket = (uint64_t)(uintptr_t)at;
        entered = true;
    }
    pthread_mutex_unlock(&a->lock);
    return entered;
}

enum admission_verdict admission_enter(struct admission *a, const struct sockaddr *peer, uint64_t *ticket)
{
    *ticket = 0;
    if (atomic_fetch_add_explicit(&a->total, 1, memory_order_relaxed) >= a->max_total) {
        atomic_fetch_sub_explicit(&a->total, 1, memory_order_relaxed);
        return REFUSE_TOTAL;
    }
    if (a->max_per_address == 0 || enter_address(a, peer, ticket))
        return ADMIT;
    atomic_fetch_sub_explicit(&a->total, 1, memory_order_relaxed);
    return REFUSE_ADDRESS;
}

void admission_leave(struct admission *a, uint64_t ticket)
{
    atomic_fetch_sub_explicit(&a->total, 1, memory_order_relaxed);
    struct client *at = (struct client *)(uintptr_t)ticket;
    if (!at)
        return;
    pthread_mutex_lock(&a->lock);
    if (--at->count == 0) {
        (void)map_remove(&a->clients, address_client(&at->address));
        free(at);
    }
    pthread_mutex_unlock(&a->lock);
}

int64_t admission_total(const struct admission *a)
{
    return atomic_load_explicit(&a->total, memory_order_relaxed);
}
