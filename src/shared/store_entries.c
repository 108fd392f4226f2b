/* SPDX-License-Identifier: Apache-2.0
 *
 * See store.h: its keys and values. Which memory orders are needed, and why, stands where they are.
 */
#include "shared/store_layout.h"

#include "base/siphash.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TRIES = 100000,   /* for a place, while others have them all: some 50 ms */
    INHERIT_EACH = 8, /* of them, looking whether owners are gone as well */
};

#define LIVE_MASK UINT64_C(0xffff) /* in a bucket's word: its places that hold entries; above them the number of its changes */
#define ONE_CHANGE UINT64_C(0x10000)

/* ---- one entry in its place ---- */

/* Word by word and atomic: another process may be writing there, which the reader then finds out. */
static void write_words(struct place *place, size_t first, const void *data, size_t length)
{
    for (size_t at = 0; at < length; at += 8) {
        uint64_t word = 0;
        memcpy(&word, (const char *)data + at, length - at < 8 ? length - at : 8);
        atomic_store_explicit(&place->words[first + at / 8], word, memory_order_relaxed);
    }
}

static void read_words(const struct place *place, size_t first, void *data, size_t length)
{
    for (size_t at = 0; at < length; at += 8) {
        uint64_t word = atomic_load_explicit(&place->words[first + at / 8], memory_order_relaxed);
        memcpy((char *)data + at, &word, length - at < 8 ? length - at : 8);
    }
}

static void write_entry(struct place *place, struct store_key key, uint64_t hash, int64_t now, const struct store_value *value)
{
    /* Who reads any of what follows, and then orders its reads, sees the bucket's word at least as this writer saw it: changed. */
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&place->hash, hash, memory_order_relaxed);
    atomic_store_explicit(&place->used, now, memory_order_relaxed);
    atomic_store_explicit(&place->expires, value->expires, memory_order_relaxed);
    atomic_store_explicit(&place->lengths, key.length | (uint64_t)value->length << 32, memory_order_relaxed);
    write_words(place, 0, key.data, key.length);
    write_words(place, STORE_KEY_MAX / 8, value->data, value->length);
}

static bool has_key(const struct place *place, struct store_key key, uint64_t hash)
{
    char there[STORE_KEY_MAX];
    if (atomic_load_explicit(&place->hash, memory_order_relaxed) != hash ||
        (uint32_t)atomic_load_explicit(&place->lengths, memory_order_relaxed) != key.length)
        return false;
    read_words(place, 0, there, key.length);
    return memcmp(there, key.data, key.length) == 0;
}

static bool has_expired(const struct place *place, int64_t now)
{
    int64_t expires = atomic_load_explicit(&place->expires, memory_order_relaxed);
    return expires != 0 && expires <= now;
}

static void read_value(const struct place *place, struct store_value *value)
{
    size_t length = (size_t)(atomic_load_explicit(&place->lengths, memory_order_relaxed) >> 32);
    value->length = length <= STORE_VALUE_MAX ? length : 0;
    value->expires = atomic_load_explicit(&place->expires, memory_order_relaxed);
    read_words(place, STORE_KEY_MAX / 8, value->data, value->length);
}

/* ---- a bucket ---- */

/* A bucket as it was found. */
struct view {
    struct bucket *bucket;
    struct store_key key;
    uint64_t hash;
    int64_t now;
    uint64_t state;
    int found; /* the key's place, -1: none */
};

static bool is_live(uint64_t state, int i)
{
    return (state >> i & 1) != 0;
}

static struct view view_of(const struct store_map *map, struct store_key key, int64_t now)
{
    uint64_t hash = siphash(map->store->secret, key.data, key.length);
    struct bucket *buckets = (struct bucket *)(map->store->counters + store_counters(map));
    return (struct view){.bucket = &buckets[hash % store_buckets(map)], .key = key, .hash = hash, .now = now};
}

/* Looks for the key; an entry that has expired is found and counts as absent. */
static void look(struct view *view)
{
    view->state = atomic_load_explicit(&view->bucket->state, memory_order_acquire);
    view->found = -1;
    for (int i = 0; i < STORE_PLACES && view->found < 0; i++)
        if (is_live(view->state, i) && has_key(&view->bucket->places[i], view->key, view->hash))
            view->found = i;
}

static bool is_there(const struct view *view)
{
    return view->found >= 0 && !has_expired(&view->bucket->places[view->found], view->now);
}

/* Was everything that was read since look() as it was then? */
static bool still_holds(const struct view *view)
{
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&view->bucket->state, memory_order_relaxed) == view->state;
}

