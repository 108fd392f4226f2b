/* SPDX-License-Identifier: Apache-2.0
 *
 * Handlers that take their input apart, rightly and wrongly.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <tine.h>
#include <unistd.h>

static void put(tine_request *r, const char *text)
{
    tine_write(r, text, strlen(text));
}

static const char *shown(const char *text)
{
    return text != NULL ? text : "(none)";
}

static int cookie(tine_request *r)
{
    return tine_text(r, 200, "%s", shown(tine_cookie(r, tine_param(r, "name"))));
}

static int form(tine_request *r)
{
    const char *name = tine_form(r, "name"), *key, *value;
    int64_t age = -1;
    if (tine_form_int(r, "age", 0, 150, &age))
        return tine_failed(r);
    for (size_t i = 0; tine_form_at(r, i, &key, &value) == 0; i++)
        put(r, tine_printf(r, "%s=%s;", key, value));
    put(r, tine_printf(r, "%s %d", shown(name), (int)age));
    return 0;
}

/* Looks for fields before, between and behind the parts that it goes through. */
static int mixed(tine_request *r)
{
    int64_t age = -1;
    const char *name = tine_form(r, "name");
    if (tine_form_int(r, "age", 0, 150, &age))
        return tine_failed(r);
    put(r, tine_printf(r, "%s %" PRId64 ";", name != NULL ? name : "-", age));
    for (const tine_part *part; (part = tine_next_part(r)) != NULL;) {
        const char *again = tine_form(r, "name");
        put(r, tine_printf(r, "%s:%s %s;", part->name, tine_part_text(r), again == name || strcmp(again, name) == 0 ? "same" : again));
    }
    return tine_failed(r);
}

/* Says nothing of the failure: the problem is sent all the same. */
static int careless_form(tine_request *r)
{
    tine_form(r, "name");
    return 0;
}

static int two_failures(tine_request *r)
{
    int64_t n;
    tine_form(r, "name");
    tine_query_int(r, "n", 0, 1, &n);
    return tine_failed(r);
}

/* In a form of its own, whatever the problem would be. */
static int own_words(tine_request *r)
{
    int64_t n;
    if (tine_failure(r)[0] != 0 || (tine_json_document(r) != NULL && tine_failure(r)[0] != 0))
        return 500;
    tine_query_int(r, "n", 0, 1, &n);
    return tine_failed(r) == 0 ? 0 : tine_send(r, 422, "text/plain", tine_failure(r), strlen(tine_failure(r)));
}

static int query(tine_request *r)
{
    const char *key, *value;
    for (size_t i = 0; tine_query_at(r, i, &key, &value) == 0; i++)
        put(r, tine_printf(r, "%s=%s;", key, value));
    return tine_failed(r);
}

/* Back and forth, behind the end and twice. */
static int jumping_query(tine_request *r)
{
    static const size_t order[] = {1, 0, 2, 2, 1, 9, 2, 0, 9, 9, 3, 1};
    const char *key, *value;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        put(r, tine_query_at(r, order[i], &key, &value) == 0 ? tine_printf(r, "%s=%s;", key, value) : "-;");
    return tine_failed(r);
}

/* How many pairs there are, gone through by index. */
static int count_pairs(tine_request *r)
{
    const char *key, *value;
    size_t i = 0;
    while (tine_form_at(r, i, &key, &value) == 0)
        i++;
    return tine_failed(r) != 0 ? tine_failed(r) : tine_text(r, 200, "%zu", i);
}

static int integers(tine_request *r)
{
    int64_t id = 7, n = 7;
    if (tine_param_int(r, "id", 1, 1000, &id) || tine_query_int(r, "n", INT64_MIN, INT64_MAX, &n))
        return tine_failed(r);
    return tine_text(r, 200, "%" PRId64 " %" PRId64, id, n);
}

static int no_such_param(tine_request *r)
{
    int64_t id;
    return tine_param_int(r, "nix", 1, 1000, &id);
}

static int misnamed(tine_request *r)
{
    return tine_text(r, 200, "%s", shown(tine_param(r, "nmae")));
}

static int no_such_integer(tine_request *r)
{
    int64_t n;
    return tine_query_int(r, "n", 2, 1, &n);
}

