/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line.
 */
#include "base/errors.h"
#include "base/io.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/title.h"
#include "cli/cli.h"
#include "config/config.h"
#include "config/values.h"
#include "master/activation.h"
#include "master/check.h"
#include "master/inheritance.h"
#include "master/launch.h"
#include "master/master.h"
#include "master/notify.h"
#include "master/pidfile.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_USAGE = 2 };

enum action { ACTION_SERVE, ACTION_TEST, ACTION_PRINT };

struct command {
    enum action action;
    struct master_options options;
};

static const char usage[] =
    "usage: tine -c FILE [-o SECTION.KEY=VALUE]... [-t | -T]\n"
    "       tine reload -c FILE [-o SECTION.KEY=VALUE]...\n"
    "       tine upgrade -c FILE [-o SECTION.KEY=VALUE]...\n"
    "       tine status -c FILE [-o SECTION.KEY=VALUE]... [--json]\n"
    "       tine routes -c FILE [-o SECTION.KEY=VALUE]... [--json]\n"
    "       tine call -c FILE [-o SECTION.KEY=VALUE]... [OPTION]... [METHOD] TARGET\n"
    "       tine new NAME\n"
    "       tine run [-c FILE] [-o SECTION.KEY=VALUE]... [--no-sanitize] [FILE.c | FOLDER]\n"
    "       tine -V | -h\n"
    "\n"
    "  -c FILE                 serve what this INI file says, in the foreground\n"
    "  -o SECTION.KEY=VALUE    use this in place of what the file says; may be repeated:\n"
    "                          -o server.listen=127.0.0.1:8080 -o app:hello.path=/api\n"
    "  -t                      test the configuration, modules included, and exit\n"
    "  -T                      print the effective configuration, defaults included, and exit\n"
    "  -V                      print the version and exit\n"
    "  -h                      print this and exit\n"
    "  reload                  have the server that runs for FILE read it again, and wait for the verdict\n"
    "  upgrade                 have it replaced by the binary that lies where it was started from, and wait for the verdict\n"
    "  status                  tell what it does\n"
    "  routes                  list the routes of FILE: method, path, handler, where it is written, filters\n"
    "  call                    have one request answered by FILE's modules in this process, without a server: tine call -h\n"
    "  new                     make a folder with a module to begin with, its test and Makefile\n"
    "  run                     build what lies there, serve it, and build and serve it again on each save\n"
    "\n"
    "signals: HUP reload, TERM and QUIT stop gracefully, INT stop at once, USR1 reopen logs,\n"
    "         USR2 upgrade to a new binary, TTIN and TTOU a worker more and fewer\n"
    "exit status: 0 stopped well, 1 cannot start, not valid or refused, 2 wrong usage\n";

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} subcommands[] = {
    {"reload", cli_reload}, {"upgrade", cli_upgrade}, {"status", cli_status}, {"routes", cli_routes}, {"call", cli_call},
    {"new", cli_new}, {"run", cli_run},
};

/* One line: the summary below it would push it off the screen. */
static _Noreturn void refuse_usage(const char *problem)
{
    fprintf(stderr, "tine: %s (see tine -h)\n", problem);
    exit(EXIT_USAGE);
}

static const char *suggest_command(const char *word)
{
    const char *names[sizeof subcommands / sizeof subcommands[0] + 1] = {NULL};
    for (size_t i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++)
        names[i] = subcommands[i].name;
    return value_suggest(word, names);
}

static _Noreturn void refuse_word(const char *word, bool first)
{
    const char *meant = first ? suggest_command(word) : NULL;
    fprintf(stderr, "tine: %s '%s'%s%s%s%s (see tine -h)\n", first ? "there is no command" : "too many arguments:", word,
            meant != NULL ? ": did you mean '" : "", meant != NULL ? meant : "", meant != NULL ? "'?" : "",
            first && strchr(word, '.') != NULL ? ": a file is served with -c FILE" : "");
    exit(EXIT_USAGE);
}

static int print(const char *text)
{
    return fputs(text, stdout) < 0 || fflush(stdout) != 0;
}

static _Noreturn void print_and_exit(const char *text)
{
    exit(print(text));
}

static void add_override(struct command *command, const char **overrides, const char *text)
{
    if (strchr(text, '.') == NULL || strchr(text, '=') == NULL)
        refuse_usage("-o takes SECTION.KEY=VALUE");
    overrides[command->options.override_count++] = memory_copy_text(text);
}

