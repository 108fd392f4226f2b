/* SPDX-License-Identifier: Apache-2.0
 *
 * develop: the filter that `tine run` puts around everything. Runs in a worker, and in no other server.
 *
 *     [filter:tine-run]
 *     module = develop
 *     state = /tmp/tine-run-abc123
 *
 * In the folder `state` `tine run` keeps "build", the number of the build that is served, and, as long as the code cannot be served as it
 * is, "failure": why. That is then the answer to everything, so that nobody looks at old code and takes it for new. Pages get a script
 * that asks GET /-/run what is served, and loads the page again when that changes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tine.h>
#include <unistd.h>

enum { FAILURE_MAX = 64 << 10, VERSION_MAX = 64, POLL_MS = 250 };

#define POLL_PATH "/-/run"

static char build[24]; /* of this worker's code */

static const char script[] =
    "<script>(() => {\n"
    "  const look = () => fetch('" POLL_PATH "', {cache: 'no-store'}).then(a => a.ok ? a.text() : '%s')\n"
    "    .then(now => now === '%s' ? later() : location.reload(), later);\n"
    "  const later = () => setTimeout(look, document.hidden ? 2000 : %d);\n"
    "  later();\n"
    "})()</script>\n";

static const char failure_page[] =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<title>tine run: not served</title>\n"
    "<h1 style=\"font: 600 1.25rem system-ui, sans-serif\">Not served as it is</h1>\n"
    "<pre style=\"white-space: pre-wrap; overflow-wrap: anywhere\">%s</pre>\n"
    "<p style=\"font: 1rem system-ui, sans-serif\">This page loads itself again when that is mended.\n";

static int open_state(tine_app *self, const char *name)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", tine_setting(self, "state"), name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static int start(tine_app *self)
{
    int fd = open_state(self, "build");
    ssize_t length = fd < 0 ? -1 : read(fd, build, sizeof(build) - 1);

    if (fd >= 0)
        close(fd);
    if (length < 0)
        return tine_reject(self, "state", "cannot read 'build' there: %s", strerror(errno));
    build[strcspn(build, "\n")] = '\0';
    return 0;
}

/* What a client sees from here: the code of this worker, or a certain failure. */
static void tell_version(int failure, char version[VERSION_MAX])
{
    struct stat status;

    if (failure >= 0 && fstat(failure, &status) == 0)
        snprintf(version, VERSION_MAX, "failure %lld.%09ld", (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
    else
        snprintf(version, VERSION_MAX, "build %s", build);
}

static const char *script_for(tine_request *r, const char *version)
{
    return tine_printf(r, script, version, version, POLL_MS);
}

static bool has_text(const char *value, const char *text)
{
    return value != NULL && strcasestr(value, text) != NULL;
}

static int answer_failure(tine_request *r, int fd, const char *version)
{
    char *text = tine_alloc(r, FAILURE_MAX + 1);
    ssize_t length = read(fd, text, FAILURE_MAX);

    text[length > 0 ? length : 0] = '\0';
    tine_set_header(r, "Cache-Control", "no-store");
    tine_set_header(r, "Vary", "Accept");
    if (!has_text(tine_header(r, "Accept"), "text/html"))
        return tine_text(r, 500, "%s", text);
    tine_html(r, 500, failure_page, text);
    const char *again = script_for(r, version);
    tine_write(r, again, strlen(again));
    return 500;
}

static int before(tine_request *r, tine_app *self)
{
    char version[VERSION_MAX];
    int failure = open_state(self, "failure"), status = 0;

    tell_version(failure, version);
    if (strcmp(tine_path(r), POLL_PATH) == 0) {
        tine_set_header(r, "Cache-Control", "no-store");
        status = tine_text(r, 200, "%s", version);
    } else if (failure >= 0) {
        status = answer_failure(r, failure, version);
    }
    if (failure >= 0)
        close(failure);
    return status;
}

/* Whole pages only: what is compressed, a part, or not in memory stays as it is. */
static bool is_page(tine_request *r, size_t *length, const char **type)
{
    *type = tine_response_header(r, "Content-Type");
    return tine_status(r) != 206 && has_text(*type, "text/html") && tine_response_header(r, "Content-Encoding") == NULL &&
           tine_response_body(r, length) != NULL && *length > 0;
}

/* The page as it is sent is not the file's any more: a browser that kept it would not see the next build. */
static int after(tine_request *r, tine_app *self)
{
    char version[VERSION_MAX];
    const char *type;
    size_t length;

    (void)self;
    if (!is_page(r, &length, &type))
        return 0;
    tell_version(-1, version);
    const char *end = script_for(r, version);
    type = tine_printf(r, "%s", type);
    char *page = tine_alloc(r, length + strlen(end));
    memcpy(page, tine_response_body(r, NULL), length);
    memcpy(page + length, end, strlen(end));
    tine_set_header(r, "ETag", NULL);
    tine_set_header(r, "Last-Modified", NULL);
    tine_set_header(r, "Accept-Ranges", NULL);
    tine_set_header(r, "Cache-Control", "no-store");
    return tine_send(r, tine_status(r), type, page, length + strlen(end));
}

static const tine_filter filter = TINE_FILTER("tine-run", .before = before, .after = after, .early = before);

TINE_MODULE(.settings = (const tine_option[]){{"state", TINE_PATH, NULL, "the folder that tine run keeps its state in"}, {0}},
            .worker_init = start, .filters = TINE_FILTERS(&filter))
