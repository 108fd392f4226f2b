/* SPDX-License-Identifier: Apache-2.0
 *
 * What database.h hides of rows. Cells are places in one text, so that it can grow.
 */
#ifndef CONDUIT_ROWS_H
#define CONDUIT_ROWS_H

#include "database.h"

struct rows {
    size_t columns;
    size_t *cells; /* row by row; SIZE_MAX: NULL, which reads as "" and 0 */
    size_t cell_count, cell_room;
    char *text;
    size_t length, room;
};

struct rows *rows_new(void);
void rows_clear(struct rows *rows);

const struct driver *database_driver(const struct database *database);

#endif
