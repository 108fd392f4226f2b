/* SPDX-License-Identifier: Apache-2.0
 *
 * A module with threads of its own. They allocate, lock, and wait in system calls that no SA_RESTART begins again, while
 * the handler waits for one of them: a signal that one of them is given ends such a call early, and is counted.
 */
#include <tine.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS = 4 };

static struct {
    pthread_t threads[THREADS];
    pthread_mutex_t lock;
    pthread_cond_t asked, answered;
    long question, answer; /* the answer is the question, after a while */
    bool leaving;
    char *shared;          /* freed and allocated anew by whoever holds the lock */
    _Atomic long interrupted, rounds;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .asked = PTHREAD_COND_INITIALIZER, .answered = PTHREAD_COND_INITIALIZER};

static void allocate(size_t size)
{
    free(state.shared);
    state.shared = malloc(size);
    memset(state.shared, 'x', size);
}

static void *work(void *argument)
{
    pthread_mutex_lock(&state.lock);
    for (size_t round = 0; !state.leaving; round++) {
        allocate(round % 5000 + 1);
        pthread_mutex_unlock(&state.lock);
        if (poll(NULL, 0, 1) < 0 && errno == EINTR)
            state.interrupted++;
        char *own = malloc(round % 300000 + 1); /* now and then a mapping of its own */
        memset(own, 'y', 1);
        free(own);
        state.rounds++;
        pthread_mutex_lock(&state.lock);
    }
    pthread_mutex_unlock(&state.lock);
    return argument;
}

/* Takes 3 ms for each question. */
static void *answer(void *argument)
{
    pthread_mutex_lock(&state.lock);
    while (!state.leaving) {
        while (!state.leaving && state.answer == state.question)
            pthread_cond_wait(&state.asked, &state.lock);
        long question = state.question;
        pthread_mutex_unlock(&state.lock);
        if (nanosleep(&(struct timespec){0, 3000000}, NULL) < 0)
            state.interrupted++;
        pthread_mutex_lock(&state.lock);
        state.answer = question;
        pthread_cond_signal(&state.answered);
    }
    pthread_mutex_unlock(&state.lock);
    return argument;
}

static int ask(tine_request *r)
{
    pthread_mutex_lock(&state.lock);
    state.question = strtol(tine_param(r, "number"), NULL, 10);
    pthread_cond_signal(&state.asked);
    while (state.answer != state.question) {
        allocate((size_t)state.question % 5000 + 1);
        pthread_cond_wait(&state.answered, &state.lock);
    }
    long answer = state.answer;
    pthread_mutex_unlock(&state.lock);
    while (state.rounds == 0) /* the threads may not have had their turn; were they stuck, this would not end */
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    return state.interrupted != 0 ? tine_problem(r, 500, "a thread was interrupted %ld times", (long)state.interrupted)
                                  : tine_text(r, 200, "%ld", answer);
}

static int worker_init(tine_app *app)
{
    state.answer = state.question = -1;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&state.threads[i], NULL, i == 0 ? answer : work, NULL) != 0)
            return tine_reject(app, NULL, "cannot start a thread");
    return 0;
}

static void worker_exit(tine_app *app)
{
    (void)app;
    pthread_mutex_lock(&state.lock);
    state.leaving = true;
    pthread_cond_broadcast(&state.asked);
    pthread_mutex_unlock(&state.lock);
    for (int i = 0; i < THREADS; i++)
        pthread_join(state.threads[i], NULL);
    free(state.shared);
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/{number:int}", ask), {0}},
            .worker_init = worker_init, .worker_exit = worker_exit)
