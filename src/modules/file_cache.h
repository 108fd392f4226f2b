/* SPDX-License-Identifier: Apache-2.0
 *
 * The files that a worker has open: small ones with their content, larger ones with their descriptor. Runs in a worker.
 *
 * A name is looked at again once a second at most, by opening it under the same rules as at first: what has become
 * another file, or a link that leads out, is not served from here any longer than that. A file is lent: it stays as long as
 * anybody has it, though its place may be taken by another, or by its next version.
 */
#ifndef MODULES_FILE_CACHE_H
#define MODULES_FILE_CACHE_H

#include "beneath.h"

#include <stdint.h>
#include <sys/queue.h>
#include <tine.h>

enum {
    FILE_RECHECK_MS = 1000,
    FILE_CONTENT_MAX = 64 << 10 /* a larger file is not kept in memory, nor one that would take a quarter of the cache */
};

struct file_cache;

struct file {
    const void *data; /* the content, behind `room`; NULL: it is in */
    size_t room;
    int fd;           /* or -1 */
    uint64_t length;
    struct timespec modified;
    char etag[TINE_ETAG_SIZE];

    /* For who serves it; all 0 in a file just opened, and freed with it. */
    char type[128];
    const char *cache_control;
    unsigned siblings;       /* which of its encoded forms may exist */
    int64_t siblings_since;  /* when that was last unknown */
    void *packed;            /* the content compressed, malloc'd */
    size_t packed_length;
    bool packing_tried;

    /* The cache's own. */
    TAILQ_ENTRY(file) order;
    LIST_ENTRY(file) bucket;
    struct file_cache *cache; /* NULL: it has no place there */
    uint64_t hash;
    unsigned users;
    bool young;               /* changed so lately that another change may not show in its time */
    int64_t checked;
    size_t cost;
    struct timespec changed;
    dev_t device;
    ino_t inode;
    char path[];
};

/* For files in `folder`, which must outlive it; `bytes` 0: nothing is kept. NULL without memory. */
struct file_cache *file_cache_new(const struct beneath *folder, size_t bytes);
void file_cache_free(struct file_cache *cache);

/* Lends the file; NULL with errno when it cannot be opened, which is EISDIR for a folder and ENXIO for what else is not a
 * file. What cannot be opened is not remembered. */
struct file *file_cache_get(struct file_cache *cache, const char *path);

/* Takes a lent file back. The argument is a struct file. */
void file_release(void *file);

/* Its `packed` was set: that counts too. */
void file_cache_account(struct file *file);

/* Milliseconds on the clock by which files are looked at again. */
int64_t file_cache_now(void);

#endif