static int json(tine_request *r)
{
    const char *name, *city = "-";
    int age = -1, first = -1;
    if (tine_json_body(r, "{s:s, s?i, s?{s:s}, s?[i]}", "name", &name, "age", &age, "address", "city", &city, "a/b~", &first))
        return tine_failed(r);
    return tine_text(r, 200, "%s %d %s %d", name, age, city, first);
}

static int strict_json(tine_request *r)
{
    const char *name;
    size_t length;
    if (tine_json_body(r, "{s:s%!}", "name", &name, &length))
        return tine_failed(r);
    return tine_text(r, 200, "%s %zu", name, length);
}

static int wrong_json(tine_request *r)
{
    int value;
    return tine_json_body(r, "{s:q}", "name", &value);
}

static int document(tine_request *r)
{
    json_t *document = tine_json_document(r);
    return document != NULL ? tine_json(r, 200, json_incref(document)) : tine_failed(r);
}

/* How many bytes, by reads of so many, and their FNV-1a. */
static int sum(tine_request *r)
{
    char piece[20000];
    long length, all = 0, size = 20000;
    uint32_t hash = 2166136261u;
    int64_t asked;
    if (tine_query_string(r)[0] != 0) {
        if (tine_query_int(r, "size", 1, 20000, &asked))
            return tine_failed(r);
        size = (long)asked;
    }
    for (; (length = tine_read(r, piece, (size_t)size)) > 0; all += length)
        for (long i = 0; i < length; i++)
            hash = (hash ^ (unsigned char)piece[i]) * 16777619u;
    return length < 0 ? tine_failed(r) : tine_text(r, 200, "%ld %08x", all, hash);
}

static int first(tine_request *r)
{
    char piece[5];
    long length = 0, got = 1;
    for (; got > 0 && length < (long)sizeof piece; length += got)
        if ((got = tine_read(r, piece + length, sizeof piece - (size_t)length)) < 0)
            return tine_failed(r);
    return tine_text(r, 200, "%.*s", (int)length, piece);
}

/* Answers with what the client said in its head, where it stands. */
static int lent(tine_request *r)
{
    char piece[1000];
    long got;
    while ((got = tine_read(r, piece, sizeof piece)) > 0)
        ;
    const char *text = tine_header(r, "X-Text");
    return got < 0 ? tine_failed(r) : tine_send_content(r, TINE_CONTENT(.data = text, .length = strlen(text), .type = "text/plain"));
}

static int unread(tine_request *r)
{
    return tine_text(r, 200, "not read");
}

static int crash(tine_request *r)
{
    char piece[5];
    tine_read(r, piece, sizeof piece);
    abort();
}

static int body(tine_request *r)
{
    size_t length;
    const char *text = tine_body(r, &length);
    return text != NULL ? tine_send(r, 200, "text/plain", text, length) : tine_failed(r);
}

static int body_too_late(tine_request *r)
{
    char piece[5];
    tine_read(r, piece, sizeof piece);
    return tine_body(r, NULL) != NULL ? 200 : tine_failed(r);
}

static int form_too_late(tine_request *r)
{
    tine_next_part(r);
    return tine_form(r, "a") != NULL ? 200 : tine_failed(r);
}

static int body_fd(tine_request *r)
{
    char piece[4096];
    size_t all;
    ssize_t length;
    int fd = tine_body_fd(r, &all);
    if (fd < 0)
        return tine_failed(r);
    for (; all > 0 && (length = read(fd, piece, sizeof piece < all ? sizeof piece : all)) > 0; all -= (size_t)length)
        tine_write(r, piece, (size_t)length);
    return 200;
}

/* Finds a field, many times over, and another one. */
static int twice(tine_request *r)
{
    const char *first = tine_form(r, "first"), *again = first, *other = tine_form(r, "other");
    for (int i = 0; i < 10 && again == first; i++)
        again = tine_form(r, "first");
    return tine_failed(r) ? tine_failed(r)
                          : tine_text(r, 200, "%s %zu %zu", again == first ? "once" : "anew", strlen(first), strlen(shown(other)));
}

/* What looking for a field has added to the file that the body lies in: nothing, as it is only read. */
static int untouched(tine_request *r)
{
    struct stat status;
    size_t length;
    const char *name = tine_form(r, "name");
    int fd = tine_body_fd(r, &length);
    if (fd < 0 || fstat(fd, &status) != 0)
        return tine_failed(r);
    return tine_text(r, 200, "%s %d", shown(name), (int)(status.st_size - (off_t)length));
}

