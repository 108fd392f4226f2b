/* SPDX-License-Identifier: Apache-2.0
 *
 * What was compiled, by what the compiler writes for make (-MMD).
 */
#ifndef CLI_DEPENDENCIES_H
#define CLI_DEPENDENCIES_H

/* Calls 'take' for each file that the .d files below the folder 'objects' name. */
void dependencies_each(const char *objects, void (*take)(void *context, const char *path), void *context);

#endif
