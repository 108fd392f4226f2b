/* SPDX-License-Identifier: Apache-2.0
 *
 * The bytes of a request as a client would send them; see direct.h. Nothing is checked: what is wrong is for the server's parser to say.
 */
#include "app/direct.h"

#include "base/slice.h"

/* Cuts the next line off, without its end. */
static struct slice take_line(struct slice *text)
{
    const char *feed = memchr(text->data, '\n', text->length);
    size_t length = feed != NULL ? (size_t)(feed - text->data) : text->length, used = length + (feed != NULL);
    struct slice line = {text->data, length > 0 && text->data[length - 1] == '\r' ? length - 1 : length};
    *text = (struct slice){text->data + used, text->length - used};
    return line;
}

bool direct_has_field(struct slice fields, struct slice name)
{
    while (fields.length > 0) {
        struct slice line = take_line(&fields);
        if (line.length > name.length && line.data[name.length] == ':' && slice_equals_nocase((struct slice){line.data, name.length}, name))
            return true;
    }
    return false;
}

/* An empty line would end the head. */
static void append_fields(struct buffer *out, struct slice fields)
{
    while (fields.length > 0) {
        struct slice line = take_line(&fields);
        if (line.length == 0)
            continue;
        buffer_append(out, line.data, line.length);
        buffer_append(out, "\r\n", 2);
    }
}

void direct_format(struct buffer *out, const struct direct_request *request)
{
    struct slice fields = slice_from(request->fields != NULL ? request->fields : "");
    buffer_format(out, "%s %s HTTP/1.1\r\n", request->method, request->target);
    if (!direct_has_field(fields, SLICE("Host")))
        buffer_format(out, "Host: %s\r\n", request->host != NULL ? request->host : "localhost");
    if (request->body != NULL && !direct_has_field(fields, SLICE("Content-Length")) &&
        !direct_has_field(fields, SLICE("Transfer-Encoding")))
        buffer_format(out, "Content-Length: %zu\r\n", request->length);
    append_fields(out, fields);
    buffer_append(out, "\r\n", 2);
    if (request->body != NULL)
        buffer_append(out, request->body, request->length);
}
