/* SPDX-License-Identifier: Apache-2.0
 *
 * What `tine run` was pointed at: a file or a folder of C, its INI file, and how it is built. make builds, always: by the folder's
 * Makefile if that includes tine.mk, else by tine.mk itself.
 */
#ifndef CLI_PROJECT_H
#define CLI_PROJECT_H

#include "cli/changes.h"
#include "cli/installation.h"

#include <stdbool.h>

/* Signs that make, or the shell that it calls, takes for something else in a file's name. */
#define NOT_FOR_MAKE " \t$%:;=#'\"\\&()*?[]<>|`~"

struct project {
    char *folder;      /* absolute */
    char *source;      /* the one file that is built, in the folder; NULL: all of it */
    char *ini;         /* absolute; NULL: there is none */
    bool has_makefile; /* that includes tine.mk */
    bool sanitize;
    char *name;    /* of the module, which is called NAME.so */
    char *runtime; /* of the sanitizers, absolute, and what it needs to find, as LD_PRELOAD takes it; NULL: they are not used */
    char *objects; /* the folder that is built in, absolute */
    struct changes changes; /* since it was built last */
};

/* 'place' is a file or a folder, 'ini' is NULL if it is to be looked for, 'scratch' a folder to build in where a single file is built. 0,
 * or -1 after telling what is wrong. For as long as the process. */
int project_find(struct project *project, const struct installation *installation, const char *place, const char *ini, bool sanitize,
                 const char *scratch);

/* The command that builds 'target'; it lives until the next call. */
char **project_make(const struct project *project, const struct installation *installation, const char *target);

/* Does a file of this name, changed in the folder, have any part in what is served? */
bool project_concerns(const struct project *project, const char *file);

/* Does it say how things are built, so that all has to be built again? */
bool project_is_rules(const char *file);

#endif
