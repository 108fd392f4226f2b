/* SPDX-License-Identifier: Apache-2.0
 *
 * Two filters of one module, which tell of themselves in X-Trace, and a setting whose name tine has taken.
 */
#include <tine.h>

static int trace(tine_request *r, const char *what)
{
    const char *old = tine_response_header(r, "X-Trace");
    tine_set_header(r, "X-Trace", old != NULL ? tine_printf(r, "%s %s", old, what) : what);
    return 0;
}

static int before_one(tine_request *r, tine_app *self)
{
    (void)self;
    return trace(r, "b:one");
}

static int before_two(tine_request *r, tine_app *self)
{
    (void)self;
    return trace(r, "b:two");
}

static int after_two(tine_request *r, tine_app *self)
{
    (void)self;
    return trace(r, "a:two");
}

static const tine_filter one = TINE_FILTER("one", .before = before_one), two = TINE_FILTER("two", .before = before_two, .after = after_two);

TINE_MODULE(.filters = TINE_FILTERS(&one, &two),
            .settings = (const tine_option[]){{"except", TINE_TEXT, "", "nobody can set this"}, {0}})
