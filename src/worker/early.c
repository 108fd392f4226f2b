/* SPDX-License-Identifier: Apache-2.0
 *
 * See early.h.
 */
#include "worker/early.h"

#include "app/early.h"
#include "worker/guard.h"
#include "worker/handler.h"
#include "worker/intake.h"

bool early_begin(struct connection *c)
{
    struct tine_request *r = c->request;
    if (r->asked_early || c->resumed || !early_matters(r))
        return false;
    r->asked_early = true;
    connection_set_state(c, CONNECTION_EARLY);
    return true;
}

/* While its route is broken, maybe by the very filters that are asked, none is: the whole request is answered 503, or lets us see. */
static bool is_broken(const struct worker *w, const struct tine_request *r)
{
    struct breaker *breaker = guard_breaker(w, r);
    return breaker != NULL && breaker_is_open(breaker, w->setup->generation);
}

bool early_step(struct worker *w, struct connection *c)
{
    if (!exchange_send_earlier(w, c))
        return false;
    int status = is_broken(w, c->request) ? 0 : handler_ask_early(w, c);
    if (status != 0)
        intake_refuse(w, c, status, "this was refused before its body had come");
    else
        intake_go_on(w, c);
    return true;
}
