/* fault_disk.h: what of a file is on disk, beside what is in the page cache (the file as it can be read). For fault_vfs.c.
 * Thread:  any; the caller holds a lock. */
#pragma once
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

struct disk_image;

struct disk_image *disk_image_of(const char *path,
                                 sqlite3_file *file); /* made where there is none, from what is there */
void disk_image_written(struct disk_image *image, sqlite3_int64 at, sqlite3_int64 len);
void disk_image_synced(struct disk_image *image, sqlite3_file *file);
void disk_image_sync_failed(struct disk_image *image); /* its pages are clean now, and not on disk */
void disk_image_deleted(const char *path);
/* Brings all files back to what is on disk, and every other page (`some`) that was waiting for a sync. */
void disk_images_restore(bool some);
void disk_images_forget(void);
