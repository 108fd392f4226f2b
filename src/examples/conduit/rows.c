/* SPDX-License-Identifier: Apache-2.0
 *
 * What came of a statement, copied out of the database's own memory: so the statement can be run again while its rows are still read.
 */
#include <stdlib.h>
#include <string.h>

#include "rows.h"

/* Twice as large until it is enough. Without memory the worker ends, as in tine_alloc(). */
static void *grown(void *memory, size_t *room, size_t wanted, size_t size)
{
    if (wanted <= *room)
        return memory;
    while (*room < wanted)
        *room = *room == 0 ? 64 : *room * 2;
    memory = realloc(memory, *room * size);
    if (memory == NULL)
        abort();
    return memory;
}

struct rows *rows_new(void)
{
    struct rows *rows = calloc(1, sizeof *rows);
    if (rows == NULL)
        abort();
    return rows;
}

void rows_free(struct rows *rows)
{
    if (rows == NULL)
        return;
    free(rows->text);
    free(rows->cells);
    free(rows);
}

void rows_clear(struct rows *rows)
{
    rows->cell_count = rows->length = 0;
}

void rows_add(struct rows *rows, size_t columns, const char *text, size_t length)
{
    rows->columns = columns;
    rows->cells = grown(rows->cells, &rows->cell_room, rows->cell_count + 1, sizeof *rows->cells);
    rows->cells[rows->cell_count++] = text == NULL ? SIZE_MAX : rows->length;
    if (text == NULL)
        return;
    rows->text = grown(rows->text, &rows->room, rows->length + length + 1, 1);
    memcpy(rows->text + rows->length, text, length);
    rows->text[rows->length + length] = 0;
    rows->length += length + 1;
}

size_t rows_count(const struct rows *rows)
{
    return rows->columns == 0 ? 0 : rows->cell_count / rows->columns;
}

const char *rows_text(const struct rows *rows, size_t row, size_t column)
{
    size_t at = rows->cells[row * rows->columns + column];
    return at == SIZE_MAX ? "" : rows->text + at;
}

int64_t rows_number(const struct rows *rows, size_t row, size_t column)
{
    return strtoll(rows_text(rows, row, column), NULL, 10);
}

/* 1 of SQLite, t of PostgreSQL. */
bool rows_is_true(const struct rows *rows, size_t row, size_t column)
{
    return rows_text(rows, row, column)[0] == '1' || rows_text(rows, row, column)[0] == 't';
}
