/* SPDX-License-Identifier: Apache-2.0
 *
 * See module.h.
 */
#include "app/module.h"

#include "app/module_file.h"
#include "base/io.h"
#include "config/values.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

extern const tine_module builtin_static, builtin_respond, builtin_redirect, builtin_status, builtin_compress, builtin_develop, builtin_cors,
    builtin_security_headers;

static const struct {
    const char *name;
    const tine_module *module;
} builtins[] = {
    {"static", &builtin_static},
    {"respond", &builtin_respond},
    {"redirect", &builtin_redirect},
    {"status", &builtin_status},
    {"gzip", &builtin_compress},
    {"develop", &builtin_develop}, /* for `tine run` */
    {"cors", &builtin_cors},
    {"security_headers", &builtin_security_headers},
};

enum { BUILTINS = sizeof builtins / sizeof builtins[0] };

/* Those that lie in lib/tine, to be suggested. */
static const char *const loaded[] = {"basic_auth", "bearer", "cache", "csrf", "rate_limit", "session", "template"};

enum { LOADED = sizeof loaded / sizeof loaded[0] };

static char reason_text[512];

#define MODULE_SYMBOL "tine_module_exported"

bool module_is_file(const char *name)
{
    return strchr(name, '/') != NULL;
}

const tine_module *module_builtin(size_t i, const char **name)
{
    if (i >= BUILTINS)
        return NULL;
    *name = builtins[i].name;
    return builtins[i].module;
}

static const char *suggest(const char *name)
{
    const char *names[BUILTINS + LOADED + 1] = {NULL};
    for (size_t i = 0; i < BUILTINS; i++)
        names[i] = builtins[i].name;
    for (size_t i = 0; i < LOADED; i++)
        names[BUILTINS + i] = loaded[i];
    const char *meant = value_suggest(name, names);
    return meant != NULL && strcmp(meant, name) != 0 ? meant : NULL; /* the same: it was not built, or is not installed */
}

static const tine_module *find_builtin(const char *name, const char **reason)
{
    for (size_t i = 0; i < BUILTINS; i++)
        if (strcmp(builtins[i].name, name) == 0)
            return builtins[i].module;
    const char *meant = suggest(name);
    snprintf(reason_text, sizeof reason_text,
             "there is no module '%s'%s%s%s: static, respond, redirect, status, gzip, cors and security_headers are built in, others lie "
             "in lib/tine (`make install`), and a shared object of your own is written with a path "
             "(./%s.so)", name, meant != NULL ? " (did you mean '" : "",
             meant != NULL ? meant : "", meant != NULL ? "'?)" : "", name);
    *reason = reason_text;
    return NULL;
}

static bool is_newer(const char *name, uint32_t its, size_t ours)
{
    if (its <= ours)
        return false;
    snprintf(reason_text, sizeof reason_text, "it was built for a newer tine (its %s struct has %u bytes, this one's %zu)", name, its,
             ours);
    return true;
}

/* A newer module may use what this server does not have, and an older ABI is laid out otherwise. Structs only
 * grow at their ends, so a smaller one of the same ABI is an older module, and fine. */
static const char *check_layout(const tine_module *module)
{
    if (module->abi != TINE_ABI)
        snprintf(reason_text, sizeof reason_text,
                 "it was built for ABI %u, this tine has ABI %u: compile it again with this tine's tine.h",
                 module->abi, TINE_ABI);
    else if (!is_newer("module", module->size, sizeof(tine_module)) && !is_newer("route", module->route_size, sizeof(tine_route)) &&
             !is_newer("option", module->option_size, sizeof(tine_option)))
        return NULL;
    return reason_text;
}

static const char *explain_symbol(const char *said)
{
    if (strncmp(said, "undefined symbol: tine_", 23) == 0)
        return " (this tine is older than the tine.h that it was built with)";
    return strncmp(said, "undefined symbol", 16) == 0 ? " (of a library that is not linked? PACKAGES in the Makefile names it)" : "";
}

/* The loader begins with the file's name, which is said already, and knows neither of compilers nor of our Makefiles. */
static const char *explain(const char *file, const char *said)
{
    size_t length = strlen(file);
    if (strncmp(said, file, length) == 0 && strncmp(said + length, ": ", 2) == 0)
        said += length + 2;
    snprintf(reason_text, sizeof reason_text, "%s%s", said, explain_symbol(said));
    return reason_text;
}

const tine_module *module_find(const char *name, const char *file, const char **reason)
{
    if (!module_is_file(name))
        return find_builtin(name, reason);
    int fd = module_file_open(file, reason);
    if (fd < 0)
        return NULL;
    io_close(&fd);
    /* NOW: a missing symbol is an error here, not a crash in the middle of a request. */
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        *reason = explain(file, dlerror());
        return NULL;
    }
    const tine_module *module = dlsym(library, MODULE_SYMBOL);
    if (module == NULL) {
        *reason = "it has no TINE_MODULE(...): the symbol '" MODULE_SYMBOL "' is missing";
        return NULL;
    }
    *reason = check_layout(module);
    return *reason == NULL ? module : NULL;
}
