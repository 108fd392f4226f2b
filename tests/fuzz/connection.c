/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker's connections as a whole: bytes in, answers out. The worker's own code serves one end of a socket pair in this process; only
 * its wait is replaced by serve_while_ready(). However the bytes are split, however slowly the answers are read, and however often the
 * connection is given away in between, the answers are the same. Time stands still unless it is moved, the access log is read back.
 *
 * Compared are all bytes of the answers but ids, and "100 Continue", which is rightly sent only while no body has come.
 *
 * Wraps: clock_gettime time getrandom poll
 */
#include "fuzz.h"

#include "app/server.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "shared/handoff.h"
#include "worker/give.h"
#include "worker/state.h"

#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWERS_MAX = 1 << 22, EVENTS_MAX = 100000, SMALL_BUFFER = 4096, READ_PIECE = 1000, TURNS_MAX = 64 };

static const char settings[] = "[server]\nlisten = 127.0.0.1:1\nhealth = on\ncrash_limit = 0\n"
                               "[limits]\nrequest_line = 256\nheader_field = 300\nheaders = 1k\nheader_count = 12\n"
                               "body = 1k\nbody_memory = 64\nkeepalive_requests = 8\n"
                               "[app:files]\npath = /files\nmodule = static\nlisting = on\n"
                               "[app:moved]\npath = /moved\nmodule = redirect\nto = /files/\nkeep_path = on\n"
                               "[app:host]\npath = /\nhost = b\nmodule = respond\nbody = b\n"
                               "[app:probe]\npath = /p\nmodule = respond\nbody = hello\n";

static struct scoreboard *board;
static struct worker worker;
static struct worker_setup setup;
static struct listener listener = {.door = -1, .watch = -1, .local = true};
static struct timespec now;
static int client = -1; /* our end; -1: closed */

/* What a run has brought forth. */
struct transcript {
    size_t length;
    char bytes[ANSWERS_MAX];
};

static struct transcript *reading; /* where read_answers() puts what comes */

int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
time_t __wrap_time(time_t *time);
ssize_t __wrap_getrandom(void *bytes, size_t size, unsigned flags);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout);

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    (void)clock;
    *time = now;
    return 0;
}

time_t __wrap_time(time_t *time)
{
    (void)time;
    return now.tv_sec;
}

ssize_t __wrap_getrandom(void *bytes, size_t size, unsigned flags)
{
    (void)flags;
    memset(bytes, 1, size);
    return (ssize_t)size;
}

/* Takes at most 'most' bytes of the answers; returns whether there were any. */
static bool read_answers(size_t most)
{
    size_t room = ANSWERS_MAX - reading->length;
    ssize_t length = recv(client, reading->bytes + reading->length, most < room ? most : room, MSG_DONTWAIT);
    FUZZ_CHECK(room > 0);
    if (length > 0)
        reading->length += (size_t)length;
    return length > 0;
}

/* A handler that streams waits for the client: so it reads now. */
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    (void)timeout;
    if (count == 0)
        return 0;
    FUZZ_CHECK(count == 1 && fds->events == POLLOUT);
    while (read_answers(SIZE_MAX))
        ;
    fds->revents = POLLOUT;
    return 1;
}

/* ---- handlers: everything that tine.h lets one see of a request goes into the answer ---- */

static long number_of(tine_request *r)
{
    long number = strtol(tine_param(r, "n"), NULL, 10);
    return number < 0 || number > 9000 ? 9000 : number;
}

static int echo(tine_request *r)
{
    size_t length;
    const char *body = tine_body(r, &length);
    FUZZ_CHECK(body != NULL && body[length] == 0);
    return tine_send(r, 200, "application/octet-stream", body, length);
}

static int all(tine_request *r)
{
    const char *name, *value, *query = tine_query(r, "q"), *tail = tine_param(r, "tail");
    char *line = tine_printf(r, "%s|%s|%s|%s|%s|%s\n", tine_method(r), tine_path(r), tine_query_string(r), query ? query : "-",
                             tail ? tail : "-", tine_client(r));
    tine_write(r, line, strlen(line));
    for (size_t i = 0; tine_header_at(r, i, &name, &value) == 0; i++) {
        const char *joined = tine_header(r, name);
        FUZZ_CHECK(joined != NULL);
        line = tine_printf(r, "%s=%s|%s\n", name, value, joined);
        tine_write(r, line, strlen(line));
    }
    return 0;
}

