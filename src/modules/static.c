/* SPDX-License-Identifier: Apache-2.0
 *
 * static: serves the files of a folder. Runs in a worker.
 *
 *     [app:site]
 *     path = /
 *     module = static
 *     root = /srv/www
 *
 * What is served is decided by what the path names when it is opened, never by its text alone; beneath.c keeps that
 * inside the root. Hidden names (".git", ".env") do not exist for clients, except ".well-known" (RFC 8615).
 * A file's address has no slash at its end and a folder's has one, so relative links in pages work.
 */
#include "beneath.h"
#include "encode.h"
#include "listing.h"


#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tine.h>
#include <unistd.h>

enum { PRESSURE_LOG_SECONDS = 10 };

struct site {
    struct beneath root;
    const char *index; /* "": none */
    bool listing;
    time_t told; /* when pressure was logged last, on the monotonic clock */
};

/* Is every segment of a path relative to the root one that clients may ask for? None is empty (but for a slash at
 * the end), none is hidden. */
static bool is_servable(const char *path)
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

/* The request's path, encoded and without its slashes in front: fit for a log line and for a Location. */
static const char *encoded_path(tine_request *r)
{
    const char *path = tine_path(r) + strspn(tine_path(r), "/");
    char *encoded = tine_alloc(r, ENCODE_GROWTH * strlen(path) + 1);

    encode_path(encoded, path);
    return encoded;
}

/* Running out of descriptors lasts, and every request meets it: the log is told now and then. */
static int refuse_for_pressure(tine_request *r, struct site *site, int error)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    if (site->told == 0 || now.tv_sec - site->told >= PRESSURE_LOG_SECONDS) {
        tine_log(r, TINE_ERROR, "static: cannot open files: %s", strerror(error));
        site->told = now.tv_sec;
    }
    return 503;
}

/* The status for a file that could not be opened. */
static int refuse(tine_request *r, struct site *site, int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
    case EXDEV:  /* leads out of the root */
    case ENXIO:  /* a socket, or a device without driver; so is ENODEV */
    case ENODEV:
    case EINVAL: /* a name that this file system cannot have; so is EILSEQ */
    case EILSEQ:
        return 404;
    case EACCES:
    case EPERM:
        tine_log(r, TINE_INFO, "static: cannot open '/%s': %s", encoded_path(r), strerror(error));
        return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN: /* a lease, or renames without end */
        return refuse_for_pressure(r, site, error);
    default:
        tine_log(r, TINE_ERROR, "static: cannot open '/%s': %s", encoded_path(r), strerror(error));
        return 500;
    }
}

