/* SPDX-License-Identifier: Apache-2.0
 *
 * See haproxy_proxy.h.
 */
#include "haproxy_proxy.h"

#include "client.h"
#include "redis_server.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIELDS_MAX = 128 };

static pid_t haproxy;
static char *haproxy_socket;

void haproxy_require(void)
{
    if (!program_exists("haproxy"))
        cr_skip_test("haproxy is not there: scripts/setup test installs it");
}

/* The socket is there before it can be connected to. */
static bool is_listening(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    bool listening = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return listening;
}

void haproxy_start(struct server *front, const struct server *one, const struct server *two, const char *dir)
{
    const char *log = text("%s/haproxy.log", dir), *argv[] = {"haproxy", "-db", "-f", "etc/haproxy.cfg", NULL};
    haproxy_socket = text("%s/haproxy.sock", dir);
    setenv("HAPROXY_SOCKET", haproxy_socket, 1);
    setenv("TINE_ONE", one->address, 1);
    setenv("TINE_TWO", two->address, 1);
    snprintf(front->address, sizeof front->address, "127.0.0.1:%d", port_reserve());
    setenv("HAPROXY_BIND", front->address, 1);
    haproxy = process_start(argv, log, log);
    kill_at_exit(haproxy);
    await(!process_alive(haproxy) || is_listening(haproxy_socket));
    if (!process_alive(haproxy))
        harness_fail("HAProxy does not start: %s", file_read(log, NULL));
    await(haproxy_is_up("tines,one") && haproxy_is_up("tines,two"));
}

void haproxy_stop(void)
{
    kill(haproxy, SIGTERM);
    process_wait(haproxy, PATIENCE);
}

char *haproxy_statistics(void)
{
    struct client client = client_connect_to(text("unix:%s", haproxy_socket));
    client_send(&client, "show stat\n");
    while (client_receive(&client, PATIENCE) > 0)
        continue;
    char *all = text("%.*s", (int)client.length, client.data);
    client_close(&client);
    return all;
}

/* The field of a line of CSV, the first being 0. */
static char *field_at(const char *line, int at)
{
    while (at-- > 0)
        line += strcspn(line, ",\n") + 1;
    return text("%.*s", (int)strcspn(line, ",\n"), line);
}

static char *find_field(const char *which, const char *name)
{
    const char *all = haproxy_statistics(), *line = strstr(all, text("\n%s,", which));
    if (line == NULL)
        harness_fail("HAProxy knows no %s:\n%s", which, all);
    for (int at = 0; at < FIELDS_MAX; at++)
        if (strcmp(field_at(all, at), name) == 0)
            return field_at(line + 1, at);
    harness_fail("HAProxy has no field %s:\n%s", name, all);
}

long haproxy_count(const char *which, const char *field)
{
    return atol(find_field(which, field));
}

bool haproxy_is_up(const char *which)
{
    return strcmp(find_field(which, "status"), "UP") == 0;
}

bool haproxy_is_down(const char *which)
{
    return strncmp(find_field(which, "status"), "DOWN", 4) == 0;
}
