/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of every section and key that tine itself understands: the parser, -T and the manual page
 * go by it. A key is in it once it works. Settings that modules declare are not.
 */
#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include "config/config.h"
#include "config/pool.h"

enum option_section {
    SECTION_SERVER, SECTION_LISTEN, SECTION_TIMEOUTS, SECTION_LIMITS, SECTION_LOG, SECTION_APP, SECTION_FILTER, SECTION_ROUTE, SECTIONS
};

struct option_section_info {
    const char *name;
    bool has_name; /* written [listen:NAME], any number of them */
    const char *help;
};

extern const struct option_section_info option_sections[SECTIONS];

/* What a value may be, and with which type it is stored. */
enum option_type {
    OPTION_TEXT,    /* char *; 'least' is its least length */
    OPTION_PATH,    /* char *, absolute; may be "" unless 'least' is 1 */
    OPTION_LOG,     /* char *; "-", "off" or an absolute path */
    OPTION_CONTROL, /* char *; "auto", "off" or an absolute path */
    OPTION_FORMAT,  /* char *; a word of 'words', or a format string */
    OPTION_MOUNT,   /* char *; the path of an app */
    OPTION_HOST,    /* char *, in lower case */
    OPTION_MODULE,  /* char *; a name, or the absolute path of a shared object */
    OPTION_INTEGER, /* int64_t, as the next three */
    OPTION_SIZE,
    OPTION_TIME,
    OPTION_MODE,
    OPTION_PERCENT,
    OPTION_SWITCH,  /* bool */
    OPTION_LEVEL,   /* int, an index of 'words' */
    OPTION_ADDRESS, /* struct address */
    OPTION_LISTENS, /* addresses, comma separated: config.c makes config.listens of them */
    OPTION_NETWORKS, /* struct networks */
    OPTION_SCOPE,   /* struct scope */
    OPTION_INCLUDE  /* handled while reading (entries.c), stored nowhere */
};

struct option {
    enum option_section section;
    const char *key;
    enum option_type type;
    const char *fallback; /* as it would be written; NULL: must be given */
    size_t offset;        /* into the section's struct: config, config_listen, config_app, config_route, or its timeouts or limits */
    int64_t least, most;
    const char *zero;         /* a word for 0, be it within the bounds or not: "auto" */
    const char *const *words; /* ends with NULL */
    bool per_app;             /* an [app:NAME] may have its own, as "limits.body"; then it is an int64_t */
    bool per_route;           /* and so may a [route:NAME] */
    const char *help;         /* one line for a person */
};

extern const struct option options[]; /* in the order of the sections; ends with a NULL key */

/* The option of this section and key, or NULL. */
const struct option *option_find(enum option_section section, const char *key);

/* The per-app option that a key of an [app:NAME] means: "limits.body", or "send" where only one section has
 * such a key. NULL if it means none; then *is_ambiguous says whether it could be more than one. */
const struct option *option_find_per_app(const char *key, bool *is_ambiguous);

/* The section of "server" or "app:hello" (then *name is "hello", else ""). SECTIONS if there is none. */
enum option_section option_section_of(const char *heading, const char **name);

/* "limits.body", as an [app:NAME] has it. */
enum { OPTION_NAME_MAX = 64 };
void option_per_app_name(const struct option *option, char name[static OPTION_NAME_MAX]);

/* The kind of value in words, to be read behind "is not" or "takes": "a whole number from 1 to 512, or 'auto'". */
enum { OPTION_KIND_MAX = 160 };
void option_describe(const struct option *option, char kind[static OPTION_KIND_MAX]);

/* Parses 'text' and stores it in the struct at 'base'. Relative paths start at 'directory'. Returns NULL, or what is
 * wrong ("'many' is not a ..."); then nothing was stored. Text is kept in 'memory', a message in 'scratch'. Not
 * for LISTENS and INCLUDE. */
const char *option_store(const struct option *option, void *base, const char *text, const char *directory,
                         struct pool *memory, struct pool *scratch);

/* The value in the struct at 'base' as text that option_store() takes, in 'scratch' or borrowed. */
const char *option_text(const struct option *option, const void *base, struct pool *scratch);

/* Where the values of a section lie in a configuration (not LISTEN, APP and the like, of which there are many), those
 * that an app has on top, and those that a request goes by. */
void *option_base(struct config *config, enum option_section section);
void *option_app_base(struct config_app *app, enum option_section section);
void *option_bounds_base(struct config_bounds *bounds, enum option_section section);

/* The value of a per-app option there. */
int64_t *option_bound(const struct option *option, struct config_bounds *bounds);

#endif