/* Opens and looks at a file. Returns its descriptor, or -1 with errno. */
static int open_file(const struct site *site, const char *path, int flags, struct stat *status)
{
    int fd = beneath_open_file(&site->root, path, flags);

    if (fd >= 0 && fstat(fd, status) != 0) {
        int saved = errno;

        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static int send_file(tine_request *r, int fd, const char *path, const struct stat *status)
{
    if (!S_ISREG(status->st_mode)) {
        close(fd);
        return 404;
    }
    if (tine_fresh(r, NULL, status->st_mtime)) {
        close(fd);
        return 304;
    }
    tine_set_header(r, "Content-Type", tine_media_type(path));
    tine_set_header(r, "X-Content-Type-Options", "nosniff");
    return tine_send_fd(r, 200, fd, 0, (size_t)status->st_size);
}

/* To the same path with a slash at its end. All slashes in front become one: "//host" would be another site. */
static int redirect_to_folder(tine_request *r)
{
    const char *query = tine_query_string(r);

    return tine_redirect(r, 301, tine_printf(r, "/%s/%s%s", encoded_path(r), *query ? "?" : "", query));
}

/* A folder that may be entered but not read cannot be opened for reading, yet its index can be served. */
static bool is_closed_folder(const struct site *site, const char *path)
{
    struct stat status;
    int fd = open_file(site, path, O_PATH, &status);

    if (fd < 0)
        return false;
    close(fd);
    return S_ISDIR(status.st_mode);
}

static int serve_file(tine_request *r, struct site *site, const char *path)
{
    struct stat status;
    int fd = open_file(site, path, O_RDONLY, &status);

    if (fd < 0) {
        int error = errno;

        if (error == EACCES && is_closed_folder(site, path))
            return redirect_to_folder(r);
        return refuse(r, site, error);
    }
    if (S_ISDIR(status.st_mode)) {
        close(fd);
        return redirect_to_folder(r);
    }
    return send_file(r, fd, path, &status);
}

static int serve_without_index(tine_request *r, struct site *site, const char *path)
{
    int fd = beneath_open_file(&site->root, path, O_DIRECTORY | (site->listing ? O_RDONLY : O_PATH));

    if (fd < 0)
        return refuse(r, site, errno);
    if (site->listing)
        return listing_send(r, fd, *path != '\0');
    close(fd);
    return tine_problem(r, 403, "this folder has no index page, and its files are not listed");
}

/* `path` is empty or ends with a slash. The index is tried at once, for that is what is there nearly always. */
static int serve_folder(tine_request *r, struct site *site, const char *path)
{
    struct stat status;
    const char *index;
    int fd;

    if (*site->index == '\0')
        return serve_without_index(r, site, path);
    index = tine_printf(r, "%s%s", path, site->index);
    fd = open_file(site, index, O_RDONLY, &status);
    if (fd >= 0)
        return send_file(r, fd, index, &status);
    return errno == ENOENT ? serve_without_index(r, site, path) : refuse(r, site, errno);
}

/* The name below the root, without slash in front; "" for the root itself. */
static const char *file_path(tine_request *r)
{
    const char *mount = tine_app_path(tine_request_app(r));
    const char *path = tine_path(r) + (strcmp(mount, "/") == 0 ? 0 : strlen(mount));
    char *decoded;

    if (*path == '/')
        path++;
    if (strstr(path, "%25") == NULL)
        return path;
    decoded = tine_alloc(r, strlen(path) + 1);
    decode_path(decoded, path);
    return decoded;
}

static int serve(tine_request *r)
{
    struct site *site = tine_data(tine_request_app(r));
    const char *whole = tine_path(r);
    const char *path = file_path(r);

    /* No file's name has a slash in it, which is what "%2F" is. */
    if (strstr(whole, "%2F") != NULL || !is_servable(path))
        return 404;
    if (whole[strlen(whole) - 1] == '/')
        return serve_folder(r, site, path);
    return serve_file(r, site, path);
}

static int load(tine_app *app)
{
    const char *index = tine_setting(app, "index");

    if (strchr(index, '/') != NULL)
        return tine_reject(app, "index", "must be a file's name without '/', not '%s'", index);
    return 0;
}

static int worker_init(tine_app *app)
{
    struct site *site = calloc(1, sizeof(*site));
    const char *root = tine_setting(app, "root");

    if (site == NULL)
        return tine_reject(app, NULL, "out of memory");
    if (beneath_open(&site->root, root) != 0) {
        int error = errno;

        free(site);
        return tine_reject(app, "root", "cannot open folder '%s': %s%s", root, strerror(error),
                           error == EACCES ? " (workers are the user of [server] user; every folder on the way needs x for it)" : "");
    }
    site->index = tine_setting(app, "index");
    site->listing = tine_setting_number(app, "listing") != 0;
    tine_set_data(app, site);
    return 0;
}

static void worker_exit(tine_app *app)
{
    struct site *site = tine_data(app);

    beneath_close(&site->root);
    free(site);
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/{path:path}", serve), {0}},
            .settings =
                (const tine_option[]){
                    {"root", TINE_PATH, NULL, "folder to serve"},
                    {"index", TINE_TEXT, "index.html", "file that answers for its folder; empty: none"},
                    {"listing", TINE_SWITCH, "off", "list a folder without index"},
                    {0},
                },
            .load = load, .worker_init = worker_init, .worker_exit = worker_exit)
