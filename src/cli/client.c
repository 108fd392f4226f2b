/* SPDX-License-Identifier: Apache-2.0
 *
 * See client.h.
 */
#include "cli/client.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/memory.h"
#include "config/config.h"
#include "config/control.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { START_MS = 30000 }; /* [timeouts] start of a file that cannot be read */

/* Where the server may be asked, and how long it may take for something. */
struct place {
    char *file;    /* absolute */
    char *control; /* value of [server] control */
    int64_t start; /* of [timeouts] start, ms */
};

static int refuse_usage(const struct client_options *options, const char *problem, bool takes_json)
{
    fprintf(stderr, "tine %s: %s\nusage: tine %s -c FILE [-o SECTION.KEY=VALUE]...%s\n", options->name, problem, options->name,
            takes_json ? " [--json]" : "");
    return -1;
}

int client_parse(struct client_options *options, int argc, char **argv, bool takes_json)
{
    static const struct option longs[] = {{"json", no_argument, NULL, 'j'}, {0}};
    int option;
    *options = (struct client_options){.name = argv[0], .overrides = memory_new((size_t)argc * sizeof(char *))};
    opterr = 0;
    while ((option = getopt_long(argc, argv, "+c:o:", longs, NULL)) != -1) {
        if (option == 'c')
            options->path = optarg;
        else if (option == 'o' && strchr(optarg, '.') != NULL && strchr(optarg, '=') != NULL)
            options->overrides[options->override_count++] = optarg;
        else if (option == 'o')
            return refuse_usage(options, "-o takes SECTION.KEY=VALUE", takes_json);
        else if (option == 'j' && takes_json)
            options->json = true;
        else
            return refuse_usage(options, "wrong option", takes_json);
    }
    if (optind < argc)
        return refuse_usage(options, "too many arguments", takes_json);
    return options->path != NULL ? 0 : refuse_usage(options, "no -c FILE", takes_json);
}

static char *absolute(const char *path)
{
    char *folder = path[0] == '/' ? NULL : get_current_dir_name(), *joined = NULL;
    if (asprintf(&joined, "%s%s%s", folder != NULL ? folder : "", path[0] == '/' ? "" : "/", path) < 0)
        joined = memory_copy_text(path);
    free(folder);
    return joined;
}

/* What is wrong with the file does not matter here: it is the server that shall say so. One that cannot be read at all leaves what was
 * given with -o, and else the default. */
static struct place find_place(const struct client_options *options)
{
    struct place place = {.file = absolute(options->path), .start = START_MS};
    struct errors errors;
    errors_init(&errors);
    struct config *config = config_load(options->path, options->overrides, options->override_count, &errors);
    if (config != NULL) {
        place.control = memory_copy_text(config->control);
        place.start = config->timeouts.start;
        config_free(config);
    }
    for (size_t i = 0; config == NULL && i < options->override_count; i++)
        if (strncmp(options->overrides[i], "server.control=", 15) == 0) {
            free(place.control);
            place.control = memory_copy_text(options->overrides[i] + 15);
        }
    if (place.control == NULL)
        place.control = memory_copy_text("auto");
    errors_release(&errors);
    return place;
}

/* A name without a path can be taken by anyone: is it the user in the name who answers? */
static bool is_served_by(int fd, uid_t uid)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.uid == uid;
}

static int connect_to(const char *control, const char *file, uid_t uid)
{
    struct sockaddr_un address;
    socklen_t length;
    if (control_address(control, file, uid, &address, &length) < 0) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, length) < 0)
        io_close(&fd);
    if (fd >= 0 && address.sun_path[0] == 0 && !is_served_by(fd, uid)) {
        io_close(&fd);
        errno = ECONNREFUSED;
    }
    return fd;
}

/* The server may be ours, root's, or that of whom the file belongs to. The file may say otherwise by now than when the server read it: so
 * the default is tried as well. */
static int find_server(const struct place *place)
{
    struct stat status;
    uid_t owner = stat(place->file, &status) == 0 ? status.st_uid : 0;
    const uid_t users[] = {geteuid(), 0, owner};
    int fd = -1;
    if (place->control[0] == '/') {
        fd = connect_to(place->control, place->file, geteuid());
        if (fd >= 0 || errno == EACCES || errno == EPERM)
            return fd;
    }
    for (size_t i = 0; fd < 0 && i < sizeof users / sizeof users[0]; i++)
        fd = connect_to("auto", place->file, users[i]);
    return fd;
}

static void tell_nobody(const struct client_options *options, const struct place *place)
{
    if (errno == EACCES || errno == EPERM)
        fprintf(stderr, "tine %s: permission denied on '%s': only root and the user who runs the server may ask\n", options->name,
                place->control);
    else if (strcmp(place->control, "off") == 0)
        fprintf(stderr, "tine %s: no server runs for '%s' that could be asked: its [server] control is off\n", options->name,
                place->file);
    else
        fprintf(stderr, "tine %s: no server runs for '%s'%s\n", options->name, place->file,
                access(place->file, F_OK) < 0 && errno == ENOENT
                    ? ", and there is no such file"
                    : " (it is found by the path that it was started with; links are not followed)");
}

static int connect_server(const struct client_options *options, int64_t *start)
{
    struct place place = find_place(options);
    int fd = find_server(&place);
    *start = place.start;
    if (fd < 0)
        tell_nobody(options, &place);
    free(place.file);
    free(place.control);
    return fd;
}

/* To the end of the connection. 1, or 0 when the time is up. */
static int receive(int fd, int64_t patience, struct buffer *in)
{
    int64_t deadline = clock_ms() + patience;
    bool was_reset = false;
    for (;;) {
        int64_t left = deadline - clock_ms();
        struct pollfd poller = {.fd = fd, .events = POLLIN};
        if (left <= 0)
            return 0;
        if (poll(&poller, 1, left < INT_MAX ? (int)left : INT_MAX) <= 0)
            continue;
        ssize_t length = recv(fd, buffer_reserve(in, 4096), 4096, 0);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0 && errno == ECONNRESET && !was_reset) { /* told once, before what the server said last */
            was_reset = true;
            continue;
        }
        if (length <= 0)
            return 1;
        in->end += (size_t)length;
    }
}

static int take_answer(const struct client_options *options, struct buffer *in, char **text)
{
    *buffer_reserve(in, 1) = 0;
    char *bytes = buffer_bytes(in), *line_end = strchr(bytes, '\n');
    bool ok = strncmp(bytes, "ok\n", 3) == 0;
    if (!ok && strncmp(bytes, "failed\n", 7) != 0) {
        fprintf(stderr, "tine %s: the server ended before it answered\n", options->name);
        return -1;
    }
    *text = memory_copy_text(line_end + 1);
    return ok;
}

int client_ask(const struct client_options *options, const char *request, int seconds, int starts, char **text)
{
    struct buffer in = BUFFER_EMPTY;
    char line[64];
    int64_t start;
    int fd = connect_server(options, &start), result = -1;
    if (fd < 0)
        return -1;
    int64_t patience = (int64_t)seconds * 1000 + starts * start;
    /* A server that refuses us may have closed already: its answer tells why. */
    send(fd, line, (size_t)snprintf(line, sizeof line, "%s\n", request), MSG_NOSIGNAL);
    if (receive(fd, patience, &in))
        result = take_answer(options, &in, text);
    else
        fprintf(stderr, "tine %s: the server did not answer within %lld s\n", options->name, (long long)patience / 1000);
    buffer_release(&in);
    io_close(&fd);
    return result;
}