/* name:content; or name[file]length. */
static int parts(tine_request *r)
{
    const tine_part *part;
    char piece[1000];
    while ((part = tine_next_part(r)) != NULL) {
        long length, all = 0;
        if (part->file == NULL) {
            put(r, tine_printf(r, "%s:", part->name));
            put(r, tine_printf(r, "%s;", shown(tine_part_text(r))));
            continue;
        }
        put(r, tine_printf(r, "%s[%s]%s", part->name, part->file, shown(part->type)));
        while ((length = tine_part_read(r, piece, sizeof piece)) > 0)
            all += length;
        put(r, tine_printf(r, " %ld;", all));
    }
    return tine_failed(r);
}

static int skip_parts(tine_request *r)
{
    int count = 0;
    while (tine_next_part(r) != NULL)
        count++;
    return tine_failed(r) ? tine_failed(r) : tine_text(r, 200, "%d", count);
}

static int save(tine_request *r)
{
    const tine_part *part = tine_next_part(r);
    if (part == NULL || part->file == NULL)
        return tine_failed(r) ? tine_failed(r) : tine_problem(r, 400, "no file");
    const char *path = tine_printf(r, "%s/%s", tine_setting(tine_request_app(r), "directory"), part->file);
    if (tine_part_save(r, path))
        return tine_failed(r);
    return tine_text(r, 201, "%s", part->file);
}

/* What /save has kept, by the name that a client asks for. */
static int kept(tine_request *r)
{
    const char *name = tine_file_name(r, tine_param(r, "name"));
    return tine_send_file(r, tine_printf(r, "%s/%s", tine_setting(tine_request_app(r), "directory"), name), "text/plain");
}

static int spool(tine_request *r)
{
    uint64_t length = 0;
    char piece[100] = "";
    int fd = tine_next_part(r) != NULL ? tine_part_fd(r, &length) : -1;
    if (fd < 0)
        return tine_failed(r);
    ssize_t got = read(fd, piece, 10);
    return tine_text(r, 200, "%d %.*s", (int)length, (int)got, piece);
}

static int no_part(tine_request *r)
{
    char piece[10];
    return tine_part_read(r, piece, sizeof piece) < 0 ? tine_failed(r) : 200;
}

static const tine_option settings[] = {{"directory", TINE_PATH, ".", "where files are saved"}, {0}};

TINE_MODULE(.settings = settings,
            .routes = (const tine_route[]){
                TINE_GET("/cookie/{name}", cookie), TINE_POST("/form", form), TINE_POST("/mixed", mixed), TINE_POST("/twice", twice),
                TINE_POST("/untouched", untouched),
                TINE_POST("/careless_form", careless_form), TINE_GET("/query", query), TINE_GET("/jumping_query", jumping_query),
                TINE_POST("/count_pairs", count_pairs), TINE_POST("/two_failures", two_failures), TINE_POST("/own_words", own_words),
                TINE_GET("/integers/{id}", integers), TINE_GET("/no_such_param", no_such_param),
                TINE_GET("/misnamed/{name}", misnamed), TINE_GET("/misnamed", misnamed), TINE_GET("/no_such_integer", no_such_integer),
                TINE_POST("/json", json), TINE_POST("/strict_json", strict_json), TINE_POST("/wrong_json", wrong_json),
                TINE_POST("/document", document), TINE_POST("/sum", sum), TINE_POST("/stream/sum", sum, .stream = 1),
                TINE_POST("/first", first),
                TINE_POST("/stream/first", first, .stream = 1), TINE_POST("/stream/unread", unread, .stream = 1),
                TINE_POST("/stream/crash", crash, .stream = 1), TINE_POST("/stream/body", body, .stream = 1),
                TINE_POST("/stream/late", body_too_late, .stream = 1), TINE_POST("/stream/lent", lent, .stream = 1),
                TINE_POST("/stream/late_form", form_too_late, .stream = 1), TINE_POST("/fd", body_fd),
                TINE_POST("/stream/fd", body_fd, .stream = 1),
                TINE_POST("/parts", parts), TINE_POST("/stream/parts", parts, .stream = 1), TINE_POST("/skip", skip_parts),
                TINE_POST("/save", save), TINE_GET("/kept/{name}", kept), TINE_POST("/spool", spool), TINE_POST("/no_part", no_part),
                TINE_POST("/stream/form", form, .stream = 1), TINE_POST("/stream/mixed", mixed, .stream = 1),
                {0}})
