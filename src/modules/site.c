/* SPDX-License-Identifier: Apache-2.0
 *
 * See site.h. What has to be looked for is looked for when a file is opened, not with each request.
 */
#include "site.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TELL_SECONDS = 10 };

static const char *const link_names[] = {[BENEATH_NONE] = "off", [BENEATH_INSIDE] = "inside", [BENEATH_ANY] = "any"};

/* The statuses that static itself answers with. */
static const char *const error_statuses[] = {"403", "404", "406", "500", "503"};

bool site_may_serve(const char *path)
{
    while (*path != '\0') {
        size_t length = strcspn(path, "/");
        bool well_known = length == strlen(".well-known") && memcmp(path, ".well-known", length) == 0;

        if (length == 0 || (path[0] == '.' && !well_known))
            return false;
        path += length;
        if (*path == '/')
            path++;
    }
    return true;
}

bool site_may_tell(time_t *told)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    if (*told != 0 && now.tv_sec - *told < TELL_SECONDS)
        return false;
    *told = now.tv_sec;
    return true;
}

/* The place of `word` among `count` ones; `count` if it is none of them. */
static size_t find_word(const char *word, const char *const *words, size_t count)
{
    size_t i = 0;

    while (i < count && strcmp(words[i], word) != 0)
        i++;
    return i;
}

/* Is it "/a/file", and one that is served? */
static bool is_page(const char *path)
{
    size_t length = strlen(path);

    return length > 1 && path[0] == '/' && path[length - 1] != '/' && site_may_serve(path + 1);
}

