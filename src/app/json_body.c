/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies of JSON, unpacked by a format of jansson's. Its errors name a place in the format, which means nothing to a client: the format is
 * walked along with the document to find the JSON pointer (RFC 6901) of what is wrong. Runs in workers.
 */
#include "app/input.h"

#include "http/parameters.h"

#include <limits.h>
#include <stdio.h>

enum { DEPTH_MAX = 32, POINTER_MAX = 256 };

static bool is_json(struct slice type)
{
    return slice_equals_nocase(type, SLICE("application/json")) ||
           (type.length > 17 && strncasecmp(type.data, "application/", 12) == 0 &&
            strncasecmp(type.data + type.length - 5, "+json", 5) == 0);
}

/* What jansson says, but where it speaks of its own flags, or takes a NUL byte for the end. */
static const char *wrong_with(struct slice body, const json_error_t *error)
{
    enum json_error_code code = json_error_code(error);
    if (code == json_error_null_character || code == json_error_null_byte_in_key)
        return "a NUL in a string is not allowed";
    if (strstr(error->text, "near end of file") != NULL && memchr(body.data, 0, body.length) != NULL)
        return "a NUL byte is not allowed";
    return error->text;
}

json_t *tine_json_document(tine_request *r)
{
    struct input *input = input_of(r);
    const char *type = tine_header(r, "Content-Type");
    json_error_t error;
    struct slice body;
    if (input->json != NULL)
        return input->json;
    if (type == NULL || !is_json(parameters_before(slice_from(type)))) {
        input_fail(r, 415, "the body must be application/json");
        return NULL;
    }
    if (!input_is_uncoded(r) || !input_is_utf8(r, type) || !input_body(r, &body))
        return NULL;
    input->json = json_loadb(body.data, body.length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (input->json == NULL)
        input_fail(r, 400, "the body is not JSON: line %d, column %d: %s", error.line, error.column, wrong_with(body, &error));
    return input->json;
}

/* A walk through format and document at once. */
struct walk {
    const char *format;
    size_t at;
    json_t *value[DEPTH_MAX]; /* [0]: the document; then what it holds, down to where the walk is; NULL: not there */
    size_t end[DEPTH_MAX];    /* of the pointer to it */
    size_t index[DEPTH_MAX];  /* in an array: of what comes next */
    bool object[DEPTH_MAX];
    int depth;                /* of the object or array that is open; -1: none */
    char pointer[POINTER_MAX];
};

/* Appends "/key" behind the pointer of the open one. What does not fit is left out: it is for people. */
static void point_to(struct walk *walk, const char *key)
{
    size_t end = walk->end[walk->depth];
    walk->pointer[end++] = '/';
    for (; *key != 0 && end + 3 < POINTER_MAX; key++) {
        if (*key == '~' || *key == '/') {
            walk->pointer[end++] = '~';
            walk->pointer[end++] = *key == '~' ? '0' : '1';
        } else {
            walk->pointer[end++] = *key;
        }
    }
    walk->pointer[end] = 0;
}

static char next_token(struct walk *walk)
{
    while (walk->format[walk->at] != 0 && strchr(" \t\n,:", walk->format[walk->at]) != NULL)
        walk->at++;
    return walk->format[walk->at] != 0 ? walk->format[walk->at++] : 0;
}

/* On to the value that the next token is about, which is returned; *value is it. */
static char next_value(struct walk *walk, va_list *arguments, json_t **value)
{
    char token = next_token(walk), number[24];
    int depth = walk->depth;
    if (depth < 0 || strchr("}]!*", token) != NULL)
        return token;
    if (walk->end[depth] + 8 > POINTER_MAX)
        return 0;
    if (walk->object[depth]) {
        const char *key = va_arg(*arguments, const char *);
        point_to(walk, key);
        *value = json_object_get(walk->value[depth], key);
        token = next_token(walk);
        return token == '?' ? next_token(walk) : token;
    }
    snprintf(number, sizeof number, "%zu", walk->index[depth]);
    point_to(walk, number);
    *value = json_array_get(walk->value[depth], walk->index[depth]++);
    return token;
}

static bool enter(struct walk *walk, json_t *value, bool object)
{
    if (walk->depth + 1 == DEPTH_MAX)
        return false;
    walk->depth++;
    walk->value[walk->depth] = value;
    walk->end[walk->depth] = strlen(walk->pointer);
    walk->index[walk->depth] = 0;
    walk->object[walk->depth] = object;
    return true;
}

static bool overflows(json_t *value, char token)
{
    return token == 'i' && json_is_integer(value) && (json_integer_value(value) < INT_MIN || json_integer_value(value) > INT_MAX);
}

/* To the token that ends at 'position', or, if it is -1, to the first integer that its int could not hold. True: walk->pointer
 * leads there, and *value is what stands there. The format is one that jansson took. */
static bool walk_to(struct walk *walk, int position, va_list *arguments, json_t **value)
{
    for (;;) {
        char token = next_value(walk, arguments, value);
        if (token == 0)
            return false;
        if (strchr("}]!*", token) != NULL) {
            walk->pointer[walk->depth >= 0 ? walk->end[walk->depth] : 0] = 0;
            *value = walk->depth >= 0 ? walk->value[walk->depth] : NULL;
            walk->depth -= (token == '}' || token == ']') && walk->depth >= 0;
        }
        if (position >= 0 ? (size_t)position <= walk->at : overflows(*value, token))
            return true;
        if (token == '{' || token == '[') {
            if (!enter(walk, *value, token == '{'))
                return false;
        } else if (strchr("sIibfFoO", token) != NULL) {
            (void)va_arg(*arguments, void *);
            if (token == 's' && walk->format[walk->at] == '%') {
                walk->at++;
                (void)va_arg(*arguments, size_t *);
            }
        }
    }
}

static int refuse(struct tine_request *r, const struct walk *walk, const json_t *value, const char *text)
{
    const char *pointer = walk->pointer[0] != 0 ? walk->pointer : "the document";
    if (value == NULL)
        return input_fail(r, 422, "%s is missing", pointer);
    return input_fail(r, 422, "%s: %s", pointer, text);
}

static int unpack(struct tine_request *r, json_t *root, const char *format, va_list *arguments)
{
    struct walk walk = {.format = format, .depth = -1};
    json_t *value = root;
    json_error_t error;
    va_list again;
    va_copy(again, *arguments);
    int result = json_vunpack_ex(root, &error, 0, format, *arguments);
    if (result != 0 && strcmp(error.source, "<validation>") != 0)
        result = input_mistake(r, "unpacks JSON by a wrong format '%s': %s", format, error.text);
    else if (walk_to(&walk, result != 0 ? error.position : -1, &again, &value))
        result = refuse(r, &walk, value, result != 0 ? error.text : "the integer is too large or too small");
    else if (result != 0)
        result = input_fail(r, 422, "%s", error.text);
    va_end(again);
    return result;
}

int tine_json_body(tine_request *r, const char *format, ...)
{
    json_t *root = tine_json_document(r);
    va_list arguments;
    if (root == NULL)
        return tine_failed(r);
    va_start(arguments, format);
    int result = unpack(r, root, format, &arguments);
    va_end(arguments);
    return result;
}
