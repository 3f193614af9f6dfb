#include "base/id.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/random.h>

#define RANDOM_BUFFER 512
#define OID_RANDOM    5

static void kernel_random(void *out, size_t len)
{
    char *p = out;
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        must(n > 0); /* no entropy: every id from here on could collide */
        p += n;
        len -= (size_t)n;
    }
}

void random_bytes(void *out, size_t len)
{
    static _Thread_local struct {
        size_t left;
        unsigned char bytes[RANDOM_BUFFER];
    } pool;

    if (len > RANDOM_BUFFER / 4) { /* keys and such: not worth the copy */
        kernel_random(out, len);
        return;
    }
    if (pool.left < len) {
        kernel_random(pool.bytes, sizeof(pool.bytes));
        pool.left = sizeof(pool.bytes);
    }
    unsigned char *from = pool.bytes + (sizeof(pool.bytes) - pool.left);
    memcpy(out, from, len);
    explicit_bzero(from, len); /* what was given out must not be found in memory afterwards */
    pool.left -= len;
}

void uuid_v4(char out[static UUID_LEN])
{
    uint8_t bytes[16];
    random_bytes(bytes, sizeof(bytes));
    uuid_of(bytes, out);
}

void uuid_of(const uint8_t given[static 16], char out[static UUID_LEN])
{
    uint8_t bytes[16];
    memcpy(bytes, given, sizeof(bytes));
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40); /* version 4 */
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80); /* variant of RFC 9562 */
    put_hex(out, bytes, 4);
    put_hex(out + 9, bytes + 4, 2);
    put_hex(out + 14, bytes + 6, 2);
    put_hex(out + 19, bytes + 8, 2);
    put_hex(out + 24, bytes + 10, 6);
    out[8] = out[13] = out[18] = out[23] = '-';
}

/* Shared by all threads: the random part is written once before any use, the counter is atomic. */
static struct {
    pthread_once_t once;
    uint8_t random[OID_RANDOM];
    atomic_uint counter;
} process = {.once = PTHREAD_ONCE_INIT};

static void process_init(void)
{
    unsigned start;
    kernel_random(process.random, sizeof(process.random));
    kernel_random(&start, sizeof(start));
    atomic_store_explicit(&process.counter, start, memory_order_relaxed);
}

static void put_be(uint8_t *out, size_t width, uint64_t value)
{
    for (size_t i = width; i-- > 0; value >>= 8)
        out[i] = (uint8_t)(value & 0xff);
}

static uint64_t get_be(const uint8_t *bytes, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++)
        value = value << 8 | bytes[i];
    return value;
}

static struct oid oid_pack(uint64_t seconds, const uint8_t middle[static OID_RANDOM], uint64_t counter)
{
    struct oid id;
    put_be(id.bytes, 4, seconds);
    memcpy(id.bytes + 4, middle, OID_RANDOM);
    put_be(id.bytes + 9, 3, counter);
    return id;
}

void oid_new(struct oid *out)
{
    must(pthread_once(&process.once, process_init) == 0);
    /* Relaxed: only that no two callers get the same number matters, not the order. */
    unsigned n = atomic_fetch_add_explicit(&process.counter, 1, memory_order_relaxed);
    *out = oid_pack((uint64_t)(clock_wall_us() / 1000000), process.random, n);
}

void oid_format(const struct oid *id, char out[static OID_LEN])
{
    put_hex(out, id->bytes, OID_BYTES);
}

bool oid_parse(struct slice hex, struct oid *out)
{
    if (hex.len != OID_LEN)
        return false;
    struct oid id;
    for (size_t i = 0; i < OID_BYTES; i++) {
        int high = hex_digit(hex.ptr[2 * i]), low = hex_digit(hex.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        id.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *out = id;
    return true;
}

struct oid oid_from_rev(int64_t rev, const uint8_t tag[static 5])
{
    must(rev >= 0);
    return oid_pack((uint64_t)rev / 1000000, tag, (uint64_t)rev % 1000000);
}

int64_t oid_to_rev(const struct oid *id)
{
    uint64_t micros = get_be(id->bytes + 9, 3);
    if (micros > 999999) /* an id that another program made: its counter is no time */
        micros = 999999;
    return (int64_t)(get_be(id->bytes, 4) * 1000000 + micros);
}
