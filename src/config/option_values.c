/* SPDX-License-Identifier: Apache-2.0
 *
 * The values of options, by their type: described, stored, and written as text again.
 */
#include "config/file.h"
#include "config/installed.h"
#include "config/options.h"
#include "config/values.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void format_number(const struct option *option, int64_t number, char text[static VALUE_TEXT_MAX])
{
    switch (option->type) {
    case OPTION_SIZE:
        value_format_size(number, text);
        break;
    case OPTION_TIME:
        value_format_time(number, text);
        break;
    case OPTION_PERCENT:
        snprintf(text, VALUE_TEXT_MAX, "%" PRId64 "%%", number);
        break;
    case OPTION_MODE:
        snprintf(text, VALUE_TEXT_MAX, "%04" PRIo64, (uint64_t)number);
        break;
    default:
        snprintf(text, VALUE_TEXT_MAX, "%" PRId64, number);
    }
}

static void describe_bounds(const struct option *option, const char *noun, const char *examples,
                            char kind[static OPTION_KIND_MAX])
{
    char least[VALUE_TEXT_MAX], most[VALUE_TEXT_MAX];

    format_number(option, option->least, least);
    format_number(option, option->most, most);
    snprintf(kind, OPTION_KIND_MAX, "%s from %s to %s%s%s%s%s", noun, least, most, examples, option->zero ? ", or '" : "",
             option->zero ? option->zero : "", option->zero ? "'" : "");
}

static void describe_words(const struct option *option, const char *end, char kind[static OPTION_KIND_MAX])
{
    size_t length = 0;

    kind[0] = '\0';
    for (const char *const *word = option->words; *word && length < OPTION_KIND_MAX; word++)
        length += (size_t)snprintf(kind + length, OPTION_KIND_MAX - length, "%s%s",
                                   word == option->words ? "" : word[1] || *end ? ", " : " or ", *word);
    if (length < OPTION_KIND_MAX)
        snprintf(kind + length, OPTION_KIND_MAX - length, "%s", end);
}

void option_describe(const struct option *option, char kind[static OPTION_KIND_MAX])
{
    static const char *const plain[] = {
        [OPTION_TEXT] = "text",
        [OPTION_PATH] = "a path",
        [OPTION_LOG] = "a path, '-' or 'off'",
        [OPTION_CONTROL] = "a path, 'auto' or 'off'",
        [OPTION_MOUNT] = "a path from '/' on, without empty, '.' and '..' segments, '?' and '#'",
        [OPTION_HOST] = "a host name without a port, or '*'",
        [OPTION_MODULE] = "the name of a module that comes with tine, or the path of a shared object",
        [OPTION_MODE] = "permissions in octal (0660)",
        [OPTION_SWITCH] = "on or off",
        [OPTION_ADDRESS] = "an address",
        [OPTION_LISTENS] = "addresses, comma separated",
        [OPTION_NETWORKS] = "addresses and networks (10.0.0.0/8, 2001:db8::/32), comma separated",
        [OPTION_SCOPE] = "paths with all below them, each with a method before it or for all, comma separated; {name} is any one segment",
        [OPTION_INCLUDE] = "a path, which may be a pattern",
    };

    switch (option->type) {
    case OPTION_INTEGER:
        describe_bounds(option, "a whole number", "", kind);
        break;
    case OPTION_SIZE:
        describe_bounds(option, "a size", " (10, 8k, 1m, 2g)", kind);
        break;
    case OPTION_TIME:
        describe_bounds(option, "a time", " (50ms, 10s, 5m, 1h, 1d)", kind);
        break;
    case OPTION_PERCENT:
        describe_bounds(option, "a percentage", " (10%)", kind);
        break;
    case OPTION_LEVEL:
        describe_words(option, "", kind);
        break;
    case OPTION_FORMAT:
        describe_words(option, " or a format string", kind);
        break;
    default:
        snprintf(kind, OPTION_KIND_MAX, "%s", plain[option->type]);
    }
}

