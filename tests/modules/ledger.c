/* SPDX-License-Identifier: Apache-2.0
 *
 * Every request has a number, which is answered, and counted in a file that all workers and the test map: so it is known
 * of each request how often it was served. A posted body is checked byte by byte.
 */
#include <tine.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned char *entries;
static unsigned long entry_count;

static int enter(tine_request *r)
{
    unsigned long number = strtoul(tine_param(r, "number"), NULL, 10);
    size_t length;
    const char *body = tine_body(r, &length);
    for (size_t i = 0; i < length; i++)
        if (body[i] != (char)('a' + (number + i) % 23))
            return tine_text(r, 422, "byte %zu of request %lu is wrong", i, number);
    if (number >= entry_count)
        return 404;
    __atomic_fetch_add(&entries[number], 1, __ATOMIC_SEQ_CST);
    return tine_text(r, 200, "entered %lu", number);
}

static int worker_init(tine_app *app)
{
    struct stat status;
    int fd = open(tine_setting(app, "file"), O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0)
        return -1;
    entry_count = (unsigned long)status.st_size;
    entries = mmap(NULL, entry_count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return entries == MAP_FAILED ? -1 : 0;
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/{number:int}", enter), TINE_POST("/{number:int}", enter), {0}},
            .settings = (const tine_option[]){{"file", TINE_PATH, "ledger", "a byte for each number"}, {0}},
            .worker_init = worker_init)
