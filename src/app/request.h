/* SPDX-License-Identifier: Apache-2.0
 *
 * One request and its response: what stands behind the opaque tine_request of tine.h. Workers keep a few and use
 * them again. A request exists from the first byte of its head until its response has been queued; a connection
 * that is idle has none. Runs in workers.
 */
#ifndef APP_REQUEST_H
#define APP_REQUEST_H

#include "app/apps.h"
#include "app/body.h"
#include "app/filters.h"
#include "base/arena.h"
#include "base/buffer.h"
#include "http/chunked.h"
#include "http/framing.h"
#include "http/head.h"
#include "http/uri.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

enum { REQUEST_ID_MAX = 64, REQUEST_CLIENT_MAX = INET6_ADDRSTRLEN };

/* How far a response has come. */
enum response_state {
    RESPONSE_NONE,   /* nothing built */
    RESPONSE_BUILT,  /* status and body are there, nothing sent */
    RESPONSE_BEGUN,  /* the head is sent, the body goes out in pieces while the handler runs */
    RESPONSE_SENT,   /* tine_finish() has sent all of it, and it is in the access log */
    RESPONSE_BROKEN  /* it began and could not be continued */
};

/* A stretch of a response's content: a few bytes from memory, then some of the file. */
struct response_part {
    struct slice text;
    off_t offset;
    uint64_t length;
};

struct response {
    enum response_state state;
    int status;
    const char *type;     /* Content-Type unless 'fields' has one; NULL: none */
    struct buffer fields; /* "Name: value\r\n" lines; never those that framing needs */
    struct buffer body;
    struct buffer draft; /* of the next body, which may be made of this one */
    struct slice memory; /* bytes to send instead of the body; data is NULL: none */
    size_t room;         /* bytes in front of them that may be written on for as long as it takes to send them */
    int fd;              /* a file to send instead: its 'parts', in order; -1: none */
    const struct response_part *parts;
    size_t part_count;
    void (*release)(void *owner); /* called once, when memory or file are no longer needed; NULL: they are nobody's */
    void *owner;
    bool chunked;   /* of a response that has begun */
    bool closed;    /* a 503 instead of a stream: what the handler says besides does not count */
    bool close;     /* the connection ends with this response */
    uint64_t sent;  /* body bytes, for the log */
    int64_t begun_us; /* monotonic, of one that is sent piece by piece: when it began; 0: it is not */
};

/* What tine_set_attribute() and tine_defer() keep, in the arena. */
struct request_attribute {
    const char *name;
    void *value;
    struct request_attribute *next;
};

struct request_deferred {
    void (*function)(void *argument);
    void *argument;
    struct request_deferred *next;
};

/* What a handler's calls need of the connection while it runs; the worker provides it. */
struct request_calls {
    /* Waits until all is written, or [timeouts] send has passed. 0, or -1 when the client is gone. */
    int (*send)(void *context, struct iovec *iov, int count);
    /* May the response be sent piece by piece, as far as [limits] streams says? */
    bool (*admit)(void *context);
    /* It counts no more. */
    void (*release)(void *context);
    /* The response is out whole: the client need not wait for the handler to send its next request. */
    void (*answered)(void *context);
    /* As tine_wait(); fd -1: as tine_sleep(). */
    int (*wait)(void *context, int fd, short events, int64_t ms);
};

struct request_stream {
    const struct request_calls *calls;
    void *context;
};

/* A body that arrives while its .stream handler runs; the worker's connection provides it. */
struct request_arrival {
    bool begun;         /* this is such a request */
    bool live;          /* and its body is not in 'body' */
    bool open;          /* and its end was not seen */
    bool asked;         /* 100 (Continue) was sent, or is not waited for. Of bodies that are waited for: the latter */
    int status;         /* why it cannot be read on; 0: it can */
    const char *reason;
    size_t used;        /* bytes of the connection's input behind the head that were taken */
    uint64_t taken;     /* bytes of the body so far */
    int64_t patience;   /* ms that the client may still take, less what it earns */
    struct buffer bytes; /* received meanwhile, not yet taken */
    /* Reads on, waiting for the client. Returns the number of bytes, 0 at the end, -1 with status and reason set. */
    long (*read)(void *context, char *to, size_t size);
};

