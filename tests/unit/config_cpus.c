/* SPDX-License-Identifier: Apache-2.0 */
#include "config_support.h"

#include "config/cpus.h"

#include <sys/stat.h>

TestSuite(cpus, .init = enter_folder, .fini = leave_folder);

static void make_folders(const char *path)
{
    char command[256];

    snprintf(command, sizeof command, "mkdir -p '%s'", path);
    cr_assert_eq(system(command), 0);
}

static void write_quota(const char *folder_path, const char *name, const char *text)
{
    char path[256];

    make_folders(folder_path);
    snprintf(path, sizeof path, "%s/%s", folder_path, name);
    write_file(path, text);
}

static void write_groups(const char *text)
{
    make_folders("proc/self");
    write_file("proc/self/cgroup", text);
}

Test(cpus, have_no_quota_where_none_is_written)
{
    cr_expect_eq(cpus_quota(folder), 0);
    write_groups("0::/a/b\n");
    cr_expect_eq(cpus_quota(folder), 0);
    write_quota("sys/fs/cgroup/a/b", "cpu.max", "max 100000\n");
    cr_expect_eq(cpus_quota(folder), 0);
}

Test(cpus, round_a_quota_up)
{
    static const struct {
        const char *text;
        int cpus;
    } cases[] = {
        {"100000 100000\n", 1}, {"100001 100000\n", 2}, {"50000 100000\n", 1}, {"400000 100000\n", 4}, {"400000 50000", 8},
        {"0 100000\n", 0}, {"-1 100000\n", 0}, {"100000 0\n", 0}, {"x\n", 0}, {"", 0}, {"100000\n", 0},
        {"9223372036854775807 1\n", 0},
    };

    write_groups("0::/a\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_quota("sys/fs/cgroup/a", "cpu.max", cases[i].text);
        cr_expect_eq(cpus_quota(folder), cases[i].cpus, "%s", cases[i].text);
    }
}

Test(cpus, take_the_least_quota_of_all_groups_above)
{
    write_groups("0::/a/b/c\n");
    write_quota("sys/fs/cgroup/a/b/c", "cpu.max", "800000 100000\n");
    cr_expect_eq(cpus_quota(folder), 8);
    write_quota("sys/fs/cgroup/a", "cpu.max", "300000 100000\n");
    cr_expect_eq(cpus_quota(folder), 3);
    write_quota("sys/fs/cgroup/a/b", "cpu.max", "500000 100000\n");
    cr_expect_eq(cpus_quota(folder), 3);
}

Test(cpus, find_the_quota_at_the_mount_in_a_container)
{
    write_groups("0::/of/the/host\n");
    write_quota("sys/fs/cgroup", "cpu.max", "200000 100000\n");
    cr_expect_eq(cpus_quota(folder), 2);
}

Test(cpus, know_the_first_version_of_cgroups)
{
    write_groups("12:cpuset:/x\n4:cpu,cpuacct:/a\n1:name=systemd:/y\n0::/\n");
    write_quota("sys/fs/cgroup/cpu,cpuacct/a", "cpu.cfs_quota_us", "-1\n");
    write_quota("sys/fs/cgroup/cpu,cpuacct/a", "cpu.cfs_period_us", "100000\n");
    cr_expect_eq(cpus_quota(folder), 0);
    write_quota("sys/fs/cgroup/cpu,cpuacct/a", "cpu.cfs_quota_us", "250000\n");
    cr_expect_eq(cpus_quota(folder), 3);
    write_quota("sys/fs/cgroup/cpu,cpuacct", "cpu.cfs_quota_us", "150000\n");
    write_quota("sys/fs/cgroup/cpu,cpuacct", "cpu.cfs_period_us", "100000\n");
    cr_expect_eq(cpus_quota(folder), 2);
    write_quota("sys/fs/cgroup/cpu/a", "cpu.cfs_quota_us", "50000\n");
    write_quota("sys/fs/cgroup/cpu/a", "cpu.cfs_period_us", "100000\n");
    cr_expect_eq(cpus_quota(folder), 1);
}

Test(cpus, are_one_at_least)
{
    cr_expect_geq(cpus_granted(), 1);
}
