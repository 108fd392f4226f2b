/* SPDX-License-Identifier: Apache-2.0
 *
 * See client.h.
 */
#include "client.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static socklen_t address_read(struct sockaddr_storage *to, const char *address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)to;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;
    struct sockaddr_un *local = (struct sockaddr_un *)to;
    char host[128];
    memset(to, 0, sizeof *to);
    if (strncmp(address, "unix:", 5) == 0) {
        local->sun_family = AF_UNIX;
        snprintf(local->sun_path, sizeof local->sun_path, "%s", address + 5);
        return sizeof *local;
    }
    bool six = address[0] == '[';
    snprintf(host, sizeof host, "%.*s", (int)(strrchr(address, ':') - address) - 2 * six, address + six);
    to->ss_family = six ? AF_INET6 : AF_INET;
    *(six ? &v6->sin6_port : &v4->sin_port) = htons((uint16_t)address_port(address));
    if (inet_pton(to->ss_family, host, six ? (void *)&v6->sin6_addr : (void *)&v4->sin_addr) != 1)
        harness_fail("not an address: %s", address);
    return six ? sizeof *v6 : sizeof *v4;
}

struct client client_connect_to(const char *address)
{
    struct sockaddr_storage to;
    struct client client = {0};
    socklen_t length = address_read(&to, address);
    client.fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client.fd < 0 || connect(client.fd, (struct sockaddr *)&to, length) != 0)
        harness_fail("cannot connect to %s: %s", address, strerror(errno));
    return client;
}

struct client client_connect_from(const char *address, const char *source)
{
    struct sockaddr_storage to, from;
    struct client client = {0};
    socklen_t length = address_read(&to, address), from_length = address_read(&from, text(strchr(source, ':') ? "[%s]:0" : "%s:0", source));
    client.fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client.fd < 0 || bind(client.fd, (struct sockaddr *)&from, from_length) != 0 ||
        connect(client.fd, (struct sockaddr *)&to, length) != 0)
        harness_fail("cannot connect to %s from %s: %s", address, source, strerror(errno));
    return client;
}

struct client client_connect(const struct server *server)
{
    return client_connect_to(server->address);
}

void client_close(struct client *client)
{
    close(client->fd);
    free(client->data);
    *client = (struct client){.fd = -1};
}

bool client_try_send(struct client *client, const void *bytes, size_t length)
{
    const char *at = bytes;
    int64_t deadline = now_ms() + PATIENCE;
    while (length > 0) {
        struct pollfd writable = {.fd = client->fd, .events = POLLOUT};
        if (poll(&writable, 1, (int)(deadline - now_ms() > 0 ? deadline - now_ms() : 0)) != 1)
            harness_fail("could not send the last %zu bytes: the server does not read", length);
        ssize_t sent = send(client->fd, at, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        at += sent > 0 ? sent : 0;
        length -= sent > 0 ? (size_t)sent : 0;
    }
    return true;
}

void client_send_bytes(struct client *client, const void *bytes, size_t length)
{
    if (!client_try_send(client, bytes, length))
        harness_fail("cannot send: %s", strerror(errno));
}

void client_send(struct client *client, const char *bytes)
{
    client_send_bytes(client, bytes, strlen(bytes));
}

long client_receive(struct client *client, int64_t ms)
{
    struct pollfd readable = {.fd = client->fd, .events = POLLIN};
    if (client->capacity - client->length < 65536)
        client->data = realloc(client->data, client->capacity = 2 * client->capacity + 131072);
    if (poll(&readable, 1, (int)(ms > 0 ? ms : 0)) != 1)
        return -2;
    ssize_t got = recv(client->fd, client->data + client->length, client->capacity - client->length - 1, 0);
    if (got > 0)
        client->length += (size_t)got;
    client->data[client->length] = 0;
    return got;
}

/* Makes sure that 'wanted' bytes are in the buffer. */
static void need(struct client *client, size_t wanted, int64_t deadline)
{
    while (client->length < wanted) {
        long got = client_receive(client, deadline - now_ms());
        if (got <= 0)
            harness_fail("%s after %zu bytes of %zu:\n%.2000s",
                         got == -2 ? "nothing more comes" : got == 0 ? "closed" : "reset", client->length, wanted,
                         client->length > 0 ? client->data : "");
    }
}

static void need_text(struct client *client, size_t from, const char *end, int64_t deadline)
{
    while (client->length < from + strlen(end) ||
           memmem(client->data + from, client->length - from, end, strlen(end)) == NULL)
        need(client, client->length + 1, deadline);
}

static void take(struct client *client, size_t length)
{
    client->length -= length;
    memmove(client->data, client->data + length, client->length + 1);
}

static struct response read_head(struct client *client, int64_t deadline)
{
    struct response response = {0};
    need_text(client, 0, "\r\n\r\n", deadline);
    size_t length = (size_t)(strstr(client->data, "\r\n\r\n") + 4 - client->data);
    response.head = strndup(client->data, length);
    response.body = strdup("");
    if (!text_matches(response.head, "^HTTP/1\\.1 [1-5][0-9][0-9] [^\r]*\r$"))
        harness_fail("not a status line: %.200s", response.head);
    response.status = atoi(response.head + strlen("HTTP/1.1 "));
    take(client, length);
    return response;
}

static void append_body(struct response *response, const char *bytes, size_t length)
{
    response->body = realloc(response->body, response->length + length + 1);
    memcpy(response->body + response->length, bytes, length);
    response->length += length;
    response->body[response->length] = 0;
}

static void read_chunks(struct client *client, struct response *response, int64_t deadline)
{
    size_t size = 1;
    while (size > 0) {
        char *end;
        need_text(client, 0, "\r\n", deadline);
        size = strtoul(client->data, &end, 16);
        if (end == client->data || memcmp(end, "\r\n", 2) != 0)
            harness_fail("not a chunk size: %.40s", client->data);
        take(client, (size_t)(end + 2 - client->data));
        need(client, size + 2, deadline);
        if (memcmp(client->data + size, "\r\n", 2) != 0)
            harness_fail("no line end behind a chunk of %zu bytes", size);
        append_body(response, client->data, size);
        take(client, size + 2);
    }
}

/* Up to the end of the connection: what has neither a length nor chunks (HTTP/1.0). */
static void read_to_end(struct client *client, struct response *response, int64_t deadline)
{
    long got;
    while ((got = client_receive(client, deadline - now_ms())) > 0)
        continue;
    if (got != 0)
        harness_fail("the body did not end in order");
    append_body(response, client->data, client->length);
    client->length = 0;
}

struct response client_read_head(struct client *client)
{
    return read_head(client, now_ms() + PATIENCE);
}

struct response client_read(struct client *client)
{
    int64_t deadline = now_ms() + PATIENCE;
    struct response response = read_head(client, deadline);
    const char *length = response_header(&response, "Content-Length");
    const char *coding = response_header(&response, "Transfer-Encoding");
    if (length != NULL && coding != NULL)
        harness_fail("both Content-Length and Transfer-Encoding:\n%s", response.head);
    response.chunked = coding != NULL;
    if (response.status < 200 || response.status == 204 || response.status == 304)
        return response;
    if (coding != NULL) {
        read_chunks(client, &response, deadline);
    } else if (length != NULL) {
        size_t wanted = strtoul(length, NULL, 10);
        need(client, wanted, deadline);
        append_body(&response, client->data, wanted);
        if (wanted > 0)
            take(client, wanted);
    } else {
        read_to_end(client, &response, deadline);
    }
    return response;
}

bool client_drain(struct client *client, int64_t ms, bool *clean)
{
    int64_t deadline = now_ms() + ms;
    long got;
    while ((got = client_receive(client, deadline - now_ms())) > 0)
        client->length = 0;
    if (clean != NULL)
        *clean = got == 0;
    return got != -2;
}

void client_expect_close(struct client *client)
{
    long got = client->length > 0 ? (long)client->length : client_receive(client, PATIENCE);
    if (got != 0)
        harness_fail("%s instead of the end: %.300s",
                     got > 0 ? "more bytes" : got == -1 ? "a reset" : "silence", got > 0 ? client->data : "");
}

const char *response_header(const struct response *response, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = strstr(response->head, "\r\n"); line != NULL && line[2] != '\r';
         line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, length) == 0 && line[2 + length] == ':') {
            const char *value = line + 3 + length;
            value += strspn(value, " \t");
            return text("%.*s", (int)strcspn(value, "\r"), value);
        }
    return NULL;
}

