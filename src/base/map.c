#include "base/map.h"

#include "base/id.h"

#include <endian.h>
#include <pthread.h>
#include <stdlib.h>

#define MAP_MIN_CAP 16

/* Linear probing. The hash is kept: it tells apart most keys without touching them, growing does not hash again,
 * and its two lowest values say what the slot is. */
enum { SLOT_EMPTY = 0, SLOT_TOMB = 1, SLOT_FIRST_HASH = 2 };

struct map_entry {
    uint64_t hash;
    struct slice key;
    void *value;
};

static struct {
    pthread_once_t once;
    uint64_t k0, k1;
} secret = {.once = PTHREAD_ONCE_INIT};

static void secret_init(void)
{
    random_bytes(&secret.k0, sizeof(secret.k0));
    random_bytes(&secret.k1, sizeof(secret.k1));
}

static uint64_t rotate_left(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotate_left(s->v1, 13) ^ s->v0;
    s->v0 = rotate_left(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate_left(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate_left(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate_left(s->v1, 17) ^ s->v2;
    s->v2 = rotate_left(s->v2, 32);
}

static uint64_t read_le64(const unsigned char *p, size_t len)
{
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++)
        word |= (uint64_t)p[i] << (8 * i);
    return word;
}

static inline uint64_t load_le64(const unsigned char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof(word));
    return le64toh(word);
}

uint64_t siphash13(const void *ptr, size_t len, uint64_t k0, uint64_t k1)
{
    const unsigned char *p = ptr;
    struct sip s = {
        .v0 = k0 ^ 0x736f6d6570736575ULL,
        .v1 = k1 ^ 0x646f72616e646f6dULL,
        .v2 = k0 ^ 0x6c7967656e657261ULL,
        .v3 = k1 ^ 0x7465646279746573ULL,
    };
    size_t left = len;
    for (; left >= 8; left -= 8, p += 8) {
        uint64_t word = load_le64(p);
        s.v3 ^= word;
        sip_round(&s);
        s.v0 ^= word;
    }
    uint64_t last = (uint64_t)len << 56 | read_le64(p, left);
    s.v3 ^= last;
    sip_round(&s);
    s.v0 ^= last;
    s.v2 ^= 0xff;
    sip_round(&s);
    sip_round(&s);
    sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t hash_bytes(const void *ptr, size_t len)
{
    must(pthread_once(&secret.once, secret_init) == 0);
    return siphash13(ptr, len, secret.k0, secret.k1);
}

static uint64_t slot_hash(struct slice key)
{
    uint64_t hash = hash_bytes(key.ptr, key.len);
    return hash < SLOT_FIRST_HASH ? hash + SLOT_FIRST_HASH : hash;
}

void map_init(struct map *m)
{
    *m = (struct map){0};
}

void map_fini(struct map *m)
{
    free(m->table);
    *m = (struct map){0};
}

/* The entry with this key, or NULL. There is always an empty slot, so the walk ends. */
static struct map_entry *find(const struct map *m, struct slice key, uint64_t hash)
{
    if (m->count == 0)
        return NULL;
    for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        struct map_entry *e = &m->table[i];
        if (e->hash == SLOT_EMPTY)
            return NULL;
        if (e->hash == hash && slice_eq(e->key, key))
            return e;
    }
}

static void insert_new(struct map *m, struct map_entry entry)
{
    size_t i = entry.hash & (m->cap - 1);
    while (m->table[i].hash >= SLOT_FIRST_HASH)
        i = (i + 1) & (m->cap - 1);
    if (m->table[i].hash == SLOT_TOMB)
        m->tombs--;
    m->table[i] = entry;
    m->count++;
}

/* Doubles when live entries fill the table; else a copy of the same size, which sweeps the tombstones out. */
static enum err rehash(struct map *m)
{
    size_t cap = m->cap == 0 ? MAP_MIN_CAP : m->cap;
    while ((m->count + 1) * 2 > cap)
        cap *= 2;
    struct map grown = {.table = calloc(cap, sizeof(*grown.table)), .cap = cap};
    if (!grown.table)
        return ERR_NOMEM;
    for (size_t i = 0; i < m->cap; i++)
        if (m->table[i].hash >= SLOT_FIRST_HASH)
            insert_new(&grown, m->table[i]);
    free(m->table);
    *m = grown;
    return OK;
}

void *map_get(const struct map *m, struct slice key)
{
    if (m->count == 0)
        return NULL;
    struct map_entry *e = find(m, key, slot_hash(key));
    return e ? e->value : NULL;
}

enum err map_put(struct map *m, struct slice key, void *value)
{
    must(value != NULL); /* NULL means absent */
    struct map_entry fresh = {.hash = slot_hash(key), .key = key, .value = value};
    struct map_entry *e = find(m, key, fresh.hash);
    if (e) {
        *e = fresh;
        return OK;
    }
    if ((m->count + m->tombs + 1) * 10 > m->cap * 7) {
        enum err err = rehash(m);
        if (err != OK)
            return err;
    }
    insert_new(m, fresh);
    return OK;
}

void *map_remove(struct map *m, struct slice key)
{
    if (m->count == 0)
        return NULL;
    struct map_entry *e = find(m, key, slot_hash(key));
    if (!e)
        return NULL;
    void *value = e->value;
    size_t i = (size_t)(e - m->table);
    *e = (struct map_entry){.hash = SLOT_TOMB};
    m->count--;
    m->tombs++;
    /* A tombstone is needed only where a probe may have to pass: at the end of a run it, and those before it,
     * become empty again. */
    if (m->table[(i + 1) & (m->cap - 1)].hash != SLOT_EMPTY)
        return value;
    for (; m->table[i].hash == SLOT_TOMB; i = (i + m->cap - 1) & (m->cap - 1)) {
        m->table[i].hash = SLOT_EMPTY;
        m->tombs--;
    }
    return value;
}

void *map_next(const struct map *m, size_t *pos)
{
    while (*pos < m->cap) {
        const struct map_entry *e = &m->table[(*pos)++];
        if (e->hash >= SLOT_FIRST_HASH)
            return e->value;
    }
    return NULL;
}
