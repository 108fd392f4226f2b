/* SPDX-License-Identifier: Apache-2.0
 *
 * The status document of tine_server_status() as text for a person. Pure; also for `tine status`.
 */
#ifndef MODULES_STATUS_TEXT_H
#define MODULES_STATUS_TEXT_H

#include <jansson.h>

/* To be freed by the caller; NULL without memory. Members that are missing are left out. */
char *status_text(const json_t *status);

#endif
