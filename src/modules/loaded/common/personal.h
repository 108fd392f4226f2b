/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers that one client alone may see. A filter that tells a handler something of this client (its session, its token) marks the request,
 * for the cache to keep no answer of it, whatever the answer says of itself: filters further out set their fields when the cache has done
 * its work.
 */
#ifndef COMMON_PERSONAL_H
#define COMMON_PERSONAL_H

#include <stdbool.h>
#include <tine.h>

void personal_mark(tine_request *r);
bool personal_is_marked(tine_request *r);

/* Does the answer keep caches away already? */
bool personal_is_said(tine_request *r);

#endif
