/* SPDX-License-Identifier: Apache-2.0
 *
 * See scope.h.
 */
#include "config/scope.h"

#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SMALL "abcdefghijklmnopqrstuvwxyz"
#define OF_METHODS CAPITALS "0123456789-_"

static const char blanks[] = " \t";

/* ---- what is written ---- */

/* So many bytes of what could be long are shown. */
static int shown(size_t length)
{
    return (int)(length < 80 ? length : 80);
}

/* What stands for any one segment is {name}, and no other of the ways in which routes and other servers write it. */
static const char *check_segment(const char *path, const char *segment, size_t length, struct pool *scratch)
{
    size_t name = *segment == '{' ? strcspn(segment + 1, "{}:/") : 0;
    const char *behind = segment + 1 + name;

    if (length == 0)
        return pool_format(scratch, "'%.120s' has an empty segment, which no route has; leave a '/' out", path);
    if (length <= 2 && strspn(segment, ".") == length)
        return pool_format(scratch, "'%.120s': paths are compared without '.' and '..' segments; write it without", path);
    if (*segment == ':')
        return pool_format(scratch, "'%.120s': any one segment is written {name}, not '%.*s'", path, shown(length), segment);
    if (!memchr(segment, '{', length) && !memchr(segment, '}', length))
        return NULL;
    if (name > 0 && behind + 1 == segment + length && *behind == '}')
        return NULL;
    if (name > 0 && *behind == ':' && segment[length - 1] == '}')
        return pool_format(scratch, "'%.120s': a parameter has no type here; write {%.*s}, or nothing for all that is below", path,
                           shown(name), segment + 1);
    return pool_format(scratch, "'%.120s': '%.*s' is not a parameter; write {name} for any one segment, which is all of it", path,
                       shown(length), segment);
}

static const char *check_path(const char *path, struct pool *scratch)
{
    size_t length = strlen(path);

    if (strpbrk(path, blanks))
        return pool_format(scratch, "'%.120s' has a blank; write ',' between entries, or {name} for a segment that has one", path);
    if (strpbrk(path, "?#"))
        return pool_format(scratch, "'%.120s': only paths are compared; write %.*s", path, shown(strcspn(path, "?#")), path);
    if (strchr(path, '%'))
        return pool_format(scratch, "'%.120s': paths are compared decoded; write the character itself, or {name} for any segment", path);
    if (strchr(path, '*'))
        return pool_format(scratch, "'%.120s': '*' stands for nothing here; a path is meant with all below it, {name} is any one segment",
                           path);
    if (length > 1 && path[length - 1] == '/' && path[length - 2] != '/')
        return pool_format(scratch, "'%.120s' ends with '/'; write %.*s, which is it and all below it", path, shown(length - 1), path);
    for (const char *slash = path; slash && path[1]; slash = strchr(slash + 1, '/')) {
        const char *wrong = check_segment(path, slash + 1, strcspn(slash + 1, "/"), scratch);

        if (wrong)
            return wrong;
    }
    return NULL;
}

/* Methods are compared as they stand. One that is not in capitals is a mistake more often than meant. */
static const char *check_method(const char *method, const char *path, struct pool *scratch)
{
    char *capitals;

    if (!method[strspn(method, OF_METHODS)])
        return NULL;
    if (strcmp(method, "*") == 0)
        return pool_format(scratch, "'* %.120s': for all methods write %.120s", path, path);
    if (method[strspn(method, SMALL OF_METHODS)])
        return pool_format(scratch, "'%.80s %.120s': '%.80s' is not a method; write one of them or none, then the path", method, path,
                           method);
    capitals = pool_text(scratch, method);
    for (char *letter = capitals; *letter; letter++)
        *letter = (char)(strchr(SMALL, *letter) ? *letter - 'a' + 'A' : *letter);
    return pool_format(scratch, "'%.80s %.120s': methods are in capitals; write %.80s %.120s", method, path, capitals, path);
}