static bool store_number(const struct option *option, int64_t *number, const char *text)
{
    int64_t parsed;
    bool is_valid = option->type == OPTION_SIZE   ? value_parse_size(text, &parsed)
                    : option->type == OPTION_TIME ? value_parse_time(text, &parsed)
                    : option->type == OPTION_PERCENT ? value_parse_percent(text, &parsed)
                                                     : value_parse_integer(text, &parsed);

    if (option->zero && strcmp(text, option->zero) == 0)
        *number = 0;
    else if (is_valid && parsed >= option->least && parsed <= option->most)
        *number = parsed;
    else
        return false;
    return true;
}

static bool store_level(const struct option *option, int *level, const char *text)
{
    for (int i = 0; option->words[i]; i++) {
        if (strcmp(option->words[i], text) == 0) {
            *level = i;
            return true;
        }
    }
    return false;
}

/* A lone word that is not one of the names is a misspelt name, not a format string without any field. */
static bool is_format(const struct option *option, const char *text)
{
    int level;

    return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_")] || store_level(option, &level, text);
}

/* Requests are routed by paths without empty and dot segments: nothing would match one that has them. */
static bool store_mount(char **mount, const char *text, struct pool *memory)
{
    size_t length = strlen(text);

    if (*text != '/' || strpbrk(text, "?#") || strstr(text, "//"))
        return false;
    if (length > 1 && text[length - 1] == '/')
        length--;
    for (const char *slash = text; slash; slash = strchr(slash + 1, '/')) {
        size_t segment = strcspn(slash + 1, "/");

        if ((segment == 1 || segment == 2) && strspn(slash + 1, ".") == segment)
            return false;
    }
    *mount = pool_format(memory, "%.*s", (int)length, text);
    return true;
}

