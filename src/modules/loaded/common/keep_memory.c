/* SPDX-License-Identifier: Apache-2.0
 *
 * See keep.h: in the memory of this machine's workers. An entry is a letter and the value, or, if that is too long for one, a letter, a
 * number that is drawn for it, and its length; the value then lies in pieces whose keys are that number and theirs. Pieces are written
 * before the entry, and never again: whoever reads an entry finds the pieces that belong to it, or misses one, never those of another.
 *
 * Pieces whose entry nobody made, because a worker was killed or two set the same key at once, are in nobody's way: they expire with their
 * time, or make room as what is not used for longest.
 */
#include "keep_inside.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum {
    WHOLE = 'v',
    IN_PIECES = 'p',
    PIECE_KEY_SIZE = 32,
    READS_MAX = 8,       /* of an entry that others change meanwhile */
    TAKES_MAX = 100000,  /* each means that another worker took one */
    OUTLIVE_MS = 1000    /* by so much pieces outlive the entry: it is never there without them for its time */
};

struct pieces {
    char kind; /* IN_PIECES */
    uint32_t length;
    uint64_t number;
} __attribute__((packed));

static size_t pieces_count(const struct pieces *pieces)
{
    return (pieces->length + TINE_VALUE_MAX - 1) / TINE_VALUE_MAX;
}

static size_t piece_length(const struct pieces *pieces, size_t i)
{
    size_t begin = i * TINE_VALUE_MAX;
    return pieces->length - begin < TINE_VALUE_MAX ? pieces->length - begin : TINE_VALUE_MAX;
}

static const char *piece_key(const struct pieces *pieces, size_t i, char key[PIECE_KEY_SIZE])
{
    snprintf(key, PIECE_KEY_SIZE, "+%016llx.%zu", (unsigned long long)pieces->number, i);
    return key;
}

static bool is_in_pieces(const char *entry, size_t length, struct pieces *pieces)
{
    if (entry == NULL || length != sizeof *pieces || entry[0] != IN_PIECES)
        return false;
    memcpy(pieces, entry, sizeof *pieces);
    return pieces->length <= KEEP_VALUE_MAX;
}

static void delete_pieces(tine_request *r, const struct pieces *pieces)
{
    char key[PIECE_KEY_SIZE];
    for (size_t i = 0; i < pieces_count(pieces); i++)
        tine_shared_delete(r, piece_key(pieces, i, key));
}

static bool write_pieces(tine_request *r, const struct pieces *pieces, const char *data, int64_t ttl_ms)
{
    char key[PIECE_KEY_SIZE];
    int64_t ttl = ttl_ms == 0 || ttl_ms > INT64_MAX - OUTLIVE_MS ? ttl_ms : ttl_ms + OUTLIVE_MS;
    for (size_t i = 0; i < pieces_count(pieces); i++)
        if (tine_shared_set(r, piece_key(pieces, i, key), data + i * TINE_VALUE_MAX, piece_length(pieces, i), ttl) < 0) {
            delete_pieces(r, pieces);
            return false;
        }
    return true;
}

static char *read_pieces(tine_request *r, const struct pieces *pieces)
{
    char key[PIECE_KEY_SIZE], *data = tine_alloc(r, (size_t)pieces->length + 1);
    for (size_t i = 0; i < pieces_count(pieces); i++) {
        size_t length;
        const char *piece = tine_shared_get(r, piece_key(pieces, i, key), &length);
        if (piece == NULL || length != piece_length(pieces, i))
            return NULL;
        memcpy(data + i * TINE_VALUE_MAX, piece, length);
    }
    data[pieces->length] = '\0';
    return data;
}

/* An entry whose pieces are missing has just been replaced, and is read again; or some of them made room for others, and it is gone. */
enum keep_result memory_get(tine_request *r, const char *key, const void **data, size_t *length)
{
    struct pieces pieces;
    for (int i = 0; i < READS_MAX; i++) {
        size_t entry_length;
        const char *entry = tine_shared_get(r, key, &entry_length);
        if (entry == NULL)
            break;
        bool is_long = is_in_pieces(entry, entry_length, &pieces);
        *data = is_long ? read_pieces(r, &pieces) : entry + 1;
        *length = is_long ? pieces.length : entry_length - 1;
        if (*data != NULL)
            return KEEP_OK;
    }
    return KEEP_NONE;
}

