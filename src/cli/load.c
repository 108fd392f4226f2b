/* SPDX-License-Identifier: Apache-2.0
 *
 * See load.h.
 */
#include "cli/load.h"

#include "base/log.h"

#include <stdio.h>
#include <unistd.h>

static void print_errors(const struct errors *errors)
{
    for (size_t i = 0; i < errors->kept; i++)
        fprintf(stderr, "%s\n", errors->messages[i]);
    if (errors->count - errors->untold > errors->kept)
        fprintf(stderr, "and %zu more\n", errors->count - errors->untold - errors->kept);
}

int load_direct(struct direct *direct, const char *path, const char *const *overrides, size_t override_count, bool start)
{
    struct errors errors;
    int result = -1;
    errors_init(&errors);
    struct config *config = config_load(path, overrides, override_count, &errors);
    if (config != NULL) {
        log_open(STDERR_FILENO, (enum log_level)config->log_level);
        /* What is wrong with modules is told in the same run, but none is started then. */
        result = direct_open(direct, config, start && errors.count == 0, &errors);
        if (errors.count > 0) {
            result = -1;
            direct_close(direct);
        }
    }
    print_errors(&errors);
    errors_release(&errors);
    return result;
}
