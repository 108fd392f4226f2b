/* SPDX-License-Identifier: Apache-2.0
 *
 * Long bodies that can be told from one another, and what the test modules' /sum says of them.
 */
#ifndef SYSTEM_SUMS_H
#define SYSTEM_SUMS_H

#include <stddef.h>

char *make_bytes(size_t length); /* malloc'd, room for a NUL behind them; the same bytes every time */
char *sum_of(const void *bytes, size_t length); /* "LENGTH HASH", lives as long as the test */

#endif
