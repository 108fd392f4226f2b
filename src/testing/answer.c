/* SPDX-License-Identifier: Apache-2.0
 *
 * See answer.h.
 */
#include "testing/answer.h"

#include "base/memory.h"

#include <stdlib.h>
#include <strings.h>

void answer_take_head(void *context, struct slice bytes)
{
    struct tine_answer *answer = context;
    buffer_append(&answer->head, bytes.data, bytes.length);
}

void answer_take_body(void *context, struct slice bytes)
{
    struct tine_answer *answer = context;
    buffer_append(&answer->body, bytes.data, bytes.length);
}

static void add_field(struct tine_answer *answer, char *line)
{
    char *colon = strchr(line, ':');
    if (colon == NULL)
        return;
    *colon = 0;
    answer->fields = memory_resize(answer->fields, (answer->field_count + 1) * sizeof *answer->fields);
    answer->fields[answer->field_count++] = (struct answer_field){line, colon + 1 + strspn(colon + 1, " ")};
}

/* Lines of the server's own making: no line is folded, none has a NUL. */
void answer_settle(struct tine_answer *answer)
{
    buffer_append(&answer->head, "", 1);
    buffer_append(&answer->body, "", 1);
    char *line = strstr(buffer_bytes(&answer->head), "\r\n");
    while (line != NULL && line[2] != '\r' && line[2] != 0) {
        char *end = strstr(line += 2, "\r\n");
        if (end != NULL)
            *end = 0;
        add_field(answer, line);
        line = end;
    }
}

void answer_free(struct tine_answer *answer)
{
    json_decref(answer->json);
    buffer_release(&answer->head);
    buffer_release(&answer->body);
    free(answer->fields);
    free(answer);
}

int tine_answer_status(const tine_answer *a)
{
    return a->result.status;
}

int tine_answer_whole(const tine_answer *a)
{
    return a->result.whole;
}

const char *tine_answer_header(const tine_answer *a, const char *name)
{
    for (size_t i = 0; i < a->field_count; i++)
        if (strcasecmp(a->fields[i].name, name) == 0)
            return a->fields[i].value;
    return NULL;
}

int tine_answer_header_at(const tine_answer *a, size_t i, const char **name, const char **value)
{
    if (i >= a->field_count)
        return -1;
    if (name != NULL)
        *name = a->fields[i].name;
    if (value != NULL)
        *value = a->fields[i].value;
    return 0;
}

const char *tine_answer_body(const tine_answer *a, size_t *length)
{
    if (length != NULL)
        *length = buffer_length(&a->body) - 1;
    return buffer_bytes(&a->body);
}

json_t *tine_answer_json(const tine_answer *a)
{
    struct tine_answer *answer = (struct tine_answer *)a; /* made by us: it only remembers */
    if (!answer->json_known)
        answer->json = json_loadb(buffer_bytes(&a->body), buffer_length(&a->body) - 1, JSON_DECODE_ANY, NULL);
    answer->json_known = true;
    return answer->json;
}
