/* SPDX-License-Identifier: Apache-2.0 */
/* Work after the answer: curl -d 'to=ada' localhost:8000/mails. Its time still counts for [timeouts] request. */
#include <tine.h>

static void send_mail(tine_request *r, const char *body)
{
    tine_sleep(r, 200); /* what takes its time */
    tine_log(r, TINE_INFO, "mail sent: %s", body);
}

static int mails(tine_request *r)
{
    tine_json_pack(r, 202, "{s:s}", "state", "accepted");
    tine_finish(r); /* the client has its answer, and may go on on the same connection */
    send_mail(r, tine_body(r, NULL));
    return 0;
}

TINE_MODULE(.routes = (const tine_route[]){TINE_POST("/mails", mails), {0}})
