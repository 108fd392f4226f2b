/* SPDX-License-Identifier: Apache-2.0
 *
 * Private copies of the shared objects that a generation loads: so that `cp new.so app.so` over a running server does
 * not pull the code out from under it, and all workers of a generation run the same. Runs in the master, which never
 * loads them itself.
 */
#ifndef MASTER_MODULES_H
#define MASTER_MODULES_H

#include "base/errors.h"
#include "config/config.h"

struct modules {
    char *directory; /* NULL: no app has a shared object */
    int lock;        /* on the directory: it is in use */
    char **files;    /* one for each app; NULL for built-ins */
    size_t count;
};

/* Copies what the configuration names. Returns 0, or -1 with reasons added. */
int modules_copy(struct modules *modules, const struct config *config, struct errors *errors);

/* Removes the copies. */
void modules_release(struct modules *modules);

/* Removes what masters that were killed left in 'temp'; not what others use, of whatever process namespace. */
void modules_remove_stale(const char *temp);

#endif
