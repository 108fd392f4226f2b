/* SPDX-License-Identifier: Apache-2.0
 *
 * Who listens on a port already: for a message that helps.
 */
#ifndef CLI_HOLDER_H
#define CLI_HOLDER_H

#include <stddef.h>

/* "process 4711 (node)" in 'text', or "another program" if it cannot be told, as of another user. */
void holder_describe(unsigned port, char *text, size_t size);

#endif