/* Makes the entry, and its pieces. Its length, 0 if that cannot be done. */
static size_t make_entry(tine_request *r, const void *data, size_t length, int64_t ttl_ms, char entry[TINE_VALUE_MAX])
{
    struct pieces pieces = {.kind = IN_PIECES, .length = (uint32_t)length};
    if (length < TINE_VALUE_MAX) {
        entry[0] = WHOLE;
        if (length > 0)
            memcpy(entry + 1, data, length);
        return length + 1;
    }
    if (getrandom(&pieces.number, sizeof pieces.number, 0) != (ssize_t)sizeof pieces.number || !write_pieces(r, &pieces, data, ttl_ms))
        return 0;
    memcpy(entry, &pieces, sizeof pieces);
    return sizeof pieces;
}

enum keep_result memory_set(tine_request *r, const char *key, const void *data, size_t length, int64_t ttl_ms, bool only_new)
{
    char entry[TINE_VALUE_MAX];
    struct pieces pieces;
    size_t old_length, entry_length = make_entry(r, data, length, ttl_ms, entry);
    if (entry_length == 0)
        return KEEP_DOWN;
    const char *old = only_new ? NULL : tine_shared_get(r, key, &old_length);
    int added = only_new ? tine_shared_add(r, key, entry, entry_length, ttl_ms)
                : tine_shared_set(r, key, entry, entry_length, ttl_ms) == 0 ? 1 : -1;
    if (added == 1 && is_in_pieces(old, old_length, &pieces))
        delete_pieces(r, &pieces);
    if (added != 1 && is_in_pieces(entry, entry_length, &pieces))
        delete_pieces(r, &pieces);
    return added == 1 ? KEEP_OK : added == 0 ? KEEP_NONE : KEEP_DOWN;
}

enum keep_result memory_delete(tine_request *r, const char *key)
{
    struct pieces pieces;
    size_t length;
    const char *entry = tine_shared_get(r, key, &length);
    int deleted = tine_shared_delete(r, key);
    if (is_in_pieces(entry, length, &pieces))
        delete_pieces(r, &pieces);
    return deleted == 1 ? KEEP_OK : deleted == 0 ? KEEP_NONE : KEEP_DOWN;
}

static int64_t clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The bucket is one number: when it is full again. 'full' (0: it is) becomes what it is after a token is taken at 'now'; returns false if
 * there is none. A bucket cannot be emptier than empty, whatever its rate was before. */
static bool take_at(int64_t now, struct keep_rate rate, int64_t *full, int64_t *wait_us, int64_t *left)
{
    int64_t size = rate.interval_us * rate.burst;
    int64_t from = *full < now ? now : *full > now + size ? now + size : *full;
    int64_t earliest = from + rate.interval_us - size;
    *full = from + rate.interval_us;
    *wait_us = earliest > now ? earliest - now : 0;
    *left = earliest > now ? 0 : (now - earliest) / rate.interval_us;
    return earliest <= now;
}

enum keep_result memory_take(tine_request *r, const char *key, struct keep_rate rate, int64_t *wait_us, int64_t *left)
{
    for (int i = 0; i < TAKES_MAX; i++) {
        int64_t now = clock_us(), full = 0;
        size_t length;
        const char *there = tine_shared_get(r, key, &length);
        if (there != NULL && length == sizeof full)
            memcpy(&full, there, sizeof full);
        if (!take_at(now, rate, &full, wait_us, left) || rate.look)
            return KEEP_OK;
        int swapped = tine_shared_swap(r, key, there, length, &full, sizeof full, (full - now) / 1000 + 1);
        if (swapped != 0)
            return swapped == 1 ? KEEP_OK : KEEP_DOWN;
    }
    return KEEP_DOWN;
}
