/* SPDX-License-Identifier: Apache-2.0
 *
 * RFC 9457: what holds for every problem, held against each one that comes, whatever the case is about.
 */
#include "expect.h"

#include "../system/harness.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

static bool is_listed(const char *name)
{
    static const char *const listed[] = {"type", "title", "detail", "instance"};
    for (size_t i = 0; i < sizeof listed / sizeof *listed; i++)
        if (strcmp(name, listed[i]) == 0)
            return true;
    return false;
}

/* Section 4: so that it can be written in other formats, too. */
static bool is_extension(const char *name)
{
    size_t length = 0;
    while (isalnum((unsigned char)name[length]) || name[length] == '_')
        length++;
    return isalpha((unsigned char)name[0]) && name[length] == 0 && length >= 3;
}

static char *check_members(json_t *problem, int status)
{
    const char *name;
    json_t *value;
    json_object_foreach(problem, name, value) {
        if (strcmp(name, "status") == 0) {
            if (json_integer_value(value) != status)
                return text("a problem whose status is not that of the answer");
        } else if (is_listed(name) ? !json_is_string(value) : !is_extension(name))
            return text("a problem with a wrong member '%s'", name);
    }
    return NULL;
}

/* Section 4.2.1, for statuses that have a phrase. */
static bool has_phrase_for_title(json_t *problem, const struct answer *answer)
{
    const char *type = json_string_value(json_object_get(problem, "type")), *title = json_string_value(json_object_get(problem, "title"));
    const char *phrase = answer->head + strlen("HTTP/1.1 404 ");
    size_t length = strcspn(phrase, "\r");
    if (length == 0 || (type != NULL && strcmp(type, "about:blank") != 0))
        return true;
    return title != NULL && strlen(title) == length && memcmp(title, phrase, length) == 0;
}

char *problem_check(const struct answer *answer)
{
    json_t *problem = json_loadb(answer->body, answer->length, JSON_REJECT_DUPLICATES, NULL);
    char *wrong = json_is_object(problem) ? check_members(problem, answer->status) : text("a problem that is no JSON object");
    if (wrong == NULL && !has_phrase_for_title(problem, answer))
        wrong = text("a problem whose title is not the phrase of its status");
    json_decref(problem);
    return wrong;
}
