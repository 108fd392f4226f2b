/* SPDX-License-Identifier: Apache-2.0
 *
 * See last_words.h. Without stdio and without the heap: a line is bytes on the stack, written at once.
 */
#include "worker/last_words.h"

#include "base/log.h"
#include "base/safe_line.h"
#include "worker/guard.h"

#include <execinfo.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <unwind.h>

enum { FRAMES = 32 };

static void begin(struct safe_line *line, const struct worker *w)
{
    line->length = 0;
    safe_line_put(line, SLICE("worker "));
    safe_line_put_number(line, (unsigned long)w->pid, 10);
}

static void end(struct safe_line *line)
{
    safe_line_end(line);
    if (log_fd() >= 0 && write(log_fd(), line->text, line->length) < 0)
        return;
}

static void put_code(struct safe_line *line, const struct tine_request *r)
{
    const struct filter *filter = r->filter;
    const struct route *route = r->match.route.route;
    const struct tine_app *app = filter != NULL ? filter->self : r->match.app;
    safe_line_put(line, filter != NULL ? SLICE(": filter ") : SLICE(": handler "));
    safe_line_put(line, slice_from(app != NULL ? app->section->name : "-"));
    safe_line_put(line, SLICE("."));
    safe_line_put(line, slice_from(filter != NULL ? filter->code.name : route != NULL ? route->name : "-"));
    safe_line_put(line, SLICE(" of module "));
    safe_line_put(line, slice_from(app != NULL ? app->section->module : "-"));
}

void last_words(const struct worker *w, struct slice how)
{
    const struct tine_request *r = w->handled;
    struct safe_line line;
    begin(&line, w);
    put_code(&line, r);
    safe_line_put(&line, SLICE(", "));
    safe_line_put(&line, slice_from(w->slot->request));
    safe_line_put(&line, SLICE(", request "));
    safe_line_put(&line, slice_from(r->id));
    safe_line_put(&line, w->stage == GUARD_RELEASE ? SLICE(", in the release of its content: ") : SLICE(": "));
    safe_line_put(&line, how);
    end(&line);
}

void last_words_overwritten(const struct worker *w)
{
    struct safe_line line;
    begin(&line, w);
    safe_line_put(&line, SLICE(": what it keeps of connections was written over, by some handler up to that of "));
    safe_line_put(&line, slice_from(w->slot->request));
    safe_line_put(&line, SLICE(": "));
    safe_line_put_number(&line, w->overwritten, 10);
    safe_line_put(&line, SLICE(" of its connections are closed, the others given to other workers"));
    end(&line);
}

void last_words_no_core(const struct worker *w)
{
    struct safe_line line;
    begin(&line, w);
    safe_line_put(&line, SLICE(": no core is kept of this crash: there were "));
    safe_line_put_number(&line, CORES_MAX, 10);
    safe_line_put(&line, SLICE(" within a minute"));
    end(&line);
}

static void put_signal(struct safe_line *line, int number, const siginfo_t *info)
{
    safe_line_put(line, SLICE("crashed with "));
    safe_line_put_signal(line, number);
    if (info->si_code > 0 && number != SIGABRT) {
        safe_line_put(line, SLICE(" at address 0x"));
        safe_line_put_number(line, (unsigned long)info->si_addr, 16);
    }
}

void last_words_signal(const struct worker *w, int number, const siginfo_t *info, bool too_long)
{
    struct safe_line how = {.length = 0};
    if (too_long)
        safe_line_put(&how, SLICE("took longer than [timeouts] request"));
    else
        put_signal(&how, number, info);
    last_words(w, (struct slice){how.text, how.length});
}

/* The request's own record may be what was written over: its slot has a copy. */
void last_words_stray(const struct worker *w, int number, const siginfo_t *info)
{
    struct safe_line line;
    begin(&line, w);
    safe_line_put(&line, SLICE(": "));
    put_signal(&line, number, info);
    safe_line_put(&line, SLICE(" outside of handlers, the last of which was that of "));
    safe_line_put(&line, slice_from(w->slot->request));
    safe_line_put(&line, SLICE(": did it write behind what it had allocated?"));
    end(&line);
}

void last_words_loading(const struct worker *w, int number, bool too_long)
{
    const struct config_app *section = apps_in_progress()->section;
    struct safe_line line = {.length = 0};
    safe_line_put(&line, (struct slice){(char[]){MESSAGE_REASON}, 1});
    safe_line_put(&line, slice_from(section->place.file));
    safe_line_put(&line, SLICE(":"));
    safe_line_put_number(&line, (unsigned long)section->place.line, 10);
    safe_line_put(&line, SLICE(": ["));
    safe_line_put(&line, slice_from(config_app_kind(section)));
    safe_line_put(&line, SLICE(":"));
    safe_line_put(&line, slice_from(section->name));
    safe_line_put(&line, SLICE("] module: '"));
    safe_line_put(&line, slice_from(section->module));
    if (too_long) {
        safe_line_put(&line, SLICE("' was not loaded and initialised in the time that [timeouts] start gives"));
    } else {
        safe_line_put(&line, SLICE("' crashed while it was loaded or initialised ("));
        safe_line_put_signal(&line, number);
        safe_line_put(&line, SLICE("); does its list of routes end with {0}?"));
    }
    send(w->control, line.text, line.length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

struct frames {
    void *at[FRAMES];
    int count;
};

static _Unwind_Reason_Code note_frame(struct _Unwind_Context *context, void *noted)
{
    struct frames *frames = noted;
    frames->at[frames->count++] = (void *)_Unwind_GetIP(context);
    return frames->count < FRAMES ? _URC_NO_REASON : _URC_END_OF_STACK;
}

/* Not backtrace(), whose first call loads a library: from the heap, which may be what is broken, or else in every server at its
 * start. The unwinder is part of the program. Of code that a compiler at run time told libgcc of it knows nothing: there the frames end.
 * The C library itself still loads its own when a thread of a module is cancelled or calls pthread_exit(): then, and not before. */
void last_words_frames(void)
{
    struct frames frames = {.count = 0};
    _Unwind_Backtrace(note_frame, &frames);
    if (log_fd() >= 0)
        backtrace_symbols_fd(frames.at, frames.count, log_fd());
}
