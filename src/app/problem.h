/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors as a client sees them: application/problem+json (RFC 9457), or a small page for people. Runs in workers.
 */
#ifndef APP_PROBLEM_H
#define APP_PROBLEM_H

#include "app/request.h"

/* Fills the body of r's response, whose status is set. 'detail' may be empty. */
void problem_build(struct tine_request *r, const char *detail);

/* The answer of who gave something wrong to be sent, and was told so. Returns 500. */
int problem_of_wrong_answer(struct tine_request *r);

#endif
