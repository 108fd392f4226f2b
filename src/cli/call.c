/* SPDX-License-Identifier: Apache-2.0
 *
 * tine call -c FILE [METHOD] TARGET: one request through filters, router and handler in this process, without a socket, and its answer as
 * curl -i prints it. A handler that crashes takes the command with it, as one does under gdb or valgrind, which this is for.
 */
#include "cli/cli.h"
#include "cli/load.h"

#include "base/io.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_STATUS = 22 /* as curl -f */ };
#define DATA_MAX (INT64_C(1) << 30)

static const char usage[] =
    "usage: tine call -c FILE [-o SECTION.KEY=VALUE]... [OPTION]... [METHOD] TARGET\n"
    "\n"
    "METHOD is GET, or POST when there are data. TARGET is a path with its query: '/users?page=2'. The answer is printed as by\n"
    "curl -i, while it comes; the error log is standard error. No server needs to run, and of one that does nothing is seen.\n"
    "\n"
    "  -H 'Name: value'        a field; may be repeated\n"
    "  -d DATA, @FILE, @-      a body: the text, what the file holds, or standard input; several are joined by '&'\n"
    "  --json DATA             the same, as application/json\n"
    "  --host NAME             ask this host; localhost unless it is given\n"
    "  -i                      print status line and fields too: that is so anyway\n"
    "  --body                  print the body alone\n"
    "  --fail                  exit with 22 when the status is 400 or above\n"
    "  -h                      print this and exit\n"
    "\n"
    "exit status: 0 answered, 1 not valid or the answer broke off, 2 wrong usage\n";

struct command {
    const char *path, *method, *target, *host;
    const char **overrides;
    size_t override_count;
    struct buffer fields, data;
    bool has_data, json, only_body, fail;
};

static int refuse_usage(const char *problem, const char *argument)
{
    fprintf(stderr, "tine call: %s%s%s%s (see tine call -h)\n", problem, argument != NULL ? " '" : "", argument != NULL ? argument : "",
            argument != NULL ? "'" : "");
    return EXIT_USAGE;
}

static int read_all(int fd, struct buffer *data)
{
    for (;;) {
        ssize_t length = read(fd, buffer_reserve(data, 1 << 16), 1 << 16);
        if (length < 0 && errno == EINTR)
            continue;
        if (length <= 0)
            return (int)length;
        data->end += (size_t)length;
        if (buffer_length(data) > DATA_MAX) {
            errno = EFBIG;
            return -1;
        }
    }
}

static int add_data(struct command *command, const char *text)
{
    if (command->has_data)
        buffer_append_text(&command->data, "&");
    command->has_data = true;
    if (text[0] != '@') {
        buffer_append_text(&command->data, text);
        return 0;
    }
    int fd = strcmp(text, "@-") == 0 ? dup(STDIN_FILENO) : open(text + 1, O_RDONLY | O_CLOEXEC);
    int result = fd >= 0 ? read_all(fd, &command->data) : -1;
    if (result < 0)
        fprintf(stderr, "tine call: cannot read '%s': %s\n", text + 1, strerror(errno));
    io_close(&fd);
    return result < 0 ? 1 : 0;
}

static void add_field(struct command *command, const char *name, const char *value)
{
    struct slice fields = {buffer_bytes(&command->fields), buffer_length(&command->fields)};
    if (!direct_has_field(fields, slice_from(name)))
        buffer_format(&command->fields, "%s: %s\n", name, value);
}

/* What curl would add. */
static void add_usual_fields(struct command *command)
{
    add_field(command, "User-Agent", "tine/" TINE_VERSION);
    add_field(command, "Accept", command->json ? "application/json" : "*/*");
    if (command->has_data)
        add_field(command, "Content-Type", command->json ? "application/json" : "application/x-www-form-urlencoded");
}

