/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything that one configuration allocates, freed at once. Each piece is an allocation of its own, not
 * a cut of a block as in base/arena.h: a configuration is small and made seldom, and the sanitizers then
 * see each overrun of a parser that is fed anything.
 *
 * All memory is zeroed and never NULL: running out of it ends the process.
 */
#ifndef CONFIG_POOL_H
#define CONFIG_POOL_H

#include <stdarg.h>
#include <stddef.h>

struct pool;

struct pool *pool_new(void);
void pool_free(struct pool *pool);

void *pool_alloc(struct pool *pool, size_t size);
char *pool_text(struct pool *pool, const char *text);
char *pool_format_va(struct pool *pool, const char *format, va_list arguments);
char *pool_format(struct pool *pool, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Returns 'array', or a larger copy of it, with room for one item behind the 'count' it has. NULL is
 * the empty array. The capacity is not stored: it is 'count' rounded up to a power of two, so items
 * may only be appended one by one. */
void *pool_grow(struct pool *pool, void *array, size_t count, size_t item_size);

#endif
