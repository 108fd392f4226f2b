/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker's connections as a whole: bytes in, answers out. The worker's own code serves them; only the kernel's part, and the worker's
 * wait, are replaced by what wire.h and this file do. However the bytes are split, however slowly the answers are read, and however often
 * the connection is given away in between, the answers are the same. Time stands still unless it is moved, the access log is read back.
 *
 * What begins as a PROXY header does comes to a listener that takes those; the answers are made by built-in modules and handlers.h.
 * Compared are all bytes of the answers but ids, and "100 Continue", which is rightly sent only while no body has come.
 *
 * Wraps: clock_gettime time getrandom poll fstat module_find
 * Wraps: close recv send sendmsg sendfile shutdown setsockopt ioctl epoll_ctl
 * Wraps: memfd_create io_open_temporary write writev pread lseek ftruncate mmap munmap handoff_send handoff_receive
 */
#include "fuzz.h"

#include "handlers.h"
#include "wire.h"

#include "app/module.h"
#include "app/server.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "worker/give.h"
#include "worker/state.h"

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/stat.h>

enum { EVENTS_MAX = 100000, SMALL_ROOM = 4096, READ_PIECE = 1000, TURNS_MAX = 64, START = 1000000000, FILES_MODIFIED = 900000000 };

static const char settings[] = "[server]\nlisten = 127.0.0.1:1\nhealth = on\ncrash_limit = 0\ntrusted = unix:, 10.0.0.0/8\n"
                               "[limits]\nrequest_line = 256\nheader_field = 300\nheaders = 1k\nheader_count = 12\n"
                               "body = 1k\nbody_memory = 64\nkeepalive_requests = 8\n"
                               "[filter:door]\nmodule = ./handlers\n"
                               "[app:files]\npath = /files\nmodule = static\nlisting = on\nprecompressed = on\n"
                               "[app:sent]\npath = /sent\nmodule = static\ncache = 4k\ngzip = on\ntry = /index.html\n"
                               "cache_control.text/* = no-cache\nfilters = door\n"
                               "[app:moved]\npath = /moved\nmodule = redirect\nto = /files/\nkeep_path = on\n"
                               "[app:host]\npath = /\nhost = b\nmodule = respond\nbody = b\n"
                               "[app:handlers]\npath = /p\nmodule = ./handlers\n"
                               "[app:hello]\npath = /p\nmodule = respond\nbody = hello\n";

static struct scoreboard *board;
static struct worker worker;
static struct worker_setup setup;
static struct listener listeners[] = {{.door = -1, .watch = -1}, {.door = -1, .watch = -1, .local = true, .proxied = true}};

enum manner { AT_ONCE, IN_PIECES, HANDED_OVER, STALLED };

/* Of this run. */
static enum manner manner;
static uint64_t draw;
static bool tiny; /* pieces are */

static void send_piece(void);

WRAP(int, clock_gettime, clockid_t clock, struct timespec *time)
{
    (void)clock;
    *time = moment;
    return 0;
}

WRAP(time_t, time, time_t *time)
{
    (void)time;
    return moment.tv_sec;
}

WRAP(ssize_t, getrandom, void *bytes, size_t size, unsigned flags)
{
    (void)flags;
    memset(bytes, 1, size);
    return (ssize_t)size;
}

/* Files are the same everywhere, so that their tags can stand in seeds. */
WRAP(int, fstat, int fd, struct stat *status)
{
    int result = __real_fstat(fd, status);
    status->st_mtim = status->st_ctim = (struct timespec){FILES_MODIFIED, 0};
    status->st_ino = (ino_t)status->st_size;
    status->st_dev = 1;
    return result;
}

WRAP(const tine_module *, module_find, const char *name, const char *file, const char **reason)
{
    return strstr(name, "/handlers") != NULL ? &tine_module_exported : __real_module_find(name, file, reason);
}

