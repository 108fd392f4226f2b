/* SPDX-License-Identifier: Apache-2.0
 *
 * See last_words.h. Without stdio and without the heap: a line is bytes on the stack, written at once.
 */
#include "worker/last_words.h"

#include "base/log.h"

#include <execinfo.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <unwind.h>

enum { LINE_BYTES = 1024, FRAMES = 32 };

/* A line of text without stdio. */
struct line {
    char text[LINE_BYTES];
    size_t length;
};

static void put(struct line *line, struct slice text)
{
    for (size_t i = 0; i < text.length && line->length < LINE_BYTES - 1; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        line->text[line->length++] = byte >= 0x20 && byte != 0x7f ? (char)byte : '?';
    }
}

static void put_number(struct line *line, unsigned long number, unsigned base)
{
    char digits[24], *p = digits + sizeof digits;
    do
        *--p = "0123456789abcdef"[number % base];
    while ((number /= base) != 0);
    put(line, (struct slice){p, (size_t)(digits + sizeof digits - p)});
}

static void begin(struct line *line, const struct worker *w)
{
    line->length = 0;
    put(line, SLICE("worker "));
    put_number(line, (unsigned long)w->pid, 10);
}

static void end(struct line *line)
{
    line->text[line->length++] = '\n';
    if (log_fd() >= 0 && write(log_fd(), line->text, line->length) < 0)
        return;
}

static void put_code(struct line *line, const struct tine_request *r)
{
    const struct filter *filter = r->filter;
    const struct route *route = r->match.route.route;
    const struct tine_app *app = filter != NULL ? filter->self : r->match.app;
    put(line, filter != NULL ? SLICE(": filter ") : SLICE(": handler "));
    put(line, slice_from(app != NULL ? app->section->name : "-"));
    put(line, SLICE("."));
    put(line, slice_from(filter != NULL ? filter->code.name : route != NULL ? route->name : "-"));
    put(line, SLICE(" of module "));
    put(line, slice_from(app != NULL ? app->section->module : "-"));
}

void last_words(const struct worker *w, struct slice how)
{
    const struct tine_request *r = w->handled;
    struct line line;
    begin(&line, w);
    put_code(&line, r);
    put(&line, SLICE(", "));
    put(&line, slice_from(w->slot->request));
    put(&line, SLICE(", request "));
    put(&line, slice_from(r->id));
    put(&line, SLICE(": "));
    put(&line, how);
    end(&line);
}

void last_words_overwritten(const struct worker *w)
{
    struct line line;
    begin(&line, w);
    put(&line, SLICE(": what it keeps of connections was written over, by some handler up to that of "));
    put(&line, slice_from(w->slot->request));
    put(&line, SLICE(": "));
    put_number(&line, w->overwritten, 10);
    put(&line, SLICE(" of its connections are closed, the others given to other workers"));
    end(&line);
}

void last_words_no_core(const struct worker *w)
{
    struct line line;
    begin(&line, w);
    put(&line, SLICE(": no core is kept of this crash: there were "));
    put_number(&line, CORES_MAX, 10);
    put(&line, SLICE(" within a minute"));
    end(&line);
}

void last_words_signal(const struct worker *w, int number, const siginfo_t *info, bool too_long)
{
    struct line how = {.length = 0};
    if (too_long)
        put(&how, SLICE("took longer than [timeouts] request"));
    else {
        const char *name = sigabbrev_np(number);
        put(&how, SLICE("crashed with SIG"));
        put(&how, slice_from(name != NULL ? name : "?"));
    }
    if (!too_long && info->si_code > 0 && number != SIGABRT) {
        put(&how, SLICE(" at address 0x"));
        put_number(&how, (unsigned long)info->si_addr, 16);
    }
    last_words(w, (struct slice){how.text, how.length});
}

void last_words_loading(const struct worker *w, int number, bool too_long)
{
    const struct config_app *section = apps_in_progress()->section;
    const char *name = sigabbrev_np(number);
    struct line line = {.length = 0};
    put(&line, (struct slice){(char[]){MESSAGE_REASON}, 1});
    put(&line, slice_from(section->place.file));
    put(&line, SLICE(":"));
    put_number(&line, (unsigned long)section->place.line, 10);
    put(&line, SLICE(": ["));
    put(&line, slice_from(config_app_kind(section)));
    put(&line, SLICE(":"));
    put(&line, slice_from(section->name));
    put(&line, SLICE("] module: '"));
    put(&line, slice_from(section->module));
    if (too_long) {
        put(&line, SLICE("' was not loaded and initialised in the time that [timeouts] start gives"));
    } else {
        put(&line, SLICE("' "));
        put(&line, slice_from(apps_step_crashed(apps_step())));
        put(&line, SLICE("SIG"));
        put(&line, slice_from(name != NULL ? name : "?"));
        put(&line, slice_from(apps_step_hint(apps_step())));
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
