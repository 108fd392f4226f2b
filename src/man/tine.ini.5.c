/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints the part of tine.ini(5) that tells every section and key: from the option table, and from what the built-in modules declare. Runs
 * while tine is built; `tine.ini.5.head` and `.tail` are around it.
 */
#include "app/module.h"
#include "config/options.h"

#include <stdio.h>
#include <string.h>

/* Text that means nothing to a formatter, and lines of it that are short. */
static void put_text(const char *text)
{
    size_t column = 0;

    for (const char *word = text; *word;) {
        size_t length = strcspn(word, " "), escapes = 0;

        for (size_t i = 0; i < length; i++)
            escapes += word[i] == '-' || word[i] == '\\';
        if (column + length + escapes > 76) {
            putchar('\n');
            column = 0;
        } else if (column > 0) {
            putchar(' ');
        }
        if (column == 0 && (*word == '.' || *word == '\''))
            fputs("\\&", stdout);
        for (size_t i = 0; i < length; i++) {
            if (word[i] == '-')
                putchar('\\');
            fputs(word[i] == '\\' ? "\\e" : (const char[]){word[i], '\0'}, stdout);
        }
        column += length + escapes + 1;
        word += length;
        word += strspn(word, " ");
    }
    putchar('\n');
}

/* A key as the head of its item; what it is without when it has no value. */
static void put_key(const char *key, const char *fallback)
{
    printf(".It Ic %s", key);
    if (!fallback)
        printf(" No (must be given)");
    else if (*fallback)
        printf(" No = Li %s", fallback);
    putchar('\n');
}

static void put_option(const struct option *option)
{
    char kind[OPTION_KIND_MAX], sentence[sizeof kind + 64];

    put_key(option->key, option->fallback);
    put_text(option->help);
    option_describe(option, kind);
    snprintf(sentence, sizeof sentence, "Takes %s.", kind);
    puts(".br");
    put_text(sentence);
    if (option->per_app) {
        char name[OPTION_NAME_MAX];

        option_per_app_name(option, name);
        snprintf(sentence, sizeof sentence, option->per_route ? "An [app:NAME] and a [route:NAME] may have their own, as %s."
                                                              : "An [app:NAME] may have its own, as %s.", name);
        puts(".br");
        put_text(sentence);
    }
}

static void put_section(enum option_section section)
{
    const struct option_section_info *info = &option_sections[section];

    printf(".Ss \\&[%s%s]\\&\n", info->name, info->has_name ? ":NAME" : "");
    put_text(info->help);
    puts(".Bl -tag -width 8n");
    for (const struct option *option = options; option->key; option++)
        if (option->section == section)
            put_option(option);
    puts(".El");
}

static const char *type_name(tine_type type)
{
    static const char *const names[] = {
        [TINE_TEXT] = "text", [TINE_PATH] = "a path", [TINE_INTEGER] = "a whole number", [TINE_SIZE] = "a size",
        [TINE_TIME] = "a time", [TINE_SWITCH] = "on or off", [TINE_SECRET] = "a secret",
    };

    return names[type];
}

static void put_module(const char *name, const tine_module *module)
{
    char sentence[64];

    printf(".Ss module = %s\n", name);
    if (!module->settings || !module->settings->name) {
        puts("It has no settings.");
        return;
    }
    puts(".Bl -tag -width 8n");
    for (const tine_option *option = module->settings; option->name; option++) {
        size_t length = strlen(option->name);
        bool is_family = length > 2 && strcmp(option->name + length - 2, ".*") == 0;

        put_key(option->name, is_family ? "" : option->fallback);
        put_text(option->help);
        snprintf(sentence, sizeof sentence, "Takes %s.", type_name(option->type));
        puts(".br");
        put_text(sentence);
    }
    puts(".El");
}

int main(void)
{
    const tine_module *module;
    const char *name;

    puts(".Sh SECTIONS AND KEYS");
    for (int section = 0; section < SECTIONS; section++)
        put_section((enum option_section)section);
    puts(".Sh BUILT\\-IN MODULES");
    for (size_t i = 0; (module = module_builtin(i, &name)) != NULL; i++)
        if (strcmp(name, "develop") != 0) /* which `tine run` alone makes use of */
            put_module(name, module);
    return 0;
}