/* Takes at most 'most' bytes of the answers; returns whether there were any. */
static bool read_answers(size_t most)
{
    size_t waiting = wire.answers->length - wire.taken;
    wire.taken += most < waiting ? most : waiting;
    return waiting > 0;
}

/* A handler waits for the client: so it reads, or sends, now; or its time passes. */
WRAP(int, poll, struct pollfd *fds, nfds_t count, int timeout)
{
    if (count == 0)
        return 0;
    if (count != 1 || wire_kind(fds->fd) != WIRE_SOCKET)
        return __real_poll(fds, count, timeout);
    if (manner == STALLED) {
        moment.tv_sec += (timeout + 999) / 1000;
        return 0;
    }
    if (fds->events == POLLOUT)
        read_answers(SIZE_MAX);
    else if (wire.arrived < wire.size)
        send_piece();
    else
        wire.ended = true;
    fds->revents = fds->events;
    return 1;
}

/* ---- the worker ---- */

static const struct config *load_config(void)
{
    char path[64], folder[4096], roots[2][4200];
    const char *overrides[] = {roots[0], roots[1]};
    struct errors errors;
    int fd = __real_memfd_create("tine-fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && io_write_all(fd, settings, sizeof settings - 1) == 0 && getcwd(folder, sizeof folder) != NULL);
    snprintf(roots[0], sizeof roots[0], "app:files.root=%s/etc/www", folder);
    snprintf(roots[1], sizeof roots[1], "app:sent.root=%s/etc/www", folder);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    errors_init(&errors);
    const struct config *config = config_load(path, overrides, 2, &errors);
    for (size_t i = 0; i < errors.kept; i++)
        fprintf(stderr, "%s\n", errors.messages[i]);
    FUZZ_CHECK(errors.count == 0);
    close(fd);
    return config;
}

static struct apps *load_apps(const struct config *config)
{
    struct errors errors;
    errors_init(&errors);
    struct apps *apps = apps_load(config, NULL, &errors);
    if (errors.count == 0)
        apps_start(apps, &errors);
    for (size_t i = 0; i < errors.kept; i++)
        fprintf(stderr, "%s (run this from the top folder of tine)\n", errors.messages[i]);
    FUZZ_CHECK(errors.count == 0);
    return apps;
}

/* As worker.c's open_worker() and prepare(), but without listeners, signals and master. */
static void open_worker(void)
{
    const char *reason;
    moment = (struct timespec){START, 0};
    signal(SIGPIPE, SIG_IGN);
    log_open(-1, LOG_ERROR);
    board = scoreboard_new();
    const struct config *config = load_config();
    const struct config_limits *limits = &config->limits;
    setup = (struct worker_setup){.config = config, .connections = 8, .board = board, .slot = &board->slots[0], .control = -1};
    the_worker = &worker;
    worker = (struct worker){.setup = &setup, .config = config, .slot = setup.slot, .control = -1, .limit = 8, .now = clock_ms(),
                             .listeners = listeners, .listener_count = 2, .accepting = true, .pid = getpid()};
    worker.head_limits = (struct head_limits){(uint32_t)limits->request_line, (uint32_t)limits->header_field,
                                              (uint32_t)limits->headers, (uint32_t)limits->header_count};
    table_open(&worker);
    worker.epoll = epoll_create1(EPOLL_CLOEXEC);
    server_use(board, config->health);
    worker.apps = load_apps(config);
    worker.access_format = access_log_new("json", &reason);
    log_target_open(&worker.access_log, open("/dev/null", O_WRONLY | O_CLOEXEC));
    atomic_store(&board->state, MASTER_SERVING);
    FUZZ_CHECK(worker.epoll >= 0 && worker.access_format != NULL);
}

static struct connection *the_connection(void)
{
    while (wire_channel.full) /* given by a handler that went on without it */
        adopt(&worker);
    for (uint32_t i = 0; i < worker.top; i++)
        if (worker.table[i].state != CONNECTION_FREE)
            return &worker.table[i];
    return NULL;
}

/* In a moment, which does not count. */
static void try_again(struct connection *c)
{
    worker.now = c->deadline.at;
    FUZZ_CHECK(worker.now < c->until && deadlines_next(&worker.deadlines, worker.now) == &c->deadline);
    connection_timeout(&worker, c);
}

/* What epoll would tell of the connection, until there is nothing more to tell. */
static void serve_while_ready(void)
{
    for (int events = 0;; events++) {
        FUZZ_CHECK(events < EVENTS_MAX); /* else it spins */
        struct connection *c = the_connection();
        if (c == NULL)
            return;
        bool writing = c->state == CONNECTION_WRITING;
        FUZZ_CHECK(c->registered && c->watched == (c->starved ? 0 : writing ? EPOLLOUT : EPOLLIN));
        FUZZ_CHECK(wire.registered == (unsigned)c->fd && table_is_sound(&worker, c));
        if (c->starved) {
            try_again(c);
            continue;
        }
        if (writing ? wire_room() == 0 : !wire_can_receive())
            return;
        worker.now = clock_ms();
        connection_event(&worker, c, 0);
        FUZZ_CHECK(buffer_length(&worker.out) == 0 && worker.current == NULL && worker.given == 0);
    }
}

/* To itself: as if by another worker, all that a connection is goes through the channel. */
static void hand_over(void)
{
    FUZZ_CHECK(give_all(&worker, NULL));
    give_reclaim(&worker);
    adopt(&worker);
    FUZZ_CHECK(worker.given == 0);
}

/* ---- runs ---- */

/* Is it meant for the listener that takes PROXY headers? */
static bool is_introduced(const uint8_t *data, size_t size)
{
    static const char version2[] = "\r\n\r\n";
    return size > 4 && (memcmp(data, "PROX", 4) == 0 || (memcmp(data, version2, 4) == 0 && data[4] == 0));
}

static void begin(struct transcript *answers, enum manner how, const uint8_t *data, size_t size)
{
    static const struct sockaddr_in stranger = {.sin_family = AF_INET, .sin_addr.s_addr = 0x010200c0};
    struct sockaddr_storage peer = {0};
    memcpy(&peer, &stranger, sizeof stranger);
    manner = how;
    answers->length = 0;
    wire = (struct wire){
        .input = data, .size = size, .answers = answers, .room = how == AT_ONCE || how == HANDED_OVER ? ANSWERS_MAX : SMALL_ROOM};
    moment = (struct timespec){START, 0}; /* back to there: what was read of the clock before does not count */
    worker.now = clock_ms();
    worker.looked_us = 0;
    atomic_store(&worker.slot->log.head, 0);
    atomic_store(&worker.slot->log.tail, 0);
    request_seed_ids();
    connection_open(&worker, wire_new_fd(WIRE_SOCKET, NULL), is_introduced(data, size), &peer);
}

static void check_end(void)
{
    FUZZ_CHECK(the_connection() == NULL && worker.held == 0 && worker.deadlines.count == 0);
    FUZZ_CHECK(wire_is_all_closed() && wire_mapped == NULL);
}

/* All is sent: the client reads to the end, which must come. */
static void finish_run(void)
{
    wire.ended = true;
    do
        serve_while_ready();
    while (read_answers(SIZE_MAX));
    check_end();
}

/* Every line is whole and JSON, whatever the client sent. */
static void check_log(void)
{
    const struct log_ring *ring = &worker.slot->log;
    uint64_t length = atomic_load(&ring->head);
    struct slice rest = {ring->bytes, (size_t)length};
    if (atomic_load(&ring->tail) > 0) /* some was written out meanwhile */
        return;
    FUZZ_CHECK(length == 0 || ring->bytes[length - 1] == '\n');
    while (rest.length > 0) {
        struct slice line = fuzz_line(&rest);
        json_error_t error;
        json_t *value = json_loadb(line.data, line.length, 0, &error);
        if (value == NULL)
            fprintf(stderr, "%.*s\n%s\n", (int)line.length, line.data, error.text);
        FUZZ_CHECK(value != NULL);
        json_decref(value);
    }
}

/* Whatever is hexadecimal and sixteen long is taken for an id of ours. */
UNCOUNTED static void blank_ids(struct transcript *transcript)
{
    size_t run = 0;
    for (size_t i = 0; i <= transcript->length; i++) {
        char byte = i < transcript->length ? transcript->bytes[i] : 0;
        bool hex = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
        if (!hex && run == 16)
            memset(transcript->bytes + i - 16, 'i', 16);
        run = hex ? run + 1 : 0;
    }
}

static void drop_continues(struct transcript *transcript)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    char *to = transcript->bytes, *from = transcript->bytes, *end = transcript->bytes + transcript->length, *found;
    while ((found = memmem(from, (size_t)(end - from), interim, sizeof interim - 1)) != NULL) {
        memmove(to, from, (size_t)(found - from));
        to += found - from;
        from = found + sizeof interim - 1;
    }
    memmove(to, from, (size_t)(end - from));
    transcript->length = (size_t)(to + (end - from) - transcript->bytes);
}