static int take_option(struct command *command, int option)
{
    switch (option) {
    case 'c':
        command->path = optarg;
        return 0;
    case 'o':
        if (strchr(optarg, '.') == NULL || strchr(optarg, '=') == NULL)
            return refuse_usage("-o takes SECTION.KEY=VALUE", NULL);
        command->overrides[command->override_count++] = optarg;
        return 0;
    case 'H':
        buffer_format(&command->fields, "%s\n", optarg);
        return 0;
    case 'j':
        command->json = true;
        return add_data(command, optarg);
    case 'd':
        return add_data(command, optarg);
    case 'n':
        command->host = optarg;
        return 0;
    case 'i':
        return 0;
    case 'b':
        command->only_body = true;
        return 0;
    case 'f':
        command->fail = true;
        return 0;
    case 'h':
        exit(fputs(usage, stdout) < 0 || fflush(stdout) != 0);
    default:
        return refuse_usage("wrong option", NULL);
    }
}

/* 0, or the exit status. */
static int parse(struct command *command, int argc, char **argv)
{
    static const struct option longs[] = {
        {"json", required_argument, NULL, 'j'}, {"host", required_argument, NULL, 'n'}, {"body", no_argument, NULL, 'b'},
        {"fail", no_argument, NULL, 'f'}, {"help", no_argument, NULL, 'h'}, {0}};
    int option, result = 0;
    opterr = 0;
    while (result == 0 && (option = getopt_long(argc, argv, "c:o:H:d:ih", longs, NULL)) != -1)
        result = take_option(command, option);
    if (result != 0)
        return result;
    if (command->path == NULL)
        return refuse_usage("no -c FILE", NULL);
    if (argc - optind > 2)
        return refuse_usage("too many arguments", NULL);
    command->target = optind < argc ? argv[argc - 1] : "";
    if (argc - optind < 2 && command->target[0] != '/')
        return optind < argc ? refuse_usage("TARGET begins with '/', unlike", command->target) : refuse_usage("no TARGET", NULL);
    command->method = argc - optind == 2 ? argv[optind] : command->has_data ? "POST" : "GET";
    return 0;
}

/* What cannot be written is found out at the end. */
static void print_head(void *context, struct slice bytes)
{
    const struct command *command = context;
    if (!command->only_body)
        fwrite(bytes.data, 1, bytes.length, stdout);
    fflush(stdout);
}

static void print_body(void *context, struct slice bytes)
{
    (void)context;
    fwrite(bytes.data, 1, bytes.length, stdout);
    fflush(stdout);
}

/* A handler that calls exit() would look like one that answered; a child of its own may. */
static pid_t calling;

static void tell_of_exit(void)
{
    if (calling != getpid())
        return;
    fflush(stdout);
    fputs("tine call: the module called exit(); in a server that ends a worker, and the connection without an answer\n", stderr);
    _exit(1);
}

static int call(struct command *command)
{
    calling = atexit(tell_of_exit) == 0 ? getpid() : 0;
    struct direct direct;
    struct buffer bytes = BUFFER_EMPTY;
    const struct direct_client client = {.context = command, .head = print_head, .body = print_body, .patience = -1};
    if (load_direct(&direct, command->path, command->overrides, command->override_count, true) < 0) {
        calling = 0;
        return 1;
    }
    add_usual_fields(command);
    buffer_append(&command->fields, "", 1);
    direct_format(&bytes, &(const struct direct_request){
        .method = command->method, .target = command->target, .fields = buffer_bytes(&command->fields), .host = command->host,
        .body = !command->has_data ? NULL : buffer_length(&command->data) > 0 ? buffer_bytes(&command->data) : "",
        .length = buffer_length(&command->data)});
    struct direct_answer answer = direct_call(&direct, buffer_bytes(&bytes), buffer_length(&bytes), &client);
    buffer_release(&bytes);
    direct_close(&direct);
    calling = 0;
    if (!answer.whole)
        fprintf(stderr, "tine call: the answer broke off\n");
    if (fflush(stdout) != 0 || ferror(stdout) || !answer.whole)
        return 1;
    return command->fail && answer.status >= 400 ? EXIT_STATUS : 0;
}

int cli_call(int argc, char **argv)
{
    struct command command = {.overrides = memory_new((size_t)argc * sizeof(char *))};
    int result = parse(&command, argc, argv);
    if (result == 0)
        result = call(&command);
    free(command.overrides);
    buffer_release(&command.fields);
    buffer_release(&command.data);
    return result;
}