/* type "/" subtype; `*` for the subtype where that is allowed. Parameters may follow where those are. */
static bool is_media_type(const char *text, bool is_pattern)
{
    static const char token[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&^_.+-";
    size_t type = strspn(text, token), subtype;

    if (type == 0 || text[type] != '/')
        return false;
    text += type + 1;
    if (is_pattern && strcmp(text, "*") == 0)
        return true;
    subtype = strspn(text, token);
    return subtype > 0 && (text[subtype] == '\0' || (!is_pattern && strchr("; ", text[subtype]) != NULL));
}

/* For messages about a setting of many: its whole name. Static. */
static const char *whole_name(const char *prefix, const char *key)
{
    static char name[128];

    snprintf(name, sizeof(name), "%s%s", prefix, key);
    return name;
}

static int check_types(tine_app *app)
{
    const char *key, *value;

    for (size_t i = 0; tine_setting_each(app, "type.*", i, &key, &value, NULL) == 0; i++)
        if (!is_media_type(value, false) || strlen(value) > 100)
            return tine_reject(app, whole_name("type.", key), "'%.120s' is not a media type, as text/plain is", value);
    for (size_t i = 0; tine_setting_each(app, "cache_control.*", i, &key, &value, NULL) == 0; i++)
        if (!is_media_type(key, true))
            return tine_reject(app, whole_name("cache_control.", key),
                               "what stands behind the point is not a media type, as text/html or image/* are");
    return 0;
}

static int check_pages(tine_app *app)
{
    const size_t statuses = sizeof(error_statuses) / sizeof(error_statuses[0]);
    const char *key, *value, *fallback = tine_setting(app, "try");

    if (*fallback != '\0' && !is_page(fallback))
        return tine_reject(app, "try", "'%s' is not a file below the root, as /index.html is", fallback);
    for (size_t i = 0; tine_setting_each(app, "error_page.*", i, &key, &value, NULL) == 0; i++) {
        if (find_word(key, error_statuses, statuses) == statuses)
            return tine_reject(app, whole_name("error_page.", key), "static answers with 403, 404, 406, 500 and 503 only");
        if (!is_page(value))
            return tine_reject(app, whole_name("error_page.", key), "'%s' is not a file below the root, as /404.html is", value);
    }
    return 0;
}

int site_check(tine_app *app)
{
    const char *index = tine_setting(app, "index"), *charset = tine_setting(app, "charset"), *links = tine_setting(app, "symlinks");

    if (strchr(index, '/') != NULL)
        return tine_reject(app, "index", "must be a file's name without '/', not '%s'", index);
    if (charset[strspn(charset, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-")] != '\0' || strlen(charset) > 20)
        return tine_reject(app, "charset", "'%.60s' is not the name of a charset, as utf-8 is", charset);
    if (find_word(links, link_names, 3) == 3)
        return tine_reject(app, "symlinks", "'%.60s' is none of inside, off, any", links);
    return check_types(app) != 0 ? -1 : check_pages(app);
}

static int open_root(struct site *site)
{
    const char *root = tine_setting(site->app, "root");
    size_t links = find_word(tine_setting(site->app, "symlinks"), link_names, 3);
    int error;

    if (beneath_open(&site->root, root, (enum beneath_links)links) == 0)
        return 0;
    error = errno;
    return tine_reject(site->app, "root", "cannot open folder '%s': %s%s", root, strerror(error),
                       error == EACCES ? " (every folder on the way needs x)" : "");
}

struct site *site_open(tine_app *app)
{
    struct site *site = calloc(1, sizeof(*site));

    if (site != NULL)
        site->cache = file_cache_new(&site->root, (size_t)tine_setting_number(app, "cache"));
    if (site == NULL || site->cache == NULL) {
        free(site);
        tine_reject(app, NULL, "out of memory");
        return NULL;
    }
    site->app = app;
    site->index = tine_setting(app, "index");
    site->fallback = tine_setting(app, "try") + (*tine_setting(app, "try") == '/');
    site->listing = tine_setting_number(app, "listing") != 0;
    site->precompressed = tine_setting_number(app, "precompressed") != 0;
    site->gzip = tine_setting_number(app, "gzip") != 0;
    if (open_root(site) == 0)
        return site;
    file_cache_free(site->cache);
    free(site);
    return NULL;
}

void site_close(struct site *site)
{
    file_cache_free(site->cache);
    beneath_close(&site->root);
    free(site);
}

const char *site_error_page(struct site *site, int status)
{
    const char *key, *value;

    for (size_t i = 0; tine_setting_each(site->app, "error_page.*", i, &key, &value, NULL) == 0; i++)
        if (atoi(key) == status)
            return value + 1;
    return NULL;
}

/* Does the name end in ".EXTENSION", with something before it? */
static bool has_extension(const char *name, const char *extension)
{
    size_t length = strlen(name), end = strlen(extension) + 1;

    return length > end && name[length - end] == '.' && strcasecmp(name + length - end + 1, extension) == 0;
}

/* The type that the settings give; of several extensions that fit the longest ("tar.gz" before "gz"). */
static const char *own_type(struct site *site, const char *name)
{
    const char *key, *value, *found = NULL;
    size_t longest = 0;

    for (size_t i = 0; tine_setting_each(site->app, "type.*", i, &key, &value, NULL) == 0; i++) {
        if (strlen(key) <= longest || !has_extension(name, key))
            continue;
        longest = strlen(key);
        found = value;
    }
    return found;
}

/* All text is taken to be in the charset of the settings, unless its type says otherwise itself. */
static void set_type(struct site *site, struct file *file)
{
    const char *slash = strrchr(file->path, '/');
    const char *own = own_type(site, slash != NULL ? slash + 1 : file->path);
    const char *type = own != NULL ? own : tine_media_type(file->path);
    const char *charset = tine_setting(site->app, "charset");
    int length = own != NULL ? (int)strlen(own) : (int)strcspn(type, ";"); /* the table's own charset yields */
    bool is_open = own == NULL || strcasestr(own, "charset=") == NULL;

    if (strncasecmp(type, "text/", 5) == 0 && is_open && *charset != '\0')
        snprintf(file->type, sizeof(file->type), "%.*s; charset=%s", length, type, charset);
    else
        snprintf(file->type, sizeof(file->type), "%.*s", length, type);
}

/* A whole type goes before all of its kind, and those before the default. */
static const char *find_cache_control(struct site *site, const char *type)
{
    const char *key, *value, *found = tine_setting(site->app, "cache_control");
    size_t length = strcspn(type, "; "), main_length = strcspn(type, "/") + 1;

    for (size_t i = 0; tine_setting_each(site->app, "cache_control.*", i, &key, &value, NULL) == 0; i++) {
        if (strlen(key) == length && strncasecmp(key, type, length) == 0)
            return value;
        if (strncasecmp(key, type, main_length) == 0 && strcmp(key + main_length, "*") == 0)
            found = value;
    }
    return found;
}

void site_describe(struct site *site, struct file *file)
{
    const char *cache_control;

    set_type(site, file);
    cache_control = find_cache_control(site, file->type);
    file->cache_control = *cache_control != '\0' ? cache_control : NULL;
}
