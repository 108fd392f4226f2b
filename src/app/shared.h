/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions of tine.h for what all workers share: counters, keys and values. Runs in workers.
 */
#ifndef APP_SHARED_H
#define APP_SHARED_H

#include "shared/store.h"

/* Once in a worker, before worker_init of any app. The map must outlive it. */
void shared_use(const struct store_map *map);

#endif
