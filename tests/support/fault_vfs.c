#include "fault_vfs.h"

#include "base/err.h"
#include "fault_disk.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define NAME_BYTES 256

struct fault_file {
    sqlite3_file base; /* first */
    char name[NAME_BYTES];
    struct disk_image *image; /* NULL: a temporary file */
    sqlite3_file *real;       /* behind this struct */
};

static sqlite3_vfs shim, *real_vfs;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the three below and the images */
static struct fault_plan plan;
static int64_t count;
static bool power_is_off;
static _Atomic(void (*)(enum fault_op, const char *)) watcher;

static bool is_counted(enum fault_op op, const char *name)
{
    size_t len = strlen(name), end = plan.end ? strlen(plan.end) : 0;
    return (plan.ops & op) && (!plan.end || (len >= end && strcmp(name + len - end, plan.end) == 0));
}

/* Every call comes through here before anything is done. */
static enum fault_kind fate(enum fault_op op, const char *name)
{
    void (*before)(enum fault_op, const char *) = atomic_load(&watcher);
    if (before)
        before(op, name);
    enum fault_kind kind = FAULT_NONE;
    pthread_mutex_lock(&lock);
    if (is_counted(op, name)) {
        count++;
        bool hit = plan.at > 0 && count >= plan.at && count < plan.at + plan.calls;
        power_is_off |= hit && plan.power_cut;
        kind = hit ? plan.kind : FAULT_NONE;
    }
    if (power_is_off)
        kind = FAULT_REFUSE;
    pthread_mutex_unlock(&lock);
    return kind;
}

static struct fault_file *of(sqlite3_file *file)
{
    return (struct fault_file *)file;
}

/* ---- one file ---- */

static int file_close(sqlite3_file *file)
{
    return of(file)->real->pMethods->xClose(of(file)->real);
}

static int file_read(sqlite3_file *file, void *to, int len, sqlite3_int64 at)
{
    struct fault_file *f = of(file);
    return fate(FAULT_READ, f->name) ? SQLITE_IOERR_READ : f->real->pMethods->xRead(f->real, to, len, at);
}

static int write_through(struct fault_file *f, const void *from, int len, sqlite3_int64 at)
{
    pthread_mutex_lock(&lock);
    int rc = f->real->pMethods->xWrite(f->real, from, len, at);
    if (f->image)
        disk_image_written(f->image, at, len);
    pthread_mutex_unlock(&lock);
    return rc;
}

static int file_write(sqlite3_file *file, const void *from, int len, sqlite3_int64 at)
{
    struct fault_file *f = of(file);
    switch (fate(FAULT_WRITE, f->name)) {
    case FAULT_NONE:
        return write_through(f, from, len, at);
    case FAULT_REFUSE:
        return SQLITE_FULL;
    case FAULT_TEAR:
        (void)write_through(f, from, len / 2, at);
    }
    return SQLITE_IOERR_WRITE;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct fault_file *f = of(file);
    enum fault_kind kind = fate(FAULT_TRUNCATE, f->name);
    int rc = kind == FAULT_REFUSE ? SQLITE_IOERR_TRUNCATE : f->real->pMethods->xTruncate(f->real, size);
    return kind == FAULT_NONE ? rc : SQLITE_IOERR_TRUNCATE;
}

static int file_sync(sqlite3_file *file, int flags)
{
    struct fault_file *f = of(file);
    (void)flags;
    enum fault_kind kind = fate(FAULT_SYNC, f->name);
    pthread_mutex_lock(&lock);
    if (f->image && kind == FAULT_REFUSE && !power_is_off)
        disk_image_sync_failed(f->image);
    else if (f->image && kind != FAULT_REFUSE)
        disk_image_synced(f->image, f->real);
    pthread_mutex_unlock(&lock);
    return kind == FAULT_NONE ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return of(file)->real->pMethods->xFileSize(of(file)->real, size);
}

static int file_lock(sqlite3_file *file, int level)
{
    struct fault_file *f = of(file);
    enum fault_kind kind = fate(FAULT_LOCK, f->name);
    if (kind != FAULT_NONE)
        return kind == FAULT_TEAR ? SQLITE_BUSY : SQLITE_IOERR_LOCK;
    return f->real->pMethods->xLock(f->real, level);
}

static int file_unlock(sqlite3_file *file, int level)
{
    return of(file)->real->pMethods->xUnlock(of(file)->real, level);
}

static int file_check_lock(sqlite3_file *file, int *reserved)
{
    return of(file)->real->pMethods->xCheckReservedLock(of(file)->real, reserved);
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
    return of(file)->real->pMethods->xFileControl(of(file)->real, op, arg);
}

static int file_sector(sqlite3_file *file)
{
    return of(file)->real->pMethods->xSectorSize(of(file)->real);
}

static int file_traits(sqlite3_file *file)
{
    return of(file)->real->pMethods->xDeviceCharacteristics(of(file)->real);
}

