/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of files that changed, for make, which goes by times: of a file that was saved while it was compiled, or that is older than what
 * it took the place of, it would say that nothing changed.
 */
#ifndef CLI_CHANGES_H
#define CLI_CHANGES_H

#include <stdbool.h>
#include <stddef.h>

enum { CHANGES_MAX = 8 };

struct changes {
    char *names[CHANGES_MAX]; /* as make calls them */
    size_t count;
    bool all; /* more than these, or how things are built */
};

void changes_add(struct changes *changes, const char *folder, const char *file); /* 'folder' ends in '/', or is "" */
void changes_move(struct changes *from, struct changes *to);
void changes_clear(struct changes *changes);

#endif