/* The change as a whole, if nobody else has changed the bucket since look(). */
static bool commit(const struct view *view, uint64_t without, uint64_t with)
{
    uint64_t before = view->state, live = (before & LIVE_MASK & ~without) | with;
    return atomic_compare_exchange_strong_explicit(&view->bucket->state, &before, ((before & ~LIVE_MASK) + ONE_CHANGE) | live,
                                                   memory_order_acq_rel, memory_order_relaxed);
}

/* ---- places for writers ---- */

static bool is_gone(pid_t pid)
{
    return kill(pid, 0) < 0 && errno == ESRCH;
}

/* Takes a place whose owner is 'seen'. The count above the process id tells an owner from a later one with the same. */
static bool take_place(struct bucket *bucket, int i, uint64_t seen)
{
    struct place *place = &bucket->places[i];
    uint64_t mine = ((seen >> 32) + 1) << 32 | (uint32_t)getpid();
    if (!atomic_compare_exchange_strong(&place->owner, &seen, mine))
        return false;
    /* Another may have filled it, made it count and let go of it meanwhile. It did so before it let go, so that is seen here. */
    if (!is_live(atomic_load(&bucket->state), i))
        return true;
    atomic_store(&place->owner, mine & ~UINT64_C(0xffffffff));
    return false;
}

static void release_place(struct place *place)
{
    atomic_fetch_and(&place->owner, ~UINT64_C(0xffffffff));
}

/* One round: a place that nobody has, or, with 'inherit', that one has who is gone. */
static int try_places(struct bucket *bucket, bool inherit)
{
    uint64_t state = atomic_load(&bucket->state);
    for (int i = 0; i < STORE_PLACES; i++) {
        uint64_t owner = atomic_load(&bucket->places[i].owner);
        pid_t pid = (pid_t)(uint32_t)owner;
        if (is_live(state, i))
            continue;
        if ((pid == 0 || (inherit && is_gone(pid))) && take_place(bucket, i, owner))
            return i;
    }
    return -1;
}

/* Places are kept for a moment only, so one comes free soon, unless those that have all of them are stopped. */
static int find_place(struct bucket *bucket)
{
    for (int tries = 0; tries < TRIES; tries++) {
        int i = try_places(bucket, tries % INHERIT_EACH == 1);
        if (i >= 0)
            return i;
        sched_yield();
    }
    return -1;
}

/* Whose entry it is: the first bytes of its key say so, see store.h. */
static uint64_t owner_of(const struct place *place)
{
    return atomic_load_explicit(&place->words[0], memory_order_relaxed);
}

static uint64_t newcomer_of(const struct view *view)
{
    uint64_t owner = 0;
    memcpy(&owner, view->key.data, view->key.length < sizeof owner ? view->key.length : sizeof owner);
    return owner;
}

/* How many of the bucket's entries its owner has, with the one that is to come. */
static int share_of(const struct view *view, uint64_t owner)
{
    int share = newcomer_of(view) == owner;
    for (int i = 0; i < STORE_PLACES; i++)
        share += is_live(view->state, i) && owner_of(&view->bucket->places[i]) == owner;
    return share;
}

/* The entry that makes room: one that has expired, else, of the owner that has most of them, the one that was not used for longest. So who
 * sets without end takes nothing away from who has less. */
static int find_victim(const struct view *view)
{
    int victim = -1, most = -1; /* owners read while others write may have no share at all: one is found nevertheless */
    int64_t oldest = INT64_MAX;
    for (int i = 0; i < STORE_PLACES; i++) {
        const struct place *place = &view->bucket->places[i];
        if (!is_live(view->state, i))
            continue;
        if (has_expired(place, view->now))
            return i;
        int share = share_of(view, owner_of(place));
        int64_t used = atomic_load_explicit(&place->used, memory_order_relaxed);
        if (share > most || (share == most && used < oldest)) {
            victim = i;
            most = share;
            oldest = used;
        }
    }
    return victim;
}

/* What the entry in 'place' is to take the place of. */
static uint64_t bits_to_clear(const struct view *view)
{
    if (view->found >= 0)
        return UINT64_C(1) << view->found;
    return __builtin_popcountll(view->state & LIVE_MASK) < STORE_ENTRIES ? 0 : UINT64_C(1) << find_victim(view);
}

/* ---- what is done with it ---- */

/* Decides, by what is there (NULL: nothing), what is to be written. Anything but STORE_DONE ends it without a change. */
typedef enum store_result decider(void *context, const struct store_value *there, struct store_value *value);