static void parse_command(struct command *command, int argc, char **argv)
{
    const char **overrides = calloc((size_t)argc, sizeof *overrides);
    int option;
    command->options.overrides = overrides;
    static const struct option longs[] = {{"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};
    while ((option = getopt_long(argc, argv, "+c:o:tTVh", longs, NULL)) != -1) {
        switch (option) {
        case 'c':
            command->options.path = memory_copy_text(optarg); /* argv is written over by the title */
            break;
        case 'o':
            add_override(command, overrides, optarg);
            break;
        case 't':
            command->action = ACTION_TEST;
            break;
        case 'T':
            command->action = ACTION_PRINT;
            break;
        case 'V':
            print_and_exit("tine " TINE_VERSION "\n");
        case 'h':
            print_and_exit(usage);
        default: /* told by getopt */
            fputs("see tine -h\n", stderr);
            exit(EXIT_USAGE);
        }
    }
    if (optind < argc)
        refuse_word(argv[optind], optind == 1);
    if (command->options.path == NULL)
        refuse_usage("no -c FILE");
}

static void print_errors(const struct errors *errors)
{
    for (size_t i = 0; i < errors->kept; i++)
        fprintf(stderr, "%s\n", errors->messages[i]);
    if (errors->count - errors->untold > errors->kept)
        fprintf(stderr, "and %zu more\n", errors->count - errors->untold - errors->kept);
}

/* Everything that is wrong is told in one run: of modules too when the file alone has errors already. Before serving, a file without
 * errors is left to the first worker, which loads the modules anyway. What is printed the modules have a say in: they know what is
 * secret. */
static struct config *load(const struct command *command)
{
    struct errors errors;
    errors_init(&errors);
    struct config *config = config_load(command->options.path, command->options.overrides, command->options.override_count, &errors);
    if (config != NULL && (errors.count > 0 || command->action == ACTION_TEST)) {
        struct privileges privileges;
        privileges_resolve(&privileges, config, &errors);
        check_surroundings(config, true, &errors);
        check_apps(config, NULL, &errors);
    } else if (config != NULL && command->action == ACTION_PRINT) {
        check_apps(config, stdout, &errors);
    }
    if (config == NULL || errors.count > 0) {
        if (!inheritance_exists() || getpid() == 1)
            print_errors(&errors); /* else the server that started us tells */
        if (inheritance_exists())
            inheritance_give_up(&errors);
        if (command->action == ACTION_SERVE && errors.kept > 0)
            notify_cannot_start(errors.messages[0]);
        errors_release(&errors);
        if (config != NULL)
            config_free(config);
        exit(1);
    }
    errors_release(&errors);
    return config;
}

static int serve(const struct command *command, struct config *config)
{
    int ready_fd = -1;
    bool first = getpid() == 1; /* all that runs in a container ends with its process 1 */
    if (config->daemon && first)
        log_warning("[server] daemon: process 1 stays in the foreground");
    if (config->daemon && !first && !inheritance_exists() && (ready_fd = pidfile_daemonize()) < 0) {
        fprintf(stderr, "tine: cannot go to the background: %s\n", strerror(errno));
        return 1;
    }
    return master_run(&command->options, config, ready_fd);
}

/* Of one that has no usage of its own it is asked for this one. */
static bool asks_for_usage(int argc, char **argv)
{
    return argc == 3 && strcmp(argv[1], "call") != 0 && (strcmp(argv[2], "-h") == 0 || strcmp(argv[2], "--help") == 0);
}

int main(int argc, char **argv)
{
    if (io_occupy_standard() < 0) {
        fprintf(stderr, "tine: cannot open /dev/null in place of standard input, output or error, which is closed: %s\n",
                strerror(errno));
        return 1;
    }
    for (size_t i = 0; argc > 1 && i < sizeof subcommands / sizeof subcommands[0]; i++)
        if (strcmp(argv[1], subcommands[i].name) == 0)
            return asks_for_usage(argc, argv) ? print(usage) : subcommands[i].run(argc - 1, argv + 1);
    static struct command command; /* for as long as the process: a reload goes by it */
    master_hold_signals();
    parse_command(&command, argc, argv);
    launch_init(argc, argv);
    title_init(argc, argv);
    notify_init();
    inheritance_init();
    notify_hold(inheritance_exists());
    activation_init();
    struct config *config = load(&command);
    if (command.action == ACTION_SERVE)
        return serve(&command, config);
    if (command.action == ACTION_TEST)
        puts("configuration ok");
    config_free(config);
    return fflush(stdout) == 0 ? 0 : 1;
}