struct tine_request {
    struct arena arena;
    char *bytes; /* the head, in the connection's input; moves only until its handler runs */
    struct head head;
    struct head_field *fields;
    struct framing framing;
    struct target target;
    const char *path; /* decoded */
    struct slice host; /* without port */
    struct apps_match match;
    const struct config_bounds *bounds; /* NULL: the server's; ask request_bounds() */
    int answer; /* status to answer with instead of running a handler; 0: run it */
    const char *answer_reason;
    const struct filters *filters; /* to run around it; NULL: none */
    const struct filter *filter;   /* the one that runs now, for logs; NULL: none */
    struct tine_app *keys_of;      /* whose tine_shared_*() are; NULL: of who runs now */
    size_t passed;                 /* how many befores let it pass */
    uint32_t skipped;              /* a bit for each of those that do not run around it; set when the first one runs */
    bool asked_early;              /* whether it may send its body */
    bool afters_ran;
    enum filters_phase phase;
    struct request_attribute *attributes;
    struct request_deferred *deferred; /* last one first */
    struct body body;
    struct chunked chunked; /* decoder of a chunked body */
    struct in6_addr address; /* of the client; IPv4 mapped */
    bool local;          /* it came by a Unix socket: no address */
    bool secure;         /* it speaks TLS with a trusted proxy, which says so */
    const struct networks *trusted; /* proxies; NULL unless one of them sent this request */
    struct slice client; /* text of it, in client_text */
    char client_text[REQUEST_CLIENT_MAX];
    char id[REQUEST_ID_MAX + 1];
    int64_t started_us; /* monotonic: its head was whole */
    int64_t ready_us;   /* the same, when its handler's turn comes right then; 0: later */
    size_t refused_length; /* bytes of a head that was refused, for the log */
    bool keep_alive;    /* the connection may go on after the response; decided before the handler runs */
    unsigned blames;    /* wrong uses of tine.h by its handler */
    struct response response;
    struct request_stream stream;
    struct request_arrival arrival;
    struct input *input; /* what was taken apart for the handler; NULL: nothing */
    struct tine_request *next; /* in the list of unused ones */
};

/* Once per worker, before any request: what ids are made from. */
void request_seed_ids(void);

/* Sixteen hexadecimal digits that do not repeat within a worker, nor, in all likelihood, between workers. */
enum { REQUEST_MADE_ID = 16 };
void request_make_id(char id[static REQUEST_MADE_ID + 1]);

/* A request for heads of at most limits->count fields; 'limits' must outlive it. */
struct tine_request *request_new(const struct head_limits *limits);
void request_free(struct tine_request *r);

/* Ready for another one. */
void request_reset(struct tine_request *r, const struct head_limits *limits);

/* Gives back what memory a small one does not need, of one that is ready for another. Returns how many bytes. */
size_t request_shrink(struct tine_request *r);

/* After the head is whole: framing, target, id, app and route. When that was is r->started_us, or now if it is 0. Returns 0, or the
 * status to refuse it with (and *reason): where its body ends cannot be told then, so the connection must end. When the request is in
 * order but there is no handler for it, r->answer and r->answer_reason say what to answer once its body has been read. */
int request_prepare(struct tine_request *r, const struct apps *apps, const char **reason);

/* The head has moved to 'bytes' (its buffer grew). */
void request_rebase(struct tine_request *r, char *bytes);

/* Runs the handler, if there is one, and leaves a whole response behind. Returns the monotonic time in microseconds. */
int64_t request_handle(struct tine_request *r);

/* What a handler, or filter, that returned a status has to show for it. */
void request_complete(struct tine_request *r, int result);

/* Has it a body, or a wish, that is refused? What is answered instead of the handler; filters see it. */
void request_answer(struct tine_request *r, int status, const char *reason);

/* Answers with an error in place of all else; filters do not see it, and the connection ends. */
void request_refuse(struct tine_request *r, int status, const char *detail);

/* Is the handler known to answer at once? Others' answers need not be sent before it runs, then. */
bool request_is_quick(const struct tine_request *r);

/* The route's name for logs: "hello.greet", or "-". Arena memory. */
const char *request_handler_name(struct tine_request *r);

/* The timeouts and limits that it goes by: the server's until its route is found. */
static inline const struct config_bounds *request_bounds(const tine_request *r, const struct config *config)
{
    return r->bounds != NULL ? r->bounds : config->bounds;
}

static inline struct slice request_method(const tine_request *r)
{
    return head_method(&r->head, r->bytes);
}

#endif
