/* SPDX-License-Identifier: Apache-2.0
 *
 * See entries.h.
 */
#include "config/entries.h"

#include "config/file.h"
#include "config/ini.h"
#include "config/quote.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 4, FILES_MAX = 100 };

/* A file being read; 'parent' is the one that includes it. */
struct source {
    struct entries *entries;
    const struct source *parent;
    const char *path, *directory; /* absolute */
    const char *shown;            /* the path as messages have it */
    int hidden;                   /* lines in front that do not count */
    int depth;
    struct file file;
};

static struct entry *add(struct entries *entries, struct entry entry)
{
    entries->items = pool_grow(entries->memory, entries->items, entries->count, sizeof entry);
    entry.order = entries->count;
    entry.section = pool_text(entries->memory, entry.section);
    entry.key = entry.key ? pool_text(entries->memory, entry.key) : NULL;
    entries->items[entries->count] = entry;
    return &entries->items[entries->count++];
}

static struct config_place place_of(const struct source *source, int line)
{
    return (struct config_place){source->shown, line > source->hidden ? line - source->hidden : 0};
}

static void take_heading(void *context, int line, const char *section)
{
    struct source *source = context;

    add(source->entries, (struct entry){
        .section = section, .directory = source->directory, .place = place_of(source, line)});
}

static void take_mistake(void *context, int line, const char *message)
{
    const struct source *source = context;

    errors_add(source->entries->errors, "%s:%d: %s", source->shown, place_of(source, line).line, message);
}

static void include(const struct source *source, int line, const char *pattern);

static void take_setting(void *context, int line, const char *section, const char *key, const char *raw)
{
    struct source *source = context;
    struct config_place place = place_of(source, line);
    const char *value = NULL;
    const char *wrong = quote_parse(raw, source->entries->memory, &value);

    if (wrong)
        config_reject(source->entries->errors, &place, section, key, "%s", wrong);
    if (strcmp(section, "server") != 0 || strcmp(key, "include") != 0)
        add(source->entries, (struct entry){.section = section, .key = key, .value = value,
                                            .directory = source->directory, .place = place});
    else if (value && *value)
        include(source, line, value);
}

static void read_text(struct source *source, const char *text, size_t length)
{
    const struct ini_visitor visitor = {source, take_heading, take_setting, take_mistake};

    ini_read(text, length, &visitor);
}

/* Returns NULL, or why the file cannot be read. */
static const char *read_source(struct source *source)
{
    const char *wrong = file_read(&source->file, source->path, source->entries->memory);

    if (wrong)
        return wrong;
    for (const struct source *outer = source->parent; outer; outer = outer->parent)
        if (outer->file.device == source->file.device && outer->file.inode == source->file.inode)
            return "it would include itself";
    read_text(source, source->file.text, source->file.length);
    return NULL;
}

/* A path below the folder of the including file is shown as the user would write it from where the
 * command line's path starts. */
static const char *shown_path(const struct source *source, const char *path)
{
    struct pool *memory = source->entries->memory;
    size_t length = strlen(source->directory);

    if (strncmp(path, source->directory, length) != 0 || path[length] != '/')
        return path;
    if (!strchr(source->shown, '/'))
        return pool_text(memory, path + length + 1);
    return file_join(file_directory(source->shown, memory), path + length + 1, memory);
}

static void include_file(const struct source *source, int line, const char *found)
{
    struct entries *entries = source->entries;
    struct config_place place = place_of(source, line);
    const char *path = pool_text(entries->memory, found);
    struct source inner = {.entries = entries, .parent = source, .path = path, .depth = source->depth + 1,
                           .directory = file_directory(path, entries->memory), .shown = shown_path(source, path)};
    const char *wrong;

    if (entries->files++ == FILES_MAX)
        config_reject(entries->errors, &place, "server", "include", "more than %d files are included", FILES_MAX);
    if (entries->files > FILES_MAX)
        return;
    wrong = inner.depth > DEPTH_MAX ? "files are nested more than 4 deep" : read_source(&inner);
    if (wrong)
        config_reject(entries->errors, &place, "server", "include", "cannot read '%s': %s", inner.shown, wrong);
}

/* A folder that is not there has no matches; one that cannot be read is told. */
static int stop_unless_missing(const char *path, int error)
{
    (void)path;
    return error != ENOENT && error != ENOTDIR;
}

/* The pattern counts from the folder of its file, whose own name is not a pattern. */
static char *absolute_pattern(const struct source *source, const char *pattern)
{
    const char *folder = source->directory;
    char *escaped = pool_alloc(source->entries->memory, 2 * strlen(folder) + 1), *end = escaped;

    for (; *folder; folder++) {
        if (strchr("*?[]\\", *folder))
            *end++ = '\\';
        *end++ = *folder;
    }
    return file_join(escaped, pattern, source->entries->memory);
}

