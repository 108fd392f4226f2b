/* SPDX-License-Identifier: Apache-2.0
 *
 * Between answer.c, which reads one answer, and expect.c, which knows what a case expects of it.
 */
#ifndef HTTP_EXPECT_H
#define HTTP_EXPECT_H

#include "answer.h"

/* NULL, or what is wrong with the answer itself. Release it in either case. */
char *answer_read(struct wire *wire, struct answer *answer, bool to_head, int64_t deadline);
void answer_release(struct answer *answer);

/* The value of the first field of that name (text that lives on), or NULL; how many there are. */
const char *answer_field(const struct answer *answer, const char *name, int *times);

/* What RFC 9457 asks of each problem: NULL, or what is wrong. */
char *problem_check(const struct answer *answer);

#endif
