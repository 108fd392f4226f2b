/* SPDX-License-Identifier: Apache-2.0
 *
 * What the handlers of all workers share: counters, and a small store of keys and values that expire. It lies in one memory file of
 * a fixed size, which the master makes before the first fork, keeps over reloads, and leaves to the master of the next binary. The
 * master never looks into it; workers do.
 *
 * A worker may be killed at any instruction, so nothing here is ever locked, and nothing is seen before it is whole:
 *
 *   A counter is its name's hash and a number. The hash is put in place by one compare-and-swap, and what it leads to is never moved
 *   or removed: every instruction leaves a counter that is right.
 *
 *   The store is buckets of places. One word of the bucket says which of them hold entries, and a number that grows with each change.
 *   A writer takes a place that holds none (its process id in the place says so), writes the entry there, and makes it count by one
 *   compare-and-swap of that word, which at the same time takes out the entry that it replaces or that had to make room. It fails if
 *   anybody changed the bucket since the writer looked, who then looks again. A reader copies and then sees by the word whether all of that
 *   still holds. A writer that is killed leaves a place that is taken and does not count: who finds none other sees that its owner is gone,
 *   and takes it over. So a mutex, even a robust one, is not needed: nobody ever waits for one who is stopped or was killed, there is no
 *   repair to be interrupted in turn, and reading writes nothing but the time of use.
 *
 * A bucket that is full makes room by what has expired, then by the least used entry of whoever has most entries in it. Whose one is the
 * first eight bytes of its key say. So a flood of one owner's entries ends at its own: of another, who has no more than half of a bucket,
 * it takes none.
 *
 * The size alone says where everything is, and what is read is checked against its bounds: a handler that writes over this memory
 * spoils values, and leads nobody astray.
 */
#ifndef SHARED_STORE_H
#define SHARED_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STORE_LAYOUT = 1, /* raised when another binary would read it otherwise */
    STORE_KEY_MAX = 120,
    STORE_VALUE_MAX = 352,
    STORE_PLACES = 16,  /* of a bucket */
    STORE_ENTRIES = 12, /* that it holds at most: the others are for writers */
};
#define STORE_SIZE_MIN (INT64_C(64) * 1024)

struct store;       /* what lies in the memory file */
struct counter;

/* A store that is mapped. */
struct store_map {
    struct store *store; /* NULL: there is none */
    int fd;
    size_t size;
};

/* Makes one of about that size (in whole pages), or maps one that was made by another process: 'fd' is taken only when that
 * succeeds. 0, or -1 with errno. It lives as long as the process. */
int store_open(struct store_map *map, size_t size);
int store_adopt(struct store_map *map, int fd);

/* Where it shall not; counters of it must not be used any more. */
void store_close(struct store_map *map);

/* The size that one asked for so has. */
size_t store_round(size_t size);

/* How many counters and entries it has room for, and in how many buckets those are. */
size_t store_counters(const struct store_map *map);
size_t store_entries(const struct store_map *map);
size_t store_buckets(const struct store_map *map);

/* The counter of that name, which begins at 0; NULL: there is no room for another. */
struct counter *store_counter(const struct store_map *map, const void *name, size_t length);
int64_t counter_add(struct counter *counter, int64_t more); /* returns the sum; it wraps around */
int64_t counter_get(const struct counter *counter);
void counter_set(struct counter *counter, int64_t value);

struct store_key {
    const void *data;
    size_t length; /* 1 to STORE_KEY_MAX */
};

struct store_value {
    char data[STORE_VALUE_MAX];
    size_t length;
    int64_t expires; /* monotonic ms; 0: never */
};

enum store_result {
    STORE_DONE,
    STORE_ABSENT,  /* there is no such entry */
    STORE_PRESENT, /* there is one already, or another than expected */
    STORE_CROWDED, /* as many as fit are writing to that bucket, and do not come to an end */
    STORE_NO_NUMBER /* what is there is no number, or the sum is none of 64 bits */
};

/* 'now' is monotonic ms. */
enum store_result store_get(const struct store_map *map, struct store_key key, int64_t now, struct store_value *value);
enum store_result store_set(const struct store_map *map, struct store_key key, int64_t now, const struct store_value *value);
enum store_result store_add(const struct store_map *map, struct store_key key, int64_t now, const struct store_value *value);
enum store_result store_delete(const struct store_map *map, struct store_key key, int64_t now);

/* Sets it where its value has the bytes of 'before' (NULL: where there is none). If not: STORE_PRESENT, or STORE_ABSENT where there is
 * none. */
enum store_result store_swap(const struct store_map *map, struct store_key key, int64_t now, const struct store_value *before,
                             const struct store_value *value);

/* Adds to a number in decimal digits. One that is not there is 0, and gets 'expires'; one that is keeps its own. */
enum store_result store_increment(const struct store_map *map, struct store_key key, int64_t now, int64_t more, int64_t expires,
                                  int64_t *sum);

#endif
