/* Memory comes from the kernel in regions of REGION_PAGES pages, and is given out by the page. A page is
 *   bare      in no use and without memory: where all pages of a new region begin
 *   partial   one size class's, with room (open_page); full while it has none, and then in no list
 *   spare     empty again (close_page), its memory kept for whichever class asks next. Beyond SPARE_MAX of these its
 *             memory goes back to the kernel and the page is bare.
 * Failures: without memory, or at the limit, no page is opened and slab_get() returns NULL; all else is as before. */
#include "base/slab.h"

#include "base/err.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN
#endif
#endif

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(at, bytes)   __asan_poison_memory_region((at), (bytes))
#define UNPOISON(at, bytes) __asan_unpoison_memory_region((at), (bytes))
#else
#define POISON(at, bytes)   ((void)(at), (void)(bytes))
#define UNPOISON(at, bytes) ((void)(at), (void)(bytes))
#endif

#define PAGE_BYTES   ((size_t)4096) /* small: a page is empty sooner, and can then serve another class */
#define REGION_PAGES ((size_t)1024)
#define REGION_BYTES (REGION_PAGES * PAGE_BYTES) /* and its alignment */
#define SPARE_MAX    ((size_t)256)               /* empty pages whose memory is kept */
#define LARGE_HEAD   ((size_t)16)                /* what malloc takes besides, about */

/* From 160 bytes on they are chosen so that a page full of them has less than 128 bytes left over. */
static const uint16_t classes[SLAB_CLASSES] = {32,  48,  64,  80,  96,  112, 128, 160, 192,  224,  256,  288,
                                               336, 368, 400, 448, 512, 576, 672, 816, 1024, 1360, 2048, 4096};

struct slab_page {
    struct slab_page *prev, *next;
    struct slab_object *free;
    uint16_t live;   /* objects that are out */
    uint16_t carved; /* objects that were ever out; what lies behind them was never touched */
    uint8_t class;
};

/* Aligned to REGION_BYTES, so that an object's address tells its region. This head lies in the region's first pages, which
 * therefore serve nobody. */
struct slab_region {
    struct slab_region *next;
    struct slab_page pages[REGION_PAGES];
};

struct slab_object {
    struct slab_object *next;
};

#define HEAD_PAGES ((sizeof(struct slab_region) + PAGE_BYTES - 1) / PAGE_BYTES)

static unsigned class_of(size_t bytes)
{
    if (bytes <= 128)
        return bytes <= 32 ? 0 : (unsigned)((bytes - 17) / 16);
    unsigned i = 7;
    while (classes[i] < bytes)
        i++;
    return i;
}

size_t slab_size(size_t bytes)
{
    return bytes <= SLAB_OBJECT_MAX ? classes[class_of(bytes)] : bytes + LARGE_HEAD;
}

static void add(atomic_size_t *count, size_t bytes)
{
    atomic_fetch_add_explicit(count, bytes, memory_order_relaxed);
}

static void subtract(atomic_size_t *count, size_t bytes)
{
    atomic_fetch_sub_explicit(count, bytes, memory_order_relaxed);
}

static void push(struct slab_page **list, struct slab_page *page)
{
    page->prev = NULL;
    page->next = *list;
    if (*list)
        (*list)->prev = page;
    *list = page;
}

static void take(struct slab_page **list, struct slab_page *page)
{
    if (page->prev)
        page->prev->next = page->next;
    else
        *list = page->next;
    if (page->next)
        page->next->prev = page->prev;
}

static struct slab_region *region_of(void *object)
{
    return (struct slab_region *)((uintptr_t)object & ~(REGION_BYTES - 1));
}

static char *page_memory(struct slab_page *page)
{
    struct slab_region *region = region_of(page);
    return (char *)region + (size_t)(page - region->pages) * PAGE_BYTES;
}

void slab_init(struct slab *s, size_t limit)
{
    *s = (struct slab){.limit = limit};
    must(pthread_mutex_init(&s->lock, NULL) == 0);
}

void slab_fini(struct slab *s)
{
    must(atomic_load_explicit(&s->used, memory_order_relaxed) == 0);
    while (s->regions) {
        struct slab_region *next = s->regions->next;
        UNPOISON(s->regions, REGION_BYTES);
        must(munmap(s->regions, REGION_BYTES) == 0);
        s->regions = next;
    }
    must(pthread_mutex_destroy(&s->lock) == 0);
}

