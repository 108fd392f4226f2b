/* SPDX-License-Identifier: Apache-2.0
 *
 * See form_data.h.
 */
#include "form_data.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { BOUNDARY_MAX = 70, DELIMITER_SIZE = 4 + BOUNDARY_MAX + 1 };

static const char media_type[] = "multipart/form-data";

bool form_data_is(const char *type)
{
    size_t length = sizeof media_type - 1;

    return strncasecmp(type, media_type, length) == 0 && (type[length] == '\0' || strchr("; \t", type[length]) != NULL);
}

/* What stands between parts: a line's end, "--", and the boundary. */
static bool find_delimiter(const char *type, char delimiter[DELIMITER_SIZE])
{
    const char *boundary = strcasestr(type, "boundary=");
    size_t length;

    if (!form_data_is(type) || boundary == NULL)
        return false;
    boundary += strlen("boundary=");
    bool quoted = *boundary == '"';
    boundary += quoted;
    length = strcspn(boundary, quoted ? "\"" : "; \t");
    if (length == 0 || length > BOUNDARY_MAX)
        return false;
    snprintf(delimiter, DELIMITER_SIZE, "\r\n--%.*s", (int)length, boundary);
    return true;
}

static const char *find(const char *from, const char *end, const char *text)
{
    return memmem(from, (size_t)(end - from), text, strlen(text));
}

/* Behind 'key="' on a line of its own parameters: "name=" is not the end of "filename=". */
static const char *parameter(const char *line, const char *end, const char *key)
{
    size_t length = strlen(key);

    for (const char *at = line + 1; end - at > (long)length + 1; at++)
        if ((at[-1] == ' ' || at[-1] == ';' || at[-1] == '\t') && strncasecmp(at, key, length) == 0 && at[length] == '=')
            return at + length + 1;
    return NULL;
}

static bool is_field(const char *line, const char *end, const char *name)
{
    const char *value = parameter(line, end, "name");
    size_t length = strlen(name);

    return value != NULL && end - value >= (long)length + 2 && *value == '"' && memcmp(value + 1, name, length) == 0 &&
           value[length + 1] == '"' && parameter(line, end, "filename") == NULL && parameter(line, end, "filename*") == NULL;
}

/* The lines of a part's head, each behind a line's end. */
static bool is_wanted(const char *head, const char *end, const char *name)
{
    static const char field[] = "Content-Disposition:";

    for (const char *line = head, *next; line < end; line = next) {
        line += 2;
        next = find(line, end, "\r\n");
        next = next != NULL ? next : end;
        if ((size_t)(next - line) >= sizeof field && strncasecmp(line, field, sizeof field - 1) == 0)
            return is_field(line, next, name);
    }
    return false;
}

/* Behind a delimiter: the end of its line, from where a part's head begins; NULL behind the last part. */
static const char *head_behind(const char *at, const char *end)
{
    return end - at >= 2 && memcmp(at, "--", 2) == 0 ? NULL : find(at, end, "\r\n");
}

static const char *next_head(const char *from, const char *end, const char *delimiter)
{
    const char *at = find(from, end, delimiter);

    return at != NULL ? head_behind(at + strlen(delimiter), end) : NULL;
}

/* The body may begin with a delimiter, whose line's end is that of the fields in front of it. */
static const char *first_head(const char *body, const char *end, const char *delimiter)
{
    size_t length = strlen(delimiter) - 2;

    if ((size_t)(end - body) >= length && memcmp(body, delimiter + 2, length) == 0)
        return head_behind(body + length, end);
    return next_head(body, end, delimiter);
}

const char *form_data_find(const char *type, const char *body, size_t length, const char *name, size_t *value_length)
{
    char delimiter[DELIMITER_SIZE];
    const char *end = body + length, *head, *content, *behind;

    if (!find_delimiter(type, delimiter))
        return NULL;
    for (head = first_head(body, end, delimiter); head != NULL; head = next_head(content, end, delimiter)) {
        content = find(head, end, "\r\n\r\n");
        if (content == NULL)
            return NULL;
        bool wanted = is_wanted(head, content, name);
        content += 2; /* the line's end in front of an empty content is the delimiter's as well */
        behind = wanted ? find(content, end, delimiter) : NULL;
        if (wanted && behind == NULL)
            return NULL; /* it is cut off */
        if (wanted) {
            *value_length = behind > content ? (size_t)(behind - content) - 2 : 0;
            return behind > content ? content + 2 : content;
        }
    }
    return NULL;
}
