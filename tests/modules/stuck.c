/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler that dies while a thread of its own is inside the loader, whose lock a backtrace needs to name its frames. The thread
 * loads this very file a second time (tine runs a copy), which never ends.
 */
#include <tine.h>

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* $STUCK is the descriptor to say to that the lock is held. */
__attribute__((constructor)) static void hold(void)
{
    const char *fd = getenv("STUCK");
    while (fd != NULL && write(atoi(fd), "x", 1) == 1)
        pause();
}

static void *load(void *path)
{
    return dlopen(path, RTLD_NOW);
}

static int crash(tine_request *r)
{
    static char path[300];
    int ends[2];
    char byte;
    pthread_t loader;
    sigset_t all;
    snprintf(path, sizeof path, "%s", tine_setting(tine_request_app(r), "itself"));
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL); /* as libraries do that want no signals on their threads */
    if (pipe(ends) != 0 || setenv("STUCK", tine_printf(r, "%d", ends[1]), 1) != 0 || pthread_create(&loader, NULL, load, path) != 0 ||
        read(ends[0], &byte, 1) != 1)
        return 503;
    sigdelset(&all, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &all, NULL);
    abort();
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/crash", crash), {0}},
            .settings = (const tine_option[]){{"itself", TINE_PATH, NULL, "this file"}, {0}})
