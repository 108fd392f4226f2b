/* SPDX-License-Identifier: Apache-2.0
 *
 * What a worker that dies says of it. Async-signal-safe, but for the backtrace. Runs in workers, in signal handlers.
 */
#ifndef WORKER_LAST_WORDS_H
#define WORKER_LAST_WORDS_H

#include "worker/state.h"

/* Who, what for, and of what: of the handler that runs. The master tells the rest, with the time, when it reaps us. */
void last_words(const struct worker *w, struct slice how);
void last_words_signal(const struct worker *w, int number, const siginfo_t *info, bool too_long);

/* Of a crash in the worker's own code. */
void last_words_stray(const struct worker *w, int number, const siginfo_t *info);

/* That connections could not be given, as nobody knows whose they are. */
void last_words_overwritten(const struct worker *w);

/* That connections could not be given: nobody takes them, or there is no memory or descriptor for it. */
void last_words_kept(const struct worker *w);

/* Of any crash, in a handler or not: that it leaves no core. */
void last_words_no_core(const struct worker *w);

/* To the master, as the reason why this worker cannot start: the app that is being loaded or initialised. */
void last_words_loading(const struct worker *w, int number, bool too_long);

/* The heap may be in any state, and then this may never return: last, and under an alarm. */
void last_words_frames(const struct worker *w);

#endif
