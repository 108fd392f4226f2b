/* SPDX-License-Identifier: Apache-2.0
 *
 * See representation.h.
 *
 * A sibling that is older than its file is passed over: somebody forgot to make it anew. What is compressed here has a weak
 * entity tag, as another zlib may make other bytes of the same text; so part of it is never sent (RFC 9110, 13.1.5),
 * and who asks for a range is given one of the file as it is.
 */
#include "representation.h"

#include "gzip.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Preferred first, where the client has no preference. */
static const struct coding {
    const char *name, *suffix;
} codings[] = {{"br", ".br"}, {"zstd", ".zst"}, {"gzip", ".gz"}};

static const char chosen_by[] = "Accept-Encoding";

enum { CODINGS = sizeof(codings) / sizeof(codings[0]), SIBLINGS_UNKNOWN = (1 << CODINGS) - 1 };

static bool begins_with(const char *text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strncasecmp(text, *words, strlen(*words)) == 0)
            return true;
    return false;
}

/* Is it text, which compressing makes much smaller? */
static bool is_text(const char *type)
{
    static const char *const texts[] = {"text/", "application/json", "application/javascript", "application/xml", "application/ld+json",
                                        "application/manifest+json", "application/atom+xml", "application/rss+xml",
                                        "application/geo+json", "application/xhtml+xml", "application/yaml", "application/toml",
                                        "image/svg+xml", NULL};
    return begins_with(type, texts);
}

/* Is it compressed in itself, so that nobody makes siblings of it? */
static bool is_packed(const char *type)
{
    static const char *const packed[] = {"image/", "video/", "audio/", "font/woff", "application/zip", "application/gzip",
                                         "application/x-7z", "application/x-bzip2", "application/x-xz", "application/zstd",
                                         "application/x-brotli", NULL};
    return begins_with(type, packed) && !is_text(type);
}

static bool may_pack(const struct site *site, const struct file *file)
{
    return site->gzip && file->length >= GZIP_LEAST && file->length <= GZIP_MOST && is_text(file->type);
}

static int send_as_it_is(tine_request *r, struct file *file, struct file *described, const char *encoding, const char *vary, int status)
{
    return tine_send_content(r, TINE_CONTENT(.data = file->data, .fd = file->fd, .status = status, .length = file->length,
                                             .type = described->type, .encoding = encoding,
                                             .cache_control = status == 0 ? described->cache_control : NULL, .etag = file->etag,
                                             .modified = file->modified.tv_sec, .release = file_release, .owner = file,
                                             .vary = vary, .nosniff = 1, .room = file->room));
}

/* ---- Siblings ---- */

/* What is found missing is not looked for again for a while. */
static struct file *open_sibling(tine_request *r, struct site *site, struct file *file, size_t coding)
{
    struct file *sibling = file_cache_get(site->cache, tine_printf(r, "%s%s", file->path, codings[coding].suffix));

    if (sibling != NULL && sibling->modified.tv_sec < file->modified.tv_sec) {
        file_release(sibling);
        sibling = NULL;
    }
    if (sibling == NULL)
        file->siblings &= ~(1u << coding);
    return sibling;
}

/* Of those that may be there the one that the client wants most, and more than the file as it is; CODINGS: none. */
static size_t choose_coding(tine_request *r, unsigned siblings)
{
    int most = tine_accepts_encoding(r, "identity");
    size_t best = CODINGS;

    for (size_t i = 0; i < CODINGS; i++) {
        int quality = siblings & 1u << i ? tine_accepts_encoding(r, codings[i].name) : -1;

        if (quality > most || (quality == most && quality > 0 && best == CODINGS)) {
            most = quality;
            best = i;
        }
    }
    return best;
}

/* Lends a sibling and says how it is encoded; NULL: none. */
static struct file *find_sibling(tine_request *r, struct site *site, struct file *file, const char **encoding)
{
    int64_t now = file_cache_now();
    size_t coding;

    if (file->siblings_since == 0 || now - file->siblings_since >= FILE_RECHECK_MS) {
        file->siblings = SIBLINGS_UNKNOWN;
        file->siblings_since = now;
    }
    while ((coding = choose_coding(r, file->siblings)) < CODINGS) {
        struct file *sibling = open_sibling(r, site, file, coding);

        if (sibling != NULL) {
            *encoding = codings[coding].name;
            return sibling;
        }
    }
    return NULL;
}

/* ---- Compressing here ---- */

static void *read_whole(const struct file *file)
{
    char *text = malloc(file->length);
    uint64_t have = 0;

    while (text != NULL && have < file->length) {
        ssize_t got = pread(file->fd, text + have, file->length - have, (off_t)have);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) { /* it has shrunk */
            free(text);
            return NULL;
        }
        have += (uint64_t)got;
    }
    return text;
}

/* Once for each version of a file, as long as it has its place in the cache. */
static void pack(struct file *file)
{
    void *text = file->data == NULL ? read_whole(file) : NULL;
    const void *data = file->data != NULL ? file->data : text;

    file->packing_tried = true;
    if (data != NULL)
        file->packed = gzip_pack(data, file->length, &file->packed_length);
    free(text);
    if (file->packed != NULL)
        file_cache_account(file);
}

static bool wants_packed(tine_request *r)
{
    int quality = tine_accepts_encoding(r, "gzip");

    return quality > 0 && quality >= tine_accepts_encoding(r, "identity") && tine_header(r, "Range") == NULL;
}

static int send_packed(tine_request *r, struct file *file)
{
    const char *tag = strchr(file->etag, '"');
    const char *etag = tine_printf(r, "W/%.*s-gzip\"", (int)strlen(tag) - 1, tag);

    return tine_send_content(r, TINE_CONTENT(.data = file->packed, .length = file->packed_length, .type = file->type, .encoding = "gzip",
                                             .cache_control = file->cache_control, .etag = etag, .modified = file->modified.tv_sec,
                                             .release = file_release, .owner = file, .vary = chosen_by, .nosniff = 1));
}

/* ---- */

/* The file has forms to choose from, or could have. */
static int send_chosen(tine_request *r, struct site *site, struct file *file)
{
    const char *encoding = NULL;
    struct file *sibling = NULL;

    if (site->precompressed && !is_packed(file->type))
        sibling = find_sibling(r, site, file, &encoding);
    if (sibling != NULL) {
        int status = send_as_it_is(r, sibling, file, encoding, chosen_by, 0);

        file_release(file);
        return status;
    }
    if (may_pack(site, file) && wants_packed(r)) {
        if (!file->packing_tried)
            pack(file);
        if (file->packed != NULL)
            return send_packed(r, file);
    }
    if (tine_accepts_encoding(r, "identity") < 0) {
        file_release(file);
        tine_set_header(r, "Vary", chosen_by);
        return 406;
    }
    return send_as_it_is(r, file, file, NULL, chosen_by, 0);
}

static void describe(struct site *site, struct file *file)
{
    if (file->type[0] == '\0')
        site_describe(site, file);
}

int representation_send(tine_request *r, struct site *site, struct file *file)
{
    describe(site, file);
    if ((site->precompressed && !is_packed(file->type)) || may_pack(site, file))
        return send_chosen(r, site, file);
    return send_as_it_is(r, file, file, NULL, NULL, 0);
}

int representation_send_page(tine_request *r, struct site *site, struct file *file, int status)
{
    describe(site, file);
    return send_as_it_is(r, file, file, NULL, NULL, status);
}
