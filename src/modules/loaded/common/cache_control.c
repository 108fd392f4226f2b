/* SPDX-License-Identifier: Apache-2.0
 *
 * See cache_control.h.
 */
#include "cache_control.h"

#include <string.h>
#include <strings.h>

#define SECONDS_MAX INT64_C(2147483648) /* 1.2.2 */

/* Behind a directive: to its comma, over those in quotes. */
static const char *end_of(const char *text)
{
    bool quoted = false;

    for (; *text != '\0' && (quoted || *text != ','); text++) {
        if (quoted && *text == '\\' && text[1] != '\0')
            text++;
        else if (*text == '"')
            quoted = !quoted;
    }
    return text;
}

static int64_t read_seconds(const char *text, const char *end)
{
    int64_t seconds = 0;

    if (text < end && *text == '"') /* senders should not, but some do (5.2) */
        text++;
    if (text == end || *text < '0' || *text > '9')
        return 0;
    for (; text < end && *text >= '0' && *text <= '9'; text++)
        seconds = seconds < SECONDS_MAX / 10 ? seconds * 10 + (*text - '0') : SECONDS_MAX;
    return text == end || strchr("\" \t", *text) != NULL ? seconds : 0;
}

static void take(struct cache_control *control, const char *word, size_t length, const char *value, const char *end)
{
    const struct {
        const char *name;
        bool *flag;
        int64_t *seconds;
    } directives[] = {
        {"no-store", &control->no_store, NULL},
        {"no-cache", &control->no_cache, NULL},
        {"private", &control->is_private, NULL},
        {"public", &control->is_public, NULL},
        {"must-revalidate", &control->must_revalidate, NULL},
        {"proxy-revalidate", &control->must_revalidate, NULL},
        {"only-if-cached", &control->only_if_cached, NULL},
        {"max-age", NULL, &control->max_age},
        {"s-maxage", NULL, &control->s_maxage},
        {"min-fresh", NULL, &control->min_fresh},
        {"stale-while-revalidate", NULL, &control->stale_while_revalidate},
    };

    for (size_t i = 0; i < sizeof directives / sizeof *directives; i++) {
        if (strlen(directives[i].name) != length || strncasecmp(directives[i].name, word, length) != 0)
            continue;
        if (directives[i].flag != NULL) {
            *directives[i].flag = true;
            continue;
        }
        int64_t seconds = value != NULL ? read_seconds(value, end) : 0;
        if (*directives[i].seconds < 0 || seconds < *directives[i].seconds)
            *directives[i].seconds = seconds;
    }
}

static void read_list(struct cache_control *control, const char *list)
{
    while (*(list += strspn(list, ", \t")) != '\0') {
        const char *end = end_of(list);
        size_t length = strcspn(list, "=, \t\"");
        const char *value = list + length + strspn(list + length, " \t");

        take(control, list, length, *value == '=' ? value + 1 + strspn(value + 1, " \t") : NULL, end);
        list = end;
    }
}

static void clear(struct cache_control *control)
{
    *control = (struct cache_control){.max_age = -1, .s_maxage = -1, .min_fresh = -1, .stale_while_revalidate = -1};
}

void cache_control_of_request(tine_request *r, struct cache_control *control)
{
    const char *list = tine_header(r, "Cache-Control"), *pragma = tine_header(r, "Pragma");

    clear(control);
    read_list(control, list != NULL ? list : pragma != NULL ? pragma : "");
}

void cache_control_of_answer(tine_request *r, struct cache_control *control)
{
    const char *name, *value;

    clear(control);
    for (size_t i = 0; tine_response_header_at(r, i, &name, &value) == 0; i++) {
        if (strcasecmp(name, "Cache-Control") == 0)
            read_list(control, value);
    }
}
