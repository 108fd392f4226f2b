/* SPDX-License-Identifier: Apache-2.0
 *
 * Telling a module's author of a wrong use of tine.h. Runs in workers.
 */
#ifndef APP_BLAME_H
#define APP_BLAME_H

#include "app/request.h"

/* A line in the error log: "handler APP.HANDLER (or filter NAME.FILTER) of module MODULE <format>". Of one request only the first few: a
 * handler may do wrong in a loop. */
void request_blame(tine_request *r, tine_level level, const char *format, ...) TINE_PRINTF(3, 4);

/* Is it memory of such a length that a handler can have? If not, it is told so; 'call' is the function's name. */
bool request_gives_memory(tine_request *r, const char *call, const void *data, size_t length);

#endif
