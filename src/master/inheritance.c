/* SPDX-License-Identifier: Apache-2.0
 *
 * See inheritance.h.
 */
#include "master/inheritance.h"

#include "base/io.h"
#include "base/log.h"
#include "base/memory.h"
#include "master/master.h"
#include "shared/handoff.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define VARIABLE "TINE_UPGRADE"

enum { FDS_MAX = 3 };

static struct inheritance inherited = {.link = -1, .channel = {-1, -1}, .control = -1, .shared = -1};

/* What could not be sent yet, in order. */
static struct {
    size_t count;
    struct owed {
        int link;
        char *text;
    } *all;
} owed;

/* ---- messages ---- */

static int send_text(int link, const int *fds, size_t count, const char *format, va_list arguments)
{
    char text[INHERITANCE_MESSAGE_MAX];
    int length = vsnprintf(text, sizeof text, format, arguments);
    size_t size = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    return io_send_message(link, text, size, fds, count);
}

static int send_with(int link, const int *fds, size_t count, const char *format, ...) __attribute__((format(printf, 4, 5)));
static int send_with(int link, const int *fds, size_t count, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int result = send_text(link, fds, count, format, arguments);
    va_end(arguments);
    return result;
}

static void owe(int link, const char *format, va_list arguments)
{
    char text[INHERITANCE_MESSAGE_MAX];
    vsnprintf(text, sizeof text, format, arguments);
    owed.all = memory_resize(owed.all, (owed.count + 1) * sizeof *owed.all);
    owed.all[owed.count++] = (struct owed){link, memory_copy_text(text)};
}

static bool is_owed(int link)
{
    for (size_t i = 0; i < owed.count; i++)
        if (owed.all[i].link == link)
            return true;
    return false;
}

static void forget(size_t i)
{
    free(owed.all[i].text);
    owed.count--;
    memmove(owed.all + i, owed.all + i + 1, (owed.count - i) * sizeof *owed.all);
}

bool inheritance_pay(void)
{
    while (owed.count > 0 && (send_with(owed.all[0].link, NULL, 0, "%s", owed.all[0].text) == 0 || !io_is_pressure(errno)))
        forget(0);
    return owed.count > 0;
}

void inheritance_tell(int link, const char *format, ...)
{
    va_list arguments, again;
    if (link < 0)
        return;
    va_start(arguments, format);
    va_copy(again, arguments);
    if (is_owed(link) || (send_text(link, NULL, 0, format, arguments) < 0 && io_is_pressure(errno)))
        owe(link, format, again);
    va_end(again);
    va_end(arguments);
}

void inheritance_end(int *link)
{
    for (size_t i = owed.count; i-- > 0;)
        if (owed.all[i].link == *link) /* the number may soon be that of something else */
            forget(i);
    io_close(link);
}

bool inheritance_hear(int link, char text[static INHERITANCE_MESSAGE_MAX], bool *ended)
{
    size_t none = 0;
    ssize_t length = link >= 0 ? io_receive_message(link, text, INHERITANCE_MESSAGE_MAX - 1, NULL, &none) : 0;
    *ended = length == 0 || (length < 0 && errno != EINTR && !io_is_pressure(errno));
    if (length <= 0)
        return false;
    text[length] = 0;
    return true;
}

/* ---- the old one ---- */

int inheritance_send(int link, const struct master *m)
{
    const struct control_socket *control = &m->control.now;
    const struct listeners *listeners = &m->current->listeners;
    int fds[FDS_MAX] = {m->channel[0], m->channel[1], control->fd};
    if (send_with(link, fds, control->fd >= 0 ? 3 : 2,
                  "tine\nhandoff %u %zu\ngeneration %u\nadded %u\ncontrol %s\ndevice %" PRIuMAX "\ninode %" PRIuMAX "\n", HANDOFF_VERSION,
                  sizeof(struct handoff_record), m->current->number, m->wanted - m->base, control->value != NULL ? control->value : "off",
                  (uintmax_t)control->device, (uintmax_t)control->inode) < 0)
        return -1;
    if (m->shared.fd >= 0 && send_with(link, &m->shared.fd, 1, "shared\n") < 0)
        return -1;
    for (size_t i = 0; i < listeners->count; i++) {
        const struct listening *l = listeners->all[i];
        char address[ADDRESS_TEXT_MAX];
        address_format(&l->address, address);
        if (send_with(link, &l->fd, 1,
                      "listening\naddress %s\nbacklog %" PRId64 "\ncongestion %s\npassed %d\ndual %d\n"
                      "device %" PRIuMAX "\ninode %" PRIuMAX "\n",
                      address, l->backlog, l->congestion, l->passed, l->dual, (uintmax_t)l->device, (uintmax_t)l->inode) < 0)
            return -1;
    }
    return send_with(link, NULL, 0, "end\n");
}

void inheritance_announce(int link)
{
    char text[16];
    snprintf(text, sizeof text, "%d", link);
    setenv(VARIABLE, text, 1);
    fcntl(link, F_SETFD, 0);
}

