/* SPDX-License-Identifier: Apache-2.0
 *
 * The tags there are, those of the most articles first.
 */
#include "conduit.h"

enum { TAGS_MAX = 1000 };

int get_tags(tine_request *r)
{
    struct rows *rows;
    int status = ask(r, &rows, "SELECT tag FROM article_tag GROUP BY tag ORDER BY count(*) DESC, tag LIMIT $1", VALUES(NUMBER(TAGS_MAX)));
    if (status != 0)
        return status;
    json_t *tags = json_array();
    for (size_t i = 0; i < rows_count(rows); i++)
        json_array_append_new(tags, json_string(rows_text(rows, i, 0)));
    return tine_json_pack(r, 200, "{s:o}", "tags", tags);
}
