/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole configuration loader: an INI file, files that it includes (each behind a line "=== NAME") and overrides (lines of a file
 * named "-o"). What is wrong is told in lines that can be shown to a person; what is right reads back from what is printed of it.
 * Nothing of the machine is looked at: files, environment and CPUs are made up here.
 *
 * Wraps: file_read glob globfree getenv cpus_granted
 */
#include "fuzz.h"

#include "config/config.h"
#include "config/file.h"

#include <errno.h>
#include <fnmatch.h>
#include <glob.h>

enum { FILES = 8, OVERRIDES = 8, PATH_SIZE = 64 };

#define FOLDER "/etc/tine/"

static struct {
    char paths[FILES][PATH_SIZE];
    struct slice texts[FILES];
    size_t count;
    char overrides[OVERRIDES][256];
    const char *override_list[OVERRIDES];
    size_t override_count;
} world;

const char *__wrap_file_read(struct file *file, const char *path, struct pool *memory);
int __wrap_glob(const char *pattern, int flags, int (*failed)(const char *, int), glob_t *found);
void __wrap_globfree(glob_t *found);
char *__wrap_getenv(const char *name);
int __wrap_cpus_granted(void);

/* From a copy that ends where the file does, so that a look beyond it is seen. */
const char *__wrap_file_read(struct file *file, const char *path, struct pool *memory)
{
    for (size_t i = 0; i < world.count; i++) {
        if (strcmp(world.paths[i], path) != 0)
            continue;
        struct slice text = world.texts[i];
        char *copy = pool_alloc(memory, text.length);
        if (text.length > 0)
            memcpy(copy, text.data, text.length);
        *file = (struct file){.text = copy, .length = text.length, .device = 1, .inode = i + 1};
        return NULL;
    }
    return strerror(ENOENT);
}

int __wrap_glob(const char *pattern, int flags, int (*failed)(const char *, int), glob_t *found)
{
    static char *matches[FILES + 1];
    (void)flags;
    (void)failed;
    *found = (glob_t){.gl_pathv = matches};
    for (size_t i = 0; i < world.count; i++)
        if (fnmatch(pattern, world.paths[i], FNM_PATHNAME | FNM_PERIOD) == 0)
            matches[found->gl_pathc++] = world.paths[i];
    return found->gl_pathc > 0 ? 0 : GLOB_NOMATCH;
}

void __wrap_globfree(glob_t *found)
{
    (void)found;
}

char *__wrap_getenv(const char *name)
{
    static char home[] = "/home/tine", odd[] = "a b; \"c\" $d", empty[] = "";
    return strcmp(name, "HOME") == 0 ? home : strcmp(name, "ODD") == 0 ? odd : strcmp(name, "EMPTY") == 0 ? empty : NULL;
}

int __wrap_cpus_granted(void)
{
    return 4;
}

static void add_override(struct slice text)
{
    if (world.override_count == OVERRIDES || text.length >= sizeof world.overrides[0] || memchr(text.data, 0, text.length) != NULL)
        return;
    char *copy = world.overrides[world.override_count];
    memcpy(copy, text.data, text.length);
    copy[text.length] = 0;
    world.override_list[world.override_count++] = copy;
}

/* Names of files are the administrator's, who has put no control bytes into them. */
static bool is_heading(struct slice line)
{
    if (line.length <= 4 || line.length >= PATH_SIZE - sizeof FOLDER || memcmp(line.data, "=== ", 4) != 0)
        return false;
    for (size_t i = 4; i < line.length; i++)
        if ((unsigned char)line.data[i] < ' ' || line.data[i] == 0x7f)
            return false;
    return true;
}

static void add_file(const char *name, size_t length, struct slice text)
{
    if (length == 2 && memcmp(name, "-o", 2) == 0) {
        while (text.length > 0)
            add_override(fuzz_line(&text));
        return;
    }
    snprintf(world.paths[world.count], PATH_SIZE, FOLDER "%.*s", (int)length, name);
    world.texts[world.count++] = text;
}

/* Takes the input apart. */
static void make_world(struct slice rest)
{
    struct slice name = SLICE("server.ini"), text = {rest.data, 0};
    world.count = world.override_count = 0;
    while (rest.length > 0 && world.count < FILES - 1) {
        struct slice line = fuzz_line(&rest);
        if (!is_heading(line)) {
            text.length = (size_t)(rest.data - text.data);
            continue;
        }
        add_file(name.data, name.length, text);
        name = (struct slice){line.data + 4, line.length - 4};
        text = (struct slice){rest.data, 0};
    }
    add_file(name.data, name.length, text);
}

static char *print(const struct config *config)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    config_print(config, out);
    fclose(out);
    return text;
}

static void check_messages(const struct errors *errors)
{
    for (size_t i = 0; i < errors->kept; i++) {
        FUZZ_CHECK(errors->messages[i][0] != 0);
        for (const char *byte = errors->messages[i]; *byte != 0; byte++)
            FUZZ_CHECK(((unsigned char)*byte >= ' ' && *byte != 0x7f) || *byte == '\t');
    }
}

static struct config *load(struct errors *errors)
{
    errors_init(errors);
    return config_load(FOLDER "server.ini", world.override_list, world.override_count, errors);
}

/* What is printed is all: no includes, no overrides. */
static void check_round_trip(const struct config *config)
{
    struct errors errors;
    char *printed = print(config);
    world.count = world.override_count = 0;
    add_file("server.ini", sizeof "server.ini" - 1, slice_from(printed));
    struct config *again = load(&errors);
    if (errors.count > 0)
        fprintf(stderr, "%s\nof\n%s", errors.messages[0], printed);
    FUZZ_CHECK(errors.count == 0 && again != NULL);
    char *printed_again = print(again);
    if (strcmp(printed, printed_again) != 0)
        fprintf(stderr, "%s\nbecomes\n%s", printed, printed_again);
    FUZZ_CHECK(strcmp(printed, printed_again) == 0);
    free(printed);
    free(printed_again);
    config_free(again);
    errors_release(&errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct errors errors;
    make_world((struct slice){(const char *)data, size});
    struct config *config = load(&errors);
    FUZZ_CHECK(config != NULL || errors.count > 0);
    check_messages(&errors);
    if (errors.count == 0)
        check_round_trip(config);
    config_free(config);
    errors_release(&errors);
    return 0;
}
