/* SPDX-License-Identifier: Apache-2.0
 *
 * See access_log.h.
 */
#include "app/access_log.h"

#include "app/access_json.h"
#include "app/access_line.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    STEPS_MAX = 64,
    THEN_MAX = 16
};

static const char too_many[] = "there are more than 64 parts";

/* What stands at one place of the line, and the few bytes behind it that are always the same. */
struct step {
    line_put *put;
    struct slice text;
    uint32_t then_length;
    char then[THEN_MAX];
};

struct access_log {
    char *format; /* what the steps point into */
    size_t count;
    struct step steps[STEPS_MAX];
};

static const struct {
    const char *name, *format;
} named[] = {
    {"common", "%h %l %u %t \"%r\" %s %b"},
    {"combined", "%h %l %u %t \"%r\" %s %b \"%{Referer}i\" \"%{User-Agent}i\""},
};

static struct step *add_step(struct access_log *log, line_put *put, struct slice text)
{
    if (log->count == STEPS_MAX)
        return NULL;
    log->steps[log->count] = (struct step){.put = put, .text = text};
    return &log->steps[log->count++];
}

static bool add_text(struct access_log *log, struct slice text)
{
    struct step *last = log->count > 0 ? &log->steps[log->count - 1] : NULL;
    if (last == NULL || last->then_length + text.length > THEN_MAX)
        return add_step(log, line_put_text, text) != NULL;
    memcpy(last->then + last->then_length, text.data, text.length);
    last->then_length += (uint32_t)text.length;
    return true;
}

/* From the percent sign at 'start' to the letter, or what stands in its place. */
static const char *wrong_directive(const char *start, const char *letter)
{
    static char text[160];
    int length = (int)(letter - start) + (*letter != 0);
    while ((start[length] & 0xc0) == 0x80) /* the rest of one that is not ASCII */
        length++;
    snprintf(text, sizeof text,
             "'%.*s' is none of %%h %%l %%u %%t %%r %%s %%b %%B %%D %%T %%m %%U %%q %%H %%v %%P %%L, %%{Name}i, %%{Name}o and %%%%",
             length < 40 ? length : 40, start);
    return text;
}

/* 'p' is behind the percent sign. Returns the end, or NULL with *reason. */
static const char *parse_directive(struct access_log *log, const char *p, const char **reason)
{
    const char *start = p - 1;
    struct slice name = {NULL, 0};
    if (*p == '>' || *p == '<')
        p++;
    if (*p == '{') {
        const char *close = strchr(p, '}');
        if (close == NULL) {
            *reason = "a '%{' has no '}'";
            return NULL;
        }
        name = (struct slice){p + 1, (size_t)(close - p - 1)};
        p = close + 1;
    }
    const struct directive *directive = line_directive(*p);
    if (directive == NULL || directive->takes_name != (name.data != NULL)) {
        *reason = wrong_directive(start, p);
        return NULL;
    }
    if (directive->put != NULL ? add_step(log, line_put_of(directive, name), name) != NULL : add_text(log, SLICE("-")))
        return p + 1;
    *reason = too_many;
    return NULL;
}

static const char *parse(struct access_log *log)
{
    const char *reason = NULL;
    for (const char *p = log->format; *p != 0;) {
        if (p[0] == '%' && p[1] != '%') {
            p = parse_directive(log, p + 1, &reason);
            if (p == NULL)
                return reason;
            continue;
        }
        size_t length = p[0] == '%' ? 1 : strcspn(p, "%");
        if (!add_text(log, (struct slice){p, length}))
            return too_many;
        p += p[0] == '%' ? 2 : length;
    }
    return NULL;
}

static void add_json(struct access_log *log)
{
    _Static_assert(2 * JSON_PARTS < STEPS_MAX, "a step for each text and each value");
    for (size_t i = 0; i < JSON_PARTS; i++) {
        add_text(log, slice_from(json_parts[i].before));
        add_step(log, json_parts[i].put, (struct slice){NULL, 0});
    }
    add_text(log, slice_from(json_end));
}

struct access_log *access_log_new(const char *format, const char **reason)
{
    struct access_log *log = memory_new(sizeof *log);
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        if (strcmp(format, named[i].name) == 0)
            format = named[i].format;
    bool json = strcmp(format, "json") == 0;
    log->format = memory_copy_text(json ? "" : format);
    if (json)
        add_json(log);
    *reason = parse(log);
    if (*reason == NULL)
        return log;
    access_log_free(log);
    return NULL;
}

void access_log_free(struct access_log *log)
{
    free(log->format);
    free(log);
}

static inline void put_then(struct line *line, const struct step *step)
{
    if (line->end - line->next < THEN_MAX) {
        line_put_text(line, (struct slice){step->then, step->then_length});
        return;
    }
    memcpy(line->next, step->then, THEN_MAX); /* all of them: shorter than to look how many count */
    line->next += step->then_length;
}

size_t access_log_format(const struct access_log *log, struct tine_request *r, char *text, size_t size)
{
    struct line line = {text, text + size - 1, r};
    for (const struct step *step = log->steps, *end = step + log->count; step < end; step++) {
        step->put(&line, step->text);
        put_then(&line, step);
    }
    *line.next++ = '\n';
    return (size_t)(line.next - text);
}
