/* SPDX-License-Identifier: Apache-2.0
 *
 * See access_json.h. A line must stay JSON however long its values are: they are cut before they are escaped, so that all of them fit.
 * Heads have no control bytes but HTAB, so a byte becomes three at the most.
 */
#include "app/access_json.h"

#include "base/escape.h"

#include <time.h>

enum { VALUE_MAX = 350 };

static void put_string(struct line *line, struct slice value)
{
    struct buffer text = BUFFER_EMPTY;
    if (value.length > VALUE_MAX)
        value.length = VALUE_MAX;
    if (escape_is_plain(value)) {
        line_put_text(line, value);
        return;
    }
    escape_json(&text, value);
    line_put_text(line, (struct slice){buffer_bytes(&text), buffer_length(&text)});
    buffer_release(&text);
}

/* "2026-11-22T14:00:00.123Z", all but the milliseconds made once a second. */
static void put_time(struct line *line, struct slice text)
{
    static struct {
        time_t second;
        size_t length;
        char text[32];
    } cache;
    struct timespec now;
    (void)text;
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != cache.second) {
        struct tm utc;
        gmtime_r(&now.tv_sec, &utc);
        cache.length = strftime(cache.text, sizeof cache.text, "%Y-%m-%dT%H:%M:%S.", &utc);
        cache.second = now.tv_sec;
    }
    unsigned ms = (unsigned)(now.tv_nsec / 1000000);
    char digits[] = {(char)('0' + ms / 100), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10), 'Z'};
    line_put_text(line, (struct slice){cache.text, cache.length});
    line_put_text(line, (struct slice){digits, sizeof digits});
}

static void put_method(struct line *line, struct slice text)
{
    (void)text;
    put_string(line, line_method(line->request));
}

static void put_target(struct line *line, struct slice text)
{
    (void)text;
    put_string(line, line_target(line->request));
}

static void put_host(struct line *line, struct slice text)
{
    (void)text;
    put_string(line, line->request->host);
}

static void put_id(struct line *line, struct slice text)
{
    (void)text;
    put_string(line, slice_from(tine_id(line->request)));
}

static void put_referer(struct line *line, struct slice text)
{
    (void)text;
    put_string(line, head_value(&line->request->head, line->request->bytes, HEAD_REFERER));
}

static void put_user_agent(struct line *line, struct slice text)
{
    (void)text;
    put_string(line, head_value(&line->request->head, line->request->bytes, HEAD_USER_AGENT));
}

const struct json_part json_parts[JSON_PARTS] = {
    {"{\"time\":\"", put_time},
    {"\",\"client\":\"", line_put_client},
    {"\",\"method\":\"", put_method},
    {"\",\"target\":\"", put_target},
    {"\",\"host\":\"", put_host},
    {"\",\"status\":", line_put_status},
    {",\"bytes\":", line_put_bytes},
    {",\"duration_us\":", line_put_microseconds},
    {",\"request_id\":\"", put_id},
    {"\",\"referer\":\"", put_referer},
    {"\",\"user_agent\":\"", put_user_agent},
    {"\",\"pid\":", line_put_process},
};

const char json_end[] = "}";
