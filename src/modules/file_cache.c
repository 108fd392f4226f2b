/* SPDX-License-Identifier: Apache-2.0
 *
 * See file_cache.h. Who was used longest ago goes first.
 *
 * A change that is made within one tick of the file system's clock after the content was read shows in nothing that stat()
 * says. So content that was read when the file's tag was still weak, for that reason, is read again at the next look.
 */
#include "file_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BUCKETS = 512,
    FILES_MAX = 2048,
    DESCRIPTORS_MAX = 64, /* of the files that are too large for memory */
    ROOM_FROM = 4096,     /* smaller content is copied behind its head */
    ROOM = 512            /* in front of other content, for a head */
};

LIST_HEAD(file_bucket, file);

struct file_cache {
    const struct beneath *folder;
    size_t bytes_max, content_max;
    size_t bytes, files, descriptors;
    TAILQ_HEAD(file_order, file) order; /* used last first */
    struct file_bucket *buckets; /* from the first file on: many workers, and apps, are never asked for one */
};

struct file_cache *file_cache_new(const struct beneath *folder, size_t bytes)
{
    struct file_cache *cache = calloc(1, sizeof(*cache));

    if (cache == NULL)
        return NULL;
    cache->folder = folder;
    cache->bytes_max = bytes;
    cache->content_max = bytes / 4 < FILE_CONTENT_MAX ? bytes / 4 : FILE_CONTENT_MAX;
    TAILQ_INIT(&cache->order);
    return cache;
}

int64_t file_cache_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* FNV-1a. Only names of files that there are come here to stay, so a client cannot make them collide. */
static uint64_t hash_path(const char *path)
{
    uint64_t hash = 14695981039346656037u;

    for (; *path != '\0'; path++)
        hash = (hash ^ (unsigned char)*path) * 1099511628211u;
    return hash ^ hash >> 32;
}

static void free_file(struct file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    if (file->data != NULL)
        free((char *)file->data - file->room);
    free(file->packed);
    free(file);
}

/* Takes its place away; it is freed when nobody has it. */
static void drop(struct file *file)
{
    struct file_cache *cache = file->cache;

    TAILQ_REMOVE(&cache->order, file, order);
    LIST_REMOVE(file, bucket);
    cache->bytes -= file->cost;
    cache->files--;
    cache->descriptors -= file->fd >= 0;
    file->cache = NULL;
    if (file->users == 0)
        free_file(file);
}

void file_release(void *lent)
{
    struct file *file = lent;

    if (--file->users == 0 && file->cache == NULL)
        free_file(file);
}

void file_cache_free(struct file_cache *cache)
{
    while (!TAILQ_EMPTY(&cache->order))
        drop(TAILQ_FIRST(&cache->order));
    free(cache->buckets);
    free(cache);
}

static void keep_bounds(struct file_cache *cache)
{
    while (cache->bytes > cache->bytes_max || cache->files > FILES_MAX)
        drop(TAILQ_LAST(&cache->order, file_order));
    for (struct file *file = TAILQ_LAST(&cache->order, file_order), *before; cache->descriptors > DESCRIPTORS_MAX; file = before) {
        before = TAILQ_PREV(file, file_order, order);
        if (file->fd >= 0)
            drop(file);
    }
}

static bool has_buckets(struct file_cache *cache)
{
    if (cache->buckets == NULL)
        cache->buckets = calloc(BUCKETS, sizeof(*cache->buckets));
    return cache->buckets != NULL;
}

/* The file is lent, so it outlives the loss of its place. */
static void add(struct file_cache *cache, struct file *file)
{
    if (cache->bytes_max == 0 || !has_buckets(cache))
        return;
    file->cache = cache;
    TAILQ_INSERT_HEAD(&cache->order, file, order);
    LIST_INSERT_HEAD(&cache->buckets[file->hash % BUCKETS], file, bucket);
    cache->bytes += file->cost;
    cache->files++;
    cache->descriptors += file->fd >= 0;
    keep_bounds(cache);
}

void file_cache_account(struct file *file)
{
    file->cost += file->packed_length;
    if (file->cache == NULL)
        return;
    file->cache->bytes += file->packed_length;
    keep_bounds(file->cache);
}

