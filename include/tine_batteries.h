/* SPDX-License-Identifier: Apache-2.0
 *
 * tine_batteries.h: what filters that come with tine hand out to handlers. There is nothing to link with: each function asks the filter, through an
 * attribute of the request, and without that filter does nothing.
 */
#ifndef TINE_BATTERIES_H
#define TINE_BATTERIES_H

#include <tine.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Those of one request. New members come at the end. */
typedef struct tine_csrf_calls tine_csrf_calls;
struct tine_csrf_calls {
    const char *(*token)(tine_request *r, tine_csrf_calls *calls);
};

/* The token that a form of this user has to bring back, in its field "csrf_token" or the request field X-CSRF-Token. It sets a cookie, so it is to be
 * asked for before the response begins. NULL where no filter `csrf` runs. Lives until the response is sent. */
static inline const char *tine_csrf_token(tine_request *r)
{
    tine_csrf_calls *calls = (tine_csrf_calls *)tine_attribute(r, "csrf");

    return calls ? calls->token(r, calls) : NULL;
}

#ifdef __cplusplus
}
#endif

#endif
