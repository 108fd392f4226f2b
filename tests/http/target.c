/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is asked: tine, or a peer as Debian has it, each with the same targets: /hello, /echo (POST and PUT: the body comes back),
 * /who on two hosts, and the files /file.txt and
 * /long.txt. The peers' configurations are all here; what they do not say is their default.
 */
#include "conformance.h"

#include "../system/client.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char tine_ini[] =
    "[server]\nlisten = 127.0.0.1:0, unix:@DIR@/socket\nworkers = 2\nworkers_max = 2\nhealth = on\n"
    "[limits]\nrequest_line = 9k\n[log]\naccess = off\n"
    "[app:other]\npath = /who\nhost = other.test\nmodule = respond\nbody = other\n"
    "[app:six]\npath = /who\nhost = [::1]\nmodule = respond\nbody = six\n"
    "[app:small]\npath = /small\nlimits.body = 5\nmodule = @MODULES@/probe.so\n"
    "[app:who]\npath = /who\nmodule = respond\nbody = default\n"
    "[app:status]\npath = /-/status\nmodule = status\n"
    "[app:go]\npath = /go\nmodule = redirect\nto = /\nkeep_path = on\n"
    "[app:gone]\npath = /gone\nmodule = redirect\nto = http://new.test\nkeep_path = on\n"
    "[app:probe]\npath = /\nmodule = @MODULES@/probe.so\n"
    "[app:site]\npath = /\nmodule = static\nroot = @DIR@/site\n";

static const char nginx_conf[] =
    "load_module /usr/lib/nginx/modules/ngx_http_echo_module.so;\n"
    "daemon off;\nworker_processes 1;\n@USER@pid @DIR@/pid;\nerror_log @DIR@/log;\nevents {}\n"
    "http {\n  access_log off;\n  keepalive_requests 1000000;\n  types { text/plain txt; }\n  default_type text/plain;\n"
    "  client_body_temp_path @DIR@/t1;\n  proxy_temp_path @DIR@/t2;\n  fastcgi_temp_path @DIR@/t3;\n  uwsgi_temp_path @DIR@/t4;\n"
    "  scgi_temp_path @DIR@/t5;\n"
    "  server {\n    listen 127.0.0.1:@PORT@;\n    listen unix:@DIR@/socket;\n    server_name tine.test;\n    root @DIR@/site;\n"
    "    location = /echo { echo_read_request_body; echo_request_body; }\n  }\n"
    "  server {\n    listen 127.0.0.1:@PORT@;\n    listen unix:@DIR@/socket;\n    server_name other.test;\n"
    "    root @DIR@/site/other;\n  }\n}\n";

static const char apache_conf[] =
    "ServerRoot /usr/lib/apache2\nLoadModule mpm_event_module modules/mod_mpm_event.so\n"
    "LoadModule authz_core_module modules/mod_authz_core.so\nLoadModule mime_module modules/mod_mime.so\n"
    "LoadModule reflector_module modules/mod_reflector.so\nLoadModule buffer_module modules/mod_buffer.so\n"
    "DefaultRuntimeDir @DIR@\nPidFile @DIR@/pid\nErrorLog @DIR@/log\nListen 127.0.0.1:@PORT@\n@USER@"
    "TypesConfig /dev/null\nAddType text/plain .txt\n"
    "<VirtualHost *>\nServerName tine.test\nDocumentRoot @DIR@/site\n"
    "<Location /echo>\nSetHandler reflector\nSetInputFilter BUFFER\nBufferSize 1048576\n</Location>\n</VirtualHost>\n"
    "<VirtualHost *>\nServerName other.test\nDocumentRoot @DIR@/site/other\n</VirtualHost>\n";

static const char h2o_conf[] =
    "listen:\n  host: 127.0.0.1\n  port: @PORT@\nlisten:\n  port: @DIR@/socket\n  type: unix\n  permission: 666\n"
    "@USER@error-log: @DIR@/log\nnum-threads: 1\n"
    "hosts:\n  \"tine.test\":\n    paths:\n      \"/\":\n        file.dir: @DIR@/site\n"
    "      \"/echo\":\n        mruby.handler: |\n          Proc.new do |env|\n"
    "            input = env[\"rack.input\"]\n"
    "            [200, {\"content-type\" => \"application/octet-stream\"}, [input ? input.read : \"\"]]\n          end\n"
    "  \"other.test\":\n    paths:\n      \"/\":\n        file.dir: @DIR@/site/other\n";

