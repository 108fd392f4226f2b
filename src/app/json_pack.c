/* SPDX-License-Identifier: Apache-2.0
 *
 * See json_pack.h.
 *
 * What is packed to be sent is a tree for a moment only: a dozen allocations for each object, to be read once and freed. Here the usual
 * formats are written straight into the buffer. All others are jansson's, and so are all that are wrong: they are begun anew, with the
 * arguments as they were, and jansson makes the tree or says what is wrong.
 */
#include "app/json_pack.h"

#include "app/json_text.h"

#include <string.h>

enum { KEYS_MAX = 32, GIVEN_MAX = 16, DEPTH_MAX = 8 };

struct packing {
    struct buffer *out;
    const char *format; /* what is left of it */
    va_list arguments;
    const char *keys[KEYS_MAX]; /* of the objects that are open, outermost first */
    int key_count;
    json_t *given[GIVEN_MAX]; /* by 'o', ours when all is well */
    int given_count;
};

static bool pack_value(struct packing *packing, char token, int depth);

/* The next token; not past it. */
static char peek(struct packing *packing)
{
    while (*packing->format == ' ' || *packing->format == ',' || *packing->format == ':' || *packing->format == '\t' ||
           *packing->format == '\n')
        packing->format++;
    return *packing->format;
}

static char next_token(struct packing *packing)
{
    char token = peek(packing);
    packing->format += token != 0;
    return token;
}

/* By what follows: NULL is null or left out, or the text has a length, or goes on. */
static bool is_modified(struct packing *packing)
{
    char next = peek(packing);
    return next == '?' || next == '*' || next == '#' || next == '%' || next == '+';
}

/* A key that comes twice replaces the first in a tree. */
static bool is_new_key(const struct packing *packing, int first, const char *key)
{
    for (int i = first; i < packing->key_count; i++)
        if (strcmp(packing->keys[i], key) == 0)
            return false;
    return true;
}

static bool pack_key(struct packing *packing, int first)
{
    const char *key = va_arg(packing->arguments, const char *);
    if (key == NULL || is_modified(packing) || packing->key_count == KEYS_MAX || !is_new_key(packing, first, key))
        return false;
    packing->keys[packing->key_count++] = key;
    return json_text_append_string(packing->out, key, strlen(key));
}

static bool pack_object(struct packing *packing, int depth)
{
    int first = packing->key_count;
    char token;
    buffer_append_byte(packing->out, '{');
    while ((token = next_token(packing)) != '}') {
        if (packing->key_count > first)
            buffer_append_byte(packing->out, ',');
        if (token != 's' || !pack_key(packing, first))
            return false;
        buffer_append_byte(packing->out, ':');
        if (!pack_value(packing, next_token(packing), depth))
            return false;
    }
    buffer_append_byte(packing->out, '}');
    packing->key_count = first;
    return true;
}

static bool pack_array(struct packing *packing, int depth)
{
    char token;
    buffer_append_byte(packing->out, '[');
    for (bool first = true; (token = next_token(packing)) != ']'; first = false) {
        if (!first)
            buffer_append_byte(packing->out, ',');
        if (!pack_value(packing, token, depth))
            return false;
    }
    buffer_append_byte(packing->out, ']');
    return true;
}

static bool pack_string(struct packing *packing)
{
    bool may_be_null = peek(packing) == '?';
    packing->format += may_be_null;
    const char *text = va_arg(packing->arguments, const char *);
    if (is_modified(packing) || (text == NULL && !may_be_null))
        return false;
    if (text != NULL)
        return json_text_append_string(packing->out, text, strlen(text));
    buffer_append(packing->out, "null", 4);
    return true;
}

static bool pack_given(struct packing *packing, bool is_ours)
{
    json_t *value = va_arg(packing->arguments, json_t *);
    if (value == NULL || is_modified(packing) || packing->given_count == GIVEN_MAX)
        return false;
    if (is_ours)
        packing->given[packing->given_count++] = value;
    return json_text_append(packing->out, value);
}

static bool pack_value(struct packing *packing, char token, int depth)
{
    switch (token) {
    case '{':
        return depth < DEPTH_MAX && pack_object(packing, depth + 1);
    case '[':
        return depth < DEPTH_MAX && pack_array(packing, depth + 1);
    case 's':
        return pack_string(packing);
    case 'i':
        json_text_append_integer(packing->out, va_arg(packing->arguments, int));
        return true;
    case 'I':
        json_text_append_integer(packing->out, va_arg(packing->arguments, json_int_t));
        return true;
    case 'b':
        buffer_append_text(packing->out, va_arg(packing->arguments, int) ? "true" : "false");
        return true;
    case 'n':
        buffer_append(packing->out, "null", 4);
        return true;
    case 'o':
    case 'O':
        return pack_given(packing, token == 'o');
    default:
        return false;
    }
}

/* False: let jansson do it. */
static bool pack(struct packing *packing)
{
    if (!pack_value(packing, next_token(packing), 0) || next_token(packing) != 0)
        return false;
    for (int i = 0; i < packing->given_count; i++)
        json_decref(packing->given[i]);
    return true;
}

static bool pack_by_tree(struct buffer *out, const char *format, va_list arguments, json_error_t *error)
{
    json_t *value = json_vpack_ex(error, 0, format, arguments);
    bool made = value != NULL && json_text_append(out, value);
    if (value != NULL && !made)
        strcpy(error->text, "a value that cannot be written");
    json_decref(value);
    return made;
}

bool json_pack_append(struct buffer *out, const char *format, va_list arguments, json_error_t *error)
{
    struct packing packing = {.out = out, .format = format};
    size_t before = buffer_length(out);
    va_copy(packing.arguments, arguments);
    bool made = pack(&packing);
    va_end(packing.arguments);
    if (made)
        return true;
    out->end = out->start + before;
    made = pack_by_tree(out, format, arguments, error);
    if (!made)
        out->end = out->start + before;
    return made;
}