void inheritance_withdraw(void)
{
    unsetenv(VARIABLE);
}

/* ---- the new one ---- */

/* The rest of the line that begins with 'key', or "". The buffer lasts until the next call. */
static const char *value_of(const char *text, const char *key)
{
    static char value[INHERITANCE_MESSAGE_MAX];
    size_t length = strlen(key);
    value[0] = 0;
    for (const char *line = text; line != NULL; line = strchr(line, '\n') != NULL ? strchr(line, '\n') + 1 : NULL)
        if (strncmp(line, key, length) == 0 && line[length] == ' ')
            snprintf(value, sizeof value, "%.*s", (int)strcspn(line + length + 1, "\n"), line + length + 1);
    return value;
}

static uintmax_t number_of(const char *text, const char *key)
{
    return strtoumax(value_of(text, key), NULL, 10);
}

static bool has_our_records(const char *text)
{
    unsigned version;
    size_t size;
    return sscanf(value_of(text, "handoff"), "%u %zu", &version, &size) == 2 && version == HANDOFF_VERSION &&
           size == sizeof(struct handoff_record);
}

static void read_first(const char *text, int *fds, size_t count)
{
    inherited.generation = (unsigned)number_of(text, "generation");
    uintmax_t added = number_of(text, "added");
    inherited.added = added < CONFIG_WORKERS_MAX ? (unsigned)added : CONFIG_WORKERS_MAX;
    inherited.control_value = memory_copy_text(value_of(text, "control"));
    inherited.control_device = (dev_t)number_of(text, "device");
    inherited.control_inode = (ino_t)number_of(text, "inode");
    for (size_t i = 0; i < count && i < 2; i++) {
        if (has_our_records(text))
            inherited.channel[i] = fds[i];
        else
            close(fds[i]);
    }
    if (count == 3)
        inherited.control = fds[2];
}

static void read_listening(const char *text, int fd)
{
    struct listening *listening = memory_new(sizeof *listening);
    *listening = (struct listening){.fd = fd, .references = 1, .backlog = (int64_t)number_of(text, "backlog"),
                                    .device = (dev_t)number_of(text, "device"), .inode = (ino_t)number_of(text, "inode"),
                                    .passed = number_of(text, "passed") != 0, .dual = number_of(text, "dual") != 0};
    snprintf(listening->congestion, sizeof listening->congestion, "%.15s", value_of(text, "congestion"));
    /* By what it is bound to it can be found as well, should this binary read addresses in another way. */
    listening->bound.length = sizeof listening->bound.socket;
    getsockname(fd, &listening->bound.socket.any, &listening->bound.length);
    if (address_parse(&listening->address, value_of(text, "address"), "/") != NULL)
        listening->address = listening->bound;
    listeners_inherit(&inherited.listeners, listening);
}

static bool read_one(const char *text, int *fds, size_t count)
{
    if (strncmp(text, "tine\n", 5) == 0) {
        read_first(text, fds, count);
        return true;
    }
    if (strncmp(text, "listening\n", 10) == 0 && count == 1) {
        read_listening(text, fds[0]);
        return true;
    }
    if (strncmp(text, "shared\n", 7) == 0 && count == 1 && inherited.shared < 0) {
        inherited.shared = fds[0];
        return true;
    }
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    return strncmp(text, "end\n", 4) != 0;
}

/* All of it was sent before this process began. */
static void read_all(void)
{
    char text[INHERITANCE_MESSAGE_MAX];
    int fds[FDS_MAX];
    for (;;) {
        size_t count = FDS_MAX;
        ssize_t length = io_receive_message(inherited.link, text, sizeof text - 1, fds, &count);
        if (length <= 0)
            return;
        text[length] = 0;
        if (!read_one(text, fds, count))
            return;
    }
}

static bool is_link(int fd)
{
    int type = 0;
    socklen_t length = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_SEQPACKET;
}

void inheritance_init(void)
{
    const char *value = getenv(VARIABLE);
    int fd = value != NULL ? atoi(value) : -1;
    if (fd > STDERR_FILENO && is_link(fd)) {
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        inherited.link = fd;
        read_all();
    } else if (value != NULL) {
        log_warning(VARIABLE " '%s' is no link to a running server: nothing is taken over", value);
    }
    unsetenv(VARIABLE);
}

bool inheritance_exists(void)
{
    return inherited.link >= 0;
}

void inheritance_take(struct inheritance *inheritance)
{
    *inheritance = inherited;
    inherited = (struct inheritance){.link = -1, .channel = {-1, -1}, .control = -1, .shared = -1};
}

void inheritance_refuse(int link, const struct errors *errors)
{
    for (size_t i = 0; i < errors->kept; i++)
        inheritance_tell(link, "reason %s", errors->messages[i]);
    inheritance_tell(link, "refused");
}

void inheritance_give_up(const struct errors *errors)
{
    char text[INHERITANCE_MESSAGE_MAX];
    inheritance_refuse(inherited.link, errors);
    while (getpid() == 1 && read(inherited.link, text, sizeof text) > 0)
        ;
}
