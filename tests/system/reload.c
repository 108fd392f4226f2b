/* SPDX-License-Identifier: Apache-2.0
 *
 * See reload.h.
 */
#include "reload.h"

#include <criterion/criterion.h>

struct run reload_ask(const struct server *server)
{
    return run_tine("reload", "-c", server->ini);
}

pid_t reload_ask_beside(const struct server *server, const char *out)
{
    const char *argv[] = {tine_path(), "reload", "-c", server->ini, NULL};
    return process_start(argv, out, text("%s.err", out));
}

void reload_expect(struct run ran, const char *verdict)
{
    cr_assert_eq(ran.code, 0, "exit code %d: %s", ran.code, ran.err);
    cr_assert_str_eq(ran.out, verdict);
    cr_assert_str_empty(ran.err);
}

void reload_expect_refused(struct run ran, const char *expression)
{
    cr_assert_eq(ran.code, 1, "exit code %d: %s", ran.code, ran.out);
    cr_assert_str_empty(ran.out);
    cr_assert(text_matches(ran.err, expression), "%s", ran.err);
}