void response_free(struct response *response)
{
    free(response->head);
    free(response->body);
}

char *request(const char *method, const char *path, const char *extra)
{
    return text("%s %s HTTP/1.1\r\nHost: tine.test\r\n%s\r\n", method, path, extra);
}

struct response ask(const struct server *server, const char *bytes)
{
    struct client client = client_connect(server);
    client_send(&client, bytes);
    struct response response = client_read(&client);
    const char *connection = response_header(&response, "Connection");
    if (connection != NULL && strcasecmp(connection, "close") == 0)
        client_expect_close(&client);
    client_close(&client);
    return response;
}

void client_enter_gate(struct client *client, const struct server *server, const char *gate)
{
    client_send(client, request("GET", text("/trouble/gate/%s", gate), ""));
    server_log_await(server, text("gate %s entered", gate), 1);
}

struct response get_with(const struct server *server, const char *path, const char *fields)
{
    return ask(server, request("GET", path, fields));
}

struct response get(const struct server *server, const char *path)
{
    return ask(server, request("GET", path, "Connection: close\r\n"));
}

void expect_response(const struct response *response, int status, const char *body)
{
    if (response->status != status)
        harness_fail("status %d, not %d:\n%s%.2000s", response->status, status, response->head, response->body);
    if (body != NULL && strcmp(response->body, body) != 0)
        harness_fail("the body is \"%.500s\", not \"%.500s\"", response->body, body);
}

void expect_get(const struct server *server, const char *path, int status, const char *body)
{
    struct response response = get(server, path);
    expect_response(&response, status, body);
    response_free(&response);
}

void expect_field(const struct response *response, const char *name, const char *expected)
{
    const char *value = response_header(response, name);
    if ((value == NULL) != (expected == NULL) || (value != NULL && strcmp(value, expected) != 0))
        harness_fail("%s is %s, not %s:\n%s", name, value != NULL ? value : "absent", expected != NULL ? expected : "absent",
                     response->head);
}

void expect_kept(struct client *client, const char *bytes, const char *body)
{
    if (bytes != NULL)
        client_send(client, bytes);
    struct response response = client_read(client);
    expect_response(&response, 200, body);
    expect_field(&response, "Connection", NULL);
    response_free(&response);
}

void expect_all_kept(struct client *clients, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect_kept(&clients[i], request("GET", "/hello", ""), "hello");
}

void keep_all(const struct server *server, struct client *clients, size_t count)
{
    for (size_t i = 0; i < count; i++)
        clients[i] = client_connect(server);
    expect_all_kept(clients, count);
}

void expect_at(const char *address, const char *path, const char *body)
{
    struct client client = client_connect_to(address);
    client_send(&client, request("GET", path, "Connection: close\r\n"));
    struct response response = client_read(&client);
    expect_response(&response, 200, body);
    client_expect_close(&client);
    client_close(&client);
    response_free(&response);
}
