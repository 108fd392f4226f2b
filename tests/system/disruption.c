/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows of `make disruption`, two seconds each. Other tests run beside: what is promised in milliseconds may take ten
 * times as long; nothing may be lost all the same.
 */
#include "harness.h"
#include "required.h"

#include <criterion/criterion.h>

TestSuite(disruption, .timeout = 120);

static void expect_row_kept(const char *name)
{
    const char *argv[] = {text("%s/../disruption/disruption", modules_path()), "--seconds", "2", "--patience", "10", name, NULL};
    struct run ran = run_program_within(60000, argv);
    cr_assert_eq(ran.code, 0, "%s%s", ran.out, ran.err);
}

#define ROW(test_name, row)        \
    Test(disruption, test_name)    \
    {                              \
        expect_row_kept(row);      \
    }

ROW(reloads_lose_nothing, "hup")
ROW(binary_upgrades_lose_nothing, "upgrade")
ROW(more_and_fewer_workers_lose_nothing, "population")
ROW(recycled_workers_lose_nothing, "recycling")
ROW(bad_files_are_refused_with_the_reason_and_lose_nothing, "bad_files")
ROW(crashes_are_answered_and_others_lose_nothing, "crashes")
ROW(a_route_that_crashes_too_often_is_paused_and_others_lose_nothing, "limited")
ROW(slow_handlers_hold_nobody_up, "slow")
ROW(hanging_handlers_are_answered_and_others_lose_nothing, "hanging")
ROW(a_killed_worker_loses_only_what_it_held, "killed")
ROW(slow_bodies_and_pipelines_are_served_once_and_in_order, "order")
ROW(a_stop_under_load_resets_nothing, "stopped")
ROW(addresses_that_stay_lose_nothing, "addresses")

#define CONDUIT_ROW(test_name, row)  \
    Test(disruption, test_name)      \
    {                                \
        require_conduit();           \
        expect_row_kept(row);        \
    }

CONDUIT_ROW(articles_are_written_once_while_the_server_is_reloaded, "conduit_hup")
CONDUIT_ROW(articles_are_written_once_while_the_server_is_upgraded, "conduit_upgrade")
CONDUIT_ROW(articles_are_written_once_while_workers_are_recycled, "conduit_recycling")
CONDUIT_ROW(articles_are_written_once_while_handlers_crash, "conduit_crashes")
CONDUIT_ROW(articles_are_written_once_while_workers_are_killed, "conduit_killed")

/* That row starts tine itself as nobody. */
Test(disruption, ten_thousand_idle_connections_outlive_a_reload)
{
    if (!nobody_can_reach_tine())
        cr_skip_test("nobody cannot run what lies in this folder");
    expect_row_kept("idle");
}