static bool is_host_name(const char *text)
{
    size_t length = strlen(text), label = 0;

    if (length == 0 || length > 253)
        return false;
    for (; *text; text++) {
        if (*text == '.' && label == 0)
            return false;
        if (*text != '.' && *text != '-' && *text != '_' && !isalnum((unsigned char)*text))
            return false;
        label = *text == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return label > 0;
}

static bool is_bracketed_v6(const char *text)
{
    size_t length = strlen(text);
    char host[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (*text != '[' || text[length - 1] != ']' || length - 2 >= sizeof host)
        return false;
    memcpy(host, text + 1, length - 2);
    host[length - 2] = '\0';
    return inet_pton(AF_INET6, host, &address) == 1;
}

static bool store_host(char **host, const char *text, struct pool *memory)
{
    if (strcmp(text, "*") != 0 && !is_host_name(text) && !is_bracketed_v6(text))
        return false;
    *host = pool_text(memory, text);
    for (char *byte = *host; *byte; byte++)
        *byte = (char)tolower((unsigned char)*byte);
    return true;
}

static char *module_of(const char *text, const char *directory, struct pool *memory)
{
    size_t length = strlen(text);
    bool is_path = strchr(text, '/') || (length > 3 && strcmp(text + length - 3, ".so") == 0);

    char *installed = is_path ? NULL : installed_module(text, memory);

    if (installed)
        return installed;
    return is_path ? file_join(directory, text, memory) : pool_text(memory, text);
}

static bool store_text(const struct option *option, char **value, const char *text, const char *directory,
                       struct pool *memory)
{
    bool is_word = !*text || (option->type == OPTION_LOG && (strcmp(text, "-") == 0 || strcmp(text, "off") == 0)) ||
                   (option->type == OPTION_CONTROL && (strcmp(text, "auto") == 0 || strcmp(text, "off") == 0));

    switch (option->type) {
    case OPTION_MOUNT:
        return store_mount(value, text, memory);
    case OPTION_HOST:
        return store_host(value, text, memory);
    case OPTION_FORMAT:
        if (!is_format(option, text))
            return false;
        *value = pool_text(memory, text);
        return true;
    case OPTION_MODULE:
        *value = module_of(text, directory, memory);
        return true;
    case OPTION_PATH:
    case OPTION_LOG:
    case OPTION_CONTROL:
        *value = is_word ? pool_text(memory, text) : file_join(directory, text, memory);
        return true;
    default:
        *value = pool_text(memory, text);
        return true;
    }
}

static const char *store_address(struct address *address, const char *text, const char *directory, struct pool *scratch)
{
    struct address parsed;
    const char *wrong = address_parse(&parsed, text, directory);

    if (wrong)
        return pool_format(scratch, "'%.120s' %s", text, wrong);
    *address = parsed;
    return NULL;
}

static const char *store_networks(struct networks *networks, const char *text, struct pool *memory, struct pool *scratch)
{
    struct networks parsed = {.text = pool_text(memory, text)};
    struct network network;
    const char *one;
    size_t length;

    while (network_next(&text, &one, &length)) {
        const char *wrong = network_parse(&network, one, length);

        if (wrong)
            return pool_format(scratch, "'%.*s' %s", (int)(length < 80 ? length : 80), one, wrong);
        parsed.all = pool_grow(memory, parsed.all, parsed.count, sizeof network);
        parsed.all[parsed.count++] = network;
    }
    *networks = parsed;
    return NULL;
}

static const char *refusal(const struct option *option, const char *text, struct pool *scratch)
{
    const char *word = option->words ? value_suggest(text, option->words) : NULL;
    char kind[OPTION_KIND_MAX];

    option_describe(option, kind);
    return pool_format(scratch, "'%.80s' is not %s%s%s%s", text, kind, word ? " (did you mean '" : "",
                         word ? word : "", word ? "'?)" : "");
}

const char *option_store(const struct option *option, void *base, const char *text, const char *directory,
                         struct pool *memory, struct pool *scratch)
{
    void *field = (char *)base + option->offset;
    bool is_stored;

    switch (option->type) {
    case OPTION_INTEGER:
    case OPTION_SIZE:
    case OPTION_TIME:
    case OPTION_PERCENT:
        is_stored = store_number(option, field, text);
        break;
    case OPTION_MODE:
        is_stored = value_parse_mode(text, field);
        break;
    case OPTION_SWITCH:
        is_stored = value_parse_switch(text, field);
        break;
    case OPTION_LEVEL:
        is_stored = store_level(option, field, text);
        break;
    case OPTION_ADDRESS:
        return store_address(field, text, directory, scratch);
    case OPTION_NETWORKS:
        return store_networks(field, text, memory, scratch);
    case OPTION_SCOPE:
        return scope_parse(field, text, memory, scratch);
    default:
        if (strlen(text) < (size_t)option->least || (option->type == OPTION_MODULE && !*text))
            return "must not be empty";
        is_stored = store_text(option, field, text, directory, memory);
    }
    return is_stored ? NULL : refusal(option, text, scratch);
}

const char *option_text(const struct option *option, const void *base, struct pool *scratch)
{
    const void *field = (const char *)base + option->offset;
    char *text = pool_alloc(scratch, ADDRESS_TEXT_MAX);

    _Static_assert((int)ADDRESS_TEXT_MAX >= (int)VALUE_TEXT_MAX, "both fit");
    switch (option->type) {
    case OPTION_INTEGER:
    case OPTION_SIZE:
    case OPTION_TIME:
    case OPTION_PERCENT:
    case OPTION_MODE:
        if (option->zero && *(const int64_t *)field == 0)
            return option->zero;
        format_number(option, *(const int64_t *)field, text);
        return text;
    case OPTION_SWITCH:
        return *(const bool *)field ? "on" : "off";
    case OPTION_LEVEL:
        return option->words[*(const int *)field];
    case OPTION_ADDRESS:
        address_format(field, text);
        return text;
    case OPTION_NETWORKS:
        return ((const struct networks *)field)->text;
    case OPTION_SCOPE:
        return ((const struct scope *)field)->text;
    case OPTION_LISTENS:
    case OPTION_INCLUDE:
        return "";
    default:
        return *(char *const *)field;
    }
}
