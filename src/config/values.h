/* SPDX-License-Identifier: Apache-2.0
 *
 * The values an INI file may hold, text to number and back. Pure. Also used for the settings that
 * modules declare.
 */
#ifndef CONFIG_VALUES_H
#define CONFIG_VALUES_H

#include <stdbool.h>
#include <stdint.h>

/* Each returns false, and leaves *value alone, when 'text' is not of its kind or overflows. */
bool value_parse_integer(const char *text, int64_t *value);
bool value_parse_size(const char *text, int64_t *bytes);       /* 10, 8k, 1m, 2g */
bool value_parse_time(const char *text, int64_t *milliseconds); /* 50ms, 10s, 5m, 1h, 1d; a bare number is seconds */
bool value_parse_percent(const char *text, int64_t *percent);  /* 10% */
bool value_parse_switch(const char *text, bool *value);        /* on, off; also yes/no, true/false */
bool value_parse_mode(const char *text, int64_t *mode);        /* octal permission bits */

/* The shortest text that parses back to the same ("64k", "1m30s" is not one: "90s"). */
enum { VALUE_TEXT_MAX = 32 };
void value_format_size(int64_t bytes, char text[static VALUE_TEXT_MAX]);
void value_format_time(int64_t milliseconds, char text[static VALUE_TEXT_MAX]);

/* The word of 'words' (ends with NULL) that 'text' was probably meant to be, or NULL. */
const char *value_suggest(const char *text, const char *const *words);

#endif