static int stream(tine_request *r)
{
    static const char bytes[500];
    for (long left = number_of(r); left > 0; left -= (long)sizeof bytes)
        if (tine_write(r, bytes, left < (long)sizeof bytes ? (size_t)left : sizeof bytes) != 0)
            break;
    return 0;
}

static int block(tine_request *r)
{
    size_t length = (size_t)number_of(r);
    return tine_send(r, 200, NULL, memset(tine_alloc(r, length + 1), 'b', length), length);
}

static int status(tine_request *r)
{
    return (int)number_of(r);
}

static int slow(tine_request *r)
{
    now.tv_nsec = (now.tv_nsec + 6000000) % 1000000000;
    return tine_text(r, 200, "%s", tine_param(r, "name"));
}

static int fresh(tine_request *r)
{
    const char *tag = tine_header(r, "X-Tag");
    return tine_fresh(r, tag, 1000000000) ? 304 : tine_redirect(r, 303, tag ? tag : "/");
}

static void add_routes(struct router *router)
{
    static const tine_route routes[] = {
        TINE_POST("/echo", echo), TINE_PUT("/echo", echo), TINE_ROUTE("*", "/all", all), TINE_GET("/all/{tail:path}", all),
        TINE_GET("/stream/{n:int}", stream), TINE_GET("/block/{n:int}", block), TINE_GET("/status/{n:int}", status),
        TINE_GET("/slow/{name}", slow), TINE_GET("/fresh", fresh), {0}};
    for (uint32_t i = 0; routes[i].pattern != NULL; i++)
        FUZZ_CHECK(router_add(router, routes[i].method, routes[i].pattern, routes[i].handler, routes[i].name, 100 + i) == NULL);
}

/* ---- the worker ---- */