static void include(const struct source *source, int line, const char *pattern)
{
    struct entries *entries = source->entries;
    struct config_place place = place_of(source, line);
    glob_t found = {0};

    if (!strpbrk(pattern, "*?[")) {
        include_file(source, line, file_join(source->directory, pattern, entries->memory));
        return;
    }
    switch (glob(absolute_pattern(source, pattern), 0, stop_unless_missing, &found)) {
    case 0:
        for (size_t i = 0; i < found.gl_pathc; i++) /* sorted by name */
            include_file(source, line, found.gl_pathv[i]);
        break;
    case GLOB_NOMATCH:
        break;
    default:
        config_reject(entries->errors, &place, "server", "include", "'%.200s' leads to a folder that cannot be read",
                      pattern);
    }
    globfree(&found);
}

bool entries_read(struct entries *entries, const char *path, const char *shown, const char *directory)
{
    struct source source = {.entries = entries, .path = path, .directory = directory, .shown = shown};
    const char *wrong = read_source(&source);

    if (wrong)
        errors_add(entries->errors, "cannot read '%s': %s", shown, wrong);
    return !wrong;
}

void entries_read_text(struct entries *entries, const char *text, int hidden, const char *path, const char *shown, const char *directory)
{
    struct source source = {.entries = entries, .path = path, .directory = directory, .shown = shown, .hidden = hidden};

    read_text(&source, text, strlen(text));
}

void entries_override(struct entries *entries, const char *text, const char *directory)
{
    const char *dot = strchr(text, '.'), *equals = strchr(text, '=');
    /* Without the value: it may be a secret, which only the module knows, and places stand in logs. */
    struct config_place place = {pool_format(entries->memory, "-o %.*s", (int)strcspn(text, "="), text), 0};

    for (const char *byte = text; *byte; byte++) {
        if (!quote_is_printable(*byte)) {
            errors_add(entries->errors, "-o: control byte 0x%02x in the setting", (unsigned char)*byte);
            return;
        }
    }
    if (!dot || !equals || equals < dot || dot == text || equals == dot + 1) {
        errors_add(entries->errors, "-o %s: a setting is given as section.key=value", text);
    } else if (strlen(equals + 1) > QUOTE_VALUE_MAX) {
        errors_add(entries->errors, "-o %.*s: the value is longer than %d bytes", (int)(equals - text), text,
                   QUOTE_VALUE_MAX);
    } else {
        add(entries, (struct entry){
            .section = pool_format(entries->memory, "%.*s", (int)(dot - text), text),
            .key = pool_format(entries->memory, "%.*s", (int)(equals - dot - 1), dot + 1),
            .value = pool_text(entries->memory, equals + 1), .directory = directory, .place = place, .is_override = true});
    }
}

static int compare_names(const struct entry *a, const struct entry *b)
{
    int order = strcmp(a->section, b->section);

    if (order || (!a->key && !b->key))
        return order;
    return !a->key ? -1 : !b->key ? 1 : strcmp(a->key, b->key);
}

static int compare(const void *a_, const void *b_)
{
    const struct entry *a = *(struct entry *const *)a_, *b = *(struct entry *const *)b_;
    int order = compare_names(a, b);

    return order ? order : a->order < b->order ? -1 : a->order > b->order;
}

/* One run of entries of the same name, in their order: overrides are the last of them. */
static void settle_run(struct entry **run, size_t count)
{
    struct entry *first = run[0], *last = run[count - 1];

    for (size_t i = 0; i < count; i++) {
        run[i]->is_dropped = run[i] != (last->is_override ? last : first);
        if (run[i] != first && !run[i]->is_override)
            run[i]->repeated = first;
    }
}

void entries_settle(struct entries *entries)
{
    struct entry **sorted = pool_alloc(entries->memory, (entries->count + 1) * sizeof *sorted);

    entries->sorted = sorted;
    for (size_t i = 0; i < entries->count; i++)
        sorted[i] = &entries->items[i];
    qsort(sorted, entries->count, sizeof *sorted, compare);
    for (size_t i = 0, end; i < entries->count; i = end) {
        for (end = i + 1; end < entries->count && compare_names(sorted[i], sorted[end]) == 0; end++)
            ;
        settle_run(&sorted[i], end - i);
    }
}

const struct entry *entries_find(const struct entries *entries, const char *section, const char *key)
{
    const struct entry wanted = {.section = section, .key = key};
    size_t low = 0, high = entries->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_names(entries->sorted[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < entries->count && compare_names(entries->sorted[low], &wanted) == 0; low++)
        if (!entries->sorted[low]->is_dropped)
            return entries->sorted[low];
    return NULL;
}
