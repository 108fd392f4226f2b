/* SPDX-License-Identifier: Apache-2.0
 *
 * Server-sent events, as the HTML standard has them (section 9.2): fields in lines, an empty line behind each event. Runs in workers.
 */
#include "app/blame.h"
#include "app/response.h"

/* What the client would take for the end of the line; in an id it ignores a NUL, which text here cannot have. */
static bool is_one_line(const char *text)
{
    return text == NULL || strpbrk(text, "\r\n") == NULL;
}

static void put_field(struct buffer *out, const char *name, const char *value, size_t length)
{
    buffer_append_text(out, name);
    buffer_append(out, value, length);
    buffer_append(out, "\n", 1);
}

/* CR LF, LF and CR end lines alike: each line is a field of its own, and the client puts them together with LF. */
static void put_lines(struct buffer *out, const char *data)
{
    for (;;) {
        size_t length = strcspn(data, "\r\n");
        put_field(out, "data: ", data, length);
        data += length;
        if (*data == 0)
            return;
        data += data[0] == '\r' && data[1] == '\n' ? 2 : 1;
    }
}

static void describe(tine_request *r)
{
    struct response *response = &r->response;
    if (response_field(response, SLICE("Content-Type")).data == NULL)
        response_set_field(r, "Content-Type", "text/event-stream");
    if (response_field(response, SLICE("Cache-Control")).data == NULL)
        response_set_field(r, "Cache-Control", "no-cache");
    if (response_field(response, SLICE("X-Accel-Buffering")).data == NULL) /* a proxy would gather them */
        response_set_field(r, "X-Accel-Buffering", "no");
}

static void put_event(struct buffer *out, const char *event, const char *id, const char *data)
{
    if (event == NULL && id == NULL && data == NULL)
        buffer_append(out, ":\n", 2);
    if (event != NULL)
        put_field(out, "event: ", event, strlen(event));
    if (id != NULL)
        put_field(out, "id: ", id, strlen(id));
    if (data != NULL)
        put_lines(out, data);
    buffer_append(out, "\n", 1);
}

int tine_event(tine_request *r, const char *event, const char *id, const char *data)
{
    struct buffer text = BUFFER_EMPTY;
    if (!is_one_line(event) || !is_one_line(id)) {
        request_blame(r, TINE_ERROR, "gives tine_event() an %s with a line end", is_one_line(event) ? "id" : "event name");
        return -1;
    }
    if (r->response.state < RESPONSE_BEGUN && !r->response.closed && r->phase == FILTERS_BUILD)
        describe(r);
    put_event(&text, event, id, data);
    int result = response_append(r, buffer_bytes(&text), buffer_length(&text), "tine_event()");
    buffer_release(&text);
    return result == 0 ? tine_flush(r) : -1;
}