static enum store_result decide_and_write(struct view *view, int i, decider *decide, void *context)
{
    for (;;) {
        struct store_value there, value;
        look(view);
        bool present = is_there(view);
        if (present)
            read_value(&view->bucket->places[view->found], &there);
        if (!still_holds(view))
            continue;
        enum store_result result = decide(context, present ? &there : NULL, &value);
        if (result != STORE_DONE)
            return result;
        write_entry(&view->bucket->places[i], view->key, view->hash, view->now, &value);
        if (commit(view, bits_to_clear(view), UINT64_C(1) << i))
            return STORE_DONE;
    }
}

static enum store_result update(const struct store_map *map, struct store_key key, int64_t now, decider *decide, void *context)
{
    struct view view = view_of(map, key, now);
    int i = find_place(view.bucket);
    if (i < 0)
        return STORE_CROWDED;
    enum store_result result = decide_and_write(&view, i, decide, context);
    release_place(&view.bucket->places[i]);
    return result;
}

enum store_result store_get(const struct store_map *map, struct store_key key, int64_t now, struct store_value *value)
{
    struct view view = view_of(map, key, now);
    bool there;
    do {
        look(&view);
        there = is_there(&view);
        if (there)
            read_value(&view.bucket->places[view.found], value);
    } while (!still_holds(&view));
    if (!there)
        return STORE_ABSENT;
    /* Should another entry be there by now, that one is taken for used: no harm. */
    _Atomic int64_t *used = &view.bucket->places[view.found].used;
    if (atomic_load_explicit(used, memory_order_relaxed) != now)
        atomic_store_explicit(used, now, memory_order_relaxed);
    return STORE_DONE;
}

static enum store_result decide_set(void *context, const struct store_value *there, struct store_value *value)
{
    (void)there;
    *value = *(const struct store_value *)context;
    return STORE_DONE;
}

enum store_result store_set(const struct store_map *map, struct store_key key, int64_t now, const struct store_value *value)
{
    return update(map, key, now, decide_set, (void *)value);
}

static enum store_result decide_add(void *context, const struct store_value *there, struct store_value *value)
{
    *value = *(const struct store_value *)context;
    return there == NULL ? STORE_DONE : STORE_PRESENT;
}

enum store_result store_add(const struct store_map *map, struct store_key key, int64_t now, const struct store_value *value)
{
    return update(map, key, now, decide_add, (void *)value);
}

enum store_result store_delete(const struct store_map *map, struct store_key key, int64_t now)
{
    struct view view = view_of(map, key, now);
    for (;;) {
        look(&view);
        bool there = is_there(&view);
        if (view.found < 0 && still_holds(&view))
            return STORE_ABSENT;
        if (view.found >= 0 && commit(&view, UINT64_C(1) << view.found, 0))
            return there ? STORE_DONE : STORE_ABSENT;
    }
}

struct swap {
    const struct store_value *before, *value;
};

static enum store_result decide_swap(void *context, const struct store_value *there, struct store_value *value)
{
    const struct swap *swap = context;
    const struct store_value *before = swap->before;
    if (there == NULL && before != NULL)
        return STORE_ABSENT;
    if (there != NULL && (before == NULL || there->length != before->length || memcmp(there->data, before->data, there->length) != 0))
        return STORE_PRESENT;
    *value = *swap->value;
    return STORE_DONE;
}

enum store_result store_swap(const struct store_map *map, struct store_key key, int64_t now, const struct store_value *before,
                             const struct store_value *value)
{
    struct swap swap = {before, value};
    return update(map, key, now, decide_swap, &swap);
}

struct increment {
    int64_t more, expires, sum;
};

static bool parse_number(const struct store_value *value, int64_t *number)
{
    char text[24], *end;
    if (value->length == 0 || value->length >= sizeof text)
        return false;
    memcpy(text, value->data, value->length);
    text[value->length] = 0;
    errno = 0;
    *number = strtoll(text, &end, 10);
    return errno == 0 && end == text + value->length && (text[0] == '-' || (text[0] >= '0' && text[0] <= '9'));
}

static enum store_result decide_increment(void *context, const struct store_value *there, struct store_value *value)
{
    struct increment *increment = context;
    int64_t number = 0;
    if ((there != NULL && !parse_number(there, &number)) || __builtin_add_overflow(number, increment->more, &increment->sum))
        return STORE_NO_NUMBER;
    value->length = (size_t)snprintf(value->data, sizeof value->data, "%" PRId64, increment->sum);
    value->expires = there != NULL ? there->expires : increment->expires;
    return STORE_DONE;
}

enum store_result store_increment(const struct store_map *map, struct store_key key, int64_t now, int64_t more, int64_t expires,
                                  int64_t *sum)
{
    struct increment increment = {more, expires, 0};
    enum store_result result = update(map, key, now, decide_increment, &increment);
    *sum = increment.sum;
    return result;
}
