/* SPDX-License-Identifier: Apache-2.0
 *
 * tine status -c FILE: what the running server does, for a person or (--json) for a program.
 */
#include "cli/cli.h"
#include "cli/client.h"
#include "modules/status_text.h"

#include <stdio.h>
#include <stdlib.h>

enum { ANSWER_SECONDS = 10 };

static int print_json(json_t *status)
{
    int result = json_dumpf(status, stdout, JSON_INDENT(2));
    putchar('\n');
    return result;
}

static int print_text(const json_t *status)
{
    char *text = status_text(status);
    int result = text != NULL ? fputs(text, stdout) : -1;
    free(text);
    return result;
}

static int print(const struct client_options *options, const char *text)
{
    json_t *status = json_loads(text, 0, NULL);
    if (status == NULL) {
        fprintf(stderr, "tine %s: cannot read the answer; is the server of another version?\n", options->name);
        return 1;
    }
    int result = options->json ? print_json(status) : print_text(status);
    json_decref(status);
    return result >= 0 && fflush(stdout) == 0 ? 0 : 1;
}

int cli_status(int argc, char **argv)
{
    struct client_options options;
    char *text = NULL;
    int result = client_parse(&options, argc, argv, true) < 0 ? 2 : 1;
    if (result == 1) {
        int answer = client_ask(&options, "status", ANSWER_SECONDS, 0, &text);
        if (answer == 1)
            result = print(&options, text);
        else if (answer == 0)
            fprintf(stderr, "tine %s: %s", options.name, text);
    }
    free(text);
    free(options.overrides);
    return result;
}
