#include "fault_disk.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGES_MOST 16
#define PAGE_BYTES  4096

struct disk_image {
    char path[256]; /* empty: a free slot */
    unsigned char *bytes;
    size_t size;
    bool *dirty; /* per page: written since the last sync */
    size_t pages;
};

static struct disk_image images[IMAGES_MOST];

static void drop(struct disk_image *image)
{
    free(image->bytes);
    free(image->dirty);
    *image = (struct disk_image){0};
}

static void resize(struct disk_image *image, size_t size)
{
    unsigned char *bytes = realloc(image->bytes, size + 1);
    must(bytes != NULL);
    if (size > image->size)
        memset(bytes + image->size, 0, size - image->size);
    image->bytes = bytes;
    image->size = size;
}

/* Reads through SQLite's own descriptor: closing another one of the same file would drop its locks. */
static void copy_page(struct disk_image *image, sqlite3_file *file, size_t page)
{
    size_t at = page * PAGE_BYTES, len = image->size > at ? image->size - at : 0;
    if (len > PAGE_BYTES)
        len = PAGE_BYTES;
    if (len > 0)
        must(file->pMethods->xRead(file, image->bytes + at, (int)len, (sqlite3_int64)at) == SQLITE_OK);
}

static size_t size_of(sqlite3_file *file)
{
    sqlite3_int64 size = 0;
    must(file->pMethods->xFileSize(file, &size) == SQLITE_OK);
    return (size_t)size;
}

struct disk_image *disk_image_of(const char *path, sqlite3_file *file)
{
    struct disk_image *image = NULL;
    for (size_t i = 0; i < IMAGES_MOST; i++) {
        if (strcmp(images[i].path, path) == 0)
            return &images[i];
        if (!images[i].path[0] && !image)
            image = &images[i];
    }
    must(image != NULL && strlen(path) < sizeof(image->path));
    memcpy(image->path, path, strlen(path) + 1);
    resize(image, size_of(file));
    for (size_t page = 0; page * PAGE_BYTES < image->size; page++)
        copy_page(image, file, page);
    return image;
}

void disk_image_written(struct disk_image *image, sqlite3_int64 at, sqlite3_int64 len)
{
    size_t end = (size_t)(at + len + PAGE_BYTES - 1) / PAGE_BYTES;
    if (end > image->pages) {
        size_t pages = end * 2;
        bool *dirty = realloc(image->dirty, pages * sizeof(*dirty));
        must(dirty != NULL);
        memset(dirty + image->pages, 0, pages - image->pages);
        image->dirty = dirty;
        image->pages = pages;
    }
    for (size_t page = (size_t)at / PAGE_BYTES; page < end; page++)
        image->dirty[page] = true;
}

void disk_image_synced(struct disk_image *image, sqlite3_file *file)
{
    resize(image, size_of(file));
    for (size_t page = 0; page < image->pages; page++)
        if (image->dirty[page])
            copy_page(image, file, page);
    disk_image_sync_failed(image);
}

void disk_image_sync_failed(struct disk_image *image)
{
    if (image->pages > 0)
        memset(image->dirty, 0, image->pages);
}

void disk_image_deleted(const char *path)
{
    for (size_t i = 0; i < IMAGES_MOST; i++)
        if (strcmp(images[i].path, path) == 0)
            drop(&images[i]);
}

static void take_some(struct disk_image *image, FILE *now)
{
    for (size_t page = 0; page < image->pages; page += 2) {
        unsigned char bytes[PAGE_BYTES];
        size_t at = page * PAGE_BYTES, len = 0;
        if (image->dirty[page] && fseek(now, (long)at, SEEK_SET) == 0)
            len = fread(bytes, 1, sizeof(bytes), now);
        if (len == 0)
            continue;
        if (at + len > image->size)
            resize(image, at + len);
        memcpy(image->bytes + at, bytes, len);
    }
}

void disk_images_restore(bool some)
{
    for (size_t i = 0; i < IMAGES_MOST; i++) {
        struct disk_image *image = &images[i];
        FILE *file = image->path[0] ? fopen(image->path, "r+b") : NULL;
        if (!file)
            continue;
        if (some)
            take_some(image, file);
        must(fflush(file) == 0 && ftruncate(fileno(file), 0) == 0);
        rewind(file);
        must(fwrite(image->bytes, 1, image->size, file) == image->size);
        must(fclose(file) == 0);
        disk_image_sync_failed(image); /* as it is now, it is on disk */
    }
}

void disk_images_forget(void)
{
    for (size_t i = 0; i < IMAGES_MOST; i++)
        drop(&images[i]);
}
