/* SPDX-License-Identifier: Apache-2.0
 *
 * See cores.h.
 */
#include "shared/cores.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { COUNT_BITS = 8, CORE_LEAST = 4096 };

/* A program, or a socket, takes cores whatever RLIMIT_CORE says, unless that is 1; see core(5). */
static bool are_taken_by_program(void)
{
    char first = 0;
    int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool taken = read(fd, &first, 1) == 1 && (first == '|' || first == '@');
    close(fd);
    return taken;
}

bool cores_are_made(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) < 0) /* a bare system call: safe in a signal handler, though no list says so */
        return true;
    return limit.rlim_cur >= CORE_LEAST || (limit.rlim_cur != 1 && are_taken_by_program());
}

bool cores_take(struct cores *cores, int64_t now)
{
    uint64_t before = atomic_load(&cores->window), after;
    do {
        uint64_t began = before >> COUNT_BITS, count = before & ((1 << COUNT_BITS) - 1);
        bool anew = before == 0 || (uint64_t)now >= began + CORES_WINDOW_MS;
        if (!anew && count >= CORES_MAX)
            return false;
        after = anew ? (uint64_t)now << COUNT_BITS | 1 : before + 1;
    } while (!atomic_compare_exchange_weak(&cores->window, &before, after));
    return true;
}
