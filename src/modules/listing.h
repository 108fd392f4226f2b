/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder as a page.
 */
#ifndef MODULES_LISTING_H
#define MODULES_LISTING_H

#include <stdbool.h>
#include <tine.h>

/* Answers with a page of what is in the folder `fd`, which was opened for reading and is closed here. `parent`: the
 * folder above may be shown too; `links`: so may symbolic links. Returns what a handler returns. */
int listing_send(tine_request *r, int fd, bool parent, bool links);

#endif
