/* SPDX-License-Identifier: Apache-2.0
 *
 * `make conformance`, as it is: every case of tests/http passes.
 */
#include "harness.h"

#include <criterion/criterion.h>

TestSuite(conformance, .timeout = 300);

Test(conformance, every_case_passes)
{
    enum { SECONDS = 240 };
    const char *out = text("%s/out", test_dir()), *program = text("%s/../http/conformance", modules_path());
    const char *argv[] = {program, NULL};
    pid_t process = process_start(argv, out, out);
    kill_at_exit(process);
    cr_assert_eq(process_wait(process, SECONDS * 1000), 0, "%s", file_read(out, NULL));
}
