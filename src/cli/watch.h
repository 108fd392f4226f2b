/* SPDX-License-Identifier: Apache-2.0
 *
 * Tells when files change. Folders are watched, not files: editors put a new file in the place of the old one. What comes within a
 * moment, as of "save all", is one change.
 */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include "cli/project.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WATCH_FOLDERS_MAX = 16 };

struct watch {
    int fd;
    struct {
        int descriptor;
        bool all; /* every file in it counts, not only what is built */
        char *name; /* as make calls it, with '/' behind; NULL: it does not */
    } folders[WATCH_FOLDERS_MAX];
    size_t count;
    struct changes changes;
    int64_t first, last; /* when what was not told yet changed, ms; 0: nothing has */
};

int watch_open(struct watch *watch); /* 0, or -1 with errno */
void watch_add(struct watch *watch, const char *folder, const char *name, bool all);

/* Reads what is there. */
void watch_read(struct watch *watch, const struct project *project);

/* ms until a change can be told, 0: now, -1: there is none. watch_take() says that it was told, and adds what changed. */
int watch_due(const struct watch *watch);
void watch_take(struct watch *watch, struct changes *changes);

#endif
