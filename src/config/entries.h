/* SPDX-License-Identifier: Apache-2.0
 *
 * All headings and settings of a configuration, in the order they count: the file's, with included files
 * in the place where they are included, then those of the command line. What a section or key means is
 * not known here, but for [server] include.
 */
#ifndef CONFIG_ENTRIES_H
#define CONFIG_ENTRIES_H

#include "config/config.h"
#include "config/pool.h"

struct entry {
    const char *section;   /* "server", "app:hello" */
    const char *key;       /* NULL: the heading itself */
    const char *value;     /* unquoted and expanded; NULL when that failed, which has been told */
    const char *directory; /* absolute: where a relative path in it starts */
    struct config_place place;
    size_t order;
    bool is_override;
    bool is_dropped;              /* another entry of the same section and key counts */
    const struct entry *repeated; /* ... namely this one, and it is a mistake to have both */
};

struct entries {
    struct entry *items;
    struct entry **sorted; /* by section and key, once settled */
    size_t count;
    struct pool *memory;
    struct errors *errors;
    int files;
};

/* Reads the file at 'path' (absolute) and what it includes; messages call it 'shown'. Returns false when
 * that file itself could not be read. */
bool entries_read(struct entries *entries, const char *path, const char *shown, const char *directory);

/* The same of a text. The first 'hidden' lines are not counted. */
void entries_read_text(struct entries *entries, const char *text, int hidden, const char *path, const char *shown, const char *directory);

/* Adds "section.key=value" from the command line. The value counts as it stands. */
void entries_override(struct entries *entries, const char *text, const char *directory);

/* Decides among entries of one section and key: the command line's counts, or else the first one, and
 * every other is marked. Call once, after all were added. */
void entries_settle(struct entries *entries);

/* The entry that counts, or NULL. Only once settled. */
const struct entry *entries_find(const struct entries *entries, const char *section, const char *key);

#endif
