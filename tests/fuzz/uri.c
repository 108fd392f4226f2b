/* SPDX-License-Identifier: Apache-2.0
 *
 * Request targets: "METHOD target", or a target alone. The pieces lie in the target, a decoded path has no way out of the root and
 * stands for one path only: coded anew it decodes to itself.
 */
#include "fuzz.h"

#include "http/uri.h"

static struct fuzz_bytes input;
static char decoded[FUZZ_MAX + 1], coded[3 * FUZZ_MAX + 3], again[3 * FUZZ_MAX + 4];

static bool lies_in(struct slice part, struct slice text)
{
    return part.data >= text.data && part.data + part.length <= text.data + text.length;
}

static char *put_coded(char *end, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";
    *end++ = '%';
    *end++ = digits[byte >> 4];
    *end++ = digits[byte & 15];
    return end;
}

/* Every segment as a handler gets it, and each of its bytes encoded. */
static size_t code_path(const char *path, size_t length)
{
    static char segment[FUZZ_MAX + 1];
    char *end = coded;
    for (size_t at = 0; at < length;) {
        FUZZ_CHECK(path[at] == '/');
        *end++ = path[at++];
        const char *slash = memchr(path + at, '/', length - at);
        size_t size = slash != NULL ? (size_t)(slash - path) - at : length - at;
        memcpy(segment, path + at, size);
        FUZZ_CHECK(!slice_equals((struct slice){segment, size}, SLICE(".")));
        FUZZ_CHECK(!slice_equals((struct slice){segment, size}, SLICE("..")));
        size_t raw = path_segment_decode(segment, size);
        FUZZ_CHECK(raw <= size);
        for (size_t i = 0; i < raw; i++)
            end = put_coded(end, (unsigned char)segment[i]);
        at += size;
    }
    return (size_t)(end - coded);
}

static void check_path(struct slice path)
{
    long length = path_decode(path, decoded);
    if (length < 0)
        return;
    FUZZ_CHECK(length >= 1 && (size_t)length <= path.length);
    FUZZ_CHECK(decoded[0] == '/' && strlen(decoded) == (size_t)length);
    size_t size = code_path(decoded, (size_t)length);
    FUZZ_CHECK(path_decode((struct slice){coded, size}, again) == length);
    FUZZ_CHECK(memcmp(again, decoded, (size_t)length + 1) == 0);
}

static void check_query(struct slice rest)
{
    struct slice whole = rest, name, value;
    while (query_next(&rest, &name, &value)) {
        FUZZ_CHECK(lies_in(name, whole) && lies_in(value, whole));
        FUZZ_CHECK(memchr(name.data, '&', name.length) == NULL && memchr(name.data, '=', name.length) == NULL);
        FUZZ_CHECK(memchr(value.data, '&', value.length) == NULL);
        long length = query_decode(value, decoded);
        if (length < 0)
            continue;
        FUZZ_CHECK((size_t)length <= value.length && strlen(decoded) == (size_t)length);
        char *end = coded;
        for (long i = 0; i < length; i++)
            end = put_coded(end, (unsigned char)decoded[i]);
        FUZZ_CHECK(query_decode((struct slice){coded, (size_t)(end - coded)}, again) == length);
        FUZZ_CHECK(memcmp(again, decoded, (size_t)length) == 0);
    }
    FUZZ_CHECK(rest.length == 0);
}

static void check_target(const struct target *target, struct slice text)
{
    bool pathless = target->form == TARGET_AUTHORITY || target->form == TARGET_ASTERISK;
    FUZZ_CHECK((target->path.data == NULL) == pathless);
    if (target->form == TARGET_ABSOLUTE || target->form == TARGET_AUTHORITY)
        FUZZ_CHECK(authority_is_valid(target->authority) && lies_in(target->authority, text));
    for (size_t i = 0; i < text.length; i++)
        FUZZ_CHECK(text.data[i] > ' ' && text.data[i] < 0x7f && text.data[i] != '#');
    if (pathless)
        return;
    FUZZ_CHECK(lies_in(target->path, text) && target->path.length > 0);
    FUZZ_CHECK(memchr(target->path.data, '?', target->path.length) == NULL);
    if (target->query.data != NULL)
        FUZZ_CHECK(lies_in(target->query, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct target target;
    if (!fuzz_copy(&input, data, size))
        return -1;
    struct slice text = {input.bytes, size}, method = SLICE("GET");
    const char *space = memchr(input.bytes, ' ', size);
    if (space != NULL) {
        method = (struct slice){input.bytes, (size_t)(space - input.bytes)};
        text = (struct slice){space + 1, size - method.length - 1};
    }
    if (target_parse(&target, text, method) == 0) {
        check_target(&target, text);
        if (target.path.data != NULL)
            check_path(target.path);
        if (target.query.data != NULL)
            check_query(target.query);
    }
    /* Forms and module code hand in what never was a target. */
    check_path(text);
    check_query(text);
    return 0;
}
