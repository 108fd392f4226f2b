/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of a new module's folder, from src/cli/scaffold. In them and in their names @NAME@ stands for the module's name, @PKGCONFIG@
 * and @MAKEFILE@ for where this tine's tine.pc and tine.mk are.
 */
#ifndef CLI_SCAFFOLD_H
#define CLI_SCAFFOLD_H

#include <stddef.h>

struct scaffold_file {
    const char *name;
    const char *start, *end;
    const char *help; /* what it is, in a few words */
};

extern const struct scaffold_file scaffold_files[];
extern const size_t scaffold_file_count;

#endif
