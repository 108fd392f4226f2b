/* SPDX-License-Identifier: Apache-2.0 */
/* A filter: who brings the token is let in, and every answer says how long it took. In the INI file, with `filters = token` in [server]:
 *     [filter:token]
 *     module = ./filter.so
 *     token = secret
 * curl -i -H 'Authorization: Bearer secret' localhost:8000/hello/ada */
#include <string.h>
#include <tine.h>

static int check(tine_request *r, tine_app *self)
{
    const char *given = tine_header(r, "Authorization"), *token = tine_setting(self, "token");
    struct timespec *start = tine_alloc(r, sizeof *start);

    clock_gettime(CLOCK_MONOTONIC, start);
    tine_set_attribute(r, "start", start); /* handlers see it with tine_attribute(r, "start") */
    if (given != NULL && strcmp(given, tine_printf(r, "Bearer %s", token)) == 0)
        return 0; /* go on: the next filter, then the handler */
    tine_set_header(r, "WWW-Authenticate", "Bearer");
    return tine_problem(r, 401, "a token is needed");
}

static int tell_time(tine_request *r, tine_app *self)
{
    const struct timespec *start = tine_attribute(r, "start");
    struct timespec now;
    (void)self;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double ms = (double)(now.tv_sec - start->tv_sec) * 1e3 + (double)(now.tv_nsec - start->tv_nsec) / 1e6;
    tine_set_header(r, "Server-Timing", tine_printf(r, "app;dur=%.2f", ms));
    return 0; /* the answer stays */
}

/* Early, too: who has no token does not get to send a large body. */
static const tine_filter token = TINE_FILTER("token", .before = check, .after = tell_time, .early = check);

TINE_MODULE(.filters = TINE_FILTERS(&token),
            .settings = (const tine_option[]){{"token", TINE_SECRET, NULL, "what clients have to bring"}, {0}})