static int shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
    struct fault_file *f = of(file);
    enum fault_kind kind = fate(FAULT_SHM, f->name);
    if (kind == FAULT_TEAR)
        return SQLITE_IOERR_SHMMAP;
    int rc = f->real->pMethods->xShmMap(f->real, region, size, kind == FAULT_NONE && extend, out);
    return rc == SQLITE_OK && kind == FAULT_REFUSE && extend && !*out ? SQLITE_IOERR_SHMSIZE : rc;
}

static int shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    struct fault_file *f = of(file);
    enum fault_kind kind = flags & SQLITE_SHM_LOCK ? fate(FAULT_LOCK, f->name) : FAULT_NONE;
    if (kind != FAULT_NONE)
        return kind == FAULT_TEAR ? SQLITE_BUSY : SQLITE_IOERR_SHMLOCK;
    return f->real->pMethods->xShmLock(f->real, offset, n, flags);
}

static void shm_barrier(sqlite3_file *file)
{
    of(file)->real->pMethods->xShmBarrier(of(file)->real);
}

static int shm_unmap(sqlite3_file *file, int remove)
{
    return of(file)->real->pMethods->xShmUnmap(of(file)->real, remove);
}

/* The file is never mapped: PRAGMA mmap_size is 0. */
static int file_fetch(sqlite3_file *file, sqlite3_int64 at, int len, void **out)
{
    (void)file, (void)at, (void)len;
    *out = NULL;
    return SQLITE_OK;
}

/* A checkpoint asks for it between the log's header and the first copy, so that others may come between there. */
static int file_unfetch(sqlite3_file *file, sqlite3_int64 at, void *page)
{
    (void)at, (void)page;
    (void)fate(FAULT_PASS, of(file)->name);
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 3,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_traits,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
    .xFetch = file_fetch,
    .xUnfetch = file_unfetch,
};

/* ---- the VFS ---- */

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *out_flags)
{
    (void)vfs;
    struct fault_file *f = of(file);
    *f = (struct fault_file){.real = (sqlite3_file *)(f + 1)};
    if (name) {
        must(strlen(name) < sizeof(f->name));
        memcpy(f->name, name, strlen(name) + 1);
    }
    if (fate(FAULT_OPEN, f->name) != FAULT_NONE)
        return SQLITE_CANTOPEN;
    int rc = real_vfs->xOpen(real_vfs, name, f->real, flags, out_flags);
    if (rc != SQLITE_OK)
        return rc;
    f->base.pMethods = &methods;
    pthread_mutex_lock(&lock);
    f->image = name ? disk_image_of(f->name, f->real) : NULL;
    pthread_mutex_unlock(&lock);
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    (void)vfs;
    enum fault_kind kind = fate(FAULT_DELETE, name);
    if (kind == FAULT_REFUSE)
        return SQLITE_IOERR_DELETE;
    pthread_mutex_lock(&lock);
    disk_image_deleted(name);
    pthread_mutex_unlock(&lock);
    int rc = real_vfs->xDelete(real_vfs, name, sync_folder);
    return kind == FAULT_NONE ? rc : SQLITE_IOERR_DELETE;
}

void fault_install(void)
{
    if (real_vfs)
        return;
    real_vfs = sqlite3_vfs_find(NULL);
    must(real_vfs != NULL);
    shim = *real_vfs;
    shim.pNext = NULL;
    shim.zName = "fault";
    shim.szOsFile = (int)sizeof(struct fault_file) + real_vfs->szOsFile;
    shim.xOpen = vfs_open;
    shim.xDelete = vfs_delete;
    must(sqlite3_vfs_register(&shim, 1) == SQLITE_OK);
}

void fault_plan(const struct fault_plan *next)
{
    pthread_mutex_lock(&lock);
    plan = *next;
    count = 0;
    pthread_mutex_unlock(&lock);
}

int64_t fault_count(void)
{
    pthread_mutex_lock(&lock);
    int64_t now = count;
    pthread_mutex_unlock(&lock);
    return now;
}

void fault_watch(void (*before)(enum fault_op op, const char *name))
{
    atomic_store(&watcher, before);
}

void fault_power_off(void)
{
    pthread_mutex_lock(&lock);
    power_is_off = true;
    pthread_mutex_unlock(&lock);
}

bool fault_power_is_off(void)
{
    pthread_mutex_lock(&lock);
    bool off = power_is_off;
    pthread_mutex_unlock(&lock);
    return off;
}

void fault_power_on(enum fault_kept kept)
{
    pthread_mutex_lock(&lock);
    if (kept != FAULT_KEEP_ALL)
        disk_images_restore(kept == FAULT_KEEP_SOME);
    power_is_off = false;
    pthread_mutex_unlock(&lock);
}

void fault_forget(void)
{
    pthread_mutex_lock(&lock);
    disk_images_forget();
    pthread_mutex_unlock(&lock);
}
