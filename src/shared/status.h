/* SPDX-License-Identifier: Apache-2.0
 *
 * The server's state as one JSON document, made of the scoreboard alone: so a worker's is the same as the master's.
 * Runs in both.
 */
#ifndef SHARED_STATUS_H
#define SHARED_STATUS_H

#include "shared/scoreboard.h"

#include <jansson.h>

/* The caller's reference, or NULL without memory. Times ending in _ms are durations in milliseconds. */
json_t *status_make(struct scoreboard *board);

#endif
