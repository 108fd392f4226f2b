/* SPDX-License-Identifier: Apache-2.0 */
#include "shared/cores.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sys/resource.h>

Test(cores, the_first_of_a_minute_are_kept)
{
    struct cores cores = {0};
    for (int64_t now = 1000; now < 1000 + CORES_WINDOW_MS; now += 100)
        cr_assert_eq(cores_take(&cores, now), now < 1000 + 100 * CORES_MAX, "%d ms", (int)now);
    for (int64_t now = 1000 + CORES_WINDOW_MS; now < 1000 + 2 * CORES_WINDOW_MS; now += 100)
        cr_assert_eq(cores_take(&cores, now), now < 1000 + CORES_WINDOW_MS + 100 * CORES_MAX, "%d ms", (int)now);
}

static struct cores shared;
static _Atomic int taken;

static void *take_many(void *unused)
{
    for (int64_t now = 1000; now < 3000; now++)
        taken += cores_take(&shared, now);
    return unused;
}

Test(cores, no_more_are_kept_when_many_crash_at_once)
{
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, take_many, NULL), 0);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(taken, CORES_MAX);
}

Test(cores, none_is_made_where_the_limit_forbids_it)
{
    struct rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    limit.rlim_cur = 1; /* even where a program takes them */
    if (limit.rlim_max < 1 || setrlimit(RLIMIT_CORE, &limit) < 0)
        cr_skip_test("no limit to set");
    cr_assert_not(cores_are_made());
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max >= 4096 && setrlimit(RLIMIT_CORE, &limit) == 0)
        cr_assert(cores_are_made());
}
