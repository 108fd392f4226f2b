/* SPDX-License-Identifier: Apache-2.0
 *
 * See watch.h.
 */
#include "cli/watch.h"

#include "base/clock.h"
#include "base/memory.h"

#include <errno.h>
#include <stddef.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { QUIET_MS = 30, QUIET_MAX_MS = 300 };

int watch_open(struct watch *watch)
{
    *watch = (struct watch){.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
    return watch->fd < 0 ? -1 : 0;
}

/* A folder that is added again keeps its number. */
void watch_add(struct watch *watch, const char *folder, const char *name, bool all)
{
    int descriptor = watch->count < WATCH_FOLDERS_MAX ?
        inotify_add_watch(watch->fd, folder, IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR) : -1;
    for (size_t i = 0; i < watch->count; i++)
        if (watch->folders[i].descriptor == descriptor)
            return;
    if (descriptor < 0)
        return;
    watch->folders[watch->count].descriptor = descriptor;
    watch->folders[watch->count].name = name != NULL ? memory_copy_text(name) : NULL;
    watch->folders[watch->count++].all = all;
}

static bool counts(const struct watch *watch, const struct project *project, const struct inotify_event *event)
{
    if ((event->mask & IN_Q_OVERFLOW) != 0)
        return true;
    for (size_t i = 0; i < watch->count; i++)
        if (watch->folders[i].descriptor == event->wd && watch->folders[i].all)
            return event->len > 0 && event->name[0] != '.';
    return event->len > 0 && project_concerns(project, event->name);
}

static void note(struct watch *watch, const struct inotify_event *event)
{
    bool rules = event->len > 0 && project_is_rules(event->name);
    if ((event->mask & IN_Q_OVERFLOW) != 0 || rules)
        watch->changes.all = true;
    for (size_t i = 0; i < watch->count && event->len > 0 && !rules; i++)
        if (watch->folders[i].descriptor == event->wd && watch->folders[i].name != NULL)
            changes_add(&watch->changes, watch->folders[i].name, event->name);
}

void watch_read(struct watch *watch, const struct project *project)
{
    _Alignas(struct inotify_event) char events[16384];
    ssize_t length;
    while ((length = read(watch->fd, events, sizeof events)) > 0) {
        const struct inotify_event *event;
        for (char *at = events; at < events + length; at += sizeof *event + event->len) {
            event = (const struct inotify_event *)at;
            if (!counts(watch, project, event))
                continue;
            note(watch, event);
            watch->last = clock_ms();
            watch->first = watch->first != 0 ? watch->first : watch->last;
        }
    }
}

int watch_due(const struct watch *watch)
{
    int64_t due = watch->last + QUIET_MS, latest = watch->first + QUIET_MAX_MS, left;
    if (watch->first == 0)
        return -1;
    left = (due < latest ? due : latest) - clock_ms();
    return left > 0 ? (int)left : 0;
}

void watch_take(struct watch *watch, struct changes *changes)
{
    changes_move(&watch->changes, changes);
    watch->first = watch->last = 0;
}
