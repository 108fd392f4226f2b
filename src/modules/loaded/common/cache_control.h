/* SPDX-License-Identifier: Apache-2.0
 *
 * Cache-Control of requests and answers (RFC 9111, 5.2). Seconds are -1 where they are not given; what cannot be read is 0, and of
 * several the smallest counts: nothing is kept longer for being said badly.
 */
#ifndef LOADED_COMMON_CACHE_CONTROL_H
#define LOADED_COMMON_CACHE_CONTROL_H

#include <stdbool.h>
#include <tine.h>

struct cache_control {
    bool no_store, no_cache, is_private, is_public, must_revalidate, only_if_cached;
    int64_t max_age, s_maxage, min_fresh, stale_while_revalidate;
};

void cache_control_of_request(tine_request *r, struct cache_control *control); /* Pragma too, where there is no other (5.4) */
void cache_control_of_answer(tine_request *r, struct cache_control *control);  /* of all of its lines */

#endif
