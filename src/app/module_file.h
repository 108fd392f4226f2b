/* SPDX-License-Identifier: Apache-2.0
 *
 * A shared object as a file: is it there, and whole? Runs in the master before it makes a copy, and wherever modules are loaded: so that
 * each says the same of it.
 */
#ifndef APP_MODULE_FILE_H
#define APP_MODULE_FILE_H

/* Returns a descriptor to read it by, or -1 with *wrong set to why it cannot be loaded (static, or valid until the next call). */
int module_file_open(const char *path, const char **wrong);

#endif
