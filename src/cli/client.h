/* SPDX-License-Identifier: Apache-2.0
 *
 * The other end of master/control.c: finds the server's control socket from the configuration file, as the master found it, asks
 * one thing and takes the answer.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct client_options {
    const char *name; /* of the command, for messages */
    const char *path; /* of the INI file */
    const char **overrides;
    size_t override_count;
    bool json;
};

/* Reads -c FILE, -o SECTION.KEY=VALUE and, if 'takes_json', --json. 0, or -1 after telling what is wrong. */
int client_parse(struct client_options *options, int argc, char **argv, bool takes_json);

/* Sends 'request' and waits for the answer, at most 'seconds' and so many times what a worker may take to start ([timeouts] start).
 * Returns 1 for "ok" and 0 for "failed", with *text (to be freed) what came with it; -1 after telling why there is no answer. */
int client_ask(const struct client_options *options, const char *request, int seconds, int starts, char **text);

#endif
