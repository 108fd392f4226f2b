/* SPDX-License-Identifier: Apache-2.0
 *
 * The heap, for places that cannot go on without it: each returns memory or ends the process with
 * a line in the log. The master's own steady state allocates nothing, and a worker that ends so is
 * replaced.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

void *memory_new(size_t size); /* zeroed */
void *memory_resize(void *memory, size_t size);
char *memory_copy_text(const char *text);

#endif
