/* SPDX-License-Identifier: Apache-2.0
 *
 * The access log's lines. A format is compiled once and then only followed. Runs in workers.
 *
 * Formats: common, combined, json, or a text with the letters that Apache gave them:
 *     %h client  %l -  %u -  %t [time]  %r request line  %s status (%>s too)  %b body bytes, '-' for 0 (%B: 0)
 *     %D microseconds  %T seconds  %m method  %U path  %q ?query  %H protocol  %v host  %P pid  %L request id
 *     %{Name}i request field  %{Name}o response field  %% a percent sign
 */
#ifndef APP_ACCESS_LOG_H
#define APP_ACCESS_LOG_H

#include "app/request.h"

struct access_log;

/* Returns NULL with *reason set (static text) when the format cannot be used. */
struct access_log *access_log_new(const char *format, const char **reason);
void access_log_free(struct access_log *log);

/* Writes the line of a request that was answered, newline included: whole and at most 'size' bytes (values are cut, not
 * lines). Strangers' bytes are escaped. Returns its length. */
size_t access_log_format(const struct access_log *log, struct tine_request *r, char *line, size_t size);

#endif
