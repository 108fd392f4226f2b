/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests that are kept for the next ones: what they keep of their memory.
 */
#include "worker/spares.h"

#include <criterion/criterion.h>

enum { MANY = 100, FEW = 4, LARGE = 60000, SMALL = 4000 };

static const struct head_limits limits = {100, 100, 100, 10};
static struct tine_request *requests[MANY];

static void use(struct tine_request *r, size_t length)
{
    static char bytes[LARGE];
    buffer_append(&r->body.memory, bytes, length);
    buffer_append(&r->response.body, bytes, length);
}

/* At the same time. */
static void take(struct spares *spares, size_t count)
{
    for (size_t i = 0; i < count; i++)
        requests[i] = spares_take(spares, &limits);
}

static void put(struct spares *spares, size_t count)
{
    for (size_t i = 0; i < count; i++)
        spares_put(spares, requests[i], &limits);
}

static void use_all(struct spares *spares, size_t count, size_t length)
{
    take(spares, count);
    for (size_t i = 0; i < count; i++)
        use(requests[i], length);
    put(spares, count);
}

static void free_all(struct spares *spares)
{
    for (uint32_t count = spares->made; count > 0; count--)
        request_free(spares_take(spares, &limits));
}

Test(spares, what_many_at_once_took_is_given_back_but_for_a_few)
{
    struct spares spares = {0};
    use_all(&spares, MANY, LARGE);
    cr_assert_lt(spares.made, MANY);
    size_t made = spares.made, bytes = 0;
    take(&spares, made);
    cr_expect_eq(spares.made, made);
    for (size_t i = 0; i < made; i++)
        bytes += requests[i]->body.memory.capacity + requests[i]->response.body.capacity;
    cr_expect_leq(bytes, FEW * 2 * (1 << 16) + (made - FEW) * 2 * (1 << 12));
    put(&spares, made);
    free_all(&spares);
}

Test(spares, small_ones_are_used_again_with_their_memory_however_many_at_once)
{
    enum { AT_ONCE = 64 };
    struct spares spares = {0};
    use_all(&spares, AT_ONCE, SMALL);
    take(&spares, AT_ONCE);
    cr_expect_eq(spares.made, AT_ONCE);
    for (size_t i = 0; i < AT_ONCE; i++) {
        cr_expect_geq(requests[i]->body.memory.capacity, SMALL);
        cr_expect_geq(requests[i]->response.body.capacity, SMALL);
    }
    put(&spares, AT_ONCE);
    free_all(&spares);
}

/* As on any number of connections, where each is read and answered in one go. */
Test(spares, large_ones_that_come_one_by_one_keep_their_memory)
{
    struct spares spares = {0};
    use_all(&spares, MANY, LARGE);
    for (int i = 0; i < MANY; i++) {
        struct tine_request *r = spares_take(&spares, &limits);
        cr_expect_geq(r->body.memory.capacity, LARGE);
        cr_expect_geq(r->response.body.capacity, LARGE);
        use(r, LARGE);
        spares_put(&spares, r, &limits);
    }
    free_all(&spares);
}
