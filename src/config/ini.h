/* SPDX-License-Identifier: Apache-2.0
 *
 * The lines of one INI text. inih splits them; what it would take wrongly, or cut without a word, is
 * found and told before it sees the line. No files, no includes, no meaning: see entries.h.
 */
#ifndef CONFIG_INI_H
#define CONFIG_INI_H

#include <stddef.h>

enum {
    INI_LINE_MAX = 8189, /* bytes of a line, its end not counted */
    INI_SECTION_MAX = 49, /* what inih keeps of a name */
    INI_KEY_MAX = 64
};

/* Who is told, line by line. All text lives only during the call. */
struct ini_visitor {
    void *context;
    void (*heading)(void *context, int line, const char *section);
    void (*setting)(void *context, int line, const char *section, const char *key, const char *raw_value);
    void (*mistake)(void *context, int line, const char *message);
};

/* Reads text[0..length). A setting under a heading that was a mistake is not told. */
void ini_read(const char *text, size_t length, const struct ini_visitor *visitor);

#endif
