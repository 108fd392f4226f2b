/* SPDX-License-Identifier: Apache-2.0
 *
 * A raw HTTP client: sends exactly the bytes it is given and takes answers apart strictly. Every read
 * has a deadline; what is not as it should be fails the test with what was received.
 */
#ifndef SYSTEM_CLIENT_H
#define SYSTEM_CLIENT_H

#include "server.h"

struct client {
    int fd;
    char *data; /* received, not yet taken */
    size_t length, capacity;
};

struct response {
    int status;
    char *head; /* status line and fields, NUL-terminated; owned by the response */
    char *body; /* decoded when chunked, NUL-terminated */
    size_t length;
    bool chunked;
};

/* Connects to "127.0.0.1:80", "[::1]:80" or "unix:/path". */
struct client client_connect_to(const char *address);
struct client client_connect_from(const char *address, const char *source); /* source: an IP address of this machine */
struct client client_connect(const struct server *server); /* to its first listener */
void client_close(struct client *client);

void client_send(struct client *client, const char *bytes);
void client_send_bytes(struct client *client, const void *bytes, size_t length);

/* Sends as far as the other side takes it: false when it has closed. */
bool client_try_send(struct client *client, const void *bytes, size_t length);

/* Reads one whole response. 'client_read_head' is for answers to HEAD: no body follows. A 1xx is a response too. */
struct response client_read(struct client *client);
struct response client_read_head(struct client *client);

/* Reads until the end of the connection or the deadline; true if it ended (a reset counts: false in *clean). */
bool client_drain(struct client *client, int64_t ms, bool *clean);

/* Nothing more comes, and the other side closes in order (no reset). */
void client_expect_close(struct client *client);

/* Receives what is there within 'ms' into the buffer; bytes got, 0 at the end, -1 on a reset, -2 at the deadline. */
long client_receive(struct client *client, int64_t ms);

/* The value of a field, case of the name ignored, or NULL; lives with the test. */
const char *response_header(const struct response *response, const char *name);
void response_free(struct response *response);

/* One request on a connection of its own: GET path, or these very bytes. The response is complete and, if it says
 * Connection: close, the connection was closed in order. */
struct response get(const struct server *server, const char *path);
struct response ask(const struct server *server, const char *bytes);

/* Sends a request that its handler (TROUBLE) keeps until the gate is opened, and waits until it is in there. */
void client_enter_gate(struct client *client, const struct server *server, const char *gate);

/* GET with these field lines, on a connection that may stay. */
struct response get_with(const struct server *server, const char *path, const char *fields);

/* The request get() sends; `extra` are whole field lines or "". */
char *request(const char *method, const char *path, const char *extra);

/* Fails unless the answer has this status; and, unless NULL, this body. */
void expect_get(const struct server *server, const char *path, int status, const char *body);
void expect_response(const struct response *response, int status, const char *body);

/* The same of GET at this address, as client_connect_to() takes it, where the answer is 200. */
void expect_at(const char *address, const char *path, const char *body);

/* Sends the bytes, unless NULL, and fails unless the next answer on this very connection is 200 with this body and leaves it open. */
void expect_kept(struct client *client, const char *bytes, const char *body);

/* So many connections that are to outlive something: each has had an answer and stays open. */
void keep_all(const struct server *server, struct client *clients, size_t count);

/* Another answer on each of them, which leaves it open. */
void expect_all_kept(struct client *clients, size_t count);

/* Fails unless the field has this value, or, for NULL, is not there. */
void expect_field(const struct response *response, const char *name, const char *expected);

#endif
