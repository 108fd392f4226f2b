/* SPDX-License-Identifier: Apache-2.0
 *
 * make, in a folder of a user's own, as if it were not called from ours: nothing that was set for this build reaches it, but that it is
 * sanitized. Nor does what Criterion sets for its workers: a test in a test would take itself for one.
 */
#ifndef SYSTEM_NEWCOMER_H
#define SYSTEM_NEWCOMER_H

#include "harness.h"

#include <jansson.h>
#include <stdlib.h>

static inline struct run newcomer_make(const char *folder, const char *target)
{
    for (const char *const *name = (const char *const[]){"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "B", "T", "BXFI_MAP", NULL}; *name != NULL;
         name++)
        unsetenv(*name);
    return run("make", "-C", folder, target);
}

#endif
