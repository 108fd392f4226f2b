/* SPDX-License-Identifier: Apache-2.0
 *
 * See lookup.h. getaddrinfo() waits for name servers as long as resolv.conf says, and cannot be told otherwise; so the C library does it in
 * a thread of its own (with all signals blocked), and we wait for that. What it works on must stay until it is done, however long we have
 * been gone.
 */
#include "lookup.h"

#include "link.h"

#include <stdio.h>
#include <stdlib.h>

struct lookup_going {
    struct gaicb request;
    struct addrinfo hints;
    char host[STORE_TEXT_SIZE], port[sizeof((struct store_url *)0)->port];
};

/* An address as text needs nobody to be asked, and no thread. */
static int look_up_number(const char *host, const char *port, struct addrinfo **found)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_NUMERICHOST};
    return getaddrinfo(host, port, &hints, found);
}

static int begin(struct lookup *lookup, const char *host, const char *port)
{
    struct lookup_going *going = calloc(1, sizeof *going);
    if (going == NULL)
        return EAI_MEMORY;
    going->hints = (struct addrinfo){.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    snprintf(going->host, sizeof going->host, "%s", host);
    snprintf(going->port, sizeof going->port, "%s", port);
    going->request = (struct gaicb){.ar_name = going->host, .ar_service = going->port, .ar_request = &going->hints};
    int error = getaddrinfo_a(GAI_NOWAIT, (struct gaicb *[]){&going->request}, 1, NULL);
    if (error != 0) {
        free(going);
        return error;
    }
    lookup->going = going;
    return 0;
}

/* Its result, or EAI_INPROGRESS at the deadline. */
static int await_end(const struct gaicb *request, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline - link_clock();
        int error = gai_error((struct gaicb *)request);
        if (error != EAI_INPROGRESS || left <= 0)
            return error;
        gai_suspend(&request, 1, &(struct timespec){left / 1000, left % 1000 * 1000000});
    }
}

/* One that was begun before may have ended long ago, and be no longer true: then the addresses fail, and the next is a new one. */
int lookup_host(struct lookup *lookup, const char *host, const char *port, int64_t deadline, struct addrinfo **found)
{
    int error = look_up_number(host, port, found);
    if (error != EAI_NONAME)
        return error;
    if (lookup->going == NULL && (error = begin(lookup, host, port)) != 0)
        return error;
    error = await_end(&lookup->going->request, deadline);
    if (error == EAI_INPROGRESS)
        return error;
    *found = lookup->going->request.ar_result;
    free(lookup->going);
    lookup->going = NULL;
    return error;
}

const char *lookup_reason(int error)
{
    return error == EAI_INPROGRESS ? "there is no answer in time" : gai_strerror(error);
}

/* One that cannot be stopped keeps what it works on: the process is about to end. */
void lookup_release(struct lookup *lookup)
{
    if (lookup->going != NULL && gai_cancel(&lookup->going->request) != EAI_NOTCANCELED) {
        if (gai_error(&lookup->going->request) == 0)
            freeaddrinfo(lookup->going->request.ar_result);
        free(lookup->going);
    }
    lookup->going = NULL;
}