/* 'text' does not begin with '/', and no '/' behind a blank is in it. */
static const char *tell_pathless(const char *text, struct pool *scratch)
{
    size_t method = strcspn(text, blanks);
    const char *rest = text + method + strspn(text + method, blanks);

    if (strstr(text, "://"))
        return pool_format(scratch, "'%.120s' is a whole URL; write its path alone ([app:NAME] host says for which host)", text);
    if (strcmp(*rest ? rest : text, "*") == 0)
        return pool_format(scratch, "'%.120s' is about no path, and no list has it; write %.*s%s/ for all paths", text,
                           *rest ? shown(method) : 0, text, *rest ? " " : "");
    if (*rest)
        return pool_format(scratch, "'%.120s': the path does not begin with '/'; write %.*s /%.120s", text, shown(method),
                           text, rest);
    if (!text[strspn(text, OF_METHODS)])
        return pool_format(scratch, "'%.120s' has no path, and each entry has one of its own; write %.80s / for all paths", text, text);
    return pool_format(scratch, "'%.120s' does not begin with '/'; write /%.120s", text, text);
}

/* The text without the blanks around it. */
static char *trim(const char *text, size_t length, struct pool *memory)
{
    while (length > 0 && strchr(blanks, *text)) {
        text++;
        length--;
    }
    while (length > 0 && strchr(blanks, text[length - 1]))
        length--;
    return pool_format(memory, "%.*s", (int)length, text);
}

static const char *parse_entry(struct scope_entry *entry, const char *text, struct pool *memory, struct pool *scratch)
{
    size_t length = *text == '/' ? 0 : strcspn(text, blanks);
    const char *path = text + length + strspn(text + length, blanks);
    const char *method = pool_format(memory, "%.*s", (int)length, text), *wrong;

    if (*path != '/')
        return tell_pathless(text, scratch);
    wrong = check_method(method, path, scratch);
    if (!wrong)
        wrong = check_path(path, scratch);
    *entry = (struct scope_entry){slice_from(method), path[1] ? slice_from(path) : SLICE("")};
    return wrong;
}

const char *scope_parse(struct scope *scope, const char *text, struct pool *memory, struct pool *scratch)
{
    struct scope parsed = {.text = pool_text(memory, text)};

    for (size_t length = strcspn(text, ","); *text; text += length + (text[length] == ','), length = strcspn(text, ",")) {
        const char *entry = trim(text, length, memory), *wrong;

        if (!*entry)
            continue;
        if (parsed.count == SCOPE_ENTRIES_MAX)
            return pool_format(scratch, "has more than %d entries; name a path above some of them, which is all below it",
                               SCOPE_ENTRIES_MAX);
        parsed.all = pool_grow(memory, parsed.all, parsed.count, sizeof *parsed.all);
        wrong = parse_entry(&parsed.all[parsed.count++], entry, memory, scratch);
        if (wrong)
            return wrong;
    }
    *scope = parsed;
    return NULL;
}

/* ---- what is asked ---- */

struct slice scope_take_segment(struct slice *path)
{
    const char *start = path->data + 1, *end = path->data + path->length;
    const char *slash = memchr(start, '/', (size_t)(end - start));
    struct slice segment = {start, (size_t)((slash ? slash : end) - start)};

    *path = (struct slice){start + segment.length, (size_t)(end - start) - segment.length};
    return segment;
}

/* Routes of GET serve HEAD. */
static bool method_fits(struct slice wanted, struct slice method)
{
    return wanted.length == 0 || slice_equals(wanted, method) ||
           (slice_equals(wanted, SLICE("GET")) && slice_equals(method, SLICE("HEAD")));
}

static bool path_fits(struct slice wanted, struct slice path, bool skips_empty)
{
    while (wanted.length > 0) {
        struct slice name = scope_take_segment(&wanted), segment = {NULL, 0};

        while (path.length > 0 && (segment.data == NULL || (skips_empty && segment.length == 0)))
            segment = scope_take_segment(&path);
        if (segment.length == 0 || (name.data[0] != '{' && !slice_equals(name, segment)))
            return false;
    }
    return true;
}

static bool has(const struct scope *scope, struct slice method, struct slice path, bool skips_empty)
{
    for (size_t i = 0; i < scope->count; i++)
        if (method_fits(scope->all[i].method, method) && path_fits(scope->all[i].path, path, skips_empty))
            return true;
    return false;
}

bool scope_admits(const struct scope *only, const struct scope *except, struct slice method, struct slice path)
{
    if (path.length == 0 || path.data[0] != '/')
        return only->count == 0;
    return (only->count == 0 || has(only, method, path, true)) && !has(except, method, path, false);
}