static const struct peer {
    const char *name, *conf, *user; /* what a configuration says for "be nobody" */
    const char *command[6];         /* @CONF@ is its file */
    bool local;                     /* it listens on a Unix socket too */
} peers[] = {
    {"nginx", nginx_conf, "user nobody nogroup;\n", {"/usr/sbin/nginx", "-c", "@CONF@", "-e", "@DIR@/log", NULL}, true},
    {"apache", apache_conf, "User nobody\nGroup nogroup\n", {"/usr/sbin/apache2", "-DFOREGROUND", "-f", "@CONF@", NULL}, false},
    {"h2o", h2o_conf, "user: nobody\n", {"/usr/bin/h2o", "-c", "@CONF@", NULL}, true},
};

static struct server server; /* of whoever it is, only its folder, address and process are used */

static const char *replace(const char *in, const char *word, const char *with)
{
    const char *at;
    while ((at = strstr(in, word)) != NULL)
        in = text("%.*s%s%s", (int)(at - in), in, with, at + strlen(word));
    return in;
}

/* Their dates are a second of 2001, so that cases can name it. */
static void put_file(const char *name, const char *content)
{
    const struct timespec then[2] = {{1000000000, 0}, {1000000000, 0}};
    const char *path = text("%s/site/%s", server.dir, name);
    file_write(path, content);
    if (utimensat(AT_FDCWD, path, then, 0) != 0)
        harness_fail("cannot set the time of %s", path);
}

static void put_site(void)
{
    if (mkdir(text("%s/site", server.dir), 0755) != 0 || mkdir(text("%s/site/other", server.dir), 0755) != 0 ||
        mkdir(text("%s/site/folder", server.dir), 0755) != 0)
        harness_fail("cannot make a folder in %s", server.dir);
    put_file("hello", "hello");
    put_file("who", "default");
    put_file("other/who", "other");
    put_file("file.txt", "abcdefghijklmnopqrstuvwxyz");
    put_file("long.txt", text("%05000d", 0));
}

static bool answers(const char *address)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)address_port(address))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
    close(fd);
    return connected;
}

static void start_peer(struct target *target, const struct peer *peer)
{
    const char *argv[6] = {NULL}, *conf = text("%s/conf", server.dir), *log = text("%s/log", server.dir);
    const char *port = text("%d", port_reserve());
    if (access(peer->command[0], X_OK) != 0)
        harness_fail("there is no %s; scripts/setup conformance installs it", peer->command[0]);
    const char *content = replace(replace(peer->conf, "@PORT@", port), "@USER@", geteuid() == 0 ? peer->user : "");
    file_write(conf, replace(content, "@DIR@", server.dir));
    for (size_t i = 0; peer->command[i] != NULL; i++)
        argv[i] = replace(replace(peer->command[i], "@CONF@", conf), "@DIR@", server.dir);
    snprintf(target->address, sizeof target->address, "127.0.0.1:%s", port);
    server.pid = process_start(argv, log, log);
    kill_at_exit(server.pid);
    if (!wait_until(PATIENCE, answers(target->address) || !process_alive(server.pid)) || !process_alive(server.pid))
        harness_fail("%s does not start:\n%s", peer->name, file_read(log, NULL));
    if (peer->local)
        snprintf(target->local, sizeof target->local, "unix:%s/socket", server.dir);
}

void target_start(struct target *target, const char *name)
{
    target->name = name;
    target->asked.is_tine = strcmp(name, "tine") == 0;
    server_prepare(&server, tine_ini);
    put_site();
    if (target->asked.is_tine) {
        server_launch(&server);
        snprintf(target->address, sizeof target->address, "%s", server.address);
        snprintf(target->local, sizeof target->local, "unix:%s/socket", server.dir);
        return;
    }
    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++)
        if (strcmp(name, peers[i].name) == 0) {
            start_peer(target, &peers[i]);
            return;
        }
    harness_fail("'%s' is none of nginx, apache, h2o", name);
}

void target_stop(struct target *target)
{
    if (target->asked.is_tine) {
        server_stop(&server);
        return;
    }
    server_signal(&server, SIGTERM);
    process_wait(server.pid, PATIENCE);
}
