/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening files that certainly lie in one folder, whatever the path says and whatever links are in the way.
 */
#ifndef MODULES_BENEATH_H
#define MODULES_BENEATH_H

#include <stdbool.h>

/* Which symbolic links are followed. That to the folder itself always is. */
enum beneath_links {
    BENEATH_NONE,
    BENEATH_INSIDE, /* relative ones that do not lead out */
    BENEATH_ANY     /* what lies in the folder is not all that is served, then: for those who trust who may write there */
};

struct beneath {
    int root;     /* O_PATH; -1 when closed */
    enum beneath_links links;
    bool by_step; /* there is no openat2(): walk, and follow no link at all, or any */
};

/* Opens the folder. 0, or -1 with errno when it cannot be opened or entered; then there is nothing to close. */
int beneath_open(struct beneath *folder, const char *path, enum beneath_links links);
void beneath_close(struct beneath *folder);

/* Opens what `path`, relative to the folder ("" is the folder itself), names; `flags` as for open(), O_CLOEXEC is
 * added. Never waits for a FIFO or a terminal. A path that leaves the folder by ".." or by a link that is not to be
 * followed fails with EXDEV or ELOOP. Returns a descriptor, or -1 with errno. */
int beneath_open_file(const struct beneath *folder, const char *path, int flags);

#endif