static const struct config *load_config(void)
{
    char path[64], root[4200] = "app:files.root=";
    const char *overrides[] = {root};
    struct errors errors;
    int fd = memfd_create("tine-fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && io_write_all(fd, settings, sizeof settings - 1) == 0);
    FUZZ_CHECK(getcwd(root + strlen(root), 4096) != NULL);
    strcat(root, "/etc/www");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    errors_init(&errors);
    const struct config *config = config_load(path, overrides, 1, &errors);
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
    for (size_t i = 0; i < apps->count; i++)
        if (strcmp(apps->all[i].section->name, "probe") == 0)
            add_routes(&apps->all[i].router);
    return apps;
}

/* As worker.c's open_worker() and prepare(), but without listeners, signals and master. */
static void open_worker(void)
{
    const char *reason;
    now = (struct timespec){1000000000, 0};
    signal(SIGPIPE, SIG_IGN);
    log_open(-1, LOG_ERROR);
    board = scoreboard_new();
    const struct config *config = load_config();
    const struct config_limits *limits = &config->limits;
    setup = (struct worker_setup){.config = config, .connections = 8, .board = board, .slot = &board->slots[0], .control = -1};
    FUZZ_CHECK(handoff_open(setup.channel) == 0);
    the_worker = &worker;
    worker = (struct worker){.setup = &setup, .config = config, .slot = setup.slot, .control = -1, .limit = 8, .now = clock_ms(),
                             .listeners = &listener, .accepting = true, .pid = getpid()};
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
    for (uint32_t i = 0; i < worker.top; i++)
        if (worker.table[i].state != CONNECTION_FREE)
            return &worker.table[i];
    return NULL;
}

/* What epoll would tell of the connection, until there is nothing more to tell. */
static void serve_while_ready(void)
{
    struct connection *c;
    for (int events = 0; (c = the_connection()) != NULL; events++) {
        struct pollfd ready = {.fd = c->fd, .events = c->state == CONNECTION_WRITING ? POLLOUT : POLLIN};
        FUZZ_CHECK(c->registered && c->wants_output == (ready.events == POLLOUT));
        FUZZ_CHECK(events < EVENTS_MAX); /* else it spins */
        if (__real_poll(&ready, 1, 0) == 0)
            return;
        worker.now = clock_ms();
        connection_event(&worker, c, 0);
        FUZZ_CHECK(buffer_length(&worker.out) == 0 && worker.current == NULL);
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

enum manner { AT_ONCE, IN_PIECES, HANDED_OVER };

static void begin(struct transcript *transcript, enum manner manner)
{
    static const struct sockaddr_storage nobody;
    int pair[2], small = SMALL_BUFFER;
    FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
    if (manner == IN_PIECES)
        setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    now = (struct timespec){1000000000, 0};
    worker.now = clock_ms();
    atomic_store(&worker.slot->log.head, 0);
    atomic_store(&worker.slot->log.tail, 0);
    request_seed_ids();
    transcript->length = 0;
    reading = transcript;
    client = pair[1];
    connection_open(&worker, pair[0], 0, &nobody);
}

/* All is sent: the client reads to the end, which must come. */
static void finish(void)
{
    shutdown(client, SHUT_WR);
    do
        serve_while_ready();
    while (read_answers(SIZE_MAX));
    FUZZ_CHECK(worker.held == 0 && the_connection() == NULL && worker.deadlines.count == 0);
    close(client);
    client = -1;
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
static void blank_ids(struct transcript *transcript)
{
    size_t run = 0;
    for (size_t i = 0; i <= transcript->length; i++) {
        bool hex = i < transcript->length && memchr("0123456789abcdef", transcript->bytes[i], 16) != NULL;
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

static void run(struct transcript *transcript, enum manner manner, const uint8_t *data, size_t size, uint64_t *draw)
{
    bool tiny = fuzz_draw(draw, 8) == 0;
    begin(transcript, manner);
    for (size_t at = 0; at < size;) {
        size_t left = size - at, length = manner == AT_ONCE ? left : 1 + fuzz_draw(draw, tiny ? left / 16 + 1 : left);
        if (send(client, data + at, length, MSG_NOSIGNAL) < 0)
            break; /* the server has closed */
        at += length;
        serve_while_ready();
        if (manner == HANDED_OVER && fuzz_draw(draw, 2) == 0)
            hand_over();
        if (manner != AT_ONCE && fuzz_draw(draw, 4) == 0)
            read_answers(READ_PIECE);
    }
    finish();
    check_log();
    blank_ids(transcript);
    drop_continues(transcript);
}

/* A client that neither closes nor goes on: its time ends, whatever it waits in. */
static void run_timeouts(struct transcript *transcript, const uint8_t *data, size_t size)
{
    struct deadline *due;
    begin(transcript, IN_PIECES);
    if (size > 0 && send(client, data, size, MSG_NOSIGNAL) >= 0)
        serve_while_ready();
    for (int turns = 0; the_connection() != NULL; turns++) {
        FUZZ_CHECK(turns < TURNS_MAX && worker.deadlines.count == 1);
        now.tv_sec += 3600;
        worker.now = clock_ms();
        due = deadlines_next(&worker.deadlines, worker.now);
        FUZZ_CHECK(due != NULL);
        connection_timeout(&worker, (struct connection *)((char *)due - offsetof(struct connection, deadline)));
    }
    FUZZ_CHECK(worker.held == 0 && worker.deadlines.count == 0);
    close(client);
    client = -1;
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
    uint64_t draw = fuzz_seed(data, size);
    if (board == NULL)
        open_worker();
    run(&expected, AT_ONCE, data, size, &draw);
    for (enum manner manner = IN_PIECES; manner <= HANDED_OVER; manner++) {
        run(&other, manner, data, size, &draw);
        if (expected.length == other.length && memcmp(expected.bytes, other.bytes, other.length) == 0)
            continue;
        show("at once", &expected);
        show(manner == HANDED_OVER ? "in pieces, handed over" : "in pieces", &other);
        fuzz_fail(__FILE__, __LINE__, "the answers are the same");
    }
    if (fuzz_draw(&draw, 4) == 0)
        run_timeouts(&other, data, size);
    return 0;
}