static bool is_same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_unchanged(const struct file *file, const struct stat *status)
{
    return file->inode == status->st_ino && file->device == status->st_dev && file->length == (uint64_t)status->st_size &&
           is_same_time(file->modified, status->st_mtim) && is_same_time(file->changed, status->st_ctim);
}

/* All of it behind its room, or NULL: it changes just now, or there is no memory. */
static char *read_content(const struct file *file)
{
    char *memory = malloc(file->room + (file->length > 0 ? file->length : 1));
    struct stat status;
    uint64_t have = 0;

    while (memory != NULL && have < file->length) {
        ssize_t got = pread(file->fd, memory + file->room + have, file->length - have, (off_t)have);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        have += (uint64_t)got;
    }
    if (have == file->length && fstat(file->fd, &status) == 0 && is_unchanged(file, &status))
        return memory;
    free(memory);
    return NULL;
}

static struct file *make_file(const char *path, uint64_t hash, int fd, const struct stat *status)
{
    size_t length = strlen(path) + 1;
    struct file *file = calloc(1, sizeof(*file) + length);

    if (file == NULL)
        return NULL;
    memcpy(file->path, path, length);
    file->hash = hash;
    file->users = 1;
    file->fd = fd;
    file->length = (uint64_t)status->st_size;
    file->modified = status->st_mtim;
    file->changed = status->st_ctim;
    file->device = status->st_dev;
    file->inode = status->st_ino;
    file->checked = file_cache_now();
    tine_etag(status, file->etag);
    file->young = file->etag[0] == 'W';
    file->cost = sizeof(*file) + length;
    return file;
}

/* Small ones go to memory, and need no descriptor then. */
static void take_content(const struct file_cache *cache, struct file *file)
{
    char *memory;

    if (file->length > cache->content_max || cache->bytes_max == 0)
        return;
    file->room = file->length >= ROOM_FROM ? ROOM : 0;
    memory = read_content(file);
    if (memory == NULL)
        return;
    file->data = memory + file->room;
    close(file->fd);
    file->fd = -1;
    file->cost += file->room + file->length;
}

static struct file *open_anew(struct file_cache *cache, const char *path, uint64_t hash)
{
    int fd = beneath_open_file(cache->folder, path, O_RDONLY);
    struct file *file = NULL;
    struct stat status;
    int error;

    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) != 0)
        error = errno;
    else if (S_ISDIR(status.st_mode))
        error = EISDIR;
    else if (!S_ISREG(status.st_mode))
        error = ENXIO;
    else if ((file = make_file(path, hash, fd, &status)) == NULL)
        error = ENOMEM;
    else
        error = 0;
    if (error != 0) {
        close(fd);
        errno = error;
        return NULL;
    }
    take_content(cache, file);
    add(cache, file);
    return file;
}

/* Does its name still mean this file, and is it as it was? What is not in memory is looked at each time, by its descriptor: a
 * length that was true a moment ago must not be promised. */
static bool is_current(struct file *file, int64_t now)
{
    int fd;
    struct stat status;
    bool same;

    if (file->fd >= 0 && (fstat(file->fd, &status) != 0 || status.st_size != (off_t)file->length ||
                          !is_same_time(status.st_mtim, file->modified)))
        return false;
    if (now - file->checked < FILE_RECHECK_MS)
        return true;
    if (file->young)
        return false;
    fd = beneath_open_file(file->cache->folder, file->path, O_PATH);
    if (fd < 0)
        return false;
    same = fstat(fd, &status) == 0 && is_unchanged(file, &status);
    close(fd);
    file->checked = now;
    return same;
}

struct file *file_cache_get(struct file_cache *cache, const char *path)
{
    uint64_t hash = hash_path(path);
    struct file *file;

    if (cache->buckets == NULL)
        return open_anew(cache, path, hash);
    LIST_FOREACH(file, &cache->buckets[hash % BUCKETS], bucket) {
        if (file->hash != hash || strcmp(file->path, path) != 0)
            continue;
        if (!is_current(file, file_cache_now())) {
            drop(file);
            break;
        }
        if (file != TAILQ_FIRST(&cache->order)) {
            TAILQ_REMOVE(&cache->order, file, order);
            TAILQ_INSERT_HEAD(&cache->order, file, order);
        }
        file->users++;
        return file;
    }
    return open_anew(cache, path, hash);
}
