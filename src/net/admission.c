#include "net/admission.h"

#include "base/map.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* One address that has connections now. Its pointer is the ticket. */
struct address {
    uint8_t key[16];
    uint8_t key_len;
    int64_t count;
};

struct admission {
    int64_t max_total;
    int64_t max_per_address;
    atomic_int_fast64_t total;
    pthread_mutex_t lock; /* guards addresses */
    struct map addresses;
};

struct admission *admission_new(int64_t max_total, int64_t max_per_address)
{
    struct admission *a = calloc(1, sizeof(*a));
    if (!a)
        return NULL;
    a->max_total = max_total;
    a->max_per_address = max_per_address;
    pthread_mutex_init(&a->lock, NULL);
    map_init(&a->addresses);
    return a;
}

void admission_free(struct admission *a)
{
    if (!a)
        return;
    size_t pos = 0;
    for (struct address *at; (at = map_next(&a->addresses, &pos));)
        free(at);
    map_fini(&a->addresses);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

/* IPv6 clients own a whole /64: they are one address here. */
static uint8_t address_key(const struct sockaddr *peer, uint8_t key[static 16])
{
    if (peer->sa_family == AF_INET6) {
        memcpy(key, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr, 8);
        return 8;
    }
    memcpy(key, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, 4);
    return 4;
}

static bool enter_address(struct admission *a, const struct sockaddr *peer, uint64_t *ticket)
{
    uint8_t key[16];
    uint8_t len = address_key(peer, key);
    bool entered = false;
    pthread_mutex_lock(&a->lock);
    struct address *at = map_get(&a->addresses, slice_of((const char *)key, len));
    if (!at && (at = calloc(1, sizeof(*at)))) {
        memcpy(at->key, key, len);
        at->key_len = len;
        if (map_put(&a->addresses, slice_of((const char *)at->key, len), at) != OK) {
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
    struct address *at = (struct address *)(uintptr_t)ticket;
    if (!at)
        return;
    pthread_mutex_lock(&a->lock);
    if (--at->count == 0) {
        (void)map_remove(&a->addresses, slice_of((const char *)at->key, at->key_len));
        free(at);
    }
    pthread_mutex_unlock(&a->lock);
}

int64_t admission_total(const struct admission *a)
{
    return atomic_load_explicit(&a->total, memory_order_relaxed);
}
