/* SPDX-License-Identifier: Apache-2.0
 *
 * In which form a file goes to a client: as it is, by a compressed sibling (page.html.br), or compressed here.
 * Runs in a worker.
 */
#ifndef MODULES_REPRESENTATION_H
#define MODULES_REPRESENTATION_H

#include "site.h"

/* Answers with the file, which was lent and is taken back here, in time. Returns what a handler returns. */
int representation_send(tine_request *r, struct site *site, struct file *file);

/* Answers an error with its page, as it is. */
int representation_send_page(tine_request *r, struct site *site, struct file *file, int status);

#endif