static void send_piece(void)
{
    size_t left = wire.size - wire.arrived;
    wire.arrived += manner == AT_ONCE ? left : 1 + fuzz_draw(&draw, tiny ? left / 16 + 1 : left);
}

static void run(struct transcript *answers, enum manner how, const uint8_t *data, size_t size)
{
    tiny = fuzz_draw(&draw, 8) == 0;
    begin(answers, how, data, size);
    while (wire.arrived < size && wire.open > 0) {
        send_piece();
        wire.starving = how != AT_ONCE && fuzz_draw(&draw, 8) == 0;
        serve_while_ready();
        if (how == HANDED_OVER && fuzz_draw(&draw, 2) == 0)
            hand_over();
        if (how != AT_ONCE && fuzz_draw(&draw, 4) == 0)
            read_answers(READ_PIECE);
    }
    finish_run();
    if (how == AT_ONCE)
        check_log();
    blank_ids(answers);
    drop_continues(answers);
}

/* A client that neither closes nor goes on: its time ends, whatever it waits in. */
static void run_timeouts(struct transcript *answers, const uint8_t *data, size_t size)
{
    begin(answers, STALLED, data, size);
    wire.arrived = size;
    serve_while_ready();
    for (int turns = 0; the_connection() != NULL; turns++) {
        FUZZ_CHECK(turns < TURNS_MAX && worker.deadlines.count == 1);
        moment.tv_sec += 3600;
        worker.now = clock_ms();
        struct deadline *due = deadlines_next(&worker.deadlines, worker.now);
        FUZZ_CHECK(due != NULL);
        connection_timeout(&worker, (struct connection *)((char *)due - offsetof(struct connection, deadline)));
    }
    check_end();
    check_log();
}

static void show(const char *what, const struct transcript *transcript)
{
    fprintf(stderr, "---- %s (%zu bytes)\n", what, transcript->length);
    fwrite(transcript->bytes, 1, transcript->length < 4000 ? transcript->length : 4000, stderr);
    fprintf(stderr, "\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct transcript expected, other;
    draw = fuzz_seed(data, size);
    if (board == NULL)
        open_worker();
    run(&expected, AT_ONCE, data, size);
    for (enum manner how = IN_PIECES; how <= HANDED_OVER; how++) {
        run(&other, how, data, size);
        if (expected.length == other.length && memcmp(expected.bytes, other.bytes, other.length) == 0)
            continue;
        show("at once", &expected);
        show(how == HANDED_OVER ? "in pieces, handed over" : "in pieces", &other);
        fuzz_fail(__FILE__, __LINE__, "the answers are the same");
    }
    if (fuzz_draw(&draw, 4) == 0)
        run_timeouts(&other, data, size);
    return 0;
}
