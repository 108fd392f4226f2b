/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking filters whether a client may send its body, by the head alone. Whatever they leave on the request is undone: the answer is made
 * by all filters as ever, without the body if it is refused. So who gives the question to module code may give it twice, and a connection
 * whose body was let pass is like one that nobody asked about. Runs in workers, on module code.
 */
#ifndef APP_EARLY_H
#define APP_EARLY_H

#include "app/request.h"

/* Is there any filter to be asked? */
bool early_matters(const struct tine_request *r);

/* Returns 0 when all let it pass, or the status that it is to be refused with. */
int early_ask(struct tine_request *r);

#endif
