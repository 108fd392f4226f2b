/* SPDX-License-Identifier: Apache-2.0
 *
 * gzip: a filter that compresses what handlers answer, for clients that ask for it. Runs in a worker.
 *
 *     [filter:small]
 *     module = gzip
 *     [app:api]
 *     filters = small
 *
 * It takes answers that lie in memory whole: not files (`module = static` has `gzip = on` for those, which does it once and not for
 * each request), not streams. What a tag, a range or a digest says of bytes does not hold of others, so the tag becomes weak, and
 * what has one of the others is left alone. A worker keeps one compressor for each such filter, some 260 KB from its first use on.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <tine.h>
#include <zlib.h>

enum {
    GZIP_FORMAT = 16 + MAX_WBITS, /* to deflateInit2(): not zlib's own format around it */
    MEMORY_LEVEL = 8,
    MAX_LENGTH_MAX = 64 << 20
};

/* What a [filter:NAME] keeps. */
struct compress {
    z_stream stream;
    bool ready; /* the stream was initialized */
};

/* ---- lists in settings and fields ---- */

/* The next element of a list with commas; false behind the last. */
static bool next_element(const char **rest, const char **element, size_t *length)
{
    *rest += strspn(*rest, ", \t");
    *element = *rest;
    *length = strcspn(*rest, ",");
    *rest += *length;
    while (*length > 0 && strchr(" \t", (*element)[*length - 1]) != NULL)
        --*length;
    return *length > 0;
}

static bool has_element(const char *list, const char *wanted)
{
    const char *element;
    size_t length;

    while (next_element(&list, &element, &length)) {
        if (length == strlen(wanted) && strncasecmp(element, wanted, length) == 0)
            return true;
    }
    return false;
}

/* "text/html", "text/" and a '*', or a '*' and "+json". */
static bool matches(const char *pattern, size_t pattern_length, const char *type, size_t length)
{
    const char *star = memchr(pattern, '*', pattern_length);
    size_t head = star != NULL ? (size_t)(star - pattern) : pattern_length;
    size_t tail = star != NULL ? pattern_length - head - 1 : 0;

    return (star != NULL ? length >= head + tail : length == head) && strncasecmp(pattern, type, head) == 0 &&
           (tail == 0 || strncasecmp(star + 1, type + length - tail, tail) == 0);
}

static bool is_listed(const char *types, const char *type)
{
    size_t length = strcspn(type, "; \t"), pattern_length;
    const char *pattern;

    while (next_element(&types, &pattern, &pattern_length)) {
        if (matches(pattern, pattern_length, type, length))
            return true;
    }
    return false;
}

/* ---- which answers ---- */

/* Do its fields say something of the very bytes, or that they are to stay? */
static bool is_fixed(tine_request *r)
{
    static const char *const fields[] = {"Content-Encoding", "Content-Digest", "Repr-Digest", "Digest", "Content-MD5"};
    const char *control = tine_response_header(r, "Cache-Control");

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (tine_response_header(r, fields[i]) != NULL)
            return true;
    }
    return control != NULL && has_element(control, "no-transform");
}

static bool is_length(tine_app *self, uint64_t length)
{
    return length >= (uint64_t)tine_setting_number(self, "min_length") && length <= (uint64_t)tine_setting_number(self, "max_length");
}

static bool is_compressible(tine_request *r, tine_app *self, size_t length)
{
    const char *type = tine_response_header(r, "Content-Type");
    int status = tine_status(r);

    return is_length(self, length) && status >= 200 && status != 204 && status != 205 && status != 206 && status != 304 && type != NULL &&
           is_listed(tine_setting(self, "types"), type) && tine_response_header(r, "Content-Range") == NULL && !is_fixed(r);
}

/* How long is what this is a part of? True also if that is not said: in what has several parts, in a 304. */
static bool is_whole_length(tine_request *r, tine_app *self)
{
    const char *range = tine_response_header(r, "Content-Range"), *slash = range != NULL ? strchr(range, '/') : NULL;

    return slash == NULL || slash[1] == '*' || is_length(self, strtoull(slash + 1, NULL, 10));
}

/* Would the 200 in place of this 206 or 304 be compressed for some? What is not known of it is taken for that: a Vary too many costs
 * caches a copy, for one that is missing they give the copy to the wrong client. */
static bool stands_for_compressible(tine_request *r, tine_app *self)
{
    const char *type = tine_response_header(r, "Content-Type");
    int status = tine_status(r);

    return (status == 206 || status == 304) && is_whole_length(r, self) && !is_fixed(r) &&
           (type == NULL || strncasecmp(type, "multipart/byteranges", 20) == 0 || is_listed(tine_setting(self, "types"), type));
}

/* Others are given other bytes. */
static void tell_caches(tine_request *r)
{
    const char *vary = tine_response_header(r, "Vary");

    if (vary == NULL || (!has_element(vary, "Accept-Encoding") && !has_element(vary, "*")))
        tine_add_header(r, "Vary", "Accept-Encoding");
}

static void weaken_tag(tine_request *r)
{
    const char *tag = tine_response_header(r, "ETag");

    if (tag != NULL && tag[0] == '"')
        tine_set_header(r, "ETag", tine_printf(r, "W/%s", tag));
}

