/* SPDX-License-Identifier: Apache-2.0
 *
 * A file of lines "name:value" that says who may come in: read whole, in memory since, and read again when it has changed. One that cannot
 * be read any more, or has become wrong, changes nothing but the log: whoever was let in stays so until the file is right. One that has
 * become empty counts when it has been so for two seconds.
 */
#ifndef COMMON_ROSTER_H
#define COMMON_ROSTER_H

#include <stdbool.h>
#include <stddef.h>

enum { ROSTER_FILE_MAX = 4 << 20, ROSTER_MAX = 20000, ROSTER_REASON_MAX = 512 };

struct roster_entry {
    const char *name, *value;
};

struct roster {
    struct roster_entry *entries; /* in order of their names, each name once */
    size_t count;
    struct roster_state *state;
};

/* What is wrong with such a line, in words that follow "users:3: "; NULL: nothing. */
typedef const char *roster_check(const char *name, const char *value);

/* Reads the file: lines that are empty or begin with '#' do not count. `path` must live as long as the roster. Returns 0, or -1 with the
 * reason, which names file and line; then there is nothing to close. */
int roster_open(struct roster *roster, const char *path, roster_check *check, char reason[ROSTER_REASON_MAX]);
void roster_close(struct roster *roster);

/* Looks, once a second at most, whether the file is another, and reads it then. True: the entries are new ones. */
bool roster_refresh(struct roster *roster);

/* The one of that name, or NULL. */
const struct roster_entry *roster_find(const struct roster *roster, const char *name);

#endif
