/* SPDX-License-Identifier: Apache-2.0
 *
 * A list of messages for a person, gathered so that one run tells everything that is wrong.
 */
#ifndef BASE_ERRORS_H
#define BASE_ERRORS_H

#include <stdarg.h>
#include <stddef.h>

enum { ERRORS_MAX = 200 }; /* beyond it messages are counted, not kept */

struct errors {
    char **messages;
    size_t kept;
    size_t count;  /* all that were added, kept or not */
    size_t untold; /* of these, those that only follow from one that was told */
};

void errors_init(struct errors *errors);
void errors_release(struct errors *errors);

/* Adds one formatted message behind the others; one of a place ("FILE:LINE: ...") in front of those that are further down in the same file.
 * Control bytes in it become "\xNN". Running out of memory ends the process. */
void errors_add(struct errors *errors, const char *format, ...) __attribute__((format(printf, 2, 3)));
void errors_add_va(struct errors *errors, const char *format, va_list arguments);

/* One more, that only follows from one that was told: it counts, and nobody is to read it. */
void errors_add_untold(struct errors *errors);

#endif
