/* SPDX-License-Identifier: Apache-2.0
 *
 * See last_words.h. Without stdio and without the heap: a line is bytes on the stack, written at once, if the log has room for it: one that
 * nobody reads shall not keep a worker from its end.
 */
#include "worker/last_words.h"

#include "base/log.h"
#include "base/safe_line.h"
#include "base/stamp.h"
#include "worker/guard.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

enum { FRAMES = 32 };

/* As all lines of the log begin. */
static void begin_line(struct safe_line *line)
{
    struct timespec now;
    char stamp[STAMP_LENGTH];
    clock_gettime(CLOCK_REALTIME, &now);
    stamp_format((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, stamp);
    line->length = 0;
    safe_line_put(line, (struct slice){stamp, sizeof stamp});
    safe_line_put(line, SLICE(" error "));
    safe_line_put_number(line, (unsigned long)getpid(), 10);
    safe_line_put(line, SLICE(" "));
}

static void begin(struct safe_line *line, const struct worker *w)
{
    begin_line(line);
    safe_line_put(line, SLICE("worker "));
    safe_line_put_number(line, (unsigned long)w->pid, 10);
}

static void end(struct safe_line *line)
{
    safe_line_end(line);
    log_last(line->text, line->length);
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

void last_words_kept(const struct worker *w)
{
    struct safe_line line;
    begin(&line, w);
    safe_line_put(&line, SLICE(": up to "));
    safe_line_put_number(&line, atomic_load(&w->slot->held), 10);
    safe_line_put(&line, SLICE(" connections are lost with it: they could not be given to other workers in time"));
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
    if (too_long) /* each piece of a stream begins its time anew */
        safe_line_put(&how, w->handled->response.state == RESPONSE_BEGUN ? SLICE("was silent for longer than [timeouts] request")
                                                                         : SLICE("took longer than [timeouts] request"));
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
    struct safe_line line = {.length = 0};
    safe_line_put(&line, (struct slice){(char[]){MESSAGE_REASON}, 1});
    if (too_long) {
        apps_put_in_progress(&line);
        safe_line_put(&line, SLICE("was not loaded and initialised in the time that [timeouts] start gives"));
    } else {
        apps_put_crash(&line, number);
    }
    send(w->control, line.text, line.length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

struct frame {
    uintptr_t at;     /* in the instruction, so that its line is found, not that of the next */
    const char *path; /* of the file that it is code of; NULL: unknown */
    uintptr_t offset; /* in that file */
    bool in_module;
};

struct frames {
    struct frame all[FRAMES];
    int count;
};

static _Unwind_Reason_Code note_frame(struct _Unwind_Context *context, void *noted)
{
    struct frames *frames = noted;
    int before = 0;
    uintptr_t at = (uintptr_t)_Unwind_GetIPInfo(context, &before);
    if (at != 0)
        frames->all[frames->count++] = (struct frame){.at = at - (before == 0)};
    return frames->count < FRAMES ? _URC_NO_REASON : _URC_END_OF_STACK;
}

/* Where the copy comes from that was loaded of it: what the user calls it, and may still have tomorrow. */
static const char *module_of(const struct worker *w, const char *file)
{
    char *const *copies = w->setup->module_files;
    for (size_t i = 0; copies != NULL && i < w->config->app_count; i++)
        if (copies[i] != NULL && strcmp(copies[i], file) == 0)
            return w->config->apps[i].module;
    return NULL;
}

/* Takes a lock of the loader's, which the code that crashed may hold. */
static void name_frame(const struct worker *w, struct frame *frame, Dl_info *info)
{
    Dl_info own;
    if (dladdr((void *)frame->at, info) == 0 || info->dli_fname == NULL)
        return;
    const char *module = module_of(w, info->dli_fname);
    bool ours = dladdr((void *)name_frame, &own) != 0 && own.dli_fbase == info->dli_fbase; /* whose name is the title by now */
    frame->path = module != NULL ? module : ours ? "tine" : info->dli_fname;
    frame->offset = frame->at - (uintptr_t)info->dli_fbase;
    frame->in_module = module != NULL;
}

static void put_hexadecimal(struct safe_line *line, uintptr_t number)
{
    safe_line_put(line, SLICE("0x"));
    safe_line_put_number(line, number, 16);
}

static void tell_frame(const struct worker *w, struct frame *frame)
{
    Dl_info info = {.dli_sname = NULL};
    struct safe_line line;
    name_frame(w, frame, &info);
    begin_line(&line);
    safe_line_put(&line, SLICE("  at "));
    if (frame->path != NULL) {
        safe_line_put(&line, slice_from(frame->path));
        safe_line_put(&line, SLICE("("));
        safe_line_put(&line, slice_from(info.dli_sname != NULL ? info.dli_sname : ""));
        safe_line_put(&line, SLICE("+"));
        put_hexadecimal(&line, info.dli_sname != NULL ? frame->at - (uintptr_t)info.dli_saddr : frame->offset);
        safe_line_put(&line, SLICE(") "));
    }
    safe_line_put(&line, SLICE("["));
    put_hexadecimal(&line, frame->at);
    safe_line_put(&line, SLICE("]"));
    end(&line);
}

/* The command that makes lines of source of all frames of a module. */
static void tell_lines_of(const struct frames *frames, int first)
{
    const char *path = frames->all[first].path;
    struct safe_line line;
    begin_line(&line);
    safe_line_put(&line, SLICE("  for file and line: addr2line -fe "));
    safe_line_put(&line, slice_from(path));
    for (int i = first; i < frames->count; i++)
        if (frames->all[i].path == path) {
            safe_line_put(&line, SLICE(" "));
            put_hexadecimal(&line, frames->all[i].offset);
        }
    end(&line);
}

static bool is_first_of_its_module(const struct frames *frames, int number)
{
    for (int i = 0; i < number; i++)
        if (frames->all[i].path == frames->all[number].path)
            return false;
    return frames->all[number].in_module;
}

/* Not backtrace(), whose first call loads a library: from the heap, which may be what is broken, or else in every server at its
 * start. The unwinder is part of the program. Of code that a compiler at run time told libgcc of it knows nothing: there the frames end.
 * The C library itself still loads its own when a thread of a module is cancelled or calls pthread_exit(): then, and not before. */
void last_words_frames(const struct worker *w)
{
    struct frames frames = {.count = 0};
    _Unwind_Backtrace(note_frame, &frames);
    for (int i = 0; i < frames.count; i++)
        tell_frame(w, &frames.all[i]);
    for (int i = 0; i < frames.count; i++)
        if (is_first_of_its_module(&frames, i))
            tell_lines_of(&frames, i);
}
