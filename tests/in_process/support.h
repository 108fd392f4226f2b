/* SPDX-License-Identifier: Apache-2.0
 *
 * What tests of tine_test.h share. They use the header as a stranger would: nothing else of tine is there.
 */
#ifndef IN_PROCESS_SUPPORT_H
#define IN_PROCESS_SUPPORT_H

#include <tine_test.h>

#include <criterion/criterion.h>

/* $BUILD/NAME.so, of an example or (as "tests/modules/NAME") of a test; lives as long as the test. */
const char *module_path(const char *name);

/* Formatted into memory that lives as long as the test. */
char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Opens a module, with a failed test if that fails. */
tine_test *open_module(const char *name, const char *settings);

void expect_answer(const tine_answer *a, int status, const char *body);
void expect_header(const tine_answer *a, const char *name, const char *value);
void expect_in(const char *haystack, const char *needle);

/* This process' own folder, and the number of files in it or another one. */
const char *own_folder(void);
int count_files(const char *folder);

#endif
