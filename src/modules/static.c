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
 *
 * The path comes decoded by the rule in http/uri.h, once and without dot segments; nothing is decoded again here. Its bytes are
 * the file's name as they are: a name that is not UTF-8 is one like any other.
 */
#include "encode.h"
#include "listing.h"
#include "representation.h"
#include "site.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <tine.h>
#include <unistd.h>

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
    if (site_may_tell(&site->told))
        tine_log(r, TINE_ERROR, "static: cannot open files: %s", strerror(error));
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

/* Is there no such file, and never was, as far as a client can tell? */
static bool is_missing(int error)
{
    return error == ENOENT || error == ENOTDIR;
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
    int fd = beneath_open_file(&site->root, path, O_PATH);
    bool is_folder;

    if (fd < 0)
        return false;
    is_folder = fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
    close(fd);
    return is_folder;
}

/* Nothing has this name: the page that answers for all such, or 404. */
static int serve_fallback(tine_request *r, struct site *site)
{
    struct file *file;

    if (*site->fallback == '\0')
        return 404;
    file = file_cache_get(site->cache, site->fallback);
    return file != NULL ? representation_send(r, site, file) : refuse(r, site, errno);
}

static int serve_file(tine_request *r, struct site *site, const char *path)
{
    struct file *file = file_cache_get(site->cache, path);
    int error = errno;

    if (file != NULL)
        return representation_send(r, site, file);
    if (error == EISDIR || (error == EACCES && is_closed_folder(site, path)))
        return redirect_to_folder(r);
    return is_missing(error) ? serve_fallback(r, site) : refuse(r, site, error);
}

static int serve_without_index(tine_request *r, struct site *site, const char *path)
{
    int fd = beneath_open_file(&site->root, path, O_DIRECTORY | (site->listing ? O_RDONLY : O_PATH));

    if (fd < 0)
        return is_missing(errno) ? serve_fallback(r, site) : refuse(r, site, errno);
    if (site->listing)
        return listing_send(r, fd, *path != '\0', site->root.links != BENEATH_NONE);
    close(fd);
    if (*site->fallback != '\0')
        return serve_fallback(r, site);
    return tine_problem(r, 403, "this folder has no index page, and its files are not listed");
}

/* `path` is empty or ends with a slash. The index is tried at once, for that is what is there nearly always. */
static int serve_folder(tine_request *r, struct site *site, const char *path)
{
    struct file *file;

    if (*site->index == '\0')
        return serve_without_index(r, site, path);
    file = file_cache_get(site->cache, *path != '\0' ? tine_printf(r, "%s%s", path, site->index) : site->index);
    if (file != NULL)
        return representation_send(r, site, file);
    return is_missing(errno) || errno == EISDIR ? serve_without_index(r, site, path) : refuse(r, site, errno);
}

/* The name below the root, without slash in front; "" for the root itself. */
static const char *file_path(tine_request *r, bool encoded)
{
    const char *mount = tine_app_path(tine_request_app(r));
    const char *path = tine_path(r) + (mount[1] == '\0' ? 0 : strlen(mount));
    char *decoded;

    if (*path == '/')
        path++;
    if (!encoded)
        return path;
    decoded = tine_alloc(r, strlen(path) + 1);
    decode_path(decoded, path);
    return decoded;
}

static int answer(tine_request *r, struct site *site)
{
    const char *whole = tine_path(r);
    size_t length = strlen(whole);
    bool encoded = memchr(whole, '%', length) != NULL; /* "%25" or "%2F": nothing else is */
    const char *path = file_path(r, encoded);

    /* No file's name has a slash in it, which is what "%2F" is. */
    if ((encoded && strstr(whole, "%2F") != NULL) || !site_may_serve(path))
        return 404;
    if (whole[length - 1] == '/')
        return serve_folder(r, site, path);
    return serve_file(r, site, path);
}

/* An error's own page, if there is one. */
static int answer_error(tine_request *r, struct site *site, int status)
{
    const char *page = site_error_page(site, status);
    struct file *file = page != NULL ? file_cache_get(site->cache, page) : NULL;

    if (file != NULL)
        return representation_send_page(r, site, file, status);
    if (page != NULL && site_may_tell(&site->page_told))
        tine_log(r, TINE_WARNING, "static: cannot open the page '/%s' for status %d: %s", page, status, strerror(errno));
    return status;
}

static int serve(tine_request *r)
{
    struct site *site = tine_data(tine_request_app(r));
    int status = answer(r, site);

    return status < 400 || status == 412 || status == 416 ? status : answer_error(r, site, status);
}

static int worker_init(tine_app *app)
{
    struct site *site = site_open(app);

    if (site == NULL)
        return -1;
    tine_set_data(app, site);
    return 0;
}

static void worker_exit(tine_app *app)
{
    site_close(tine_data(app));
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/{path:path}", serve), {0}},
            .settings =
                (const tine_option[]){
                    {"root", TINE_PATH, NULL, "folder to serve"},
                    {"index", TINE_TEXT, "index.html", "file that answers for its folder; empty: none"},
                    {"listing", TINE_SWITCH, "off", "list a folder without index"},
                    {"try", TINE_TEXT, "", "file below the root that answers for what is not there, as /index.html"},
                    {"error_page.*", TINE_TEXT, NULL, "file below the root for an error's status, as error_page.404 = /404.html"},
                    {"cache_control", TINE_TEXT, "", "Cache-Control of all files; empty: none"},
                    {"cache_control.*", TINE_TEXT, NULL, "the same for a media type, as cache_control.text/html = no-cache"},
                    {"type.*", TINE_TEXT, NULL, "media type of an extension, as type.xyz = text/plain"},
                    {"charset", TINE_TEXT, "utf-8", "charset of text; empty: not said"},
                    {"precompressed", TINE_SWITCH, "off", "send page.html.br, .zst or .gz for page.html where the client takes it"},
                    {"gzip", TINE_SWITCH, "off", "compress texts"},
                    {"symlinks", TINE_TEXT, "inside", "links that are followed: inside (the root), off, any"},
                    {"cache", TINE_SIZE, "4m", "memory for small files, of each worker; 0: none"},
                    {0},
                },
            .load = site_check, .worker_init = worker_init, .worker_exit = worker_exit)
