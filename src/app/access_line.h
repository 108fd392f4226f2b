/* SPDX-License-Identifier: Apache-2.0
 *
 * An access log line being written, and what can stand in one: Apache's letters. Runs in a worker.
 */
#ifndef APP_ACCESS_LINE_H
#define APP_ACCESS_LINE_H

#include "app/request.h"

/* What does not fit is left out: 'end' is never passed. */
struct line {
    char *next, *end;
    struct tine_request *request;
};

/* 'text' is what stands in the format: text itself, or the {Name} in front of the letter. */
typedef void line_put(struct line *line, struct slice text);

struct directive {
    char letter;
    bool takes_name;
    line_put *put; /* NULL: "-" */
};

/* NULL: there is none of this letter. */
const struct directive *line_directive(char letter);

/* What writes it: of some names there is a shorter way. */
line_put *line_put_of(const struct directive *directive, struct slice name);

/* Those that stand in JSON as well, where only text that needs no escapes may. */
line_put line_put_text, line_put_client, line_put_status, line_put_bytes, line_put_microseconds, line_put_process;

/* Of a request: as long as it lives. */
struct slice line_method(const struct tine_request *r);
struct slice line_target(const struct tine_request *r);

#endif
