/* SPDX-License-Identifier: Apache-2.0
 *
 * A multipart body with the boundary "B": cut in two at every position, and into pieces of random sizes, it tells the same; names
 * of files are safe.
 */
#include "fuzz.h"

#include "base/utf8.h"
#include "http/multipart.h"

enum { EACH_MAX = 200 }; /* bytes of bodies that are cut at every position */

static struct fuzz_bytes input;
static char whole[3 * FUZZ_MAX], cut[3 * FUZZ_MAX];

static void check_name(const char *sent)
{
    char safe[MULTIPART_NAME_MAX];
    multipart_safe_name(sent, safe);
    FUZZ_CHECK(safe[0] != 0 && safe[0] != '.' && safe[0] != '-' && strlen(safe) < MULTIPART_NAME_MAX);
    FUZZ_CHECK(strpbrk(safe, "/\\\r\n") == NULL && utf8_is_valid(slice_from(safe)));
}

static void check_fields(struct slice fields)
{
    struct multipart_part part;
    if (multipart_read_fields(&part, fields) != NULL)
        return;
    FUZZ_CHECK(strlen(part.name) < sizeof part.name && memchr(part.name, '\n', strlen(part.name)) == NULL);
    FUZZ_CHECK(part.type.data == NULL ||
               (part.type.data >= fields.data && part.type.data + part.type.length <= fields.data + fields.length));
    if (part.has_file)
        check_name(part.file);
}

/* Writes down what is told while 'shown' bytes are there: H with the fields, D with content, T, E, B. Content in pieces is one. */
static char *tell(struct multipart *m, size_t *start, size_t shown, char *out, bool *content)
{
    struct slice data;
    size_t consumed;
    for (;;) {
        fuzz_show(&input, shown);
        enum multipart_event event = multipart_next(m, input.bytes + *start, shown - *start, &consumed, &data);
        FUZZ_CHECK(consumed <= shown - *start);
        if (event == MULTIPART_HEAD || event == MULTIPART_DATA)
            FUZZ_CHECK(data.data >= input.bytes + *start && data.data + data.length <= input.bytes + *start + consumed);
        *start += consumed;
        if (event == MULTIPART_MORE)
            return out;
        if (event != MULTIPART_DATA || !*content)
            *out++ = "-HDTEB"[event];
        *content = event == MULTIPART_DATA;
        if (event == MULTIPART_HEAD || event == MULTIPART_DATA)
            out = mempcpy(out, data.data, data.length);
        if (event == MULTIPART_HEAD)
            check_fields(data);
        if (event == MULTIPART_END || event == MULTIPART_BAD)
            return out;
    }
}

static size_t tell_cut(size_t size, size_t first, uint64_t *state, char *out)
{
    struct multipart m;
    size_t start = 0;
    bool content = false;
    char *end = out;
    FUZZ_CHECK(multipart_init(&m, SLICE("B")) == 0);
    for (size_t shown = first; m.state < MULTIPART_DONE; shown += state != NULL ? 1 + fuzz_draw(state, 40) : size) {
        end = tell(&m, &start, shown < size ? shown : size, end, &content);
        if (shown >= size)
            break;
    }
    return (size_t)(end - out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!fuzz_copy(&input, data, size))
        return -1;
    uint64_t state = fuzz_seed(data, size);
    size_t length = tell_cut(size, size, NULL, whole);
    FUZZ_CHECK(tell_cut(size, 0, &state, cut) == length && memcmp(whole, cut, length) == 0);
    for (size_t at = 0; at < size && size <= EACH_MAX; at++)
        FUZZ_CHECK(tell_cut(size, at, NULL, cut) == length && memcmp(whole, cut, length) == 0);
    fuzz_show(&input, size);
    return 0;
}
