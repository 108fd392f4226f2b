/* SPDX-License-Identifier: Apache-2.0
 *
 * Its test, without any test library. MODULE is told by the build.
 */
#include <stdio.h>
#include <string.h>
#include <tine_test.h>

int main(void)
{
    tine_test *app = tine_test_open(MODULE, NULL);
    if (app == NULL)
        return 1;
    const tine_answer *answer = tine_test_get(app, "/hello/ada");
    int wrong = tine_answer_status(answer) != 200 || strcmp(tine_answer_body(answer, NULL), "hello ada\n") != 0;
    if (wrong)
        fprintf(stderr, "answered %d: %s\n", tine_answer_status(answer), tine_answer_body(answer, NULL));
    tine_test_close(app);
    return wrong;
}
