/* SPDX-License-Identifier: Apache-2.0
 *
 * How large this worker is ([server] max_memory), and which handler made it so: one request in a number is looked at before and after.
 */
#ifndef WORKER_GROWTH_H
#define WORKER_GROWTH_H

#include "worker/state.h"

/* Before code of a module runs for the request. */
void growth_begin(const struct worker *w, const struct tine_request *r);

/* Afterwards. True when the worker has grown too large: the log then says so, and names the handler that was seen to grow it most. */
bool growth_end(const struct worker *w);

#endif
