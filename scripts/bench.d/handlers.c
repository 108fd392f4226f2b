/* SPDX-License-Identifier: Apache-2.0 */
/* What tine's own application answers in scripts/bench; application.py and express/app.js answer the same. */
#include <tine.h>
#include <time.h>

enum { SLOW_NS = 50 * 1000 * 1000 };

static int answer_json(tine_request *r)
{
    return tine_json_pack(r, 200, "{s:i, s:s, s:b, s:[i,i,i]}", "id", 7, "name", "Ada Lovelace", "active", 1, "scores", 10, 20, 30);
}

static int answer_slowly(tine_request *r)
{
    nanosleep(&(struct timespec){0, SLOW_NS}, NULL);
    return tine_text(r, 200, "slow\n");
}

static int take_body(tine_request *r)
{
    size_t length;

    tine_body(r, &length);
    return tine_text(r, 200, "%zu\n", length);
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/json", answer_json), TINE_GET("/slow", answer_slowly),
                                           TINE_POST("/post", take_body), {0}})
