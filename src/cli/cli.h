/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands beside serving: `tine reload`, `tine upgrade` and `tine status` ask the server that runs for an INI file; `tine routes`
 * and `tine call` need none; `tine new` and `tine run` are for who writes modules. Each gets the arguments from its own name on and
 * returns the exit status: 0, 1 (refused, not valid, or nobody to ask), 2 (wrong usage).
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

int cli_reload(int argc, char **argv);
int cli_upgrade(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_routes(int argc, char **argv);
int cli_call(int argc, char **argv);
int cli_new(int argc, char **argv);
int cli_run(int argc, char **argv);

#endif
