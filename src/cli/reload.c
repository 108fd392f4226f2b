/* SPDX-License-Identifier: Apache-2.0
 *
 * tine reload -c FILE: asks the running server to read its file again and waits for the verdict. 0: it serves by the file as it is now;
 * 1: it does not, and all reasons are on standard error. tine upgrade -c FILE: the same, with the binary as it is now.
 */
#include "cli/cli.h"
#include "cli/client.h"

#include <stdio.h>
#include <stdlib.h>

/* A transaction that was under way is waited for, then our own. */
enum { VERDICT_SECONDS = 30, VERDICT_STARTS = 2 };

static int ask(const char *what, int argc, char **argv)
{
    struct client_options options;
    char *text = NULL;
    int result = client_parse(&options, argc, argv, false) < 0 ? -2 : client_ask(&options, what, VERDICT_SECONDS, VERDICT_STARTS, &text);
    if (result >= 0)
        fputs(text, result == 1 ? stdout : stderr);
    free(text);
    free(options.overrides);
    return result == 1 ? 0 : result == -2 ? 2 : 1;
}

int cli_reload(int argc, char **argv)
{
    return ask("reload", argc, argv);
}

int cli_upgrade(int argc, char **argv)
{
    return ask("upgrade", argc, argv);
}
