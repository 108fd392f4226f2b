/* SPDX-License-Identifier: Apache-2.0
 *
 * See multipart.h. Refused is what readers of multipart could disagree on: a delimiter with something behind it, fields with a bare CR or
 * LF or folded, a second name.
 */
#include "http/multipart.h"

#include "http/fields.h"
#include "http/parameters.h"

static bool is_boundary_byte(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte != 0 && strchr("'()+_,-./:=? ", byte) != NULL);
}

int multipart_init(struct multipart *m, struct slice boundary)
{
    if (boundary.length == 0 || boundary.length > MULTIPART_BOUNDARY_MAX || boundary.data[boundary.length - 1] == ' ')
        return -1;
    for (size_t i = 0; i < boundary.length; i++)
        if (!is_boundary_byte(boundary.data[i]))
            return -1;
    *m = (struct multipart){.state = MULTIPART_PREAMBLE, .first = true, .length = 4 + boundary.length};
    memcpy(m->delimiter, "\r\n--", 4);
    memcpy(m->delimiter + 4, boundary.data, boundary.length);
    return 0;
}

static enum multipart_event fail(struct multipart *m, const char *reason)
{
    m->state = MULTIPART_FAILED;
    m->reason = reason;
    return MULTIPART_BAD;
}

/* How many bytes stand before the delimiter, or, if it is not there, before what may be its beginning. */
static size_t find_delimiter(const struct multipart *m, const char *bytes, size_t length, bool *found)
{
    const char *at = length >= m->length ? memmem(bytes, length, m->delimiter, m->length) : NULL;
    *found = at != NULL;
    if (*found)
        return (size_t)(at - bytes);
    for (size_t i = length >= m->length ? length - m->length + 1 : 0; i < length; i++)
        if (memcmp(bytes + i, m->delimiter, length - i) == 0)
            return i;
    return length;
}

/* The first delimiter may stand at the very beginning, without its CRLF. */
static enum multipart_event next_preamble(struct multipart *m, const char *bytes, size_t length, size_t *consumed)
{
    bool found;
    if (m->first) {
        size_t bare = m->length - 2, shown = length < bare ? length : bare;
        if (memcmp(bytes, m->delimiter + 2, shown) == 0) {
            if (shown < bare)
                return MULTIPART_MORE;
            *consumed = bare;
            m->state = MULTIPART_BEHIND;
            return MULTIPART_MORE;
        }
    }
    *consumed = find_delimiter(m, bytes, length, &found);
    m->first = m->first && *consumed == 0;
    if (found) {
        *consumed += m->length;
        m->state = MULTIPART_BEHIND;
    }
    return MULTIPART_MORE;
}

/* "--" for the last one; else white space, if any, and CRLF. */
static enum multipart_event next_behind(struct multipart *m, const char *bytes, size_t length, size_t *consumed)
{
    static const char wrong[] = "a boundary has something behind it on its line";
    size_t i = 0;
    if (bytes[0] == '-') {
        if (length < 2)
            return MULTIPART_MORE;
        if (bytes[1] != '-')
            return fail(m, wrong);
        *consumed = 2;
        m->state = MULTIPART_DONE;
        return MULTIPART_END;
    }
    while (i < length && i < MULTIPART_HEAD_MAX && (bytes[i] == ' ' || bytes[i] == '\t'))
        i++;
    if (i < length && (bytes[i] != '\r' || (i + 1 < length && bytes[i + 1] != '\n')))
        return fail(m, wrong);
    if (i + 1 >= length)
        return MULTIPART_MORE;
    *consumed = i + 2;
    m->state = MULTIPART_FIELDS;
    return MULTIPART_MORE;
}

static enum multipart_event next_fields(struct multipart *m, const char *bytes, size_t length, size_t *consumed, struct slice *data)
{
    size_t shown = length < MULTIPART_HEAD_MAX + 2 ? length : MULTIPART_HEAD_MAX + 2;
    bool none = length >= 2 && memcmp(bytes, "\r\n", 2) == 0;
    const char *end = none ? bytes - 2 : memmem(bytes, shown, "\r\n\r\n", 4);
    if (end == NULL)
        return shown == MULTIPART_HEAD_MAX + 2 ? fail(m, "the fields of a part are too long") : MULTIPART_MORE;
    *data = (struct slice){bytes, (size_t)(end + 2 - bytes)};
    *consumed = data->length + 2;
    m->state = MULTIPART_CONTENT;
    m->inside = m->first = true;
    return MULTIPART_HEAD;
}

