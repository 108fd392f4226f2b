/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening files that certainly lie in one folder, whatever the path says and whatever links are in the way.
 */
#ifndef MODULES_BENEATH_H
#define MODULES_BENEATH_H

#include <stdbool.h>

struct beneath {
    int root;     /* O_PATH; -1 when closed */
    bool by_step; /* there is no openat2(): walk, and follow no link at all */
};

/* Opens the folder. 0, or -1 with errno when it cannot be opened or entered; then there is nothing to close. */
int beneath_open(struct beneath *folder, const char *path);
void beneath_close(struct beneath *folder);

/* Opens what `path`, relative to the folder ("" is the folder itself), names; `flags` as for open(), O_CLOEXEC is
 * added. Never waits for a FIFO or a terminal. A path that leaves the folder fails with EXDEV or ELOOP,
 * also by a symbolic link; a relative link that stays inside is followed. Returns a descriptor, or -1 with errno. */
int beneath_open_file(const struct beneath *folder, const char *path, int flags);

#endif
