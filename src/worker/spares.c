/* SPDX-License-Identifier: Apache-2.0
 *
 * See spares.h.
 */
#include "worker/spares.h"

#include "base/clock.h"

#include <malloc.h>
#include <stdbool.h>

enum {
    AS_THEY_ARE = 4,
    SHRUNK = 60,         /* more than these are freed */
    TRIM_BYTES = 1 << 20, /* less is not worth it */
    TRIM_SHARE = 100,    /* of the time at most a hundredth, */
    TRIM_LONG_US = 3000  /* and never again if it took that long: a module may have made a heap that is large */
};

/* The heap keeps what is freed below anything that is in use, as much as it ever was. */
static void trim(struct spares *spares)
{
    int64_t before = clock_us();
    if (spares->given_back < TRIM_BYTES || before < spares->trim_after)
        return;
    malloc_trim(0);
    int64_t took = clock_us() - before;
    spares->given_back = 0;
    spares->trim_after = took < TRIM_LONG_US ? before + took * TRIM_SHARE : INT64_MAX;
}

static __attribute__((noinline)) struct tine_request *take_shrunk(struct spares *spares, const struct head_limits *limits)
{
    struct tine_request *r = spares->shrunk;
    if (r == NULL) {
        spares->made++;
        return request_new(limits);
    }
    spares->shrunk = r->next;
    spares->shrunk_count--;
    return r;
}

struct tine_request *spares_take(struct spares *spares, const struct head_limits *limits)
{
    struct tine_request *r = spares->first;
    if (r == NULL)
        return take_shrunk(spares, limits);
    spares->first = r->next;
    spares->count--;
    return r;
}

static __attribute__((noinline)) void put_shrunk(struct spares *spares, struct tine_request *r, const struct head_limits *limits)
{
    request_reset(r, limits);
    spares->given_back += request_shrink(r);
    if (spares->shrunk_count == SHRUNK) {
        request_free(r);
        spares->made--;
    } else {
        r->next = spares->shrunk;
        spares->shrunk = r;
        spares->shrunk_count++;
    }
    if (spares->count + spares->shrunk_count == spares->made)
        trim(spares);
}

void spares_put(struct spares *spares, struct tine_request *r, const struct head_limits *limits)
{
    if (spares->count == AS_THEY_ARE) {
        put_shrunk(spares, r, limits);
        return;
    }
    request_reset(r, limits);
    r->next = spares->first;
    spares->first = r;
    spares->count++;
}