/* A 304 has the tag of the 200 in its place (RFC 9110, 15.4.5), and whether that would be compressed no 304 says. The client's own tag
 * does: a strong one became weak here, when this content was compressed for it. */
static bool has_weakened(tine_request *r)
{
    const char *tag = tine_response_header(r, "ETag"), *known = tine_header(r, "If-None-Match");

    return tag != NULL && tag[0] == '"' && known != NULL && strstr(known, tine_printf(r, "W/%s", tag)) != NULL;
}

/* ---- compressing ---- */

static z_stream *stream_of(tine_app *self)
{
    struct compress *compress = tine_data(self);
    z_stream *stream = &compress->stream;

    if (compress->ready)
        return deflateReset(stream) == Z_OK ? stream : NULL;
    compress->ready = deflateInit2(stream, (int)tine_setting_number(self, "level"), Z_DEFLATED, GZIP_FORMAT, MEMORY_LEVEL,
                                   Z_DEFAULT_STRATEGY) == Z_OK;
    return compress->ready ? stream : NULL;
}

/* NULL when it does not become smaller by a tenth, or there is no memory: it is sent as it is then. */
static void *pack(tine_request *r, tine_app *self, const void *body, size_t length, size_t *packed_length)
{
    z_stream *stream = stream_of(self);
    size_t room = length - length / 10;

    if (stream == NULL)
        return NULL;
    void *packed = tine_alloc(r, room + 1);

    stream->next_in = (Bytef *)body;
    stream->avail_in = (uInt)length;
    stream->next_out = packed;
    stream->avail_out = (uInt)room;
    bool fits = deflate(stream, Z_FINISH) == Z_STREAM_END;

    *packed_length = room - stream->avail_out;
    return fits ? packed : NULL;
}

/* At least as much as the bytes as they are (RFC 9110, 12.5.3). */
static bool wants_gzip(tine_request *r)
{
    int quality = tine_accepts_encoding(r, "gzip");

    return quality > 0 && quality >= tine_accepts_encoding(r, "identity");
}

/* Files and streams have no body here. */
static int after(tine_request *r, tine_app *self)
{
    size_t length, packed_length;
    const void *body = tine_response_body(r, &length);
    bool accepted = wants_gzip(r);
    void *packed;

    if (body != NULL && stands_for_compressible(r, self))
        tell_caches(r);
    if (body != NULL && tine_status(r) == 304 && accepted && has_weakened(r))
        weaken_tag(r);
    if (body == NULL || !is_compressible(r, self, length))
        return 0;
    tell_caches(r);
    if (!accepted || (packed = pack(r, self, body, length, &packed_length)) == NULL)
        return 0;
    weaken_tag(r);
    tine_set_header(r, "Accept-Ranges", NULL); /* of bytes that this client has not seen */
    tine_set_header(r, "Content-Encoding", "gzip");
    const char *type = tine_response_header(r, "Content-Type");

    return tine_send(r, tine_status(r), tine_printf(r, "%s", type), packed, packed_length);
}

/* ---- the module ---- */

static bool is_pattern(const char *pattern, size_t length)
{
    const char *star = memchr(pattern, '*', length);

    return memchr(pattern, '/', length) != NULL
               ? pattern[0] != '*' && (star == NULL || star == pattern + length - 1)
               : pattern[0] == '*' && length > 2 && pattern[1] == '+' && memchr(pattern + 1, '*', length - 1) == NULL;
}

static int load(tine_app *app)
{
    int64_t level = tine_setting_number(app, "level"), most = tine_setting_number(app, "max_length");
    const char *rest = tine_setting(app, "types"), *pattern;
    size_t length;

    if (level < 1 || level > 9)
        return tine_reject(app, "level", "must be from 1 (quick) to 9 (small)");
    if (tine_setting_number(app, "min_length") < 1)
        return tine_reject(app, "min_length", "must be 1 at least");
    if (most < tine_setting_number(app, "min_length") || most > MAX_LENGTH_MAX)
        return tine_reject(app, "max_length", "must be from min_length to 64m");
    while (next_element(&rest, &pattern, &length)) {
        if (!is_pattern(pattern, length))
            return tine_reject(app, "types", "'%.*s' is no media type: write them as text/html, text/* or *+json", (int)length, pattern);
    }
    struct compress *compress = calloc(1, sizeof *compress);

    if (compress == NULL)
        return tine_reject(app, NULL, "no memory");
    tine_set_data(app, compress);
    return 0;
}

static void worker_exit(tine_app *app)
{
    struct compress *compress = tine_data(app);

    if (compress->ready)
        deflateEnd(&compress->stream);
    free(compress);
    tine_set_data(app, NULL);
}

static const tine_filter filter = TINE_FILTER("gzip", .after = after);

TINE_MODULE(.filters = TINE_FILTERS(&filter),
            .settings =
                (const tine_option[]){
                    {"types", TINE_TEXT,
                     "text/*, application/json, *+json, application/javascript, application/xml, *+xml, application/yaml, application/wasm",
                     "media types to compress: as they are, text/* or *+json"},
                    {"min_length", TINE_SIZE, "1k", "shorter answers are sent as they are"},
                    {"max_length", TINE_SIZE, "4m", "longer ones, too: so much memory may one take again; up to 64m"},
                    {"level", TINE_INTEGER, "5", "from 1 (quick) to 9 (small)"},
                    {0},
                },
            .load = load, .worker_exit = worker_exit)
