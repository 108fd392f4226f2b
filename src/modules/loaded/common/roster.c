/* SPDX-License-Identifier: Apache-2.0
 *
 * See roster.h.
 */
#include "roster.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tine.h>
#include <unistd.h>

/* A file that was written so shortly before it was read may be written once more without its time telling. */
enum { LOOK_MS = 1000, YOUNG_MS = 2000 };

struct roster_state {
    const char *path;
    roster_check *check;
    char *text; /* what entries point into */
    struct stat tried; /* what was read last, right or wrong */
    int64_t looked;
    bool young, is_gone;
};

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct roster_entry *)a)->name, ((const struct roster_entry *)b)->name);
}

static char *read_all(int fd, size_t size)
{
    char *text = malloc(size + 1);
    size_t length = 0;
    ssize_t got = 1;

    while (text != NULL && length < size && got > 0) {
        got = read(fd, text + length, size - length);
        if (got > 0)
            length += (size_t)got;
    }
    if (text == NULL || got < 0) {
        free(text);
        return NULL;
    }
    text[length] = '\0';
    return text;
}

/* The text of the file, its status in *status. */
static char *load(const char *path, struct stat *status, char *reason)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *text = NULL;

    if (fd < 0 || fstat(fd, status) != 0)
        snprintf(reason, ROSTER_REASON_MAX, "cannot read '%s': %s", path, strerror(errno));
    else if (!S_ISREG(status->st_mode))
        snprintf(reason, ROSTER_REASON_MAX, "'%s' is no file", path);
    else if (status->st_size > ROSTER_FILE_MAX)
        snprintf(reason, ROSTER_REASON_MAX, "'%s' is larger than %d MB", path, ROSTER_FILE_MAX >> 20);
    else if ((text = read_all(fd, (size_t)status->st_size)) == NULL)
        snprintf(reason, ROSTER_REASON_MAX, "cannot read '%s': %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return text;
}

/* Takes a line apart in its place. NULL, or what is wrong with it. */
static const char *take_line(struct roster *roster, char *line)
{
    struct roster_entry *entry = &roster->entries[roster->count];
    char *colon = strchr(line, ':');
    const char *wrong;

    if (roster->count == ROSTER_MAX)
        return "there are more than 20000";
    if (colon == NULL || colon == line)
        return "it is not 'name:value'";
    *colon = '\0';
    *entry = (struct roster_entry){line, colon + 1};
    wrong = roster->state->check(entry->name, entry->value);
    roster->count += wrong == NULL;
    return wrong;
}

static int parse(struct roster *roster, char *reason)
{
    const char *path = roster->state->path, *wrong = NULL;
    char *rest = roster->state->text;
    size_t number = 0;

    for (char *line; wrong == NULL && (line = strsep(&rest, "\n")) != NULL;) {
        number++;
        line[strcspn(line, "\r")] = '\0';
        if (*line != '\0' && *line != '#')
            wrong = take_line(roster, line);
    }
    if (wrong != NULL) {
        snprintf(reason, ROSTER_REASON_MAX, "%s:%zu: %s", path, number, wrong);
        return -1;
    }
    qsort(roster->entries, roster->count, sizeof roster->entries[0], by_name);
    for (size_t i = 1; i < roster->count; i++)
        if (strcmp(roster->entries[i - 1].name, roster->entries[i].name) == 0) {
            snprintf(reason, ROSTER_REASON_MAX, "%s: '%s' is there twice", path, roster->entries[i].name);
            return -1;
        }
    return 0;
}

int roster_open(struct roster *roster, const char *path, roster_check *check, char reason[ROSTER_REASON_MAX])
{
    struct roster_state *state = calloc(1, sizeof *state);
    size_t lines = 1;

    *roster = (struct roster){.state = state};
    snprintf(reason, ROSTER_REASON_MAX, "out of memory");
    if (state == NULL)
        return -1;
    *state = (struct roster_state){.path = path, .check = check, .looked = clock_ms(CLOCK_MONOTONIC)};
    state->text = load(path, &state->tried, reason);
    state->young = clock_ms(CLOCK_REALTIME) - (state->tried.st_mtim.tv_sec * 1000LL + state->tried.st_mtim.tv_nsec / 1000000) < YOUNG_MS;
    for (const char *byte = state->text; byte != NULL && *byte != '\0'; byte++)
        lines += *byte == '\n';
    if (state->text != NULL)
        roster->entries = calloc(lines < ROSTER_MAX ? lines : ROSTER_MAX + 1, sizeof roster->entries[0]);
    if (roster->entries != NULL && parse(roster, reason) == 0)
        return 0;
    roster_close(roster);
    return -1;
}

void roster_close(struct roster *roster)
{
    if (roster->state != NULL)
        free(roster->state->text);
    free(roster->state);
    free(roster->entries);
    *roster = (struct roster){0};
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           memcmp(&a->st_mtim, &b->st_mtim, sizeof a->st_mtim) == 0 && memcmp(&a->st_ctim, &b->st_ctim, sizeof a->st_ctim) == 0;
}

/* Takes the place of what there is if it is right; if not the log says so, once for each version of the file. One that has become empty
 * this moment is about to be written by one who truncates first, as htpasswd does: it counts if it stays so. */
static bool reread(struct roster *roster, const struct stat *status)
{
    struct roster_state *state = roster->state;
    char reason[ROSTER_REASON_MAX];
    struct roster next;

    if (roster_open(&next, state->path, state->check, reason) != 0) {
        tine_log(NULL, TINE_ERROR, "%s; what was read before still counts", reason);
        state->tried = *status;
        state->young = false;
        return false;
    }
    if (next.count == 0 && roster->count > 0 && next.state->young) {
        roster_close(&next);
        return false;
    }
    roster_close(roster);
    *roster = next;
    return true;
}

bool roster_refresh(struct roster *roster)
{
    struct roster_state *state = roster->state;
    int64_t now = clock_ms(CLOCK_MONOTONIC);
    struct stat status;

    if (now - state->looked < LOOK_MS)
        return false;
    state->looked = now;
    if (stat(state->path, &status) != 0) {
        if (!state->is_gone)
            tine_log(NULL, TINE_ERROR, "cannot read '%s': %s; what was read before still counts", state->path, strerror(errno));
        state->is_gone = true;
        return false;
    }
    state->is_gone = false;
    return (state->young || !is_same(&status, &state->tried)) && reread(roster, &status);
}

const struct roster_entry *roster_find(const struct roster *roster, const char *name)
{
    const struct roster_entry key = {name, NULL};

    return roster->count > 0 ? bsearch(&key, roster->entries, roster->count, sizeof key, by_name) : NULL;
}
