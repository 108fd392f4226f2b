/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors as a client sees them: application/problem+json (RFC 9457), or a small page for people. Runs in workers.
 */
#ifndef APP_PROBLEM_H
#define APP_PROBLEM_H

#include "app/request.h"

/* The whole response, in place of one that was built. 'detail' may be empty. Returns as tine_problem(), which logs a 500 besides: whoever
 * calls this has done so, or it is no handler's fault. */
int problem_answer(struct tine_request *r, int status, const char *detail);

/* The answer of who gave something wrong to be sent, and was told so. Returns 500. */
int problem_of_wrong_answer(struct tine_request *r);

#endif
