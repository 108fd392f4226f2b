/* SPDX-License-Identifier: Apache-2.0
 *
 * See holder.h. The kernel tells the socket's inode by the port, and of each process which inodes it has open.
 */
#include "cli/holder.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STATE_LISTEN = 0x0a };

static unsigned long find_inode(const char *table, unsigned port)
{
    char line[512];
    unsigned long found = 0;
    FILE *in = fopen(table, "re");
    while (in != NULL && found == 0 && fgets(line, sizeof line, in) != NULL) {
        unsigned local, state;
        unsigned long inode;
        if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*d %*d %lu", &local, &state, &inode) == 3 &&
            local == port && state == STATE_LISTEN)
            found = inode;
    }
    if (in != NULL)
        fclose(in);
    return found;
}

static bool has_open(const char *process, const char *socket)
{
    char folder[64], path[PATH_MAX], target[64];
    snprintf(folder, sizeof folder, "/proc/%.20s/fd", process);
    DIR *descriptors = opendir(folder);
    struct dirent *entry;
    bool found = false;
    while (descriptors != NULL && !found && (entry = readdir(descriptors)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        ssize_t length = readlink(path, target, sizeof target - 1);
        target[length > 0 ? length : 0] = 0;
        found = strcmp(target, socket) == 0;
    }
    if (descriptors != NULL)
        closedir(descriptors);
    return found;
}

static void describe(const char *process, char *text, size_t size)
{
    char path[64], name[64] = "?\n";
    snprintf(path, sizeof path, "/proc/%.20s/comm", process);
    FILE *in = fopen(path, "re");
    if (in != NULL && fgets(name, sizeof name, in) == NULL)
        name[0] = 0;
    if (in != NULL)
        fclose(in);
    name[strcspn(name, "\n")] = 0;
    snprintf(text, size, "process %.20s (%s)", process, name);
}

void holder_describe(unsigned port, char *text, size_t size)
{
    char socket[64];
    unsigned long inode = find_inode("/proc/net/tcp", port);
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    snprintf(text, size, "another program");
    if (inode == 0)
        inode = find_inode("/proc/net/tcp6", port);
    snprintf(socket, sizeof socket, "socket:[%lu]", inode);
    while (processes != NULL && inode != 0 && (entry = readdir(processes)) != NULL)
        if (isdigit((unsigned char)entry->d_name[0]) && has_open(entry->d_name, socket)) {
            describe(entry->d_name, text, size);
            break;
        }
    if (processes != NULL)
        closedir(processes);
}
