/* SPDX-License-Identifier: Apache-2.0
 *
 * The option table, and etc/server.ini held to it. Runs in the folder of the repository.
 */
#include "config_support.h"

#include "config/ini.h"
#include "config/options.h"
#include "config/quote.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <tine.h>

extern const tine_module builtin_static;

Test(options, are_described_and_named_once)
{
    for (const struct option *option = options; option->key; option++) {
        char kind[OPTION_KIND_MAX];

        cr_expect_not_null(option->help, "%s", option->key);
        cr_expect_eq(option_find(option->section, option->key), option, "%s twice", option->key);
        option_describe(option, kind);
        cr_expect_gt(strlen(kind), 0, "%s", option->key);
        cr_expect_lt(strlen(kind), OPTION_KIND_MAX - 1, "%s: %s", option->key, kind);
    }
}

Test(options, have_defaults_that_their_own_type_takes)
{
    struct pool *pool = pool_new();
    union {
        struct config config;
        struct config_listen listen;
        struct config_app app;
    } base;

    for (const struct option *option = options; option->key; option++) {
        if (!option->fallback || option->type == OPTION_LISTENS || option->type == OPTION_INCLUDE)
            continue;
        memset(&base, 0, sizeof base);
        const char *wrong = option_store(option, &base, option->fallback, "/", pool, pool);
        cr_expect_null(wrong, "%s: %s", option->key, wrong);

        char *text = pool_text(pool, option_text(option, &base, pool));
        wrong = option_store(option, &base, text, "/", pool, pool);
        cr_expect_null(wrong, "%s: %s", option->key, wrong);
        cr_expect_str_eq(option_text(option, &base, pool), text, "%s", option->key);
    }
    pool_free(pool);
}

Test(options, of_one_app_are_found_by_their_full_or_only_name)
{
    static const struct {
        const char *key;
        int section; /* -1: none, -2: ambiguous */
    } cases[] = {
        {"limits.body", SECTION_LIMITS}, {"timeouts.body", SECTION_TIMEOUTS}, {"body", -2}, {"send", SECTION_TIMEOUTS},
        {"request", SECTION_TIMEOUTS}, {"body_memory", SECTION_LIMITS}, {"header", -1}, {"timeouts.header", -1},
        {"root", -1}, {"", -1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool is_ambiguous;
        const struct option *option = option_find_per_app(cases[i].key, &is_ambiguous);

        cr_expect_eq(option ? (int)option->section : is_ambiguous ? -2 : -1, cases[i].section, "%s", cases[i].key);
    }
}

/* ---- etc/server.ini ---- */

static char *read_text(const char *path, size_t *length)
{
    static char text[128 * 1024];
    FILE *file = fopen(path, "r");

    cr_assert_not_null(file, "tests run in the folder of the repository");
    *length = fread(text, 1, sizeof text - 1, file);
    text[*length] = '\0';
    fclose(file);
    return text;
}

enum { OPTIONS_MAX = 100 };
static bool is_written[OPTIONS_MAX];

static void ignore_heading(void *context, int line, const char *section)
{
    (void)context, (void)line, (void)section;
}

static void fail_mistake(void *context, int line, const char *message)
{
    (void)context;
    cr_expect(false, "etc/server.ini:%d: %s", line, message);
}

/* A setting of the server has to be the default, letter by letter. */
static void compare_setting(void *pool, int line, const char *heading, const char *key, const char *raw)
{
    const char *name, *value;
    const struct option *option = option_find(option_section_of(heading, &name), key);

    if (!option)
        return;
    is_written[option - options] = true;
    cr_assert_null(quote_parse(raw, pool, &value));
    if (!option_sections[option->section].has_name)
        cr_expect_str_eq(value, option->fallback, "etc/server.ini:%d: %s", line, key);
}

Test(options, stand_in_the_example_file_at_their_defaults)
{
    struct pool *pool = pool_new();
    const struct ini_visitor visitor = {pool, ignore_heading, compare_setting, fail_mistake};
    size_t length;
    char *text = read_text("etc/server.ini", &length);

    ini_read(text, length, &visitor);
    for (const struct option *option = options; option->key; option++) {
        char commented[OPTION_NAME_MAX + 8];

        /* Of listeners and apps a commented example is enough. */
        snprintf(commented, sizeof commented, "\n; %s =", option->key);
        bool is_shown = option_sections[option->section].has_name && strstr(text, commented);
        cr_expect(is_written[option - options] || is_shown, "[%s] %s is missing", option_sections[option->section].name, option->key);

        option_per_app_name(option, commented);
        cr_expect(!option->per_app || strstr(text, commented), "%s of an app is missing", commented);
    }
    pool_free(pool);
}

Test(options, of_the_example_file_make_the_built_in_configuration)
{
    int fd = memfd_create("empty", MFD_CLOEXEC);
    char path[32];
    cr_assert_eq(write(fd, "[log]\n", 6), 6);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct config *example = load_right("etc/server.ini"), *built_in = load_right(path);
    struct pool *pool = pool_new();

    for (const struct option *option = options; option->key; option++) {
        if (!option_base(example, option->section))
            continue;
        cr_expect_str_eq(option_text(option, option_base(example, option->section), pool),
                         option_text(option, option_base(built_in, option->section), pool), "%s", option->key);
    }
    cr_assert_eq(example->listen_count, built_in->listen_count);
    cr_expect(address_equals(&example->listens[0].address, &built_in->listens[0].address));
    cr_expect_eq(example->app_count, 2);
    pool_free(pool);
    config_free(example);
    config_free(built_in);
    close(fd);
}

/* Each commented example, uncommented, has to be right too. */
Test(options, in_comments_of_the_example_file_are_right)
{
    size_t length;
    char *text = read_text("etc/server.ini", &length);
    int fd = memfd_create("example", MFD_CLOEXEC);
    FILE *file = fdopen(dup(fd), "w");
    char path[32];
    bool in_example = false;

    for (char *line; (line = strsep(&text, "\n"));) {
        in_example = strncmp(line, "; [", 3) == 0 || (in_example && line[0] == ';');
        fprintf(file, "%s\n", in_example && line[1] ? line + 2 : line);
    }
    fclose(file);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct config *config = load_right(path);
    cr_expect_eq(config->app_count, 8);
    cr_expect_eq(config->listen_count, 2);
    cr_expect_eq(config->route_count, 1);
    config_free(config);
    close(fd);
}

/* The settings of static are many: the example file has them all, with their defaults, and so has the manual of files. */
Test(options, of_the_module_static_are_documented)
{
    size_t length;
    char *example = strdup(read_text("etc/server.ini", &length)), *manual = strdup(read_text("src/man/files.md", &length)), text[80];

    for (const tine_option *option = builtin_static.settings; option->name; option++) {
        int name = (int)strcspn(option->name, "*");
        bool has_default = option->fallback && *option->fallback;

        snprintf(text, sizeof text, "\n; %.*s%s%s", name, option->name, has_default ? " = " : "", has_default ? option->fallback : "");
        cr_expect(strstr(example, text), "'%s' is not in the example file", text + 1);
        snprintf(text, sizeof text, "`%.*s", name, option->name);
        cr_expect(strstr(manual, text), "%s is not in src/man/files.md", text);
    }
    free(example);
    free(manual);
}
