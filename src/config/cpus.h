/* SPDX-License-Identifier: Apache-2.0
 *
 * How many CPUs this process may keep busy, which in a container is seldom how many there are.
 */
#ifndef CONFIG_CPUS_H
#define CONFIG_CPUS_H

/* The CPUs of the affinity mask or of the cgroups' quota, whichever is less; at least 1. */
int cpus_granted(void);

/* The quota of our control group and those above it, rounded up; 0 when there is none. 'root' is put
 * before /proc and /sys ("" but in tests). */
int cpus_quota(const char *root);

#endif
