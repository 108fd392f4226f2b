/* SPDX-License-Identifier: Apache-2.0
 *
 * Fields of a multipart/form-data body, found by name while its parts are gone through, or not. Each search walks parts of its own from
 * the beginning of the body, and what it finds is kept. Runs in workers.
 */
#include "app/input.h"

/* A plain field that was looked for, kept to be found again: what is asked for often shall not take memory each time. */
struct found_part {
    const char *name, *text;
    struct found_part *next;
};

static const char *found_before(const struct input *input, const char *name)
{
    for (const struct found_part *found = input->found; found != NULL; found = found->next)
        if (strcmp(found->name, name) == 0)
            return found->text;
    return NULL;
}

static void keep_found(struct tine_request *r, const char *name, const char *text)
{
    struct found_part *found = arena_alloc(&r->arena, sizeof *found);
    *found = (struct found_part){arena_copy(&r->arena, name, strlen(name)), text, r->input->found};
    r->input->found = found;
}

static const char *look_for(struct tine_request *r, const char *name)
{
    const tine_part *part;
    while ((part = tine_next_part(r)) != NULL)
        if (part->file == NULL && strcmp(part->name, name) == 0)
            return tine_part_text(r);
    return NULL;
}

/* With parts of its own, from the beginning of the body; then the handler's are put back. All that are found have one allowance. */
static const char *look_from_beginning(struct tine_request *r, const char *name)
{
    struct input *input = r->input;
    struct parts *parts = input->parts;
    uint64_t at = input->at;
    if (input->looking == NULL)
        input->looking = parts_new(r);
    input->parts = input->looking;
    input->at = 0;
    parts_start(r, input->parts);
    const char *text = look_for(r, name);
    input->parts = parts;
    input->at = at;
    return text;
}

const char *parts_find(struct tine_request *r, const char *name)
{
    const char *text = found_before(input_of(r), name);
    if (text != NULL || !input_gather(r))
        return text;
    text = look_from_beginning(r, name);
    if (text != NULL)
        keep_found(r, name, text);
    return text;
}
