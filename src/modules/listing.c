/* SPDX-License-Identifier: Apache-2.0
 *
 * The listing of a folder, for static. Runs in a worker.
 *
 * Names are chosen by whoever may write to the folder, so nothing of them reaches the page unescaped; links begin with
 * "./", or a file called "javascript:x" would be a script. Left out is what static would not serve: hidden
 * names, devices, sockets, FIFOs. Links are listed without size and date, which could be those
 * of a file outside the root.
 */
#include "listing.h"

#include "encode.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LISTING_MAX = 10000 }; /* entries of one page: some megabytes, a few milliseconds */

struct entry {
    char *name;
    mode_t mode;
    off_t size;
    time_t modified;
};

struct listing {
    tine_request *request;
    struct entry *entries;
    size_t count, room;
    size_t longest; /* name, in bytes */
    bool links;     /* symbolic links are listed */
    bool cut;       /* there was more than LISTING_MAX */
};

static const char page_head[] =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n<style>\n"
    "body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem }\n"
    "h1 { font-size: 1.25rem; overflow-wrap: anywhere }\n"
    "table { width: 100%; border-collapse: collapse }\n"
    "td { padding: .2rem 0; border-top: 1px solid #8884; overflow-wrap: anywhere }\n"
    "td + td { width: 1%; padding-left: 2rem; white-space: nowrap; text-align: right;\n"
    "          font-variant-numeric: tabular-nums; opacity: .7 }\n"
    "</style>\n";

static bool is_listed(const struct listing *listing, const char *name, const struct stat *status)
{
    return name[0] != '.' && (S_ISREG(status->st_mode) || S_ISDIR(status->st_mode) || (listing->links && S_ISLNK(status->st_mode)));
}

/* The old array stays in the request's arena until the response is sent; doubling keeps that below the new one. */
static struct entry *listing_add(struct listing *listing)
{
    if (listing->count == listing->room) {
        size_t room = listing->room ? 2 * listing->room : 64;
        struct entry *entries = tine_alloc(listing->request, room * sizeof(*entries));

        if (listing->count > 0)
            memcpy(entries, listing->entries, listing->count * sizeof(*entries));
        listing->entries = entries;
        listing->room = room;
    }
    return &listing->entries[listing->count++];
}

static void listing_take(struct listing *listing, const char *name, const struct stat *status)
{
    size_t length = strlen(name);
    struct entry *entry = listing_add(listing);

    entry->name = tine_alloc(listing->request, length + 1);
    memcpy(entry->name, name, length + 1);
    entry->mode = status->st_mode;
    entry->size = status->st_size;
    entry->modified = status->st_mtime;
    if (length > listing->longest)
        listing->longest = length;
}

/* 0, or -1 with errno. An entry that vanished while the folder is read is not an error. */
static int listing_read(struct listing *listing, DIR *folder)
{
    for (;;) {
        struct dirent *found;
        struct stat status;

        errno = 0;
        found = readdir(folder);
        if (found == NULL)
            return errno == 0 ? 0 : -1;
        if (found->d_name[0] == '.' || fstatat(dirfd(folder), found->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            !is_listed(listing, found->d_name, &status))
            continue;
        if (listing->count == LISTING_MAX) {
            listing->cut = true;
            return 0;
        }
        listing_take(listing, found->d_name, &status);
    }
}

/* Folders first, then by name, "file2" before "file10". */
static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    int folders = (S_ISDIR(b->mode) != 0) - (S_ISDIR(a->mode) != 0);

    return folders != 0 ? folders : strverscmp(a->name, b->name);
}

static int put(tine_request *r, const char *text)
{
    return tine_write(r, text, strlen(text));
}

static void format_size(char *out, size_t room, off_t bytes)
{
    static const char units[] = "kMGTPE";
    double size = (double)bytes;
    size_t unit = 0;

    if (bytes < 1000) {
        snprintf(out, room, "%d B", (int)bytes);
        return;
    }
    for (size /= 1000; size >= 999.5 && units[unit + 1] != '\0'; unit++)
        size /= 1000;
    snprintf(out, room, size < 9.95 ? "%.1f %cB" : "%.0f %cB", size, units[unit]);
}

/* One row; `scratch` holds any name encoded. Returns -1 when the client is gone. */
static int put_entry(tine_request *r, const struct entry *entry, char *scratch)
{
    const char *slash = S_ISDIR(entry->mode) ? "/" : "";
    char size[16] = "", date[32] = "", tail[96];
    struct tm when;

    if (S_ISREG(entry->mode))
        format_size(size, sizeof(size), entry->size);
    if (!S_ISLNK(entry->mode) && gmtime_r(&entry->modified, &when) != NULL)
        strftime(date, sizeof(date), "%Y-%m-%d %H:%M", &when);
    snprintf(tail, sizeof(tail), "%s</a><td>%s<td>%s\n", slash, size, date);

    put(r, "<tr><td><a href=\"./");
    encode_name(scratch, entry->name);
    put(r, scratch);
    put(r, slash);
    put(r, "\">");
    encode_html(scratch, entry->name);
    put(r, scratch);
    return put(r, tail);
}

static int listing_write(struct listing *listing, const char *path, bool parent)
{
    tine_request *r = listing->request;
    size_t path_length = strlen(path);
    size_t longest = path_length > listing->longest ? path_length : listing->longest;
    char *scratch = tine_alloc(r, ENCODE_GROWTH * longest + 1);

    encode_html(scratch, path);
    put(r, page_head);
    put(r, "<title>");
    put(r, scratch);
    put(r, "</title>\n<h1>");
    put(r, scratch);
    put(r, "</h1>\n<table>\n");
    if (parent)
        put(r, "<tr><td><a href=\"../\">../</a><td><td>\n");
    for (size_t i = 0; i < listing->count; i++) {
        if (put_entry(r, &listing->entries[i], scratch) != 0)
            return 0; /* nobody is left to read it */
    }
    put(r, "</table>\n");
    if (listing->cut)
        put(r, "<p>There is more: only 10,000 entries are shown.</p>\n");
    return 0;
}

int listing_send(tine_request *r, int fd, bool parent, bool links)
{
    struct listing listing = {.request = r, .links = links};
    DIR *folder = fdopendir(fd);
    int failed = folder == NULL || listing_read(&listing, folder) != 0 ? errno : 0;

    if (folder != NULL)
        closedir(folder); /* and with it fd */
    else
        close(fd);
    if (failed != 0) {
        tine_log(r, TINE_ERROR, "static: cannot read a folder: %s", strerror(failed));
        return 500;
    }
    if (listing.count > 0)
        qsort(listing.entries, listing.count, sizeof(listing.entries[0]), compare_entries);

    tine_set_header(r, "Content-Type", "text/html; charset=utf-8");
    tine_set_header(r, "X-Content-Type-Options", "nosniff");
    tine_set_header(r, "Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
    return listing_write(&listing, tine_path(r), parent);
}
