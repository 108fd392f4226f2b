/* SPDX-License-Identifier: Apache-2.0
 *
 * Compressing a whole text in memory. Pure but for the heap.
 */
#ifndef MODULES_GZIP_H
#define MODULES_GZIP_H

#include <stddef.h>

/* Below, the fields of an encoded answer outweigh the gain; above, it would take longer than a worker should be away from
 * its other clients (some 10 ms): larger texts are compressed beforehand, by whoever makes them. */
enum { GZIP_LEAST = 512, GZIP_MOST = 256 << 10 };

/* The text in gzip format, malloc'd, and its length; NULL when it does not get smaller by a tenth at least, or without memory. The
 * same text gives the same bytes, as long as zlib stays the same. */
void *gzip_pack(const void *text, size_t length, size_t *packed_length);

#endif
