/* SPDX-License-Identifier: Apache-2.0
 *
 * Content with versions, from memory and from files, and how often what was lent was given back.
 */
#include <tine.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LARGE = 8000000, /* more than the kernel buffers */
    ROOM = 512
};

static int lent, returned;
static char large[LARGE];

static void take_back(void *owner)
{
    returned += owner == &lent;
}

static int file(tine_request *r)
{
    return tine_send_file(r, tine_setting(tine_request_app(r), "file"), tine_query(r, "type"));
}

static int memory(tine_request *r)
{
    lent++;
    return tine_send_content(r, TINE_CONTENT(.data = "0123456789", .length = 10, .type = "text/plain", .etag = "\"ten\"",
                                             .modified = 784111777, .cache_control = "max-age=60", .release = take_back, .owner = &lent));
}

static int lend_large(tine_request *r)
{
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (char)('0' + i % 10);
    lent++;
    return tine_send_content(r, TINE_CONTENT(.data = large, .length = LARGE, .release = take_back, .owner = &lent));
}

/* With room in front for a head, or for part of one. */
static int roomy(tine_request *r)
{
    static char bytes[ROOM + LARGE];
    static int64_t before;
    int64_t room, length;

    if (tine_query_int(r, "room", 0, ROOM, &room) != 0 || tine_query_int(r, "length", 0, LARGE, &length) != 0)
        return tine_failed(r);
    for (size_t i = bytes[ROOM] == 0 ? 0 : LARGE; i < LARGE; i++)
        bytes[ROOM + i] = (char)('0' + i % 10);
    for (size_t i = 0; i < ROOM - (size_t)before; i++)
        if (before > 0 && bytes[i] != '#')
            return tine_problem(r, 500, "more was written on than the room");
    memset(bytes, '#', ROOM);
    before = room;
    return tine_send_content(r, TINE_CONTENT(.data = bytes + ROOM, .length = (uint64_t)length, .etag = "\"roomy\"", .room = (size_t)room));
}

/* As a handler that thinks better of it. */
static int twice(tine_request *r)
{
    memory(r);
    return memory(r);
}

static int replaced(tine_request *r)
{
    memory(r);
    return tine_text(r, 200, "something else");
}

static int bad(tine_request *r)
{
    lent++;
    return tine_send_content(r, TINE_CONTENT(.data = "x", .length = 1, .type = "text/plain\r\nX-Evil: 1", .release = take_back,
                                             .owner = &lent));
}

static int bad_etag(tine_request *r)
{
    return tine_send_content(r, TINE_CONTENT(.data = "x", .length = 1, .etag = "no quotes"));
}

static int gone(tine_request *r)
{
    return tine_send_content(r, TINE_CONTENT(.data = "gone", .length = 4, .status = 410, .etag = "\"g\""));
}

static int change(tine_request *r)
{
    int status = tine_precondition(r, "\"v1\"", 784111777);
    return status != 0 ? status : tine_text(r, 200, "changed");
}

static int balance(tine_request *r)
{
    return tine_text(r, 200, "%d", lent - returned);
}

/* Three bytes from the second on. */
static int descriptor(tine_request *r)
{
    return tine_send_fd(r, 201, open(tine_setting(tine_request_app(r), "file"), O_RDONLY | O_CLOEXEC), 1, 3);
}

/* More bytes than the file has. */
static int too_long(tine_request *r)
{
    return tine_send_fd(r, 200, open(tine_setting(tine_request_app(r), "file"), O_RDONLY | O_CLOEXEC), 0, 1000);
}

static int no_file(tine_request *r)
{
    int ends[2];
    if (pipe(ends) != 0)
        return 500;
    close(ends[1]);
    return tine_send_fd(r, 200, ends[0], 0, 10);
}

static int described(tine_request *r)
{
    const char *file = tine_setting(tine_request_app(r), "file");
    char etag[TINE_ETAG_SIZE];
    struct stat status;
    if (stat(file, &status) != 0)
        return 404;
    tine_etag(&status, etag);
    return tine_text(r, 200, "%s %s", etag, tine_media_type(file));
}

static int encoding(tine_request *r)
{
    return tine_text(r, 200, "%d %d", tine_accepts_encoding(r, "gzip"), tine_accepts_encoding(r, "identity"));
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/file", file), TINE_GET("/memory", memory), TINE_GET("/large", lend_large),
                                           TINE_GET("/roomy", roomy), TINE_GET("/twice", twice), TINE_GET("/replaced", replaced),
                                           TINE_GET("/bad", bad), TINE_GET("/bad_etag", bad_etag), TINE_GET("/gone", gone),
                                           TINE_PUT("/change", change), TINE_GET("/change", change), TINE_GET("/balance", balance),
                                           TINE_GET("/encoding", encoding), TINE_GET("/descriptor", descriptor),
                                           TINE_GET("/too_long", too_long), TINE_GET("/no_file", no_file),
                                           TINE_GET("/described", described), {0}},
            .settings = (const tine_option[]){{"file", TINE_PATH, "/nonexistent", "what /file sends"}, {0}})