static enum multipart_event next_content(struct multipart *m, const char *bytes, size_t length, size_t *consumed, struct slice *data)
{
    bool found;
    if (m->first) { /* is it a part without content, or content that begins so? */
        size_t bare = m->length - 2, shown = length < bare ? length : bare;
        m->first = memcmp(bytes, m->delimiter + 2, shown) == 0;
        if (m->first)
            return shown < bare ? MULTIPART_MORE : fail(m, "a boundary stands where the content of a part begins");
    }
    size_t before = find_delimiter(m, bytes, length, &found);
    *consumed = before;
    *data = (struct slice){bytes, before};
    if (before > 0)
        return MULTIPART_DATA;
    if (!found)
        return MULTIPART_MORE;
    *consumed = m->length;
    m->state = MULTIPART_BEHIND;
    m->inside = false;
    return MULTIPART_TAIL;
}

enum multipart_event multipart_next(struct multipart *m, const char *bytes, size_t length, size_t *consumed, struct slice *data)
{
    *consumed = 0;
    if (m->state == MULTIPART_DONE)
        return MULTIPART_END;
    if (m->state == MULTIPART_FAILED)
        return MULTIPART_BAD;
    for (size_t used = 0; used < length; used += *consumed) {
        enum multipart_state before = m->state;
        const char *at = bytes + used;
        enum multipart_event event = MULTIPART_MORE;
        *consumed = 0;
        if (m->state == MULTIPART_PREAMBLE)
            event = next_preamble(m, at, length - used, consumed);
        else if (m->state == MULTIPART_BEHIND)
            event = next_behind(m, at, length - used, consumed);
        else if (m->state == MULTIPART_FIELDS)
            event = next_fields(m, at, length - used, consumed, data);
        else
            event = next_content(m, at, length - used, consumed, data);
        if (event != MULTIPART_MORE || m->state == before) {
            *consumed += used;
            return event;
        }
    }
    *consumed = length;
    return MULTIPART_MORE;
}

static struct slice take_line(struct slice *rest)
{
    const char *end = memmem(rest->data, rest->length, "\r\n", 2);
    size_t length = end != NULL ? (size_t)(end - rest->data) : rest->length, used = length + (end != NULL ? 2 : 0);
    struct slice line = {rest->data, length};
    *rest = (struct slice){rest->data + used, rest->length - used};
    return line;
}

static const char *read_disposition(struct multipart_part *part, struct slice value)
{
    if (!slice_equals_nocase(parameters_before(value), SLICE("form-data")))
        return "a part's Content-Disposition is not form-data";
    long name = parameter_find(value, SLICE("name"), part->name, sizeof part->name);
    long file = parameter_find(value, SLICE("filename"), part->file, sizeof part->file);
    if (name == PARAMETER_BAD || file == PARAMETER_BAD)
        return "a part's Content-Disposition is malformed, or a name in it is too long";
    if (name == PARAMETER_ABSENT)
        return "a part has no name";
    part->has_file = file != PARAMETER_ABSENT;
    return NULL;
}

const char *multipart_read_fields(struct multipart_part *part, struct slice fields)
{
    bool named = false;
    *part = (struct multipart_part){.has_file = false};
    while (fields.length > 0) {
        struct slice line = take_line(&fields);
        const char *colon = line.length > 0 ? memchr(line.data, ':', line.length) : NULL;
        struct slice name = {line.data, colon != NULL ? (size_t)(colon - line.data) : 0};
        if (!field_is_token(name))
            return "a field of a part is malformed";
        struct slice value = field_trim((struct slice){colon + 1, line.length - name.length - 1});
        const char *wrong = field_is_value(value) ? NULL : "a field of a part has a control byte";
        if (wrong == NULL && slice_equals_nocase(name, SLICE("Content-Disposition"))) {
            wrong = named ? "a part has two Content-Disposition" : read_disposition(part, value);
            named = true;
        } else if (wrong == NULL && slice_equals_nocase(name, SLICE("Content-Type"))) {
            part->type = value;
        }
        if (wrong != NULL)
            return wrong;
    }
    return named ? NULL : "a part has no Content-Disposition";
}
