/* SPDX-License-Identifier: Apache-2.0
 *
 * What clients send: each reason why it cannot be taken is told, and nothing is asked of the database before.
 */
#include "conduit.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void input_wrong(struct input *input, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    int told = json_array_append_new(input->reasons, json_string(text));
    assert(told == 0); /* else what is wrong would be taken for right */
}

void input_open(struct input *input, tine_request *r, const char *name)
{
    json_t *document = tine_json_document(r);
    *input = (struct input){.r = r, .name = name, .reasons = json_array()};
    if (document == NULL) {
        input_wrong(input, "%s", tine_failure(r));
        return;
    }
    input->object = json_object_get(document, name);
    if (!json_is_object(input->object)) {
        input->object = NULL;
        input_wrong(input, "%s must be an object", name);
    }
}

/* NULL: there is none that is text. */
static const char *get_text(struct input *input, const char *name, enum presence presence, size_t most, bool may_be_empty)
{
    json_t *value = json_object_get(input->object, name);
    input->has_any = input->has_any || value != NULL;
    if (input->object == NULL || (value == NULL && presence == OPTIONAL))
        return NULL;
    if (value == NULL || (json_is_null(value) && !may_be_empty))
        input_wrong(input, "%s can't be blank", name);
    else if (json_is_null(value))
        return "";
    else if (!json_is_string(value))
        input_wrong(input, "%s must be a text", name);
    else if (!may_be_empty && json_string_value(value)[strspn(json_string_value(value), " \t\r\n")] == 0)
        input_wrong(input, "%s can't be blank", name);
    else if (json_string_length(value) > most)
        input_wrong(input, "%s is too long (%zu bytes at most)", name, most);
    else
        return json_string_value(value);
    return NULL;
}

const char *input_text(struct input *input, const char *name, enum presence presence, size_t most)
{
    return get_text(input, name, presence, most, false);
}

const char *input_any_text(struct input *input, const char *name, enum presence presence, size_t most)
{
    return get_text(input, name, presence, most, true);
}

static bool has_text(const json_t *texts, const char *text)
{
    for (size_t i = 0; i < json_array_size(texts); i++)
        if (strcmp(json_string_value(json_array_get(texts, i)), text) == 0)
            return true;
    return false;
}

json_t *input_texts(struct input *input, const char *name, size_t most_texts, size_t most)
{
    json_t *given = json_object_get(input->object, name), *texts = json_array(), *value;
    size_t i;
    if (given != NULL && !json_is_null(given) && !json_is_array(given))
        input_wrong(input, "%s must be a list of texts", name);
    if (json_array_size(given) > most_texts)
        input_wrong(input, "%s is too long (%zu at most)", name, most_texts);
    json_array_foreach(given, i, value) {
        const char *text = json_string_value(value);
        if (text == NULL || text[0] == 0 || json_string_length(value) > most) {
            input_wrong(input, "%s must be texts of 1 to %zu bytes", name, most);
            break;
        }
        if (!has_text(texts, text))
            json_array_append(texts, value);
    }
    return texts;
}

void input_need_any(struct input *input)
{
    if (input->object != NULL && !input->has_any)
        input_wrong(input, "%s must have a field to change", input->name);
}

int input_status(struct input *input)
{
    if (json_array_size(input->reasons) > 0)
        return refuse_all(input->r, 422, input->reasons);
    json_decref(input->reasons);
    return 0;
}

/* As it is in most answers: jansson knows what is UTF-8. */
static const char *known_text(const char *text)
{
    json_t *value = text != NULL && text[0] != 0 ? json_string(text) : NULL;
    bool is_text = value != NULL;
    json_decref(value);
    return is_text ? text : NULL;
}

const char *input_param(tine_request *r, const char *name)
{
    return known_text(tine_param(r, name));
}

const char *input_query(tine_request *r, const char *name)
{
    return known_text(tine_query(r, name));
}
