/* malloc_count: a library to preload (LD_PRELOAD) that counts what each thread of a program asks of the heap.
 * MALLOC_COUNT_FILE names a file that it maps and counts in, so that whoever started the program reads the counts while it
 * runs (tests/alloc/counter.py has the same layout). Threads are told apart by name, callers by who called: the program
 * itself, SQLite, or anything else. The first few calls of each thread while `trace` is set are written to the file
 * <MALLOC_COUNT_FILE>.trace with their stacks, so that a count that should be 0 says where it comes from.
 * The heap itself stays the C library's. free() is not counted: it can only follow one of these. */
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define EXPORT      __attribute__((visibility("default")))
#define THREADS_MAX 64
#define TRACES_EACH 12
#define STACK_MAX   24
#define MODULES_MAX 8
#define NAME_BYTES  16 /* with its NUL: the kernel's own limit */
#define CALLER_HERE __builtin_return_address(0)
#define STATIC_TLS  __attribute__((tls_model("initial-exec"))) /* the general model may allocate */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *ptr, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

enum caller { BY_PROGRAM, BY_SQLITE, BY_OTHERS, CALLERS };

struct thread_counts {
    char name[NAME_BYTES];
    atomic_uint_least64_t calls[CALLERS];
    atomic_uint_least64_t traced; /* the reader sets it to 0 when it sets `trace` */
};

struct counts {
    atomic_uint_least64_t ready; /* 1: the library is there, and knows its modules */
    atomic_uint_least64_t trace; /* bit c: stacks of calls by enum caller c */
    struct thread_counts threads[THREADS_MAX];
};

_Static_assert(sizeof(struct thread_counts) == 48, "the reader knows the layout");

static struct {
    uintptr_t begin, end;
    enum caller caller;
} modules[MODULES_MAX];
static unsigned module_count;
static struct counts *counts;
static atomic_flag naming = ATOMIC_FLAG_INIT;
static int trace_fd = -1;
static _Thread_local bool inside STATIC_TLS; /* tracing allocates too */

static int add_module(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    unsigned *seen = arg;
    bool program = (*seen)++ == 0; /* it comes first */
    if (!program && !strstr(info->dlpi_name, "libsqlite3"))
        return 0;
    for (unsigned i = 0; i < info->dlpi_phnum && module_count < MODULES_MAX; i++) {
        if (info->dlpi_phdr[i].p_type != PT_LOAD || !(info->dlpi_phdr[i].p_flags & PF_X))
            continue;
        uintptr_t begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        modules[module_count].begin = begin;
        modules[module_count].end = begin + info->dlpi_phdr[i].p_memsz;
        modules[module_count++].caller = program ? BY_PROGRAM : BY_SQLITE;
    }
    return 0;
}

static void __attribute__((constructor)) begin(void)
{
    const char *path = getenv("MALLOC_COUNT_FILE");
    if (!path)
        return;
    unsigned seen = 0;
    (void)dl_iterate_phdr(add_module, &seen);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    void *at = fd >= 0 && ftruncate(fd, sizeof(struct counts)) == 0
                   ? mmap(NULL, sizeof(struct counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
                   : MAP_FAILED;
    if (fd >= 0)
        (void)close(fd);
    char trace_path[4096];
    (void)snprintf(trace_path, sizeof(trace_path), "%s.trace", path);
    trace_fd = open(trace_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (at == MAP_FAILED || trace_fd < 0) {
        perror("malloc_count");
        abort();
    }
    void *first[1];
    (void)backtrace(first, 1); /* it loads a library the first time */
    counts = at;
    atomic_store(&counts->ready, 1);
}

/* The counters of the thread of this name: made when it comes for the first time. NULL: there are too many. */
static struct thread_counts *counts_of(const char *name)
{
    for (unsigned i = 0; i < THREADS_MAX; i++) {
        struct thread_counts *t = &counts->threads[i];
        if (t->name[0] == '\0') {
            while (atomic_flag_test_and_set(&naming))
                ;
            if (t->name[0] == '\0')
                memcpy(t->name, name, NAME_BYTES);
            atomic_flag_clear(&naming);
        }
        if (strncmp(t->name, name, NAME_BYTES) == 0)
            return t;
    }
    return NULL;
}

static enum caller caller_of(const void *address)
{
    for (unsigned i = 0; i < module_count; i++)
        if ((uintptr_t)address >= modules[i].begin && (uintptr_t)address < modules[i].end)
            return modules[i].caller;
    return BY_OTHERS;
}

static void trace(struct thread_counts *t, const char *what, size_t size)
{
    if (atomic_fetch_add(&t->traced, 1) >= TRACES_EACH)
        return;
    void *stack[STACK_MAX];
    char line[128];
    int depth = backtrace(stack, STACK_MAX);
    int len = snprintf(line, sizeof(line), "%s: %s of %zu bytes\n", t->name, what, size);
    if (len > 0 && write(trace_fd, line, (size_t)len) == len)
        backtrace_symbols_fd(stack, depth, trace_fd);
}

static void count(const void *address, const char *what, size_t size)
{
    if (!counts || inside)
        return;
    inside = true;
    int saved = errno;
    char name[NAME_BYTES] = {0};
    /* Asked each time: a thread gets its name only after it has begun. */
    struct thread_counts *t = prctl(PR_GET_NAME, name) == 0 && name[0] ? counts_of(name) : NULL;
    enum caller caller = caller_of(address);
    if (t) {
        atomic_fetch_add(&t->calls[caller], 1);
        if (atomic_load(&counts->trace) & UINT64_C(1) << caller)
            trace(t, what, size);
    }
    errno = saved;
    inside = false;
}

EXPORT void *malloc(size_t size)
{
    count(CALLER_HERE, "malloc", size);
    return __libc_malloc(size);
}

EXPORT void *calloc(size_t each, size_t size)
{
    count(CALLER_HERE, "calloc", each * size);
    return __libc_calloc(each, size);
}

EXPORT void *realloc(void *ptr, size_t size)
{
    count(CALLER_HERE, "realloc", size);
    return __libc_realloc(ptr, size);
}

EXPORT void *reallocarray(void *ptr, size_t each, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(each, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    count(CALLER_HERE, "reallocarray", bytes);
    return __libc_realloc(ptr, bytes);
}

EXPORT void *memalign(size_t alignment, size_t size)
{
    count(CALLER_HERE, "memalign", size);
    return __libc_memalign(alignment, size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
    count(CALLER_HERE, "aligned_alloc", size);
    return __libc_memalign(alignment, size);
}

EXPORT int posix_memalign(void **out, size_t alignment, size_t size)
{
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0)
        return EINVAL;
    count(CALLER_HERE, "posix_memalign", size);
    void *made = __libc_memalign(alignment, size);
    if (!made)
        return ENOMEM;
    *out = made;
    return 0;
}
