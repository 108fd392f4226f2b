/* SPDX-License-Identifier: Apache-2.0
 *
 * tine_batteries.h: what filters that come with tine hand out to handlers. There is nothing to link with: each function asks the filter,
 * through an attribute of the request, and without that filter does nothing, but for one warning in the log.
 *
 *     [filter:session]
 *     module = session
 *     keys = ${KEYS}
 *
 *     [app:shop]
 *     module = shop.so
 *     filters = session
 *
 * What else comes with tine and hands out no function (cors, security_headers, basic_auth, bearer, gzip, template, rate_limit, cache), and
 * the settings of all of them, is told in share/doc/tine/batteries.md.
 */
#ifndef TINE_BATTERIES_H
#define TINE_BATTERIES_H

#include <tine.h>

#ifdef __cplusplus
extern "C" {
#endif

/* For the functions below: what the filter has left, or NULL after telling so, once in each worker. */
static inline void *tine_battery(tine_request *r, const char *filter, const char *function, char *told)
{
    void *calls = tine_attribute(r, filter);
    const char *handler = tine_handler_name(r);

    if (!calls && !*told) {
        *told = 1;
        tine_log(r, TINE_WARNING,
                 "%s calls %s(), which does nothing: no filter of module '%s' runs around it (see filters of its [app:NAME], and only and "
                 "except of the filter)",
                 handler ? handler : "a filter", function, filter);
    }
    return calls;
}

/* Those of one request. New members come at the end. */
typedef struct tine_csrf_calls tine_csrf_calls;
struct tine_csrf_calls {
    const char *(*token)(tine_request *r, tine_csrf_calls *calls);
};

/* The token that a form of this user has to bring back, in its field "csrf_token" or the request field X-CSRF-Token. It sets a cookie, so
 * it is to be asked for before the response begins. NULL where no filter `csrf` runs. Lives until the response is sent. */
static inline const char *tine_csrf_token(tine_request *r)
{
    static char told;
    tine_csrf_calls *calls = (tine_csrf_calls *)tine_battery(r, "csrf", "tine_csrf_token", &told);

    return calls ? calls->token(r, calls) : NULL;
}

typedef struct tine_session_calls tine_session_calls;
struct tine_session_calls {
    json_t *(*data)(tine_request *r, tine_session_calls *calls);
    int (*renew)(tine_request *r, tine_session_calls *calls);
    int (*end)(tine_request *r, tine_session_calls *calls);
};

/* What is kept of this client from one request to the next: a JSON object, borrowed until the handler returns, to be read and changed by
 * json_object_*(). What has changed is saved when the handler has returned, or when its response begins. It is empty if there is no
 * session, and one that is empty is none. NULL, which json_object_*() take for empty, where no filter `session` runs, or where what keeps
 * it cannot be asked (the answer is 503 then, whatever the handler says, unless `store_down = empty`). */
static inline json_t *tine_session(tine_request *r)
{
    static char told;
    tine_session_calls *calls = (tine_session_calls *)tine_battery(r, "session", "tine_session", &told);

    return calls ? calls->data(r, calls) : NULL;
}

/* Gives the session a new id, and its whole lifetime again: to be called where somebody logs in, so that who knew the id before is not
 * logged in as well. Returns 0, or -1 where no filter `session` runs, or it can no longer be saved. */
static inline int tine_session_renew(tine_request *r)
{
    static char told;
    tine_session_calls *calls = (tine_session_calls *)tine_battery(r, "session", "tine_session_renew", &told);

    return calls ? calls->renew(r, calls) : -1;
}

/* Ends the session: nothing is kept, and the cookie goes. Returns as tine_session_renew(). */
static inline int tine_session_end(tine_request *r)
{
    static char told;
    tine_session_calls *calls = (tine_session_calls *)tine_battery(r, "session", "tine_session_end", &told);

    return calls ? calls->end(r, calls) : -1;
}

#ifdef __cplusplus
}
#endif

#endif
