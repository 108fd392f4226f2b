/* SPDX-License-Identifier: Apache-2.0
 *
 * The status as a document, made of a scoreboard.
 */
#include "shared/status.h"

#include "base/clock.h"
#include "modules/status_text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct scoreboard *board_with_broken(uint32_t count)
{
    struct scoreboard *board = scoreboard_new();
    atomic_store(&board->generation, 3);
    atomic_store(&board->breakers_used, count);
    for (uint32_t i = 0; i < count; i++) {
        struct breaker *breaker = &board->breakers[i];
        breaker_admit(breaker, 3, clock_ms());
        snprintf(breaker->route.path, sizeof breaker->route.path, "/route-%u\x1b[31m", i);
        breaker_crashed(breaker, 3, 1, clock_ms());
    }
    return board;
}

Test(server_status, tells_a_bounded_number_of_broken_routes_and_counts_all)
{
    json_t *status = status_make(board_with_broken(BREAKER_ROUTES));
    char *text = status_text(status);
    cr_expect_eq(json_integer_value(json_object_get(status, "broken_count")), BREAKER_ROUTES);
    cr_expect_eq(json_array_size(json_object_get(status, "broken")), 50);
    cr_expect_not_null(strstr(text, "\n  and 1998 more\n"), "%s", text);
    cr_expect_not_null(strstr(text, "/route-49?[31m"), "%s", text);
    cr_expect_null(strstr(text, "/route-50"), "%s", text);
    free(text);
    json_decref(status);
}

Test(server_status, passes_over_what_an_earlier_generation_left)
{
    struct scoreboard *board = board_with_broken(2);
    breaker_succeeded(&board->breakers[1], 3);
    json_t *status = status_make(board);
    cr_expect_eq(json_integer_value(json_object_get(status, "broken_count")), 1);
    json_decref(status);
    atomic_store(&board->generation, 4);
    status = status_make(board);
    cr_expect_eq(json_integer_value(json_object_get(status, "broken_count")), 0);
    json_decref(status);
}
