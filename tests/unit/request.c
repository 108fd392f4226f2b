/* SPDX-License-Identifier: Apache-2.0 */
#include "app/request.h"

#include <criterion/criterion.h>

static void count(void *owner)
{
    ++*(int *)owner;
}

/* A worker frees those that it has too many of, with whatever their responses still held. */
Test(request, free_releases_what_its_response_borrowed)
{
    static const struct head_limits limits = {100, 100, 100, 10};
    int released = 0;
    struct tine_request *r = request_new(&limits);
    r->response.release = count;
    r->response.owner = &released;
    request_free(r);
    cr_assert_eq(released, 1);
}
