/* SPDX-License-Identifier: Apache-2.0
 *
 * See changes.h.
 */
#include "cli/changes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Takes the name. */
static void add(struct changes *changes, char *name)
{
    size_t i = 0;
    while (i < changes->count && strcmp(changes->names[i], name) != 0)
        i++;
    if (i == changes->count && i < CHANGES_MAX) {
        changes->names[changes->count++] = name;
        return;
    }
    changes->all = changes->all || i == CHANGES_MAX;
    free(name);
}

void changes_add(struct changes *changes, const char *folder, const char *file)
{
    char *name = NULL;
    if (asprintf(&name, "%s%s", folder, file) < 0)
        abort();
    add(changes, name);
}

void changes_move(struct changes *from, struct changes *to)
{
    for (size_t i = 0; i < from->count; i++)
        add(to, from->names[i]);
    to->all = to->all || from->all;
    *from = (struct changes){0};
}

void changes_clear(struct changes *changes)
{
    for (size_t i = 0; i < changes->count; i++)
        free(changes->names[i]);
    *changes = (struct changes){0};
}
