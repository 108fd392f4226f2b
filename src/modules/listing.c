/* SPDX-License-Identifier: Apache-2.0
 *
 * The listing of a folder, for static. Runs in a worker.
 *
 * Names are chosen by whoever may write to the folder, so nothing of them reaches the page unescaped; links begin with
 * "./", or a file called "javascript:x" would be a script. Left out is what static would not serve: hidden
 * names, devices, sockets, FIFOs. Links are listed without size and date, which could be those
 * of a file outside the root.
 *
 * The page is made whole before it is sent, within PAGE_MAX: as a stream it would occupy a worker for as long as a slow client reads.
 */
#include "listing.h"

#include "encode.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LISTING_MAX = 10000, /* entries of one page: a few milliseconds */
    PAGE_MAX = 2000000,  /* bytes of their rows, and one row */
    ROW_MAX = 2 * ENCODE_GROWTH * NAME_MAX + 256,
};

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
    bool links;     /* symbolic links are listed */
    bool cut;       /* there was more */
};

struct page {
    char *text, *end; /* with room for all that is put there */
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

static void put(struct page *page, const char *text)
{
    page->end = stpcpy(page->end, text);
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

static void put_entry(struct page *page, const struct entry *entry)
{
    const char *slash = S_ISDIR(entry->mode) ? "/" : "";
    char size[16] = "", date[32] = "", tail[96];
    struct tm when;

    if (S_ISREG(entry->mode))
        format_size(size, sizeof(size), entry->size);
    if (!S_ISLNK(entry->mode) && gmtime_r(&entry->modified, &when) != NULL)
        strftime(date, sizeof(date), "%Y-%m-%d %H:%M", &when);
    snprintf(tail, sizeof(tail), "%s</a><td>%s<td>%s\n", slash, size, date);

    put(page, "<tr><td><a href=\"./");
    page->end = encode_name(page->end, entry->name);
    put(page, slash);
    put(page, "\">");
    page->end = encode_html(page->end, entry->name);
    put(page, tail);
}

static void put_page(struct page *page, const struct listing *listing, const char *path, bool parent)
{
    size_t shown = 0;
    const char *rows;

    put(page, page_head);
    put(page, "<title>");
    page->end = encode_html(page->end, path);
    put(page, "</title>\n<h1>");
    page->end = encode_html(page->end, path);
    put(page, "</h1>\n<table>\n");
    if (parent)
        put(page, "<tr><td><a href=\"../\">../</a><td><td>\n");
    for (rows = page->end; shown < listing->count && page->end - rows < PAGE_MAX; shown++)
        put_entry(page, &listing->entries[shown]);
    put(page, "</table>\n");
    if (listing->cut || shown < listing->count)
        page->end += sprintf(page->end, "<p>There is more: only %zu entries are shown.</p>\n", shown);
}

static int send_page(const struct listing *listing, bool parent)
{
    tine_request *r = listing->request;
    const char *path = tine_path(r);
    struct page page;
    int status;

    page.text = page.end = malloc(sizeof(page_head) + 2 * ENCODE_GROWTH * strlen(path) + PAGE_MAX + 2 * ROW_MAX);
    if (page.text == NULL) {
        tine_log(r, TINE_ERROR, "static: no memory for the listing of a folder");
        return 500;
    }
    put_page(&page, listing, path, parent);
    status = tine_send(r, 200, "text/html; charset=utf-8", page.text, (size_t)(page.end - page.text));
    free(page.text);
    return status;
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

    tine_set_header(r, "X-Content-Type-Options", "nosniff");
    tine_set_header(r, "Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
    return send_page(&listing, parent);
}
