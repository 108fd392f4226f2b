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

/* Neither their number nor how they are encoded is bounded but by the length of query and form, and a handler looks for many. */
Test(request, names_that_are_not_looked_for_take_no_memory)
{
    static const struct head_limits limits = {100, 100, 100, 10};
    struct tine_request *r = request_new(&limits);
    tine_alloc(r, 1);
    char *next = r->arena.next;
    r->target.query = slice_from("%66ield1=a&fie%6cd1=b&fi+ld1=c&field%31=d&f%69eld2=e");
    cr_expect_null(tine_query(r, "field"));
    cr_expect_null(tine_query(r, "field3"));
    cr_expect_eq(r->arena.next, next);
    cr_expect_str_eq(tine_query(r, "field2"), "e");
    cr_expect_gt(r->arena.next, next);
    request_free(r);
}
