/* SPDX-License-Identifier: Apache-2.0
 *
 * A wild handler: it writes over records of the table in which its worker keeps connections, or over what others gave to that and it has
 * not taken yet, then crashes, returns or sleeps. Neither is anybody's business but the worker's, so they are searched for: pages of no
 * file where records numbered 0, 1, 2 ... stand, each with the descriptor of a socket; and a message in which clients' addresses stand
 * at even distances.
 */
#include "worker/state.h"

#include <tine.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { PAGE = 4096, LARGEST = 64 << 20, STRIDE_MIN = 64, STRIDE_MAX = 1024, RECORDS = 24 };

struct table {
    char *start;
    size_t stride;
};

static bool is_record(const char *at, uint32_t index)
{
    uint32_t words[3];
    int type;
    socklen_t length = sizeof type;
    memcpy(words, at, sizeof words);
    return words[0] == index && words[1] >= 1 && words[1] < 1000 && words[2] > 2 &&
           getsockopt((int)words[2], SOL_SOCKET, SO_TYPE, &type, &length) == 0;
}

static size_t table_stride(const char *start)
{
    if (!is_record(start, 0))
        return 0;
    for (size_t stride = STRIDE_MIN; stride <= STRIDE_MAX; stride += 8)
        if (is_record(start + stride, 1) && is_record(start + 2 * stride, 2))
            return stride;
    return 0;
}

/* Where, in the mappings that can be written and are wanted, 'stride' finds something: looked at every 'step' bytes. */
static struct table search(bool (*is_wanted)(const char *path), size_t step, size_t (*stride)(const char *start))
{
    struct table table = {NULL, 0};
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps != NULL && table.stride == 0 && fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;
        int used = 0;
        if (sscanf(line, "%lx-%lx rw-p %*s %*s %*s %n", &from, &to, &used) != 2 || used == 0 || to - from > LARGEST ||
            !is_wanted(line + used))
            continue;
        for (; from + 3 * STRIDE_MAX < to && table.stride == 0; from += step)
            table = (struct table){(char *)from, stride((char *)from)};
    }
    if (maps != NULL)
        fclose(maps);
    return table;
}

static bool is_no_file(const char *path)
{
    return *path == 0;
}

/* "all" of them, or the descriptor alone: that of the one before, whose client would get the answers. */
static void write_over(const struct table *table, const char *what, long first, long last)
{
    for (long i = last; i >= first; i--) {
        char *record = table->start + (size_t)i * table->stride;
        if (strcmp(what, "all") == 0)
            memset(record, 0xa5, table->stride);
        else
            memcpy(record + 8, record - table->stride + 8, sizeof(int));
    }
}

static int end(tine_request *r)
{
    const char *then = tine_param(r, "then");
    if (strcmp(then, "crash") == 0)
        abort();
    if (strcmp(then, "nap") == 0)
        nanosleep(&(struct timespec){0, 500000000}, NULL);
    return tine_text(r, 200, "written over");
}

static int scribble(tine_request *r)
{
    struct table table = search(is_no_file, PAGE, table_stride);
    if (table.stride == 0)
        return tine_problem(r, 501, "no table found");
    write_over(&table, tine_param(r, "what"), strtol(tine_param(r, "first"), NULL, 10), strtol(tine_param(r, "last"), NULL, 10));
    return end(r);
}

/* The link of a free record, or an idle one, to the next. */
static int scribble_link(tine_request *r)
{
    struct table table = search(is_no_file, PAGE, table_stride);
    if (table.stride != sizeof(struct connection))
        return tine_problem(r, 501, "no table found");
    struct connection *records = (struct connection *)table.start;
    records[strtol(tine_param(r, "record"), NULL, 10)].newer = (uint32_t)strtol(tine_param(r, "to"), NULL, 10);
    return tine_text(r, 200, "written over");
}

/* 127.0.0.1 as an IPv6 address. Word by word, and so unseen by a sanitizer, which has marks between variables. */
#define UNSEEN __attribute__((no_sanitize("address"), noinline))
static UNSEEN bool is_address(const uint64_t *at)
{
    static const union {
        unsigned char bytes[16];
        uint64_t words[2];
    } local = {{[10] = 255, [11] = 255, [12] = 127, [15] = 1}};
    return at[0] == local.words[0] && at[1] == local.words[1];
}

/* A version, a count, and then that many records, each of which begins with an address: the distance of two; 0: it is something else. */
static UNSEEN size_t message_stride(const char *start)
{
    const uint64_t *at = (const uint64_t *)start;
    uint32_t version = (uint32_t)at[0], count = (uint32_t)(at[0] >> 32);
    if (version == 0 || version > 9 || count < 3 || count > RECORDS || !is_address(at + 1))
        return 0;
    for (size_t words = STRIDE_MIN / 8; words <= STRIDE_MAX / 8; words++)
        if (is_address(at + 1 + words) && is_address(at + 1 + 2 * words))
            return words * 8;
    return 0;
}

static bool is_not_the_heap(const char *path)
{
    return *path != '[';
}

/* Behind the records stand the descriptors: the second is made the first's, whose client would get the answers of another. */
static int scribble_coming(tine_request *r)
{
    struct table message = search(is_not_the_heap, sizeof(uint64_t), message_stride);
    if (message.stride == 0)
        return tine_problem(r, 501, "no message found");
    char *fds = message.start + 8 + RECORDS * message.stride;
    memcpy(fds + sizeof(int), fds, sizeof(int));
    return end(r);
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/{what}/{first:int}/{last:int}/{then}", scribble),
                                           TINE_GET("/link/{record:int}/{to:int}", scribble_link),
                                           TINE_GET("/coming/{then}", scribble_coming), {0}})
