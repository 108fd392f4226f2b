/* SPDX-License-Identifier: Apache-2.0
 *
 * See store.h. Here are the memory file, and the counters; the entries are in store_entries.c.
 */
#include "shared/store_layout.h"

#include "base/siphash.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* Counters get this part of the size. */
enum { COUNTERS_PART = 16 };

size_t store_counters(const struct store_map *map)
{
    return map->size / COUNTERS_PART / sizeof(struct counter);
}

size_t store_buckets(const struct store_map *map)
{
    return (map->size - sizeof(struct store) - store_counters(map) * sizeof(struct counter)) / sizeof(struct bucket);
}

size_t store_entries(const struct store_map *map)
{
    return store_buckets(map) * STORE_ENTRIES;
}

/* ---- the memory file ---- */

static int map_file(struct store_map *map, int fd, size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        return -1;
    *map = (struct store_map){.store = memory, .fd = fd, .size = size};
    return 0;
}

size_t store_round(size_t size)
{
    return (size + 4095) / 4096 * 4096;
}

int store_open(struct store_map *map, size_t size)
{
    size_t pages = store_round(size);
    int fd = memfd_create("tine-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    /* Sealed, so that no worker can cut it off under the others. */
    if (fd >= 0 && ftruncate(fd, (off_t)pages) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0 &&
        map_file(map, fd, pages) == 0) {
        if (getrandom(map->store->secret, sizeof map->store->secret, 0) == sizeof map->store->secret) {
            map->store->layout = STORE_LAYOUT;
            return 0;
        }
        munmap(map->store, pages);
    }
    int error = errno;
    if (fd >= 0)
        close(fd);
    *map = (struct store_map){.fd = -1};
    errno = error;
    return -1;
}

int store_adopt(struct store_map *map, int fd)
{
    struct stat status;
    int seals = fcntl(fd, F_GET_SEALS);
    *map = (struct store_map){.fd = -1};
    if (seals < 0 || fstat(fd, &status) < 0)
        return -1;
    if ((seals & F_SEAL_SHRINK) != 0 && status.st_size >= STORE_SIZE_MIN) {
        if (map_file(map, fd, (size_t)status.st_size) < 0)
            return -1;
        if (map->store->layout == STORE_LAYOUT)
            return 0;
        munmap(map->store, map->size);
        *map = (struct store_map){.fd = -1};
    }
    errno = EINVAL;
    return -1;
}

void store_close(struct store_map *map)
{
    if (map->store != NULL) {
        munmap(map->store, map->size);
        close(map->fd);
    }
    *map = (struct store_map){.fd = -1};
}

/* ---- counters ---- */

struct counter *store_counter(const struct store_map *map, const void *name, size_t length)
{
    size_t count = store_counters(map);
    uint64_t hash = siphash(map->store->secret, name, length) | 1; /* never 0 */
    for (size_t i = 0; i < count; i++) {
        struct counter *counter = &map->store->counters[((hash >> 1) + i) % count];
        uint64_t there = 0;
        if (atomic_compare_exchange_strong(&counter->hash, &there, hash) || there == hash)
            return counter;
    }
    return NULL;
}

int64_t counter_add(struct counter *counter, int64_t more)
{
    return (int64_t)((uint64_t)atomic_fetch_add(&counter->value, more) + (uint64_t)more);
}

int64_t counter_get(const struct counter *counter)
{
    return atomic_load(&counter->value);
}

void counter_set(struct counter *counter, int64_t value)
{
    atomic_store(&counter->value, value);
}
