/* SPDX-License-Identifier: Apache-2.0
 *
 * See shim.h.
 */
#include "shim.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *fault_path(const struct server *server, const char *call)
{
    return text("%s/faults/%s", server->dir, call);
}

/* Workers are nobody, and count their failures too. */
static void put(const struct server *server, const char *name, const char *content)
{
    const char *path = fault_path(server, name), *fresh = text("%s.fresh", path);
    file_write(fresh, content);
    chmod(fresh, 0666);
    if (rename(fresh, path) != 0)
        harness_fail("cannot rename %s", fresh);
}

void fault_begin(const struct server *server, const char *call, int error)
{
    put(server, call, text("%d\n", error));
}

void fault_begin_in(const struct server *server, const char *call, int error, pid_t process)
{
    put(server, call, text("%d %d\n", error, (int)process));
}

size_t fault_count(const struct server *server, const char *call)
{
    char *content = file_read(fault_path(server, call), NULL);
    size_t count = text_count(content, "x");
    free(content);
    return count;
}

void fault_end(const struct server *server, const char *call)
{
    unlink(fault_path(server, call));
}

void clock_jump(const struct server *server, long seconds)
{
    put(server, "clock", text("%ld\n", seconds));
}

/* The shim cannot come before a sanitizer's runtime. */
void shim_launch(struct server *server)
{
    mkdir(text("%s/faults", server->dir), 0755);
    const char *argv[] = {"env", text("LD_PRELOAD=%s/faults.so", modules_path()), text("FAULTS=%s/faults", server->dir),
                          "ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0", tine_path(), "-c", server->ini, NULL};
    server_launch_by(server, argv);
}

void shim_prepare(struct server *server, const char *ini)
{
    server_prepare(server, ini);
    mkdir(text("%s/faults", server->dir), 0755);
}

void shim_start(struct server *server, const char *ini)
{
    shim_prepare(server, ini);
    shim_launch(server);
}