/* [lock] */
static bool add_region(struct slab *s)
{
    char *at = mmap(NULL, 2 * REGION_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return false;
    size_t before = -(uintptr_t)at & (REGION_BYTES - 1);
    if (before > 0)
        must(munmap(at, before) == 0);
    must(munmap(at + before + REGION_BYTES, REGION_BYTES - before) == 0);
    /* Without this the kernel may put a huge page where single pages were given back. */
    (void)madvise(at + before, REGION_BYTES, MADV_NOHUGEPAGE);
    struct slab_region *region = (void *)(at + before);
    POISON((char *)region + HEAD_PAGES * PAGE_BYTES, REGION_BYTES - HEAD_PAGES * PAGE_BYTES);
    region->next = s->regions;
    s->regions = region;
    for (size_t i = REGION_PAGES - 1; i >= HEAD_PAGES; i--)
        push(&s->bare, &region->pages[i]);
    return true;
}

static bool has_room(const struct slab *s, size_t bytes)
{
    return s->limit == 0 || atomic_load_explicit(&s->footprint, memory_order_relaxed) + bytes <= s->limit;
}

/* [lock] An empty page becomes one of the class. */
static struct slab_page *open_page(struct slab *s, unsigned class)
{
    struct slab_page *page = s->spare;
    if (page) {
        take(&s->spare, page);
        s->spare_count--;
    } else {
        if (!has_room(s, PAGE_BYTES) || (!s->bare && !add_region(s)))
            return NULL;
        page = s->bare;
        take(&s->bare, page);
        add(&s->footprint, PAGE_BYTES);
    }
    page->free = NULL;
    page->carved = 0;
    page->class = (uint8_t) class;
    push(&s->partial[class], page);
    return page;
}

/* [lock] */
static void close_page(struct slab *s, struct slab_page *page)
{
    take(&s->partial[page->class], page);
    if (s->spare_count < SPARE_MAX) {
        push(&s->spare, page);
        s->spare_count++;
        return;
    }
    /* Where this fails the page merely keeps its memory. */
    (void)madvise(page_memory(page), PAGE_BYTES, MADV_DONTNEED);
    push(&s->bare, page);
    subtract(&s->footprint, PAGE_BYTES);
}

static void *get_large(struct slab *s, size_t bytes)
{
    void *object = has_room(s, slab_size(bytes)) ? malloc(bytes) : NULL;
    if (object) {
        add(&s->used, slab_size(bytes));
        add(&s->footprint, slab_size(bytes));
    }
    return object;
}

static bool is_full(const struct slab_page *page)
{
    return !page->free && (page->carved + 1u) * classes[page->class] > PAGE_BYTES;
}

/* [lock] */
static void *page_get(struct slab *s, struct slab_page *page, size_t size)
{
    struct slab_object *object = page->free;
    if (!object)
        object = (void *)(page_memory(page) + page->carved++ * size);
    UNPOISON(object, size);
    if (page->free)
        page->free = object->next;
    page->live++;
    if (is_full(page))
        take(&s->partial[page->class], page);
    return object;
}

void *slab_get(struct slab *s, size_t bytes)
{
    if (bytes > SLAB_OBJECT_MAX)
        return get_large(s, bytes);
    unsigned class = class_of(bytes);
    must(pthread_mutex_lock(&s->lock) == 0);
    struct slab_page *page = s->partial[class];
    if (!page)
        page = open_page(s, class);
    void *object = page ? page_get(s, page, classes[class]) : NULL;
    if (object) {
        add(&s->used, classes[class]);
        POISON((char *)object + (bytes + 7) / 8 * 8, classes[class] - (bytes + 7) / 8 * 8);
    }
    must(pthread_mutex_unlock(&s->lock) == 0);
    return object;
}

void *slab_zget(struct slab *s, size_t bytes)
{
    void *object = slab_get(s, bytes);
    if (object)
        memset(object, 0, bytes);
    return object;
}

/* [lock] */
static void page_put(struct slab *s, struct slab_page *page, struct slab_object *object)
{
    must(page->live > 0);
    if (is_full(page)) /* to the front of the list: nearly full pages fill up first, and the others become empty */
        push(&s->partial[page->class], page);
    UNPOISON(object, sizeof(*object)); /* what the caller had of it may be smaller than a link */
    object->next = page->free;
    page->free = object;
    page->live--;
    POISON(object, classes[page->class]);
    if (page->live == 0)
        close_page(s, page);
}

void slab_put(struct slab *s, void *object, size_t bytes)
{
    if (!object)
        return;
    if (bytes > SLAB_OBJECT_MAX) {
        subtract(&s->footprint, slab_size(bytes)); /* before `used`: the other way round slab_idle() would count it */
        subtract(&s->used, slab_size(bytes));
        free(object);
        return;
    }
    struct slab_region *region = region_of(object);
    struct slab_page *page = &region->pages[((uintptr_t)object - (uintptr_t)region) / PAGE_BYTES];
    must(pthread_mutex_lock(&s->lock) == 0);
    must(page->class == class_of(bytes));
    page_put(s, page, object);
    subtract(&s->used, classes[page->class]);
    must(pthread_mutex_unlock(&s->lock) == 0);
}
