/* SPDX-License-Identifier: Apache-2.0
 *
 * Places for connections: an event names one and its tenant, and is nobody else's.
 */
#include "worker/state.h"

#include <criterion/criterion.h>

static struct worker_setup setup;
static struct slot slot;

static void open_table(struct worker *w)
{
    setup = (struct worker_setup){.board = scoreboard_new(), .slot = &slot};
    *w = (struct worker){.setup = &setup, .slot = &slot, .limit = 4};
    table_open(w);
}

Test(table, an_event_of_a_former_tenant_is_stale)
{
    struct worker w;
    open_table(&w);
    struct connection *c = table_take(&w, 5);
    uint64_t before = table_event(c);
    table_seal(&w, c);
    cr_expect_eq(table_find(&w, before), c);
    table_give_back(&w, c);
    cr_expect_null(table_find(&w, before));
    cr_assert_eq(table_take(&w, 6), c);
    table_seal(&w, c);
    cr_expect_null(table_find(&w, before));
    cr_expect_eq(table_find(&w, table_event(c)), c);
    cr_expect_eq(w.damaged, 0);
}

/* Generation 0 is that of the worker's own descriptors. */
Test(table, a_place_that_had_four_billion_tenants_is_no_descriptor_of_the_worker)
{
    struct worker w;
    open_table(&w);
    struct connection *c = table_take(&w, 5);
    cr_assert_eq(c->index, 0);
    c->generation = UINT32_MAX;
    table_give_back(&w, c);
    cr_assert_eq(table_take(&w, 6), c);
    cr_expect_gt(table_event(c), UINT32_MAX);
}
