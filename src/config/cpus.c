/* SPDX-License-Identifier: Apache-2.0
 *
 * See cpus.h.
 */
#include "config/cpus.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { CPUS_MAX = 1 << 16 };

static int affinity(void)
{
    /* The kernel refuses a mask smaller than its own. */
    for (int cpus = 1024; cpus <= CPUS_MAX; cpus *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)cpus);
        size_t size = CPU_ALLOC_SIZE((size_t)cpus);
        int count = -1;

        if (set && sched_getaffinity(0, size, set) == 0)
            count = CPU_COUNT_S(size, set);
        bool was_too_small = set && count < 0 && errno == EINVAL;
        CPU_FREE(set);
        if (!was_too_small)
            return count > 0 ? count : 1;
    }
    return 1;
}

/* Reads the first two numbers of a file; "max" and what is not there are -1. */
static void read_numbers(const char *folder, const char *name, int64_t numbers[2])
{
    char path[PATH_MAX + 32], text[64];

    numbers[0] = numbers[1] = -1;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    if (file && fgets(text, sizeof text, file) && strncmp(text, "max", 3) != 0)
        sscanf(text, "%" SCNd64 " %" SCNd64, &numbers[0], &numbers[1]);
    if (file)
        fclose(file);
}

/* The quota written in one folder of either kind of hierarchy; 0 when there is none. */
static int folder_quota(const char *folder)
{
    int64_t both[2], quota[2], period[2];

    read_numbers(folder, "cpu.max", both);
    if (both[0] < 0) {
        read_numbers(folder, "cpu.cfs_quota_us", quota);
        read_numbers(folder, "cpu.cfs_period_us", period);
        both[0] = quota[0];
        both[1] = period[0];
    }
    if (both[0] <= 0 || both[1] <= 0 || both[0] / both[1] >= CPUS_MAX)
        return 0;
    return (int)((both[0] - 1) / both[1] + 1);
}

/* The least quota of 'group' and of all above it, up to where the hierarchy is mounted. In a container
 * the path may be that of the host and not exist here: what counts is then found at the mount. */
static int least_quota(const char *root, const char *mount, const char *group)
{
    char folder[PATH_MAX];
    int least = 0;
    int top = snprintf(folder, sizeof folder, "%s/sys/fs/cgroup%s", root, mount);
    int length = snprintf(folder, sizeof folder, "%s/sys/fs/cgroup%s%s", root, mount, group);

    if (length >= (int)sizeof folder)
        return 0;
    for (;;) {
        int quota = folder_quota(folder);

        if (quota && (!least || quota < least))
            least = quota;
        char *slash = strrchr(folder + top, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

/* Where the hierarchy of a line of /proc/self/cgroup is mounted, by custom: "0::" is version 2, the
 * others name their controllers. */
static const char *const *mounts_of(const char *controllers)
{
    static const char *const version2[] = {"", "/unified", NULL};
    static const char *const version1[] = {"/cpu", "/cpu,cpuacct", NULL};
    static const char *const none[] = {NULL};

    if (!*controllers)
        return version2;
    for (const char *name = controllers; name; name = strchr(name, ','), name = name ? name + 1 : NULL)
        if (strcspn(name, ",") == 3 && strncmp(name, "cpu", 3) == 0)
            return version1;
    return none;
}

int cpus_quota(const char *root)
{
    char line[PATH_MAX];
    int least = 0;

    snprintf(line, sizeof line, "%s/proc/self/cgroup", root);
    FILE *file = fopen(line, "re");
    while (file && fgets(line, sizeof line, file)) {
        char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;

        if (!group)
            continue;
        *group++ = '\0';
        group[strcspn(group, "\n")] = '\0';
        for (const char *const *mount = mounts_of(controllers + 1); *mount; mount++) {
            int quota = least_quota(root, *mount, group);

            if (quota && (!least || quota < least))
                least = quota;
        }
    }
    if (file)
        fclose(file);
    return least;
}

int cpus_granted(void)
{
    int cpus = affinity(), quota = cpus_quota("");

    return quota && quota < cpus ? quota : cpus;
}
