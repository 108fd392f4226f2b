/* SPDX-License-Identifier: Apache-2.0
 *
 * See link.h. Sockets never block: poll() waits, for what is left until the deadline.
 *
 * Needs: libssl libcrypto
 */
#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    SILENCE_S = 60 /* after which the system looks whether the other side is still there, and firewalls see that we are */
};

int64_t link_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool fail(struct link *link, const char *what, const char *why)
{
    snprintf(link->error, sizeof link->error, "%s%s%s", what, why[0] != 0 ? ": " : "", why);
    return false;
}

static bool await_event(struct link *link, short events, int64_t deadline)
{
    struct pollfd one = {.fd = link->fd, .events = events};
    for (;;) {
        int64_t left = deadline - link_clock();
        int ready = poll(&one, 1, left > 0 ? (int)left : 0);
        if (ready > 0)
            return true;
        if (ready == 0)
            return fail(link, "it does not answer in time", "");
        if (errno != EINTR)
            return fail(link, "poll", strerror(errno));
    }
}

/* ---- TLS ---- */

static const char *tls_reason(void)
{
    unsigned long error = ERR_get_error();
    const char *reason = error != 0 ? ERR_reason_error_string(error) : NULL;
    ERR_clear_error();
    return reason != NULL ? reason : "unknown error";
}

bool link_init(struct link *link, const struct store_url *url, const char *ca)
{
    *link = (struct link){.fd = -1};
    if (!url->tls)
        return true;
    link->tls = SSL_CTX_new(TLS_client_method());
    if (link->tls == NULL || SSL_CTX_set_min_proto_version(link->tls, TLS1_2_VERSION) != 1 ||
        (ca[0] != 0 ? SSL_CTX_load_verify_locations(link->tls, ca, NULL) : SSL_CTX_set_default_verify_paths(link->tls)) != 1) {
        fail(link, ca[0] != 0 ? "cannot take its certificates" : "TLS", tls_reason());
        link_release(link);
        return false;
    }
    SSL_CTX_set_verify(link->tls, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(link->tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return true;
}

void link_release(struct link *link)
{
    link_close(link);
    lookup_release(&link->lookup);
    SSL_CTX_free(link->tls);
    link->tls = NULL;
}

/* After a call that returned 'result': LINK_OK when it can be made again. */
static enum link_result tls_await(struct link *link, int result, const char *what, int64_t deadline)
{
    switch (SSL_get_error(link->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return await_event(link, POLLIN, deadline) ? LINK_OK : LINK_FAILED;
    case SSL_ERROR_WANT_WRITE:
        return await_event(link, POLLOUT, deadline) ? LINK_OK : LINK_FAILED;
    case SSL_ERROR_ZERO_RETURN:
        return LINK_ENDED;
    case SSL_ERROR_SYSCALL:
        if (errno == 0 || errno == ECONNRESET || errno == EPIPE)
            return LINK_ENDED;
        fail(link, what, strerror(errno));
        return LINK_FAILED;
    default:
        /* OpenSSL 3 tells of an end without its close so. */
        if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
            ERR_clear_error();
            return LINK_ENDED;
        }
        fail(link, what, tls_reason());
        return LINK_FAILED;
    }
}

/* The name in the certificate must be the URL's host: a name, or an address. */
static bool tls_expect_host(SSL *ssl, const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

static bool tls_open(struct link *link, const char *host, int64_t deadline)
{
    link->ssl = SSL_new(link->tls);
    if (link->ssl == NULL || SSL_set_fd(link->ssl, link->fd) != 1 || !tls_expect_host(link->ssl, host))
        return fail(link, "TLS", tls_reason());
    for (;;) {
        errno = 0;
        ERR_clear_error();
        int result = SSL_connect(link->ssl);
        if (result == 1)
            return true;
        long verdict = SSL_get_verify_result(link->ssl);
        if (verdict != X509_V_OK)
            return fail(link, "its certificate is not to be trusted", X509_verify_cert_error_string(verdict));
        enum link_result next = tls_await(link, result, "TLS", deadline);
        if (next != LINK_OK)
            return next == LINK_ENDED ? fail(link, "it closed the connection within the TLS handshake", "") : false;
    }
}

/* ---- sockets ---- */

static bool connect_socket(struct link *link, const struct sockaddr *address, socklen_t length, int64_t deadline)
{
    int error = 0, on = 1, silence = SILENCE_S;
    socklen_t size = sizeof error;
    link->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (link->fd < 0)
        return fail(link, "socket", strerror(errno));
    if (connect(link->fd, address, length) < 0) {
        if (errno != EINPROGRESS && errno != EINTR) /* a Unix socket with a full queue is EAGAIN */
            error = errno;
        else if (!await_event(link, POLLOUT, deadline))
            return false;
        else if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
            error = errno;
    }
    if (error != 0)
        return fail(link, "cannot connect", strerror(error));
    if (address->sa_family != AF_UNIX) {
        setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(link->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        setsockopt(link->fd, IPPROTO_TCP, TCP_KEEPIDLE, &silence, sizeof silence);
    }
    return true;
}

static bool connect_unix(struct link *link, const char *path, int64_t deadline)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strnlen(path, sizeof address.sun_path - 1));
    return connect_socket(link, (struct sockaddr *)&address, sizeof address, deadline);
}

/* One address of the host after another; each has its part of the time, so that a dead one leaves some to the next. */
static bool connect_network(struct link *link, const struct store_url *url, int64_t deadline)
{
    struct addrinfo *found;
    int error = lookup_host(&link->lookup, url->host, url->port, deadline, &found), count = 0;
    bool connected = false;
    if (error != 0)
        return fail(link, "cannot look up its name", lookup_reason(error));
    for (const struct addrinfo *at = found; at != NULL; at = at->ai_next)
        count++;
    for (const struct addrinfo *at = found; at != NULL && !connected; at = at->ai_next, count--) {
        int64_t now = link_clock();
        link_close(link);
        connected = connect_socket(link, at->ai_addr, at->ai_addrlen, now + (deadline - now) / count);
    }
    freeaddrinfo(found);
    return connected;
}

bool link_open(struct link *link, const struct store_url *url, int64_t deadline)
{
    link_close(link);
    if ((url->is_unix ? connect_unix(link, url->host, deadline) : connect_network(link, url, deadline)) &&
        (!url->tls || tls_open(link, url->host, deadline)))
        return true;
    link_close(link);
    return false;
}

/* No farewell by TLS: the other side may be slow, and nothing is left to say. */
void link_close(struct link *link)
{
    SSL_free(link->ssl);
    link->ssl = NULL;
    if (link->fd >= 0)
        close(link->fd);
    link->fd = -1;
}

/* ---- bytes ---- */

/* One step: LINK_OK also when it moved nothing and can be tried again. */
static enum link_result move_plain(struct link *link, char *in, const char *out, size_t size, size_t *moved, int64_t deadline)
{
    ssize_t result = in != NULL ? recv(link->fd, in, size, 0) : send(link->fd, out, size, MSG_NOSIGNAL);
    *moved = result > 0 ? (size_t)result : 0;
    if (result > 0 || (result < 0 && errno == EINTR))
        return LINK_OK;
    if (result < 0 && errno == EAGAIN)
        return await_event(link, in != NULL ? POLLIN : POLLOUT, deadline) ? LINK_OK : LINK_FAILED;
    if (result == 0 || errno == ECONNRESET || errno == EPIPE)
        return LINK_ENDED;
    fail(link, in != NULL ? "read" : "write", strerror(errno));
    return LINK_FAILED;
}

static enum link_result move_tls(struct link *link, char *in, const char *out, size_t size, size_t *moved, int64_t deadline)
{
    errno = 0;
    ERR_clear_error();
    int result = in != NULL ? SSL_read_ex(link->ssl, in, size, moved) : SSL_write_ex(link->ssl, out, size, moved);
    if (result == 1)
        return LINK_OK;
    *moved = 0;
    return tls_await(link, result, in != NULL ? "read" : "write", deadline);
}

static enum link_result move_some(struct link *link, char *in, const char *out, size_t size, size_t *moved, int64_t deadline)
{
    enum link_result result;
    do
        result = (link->ssl != NULL ? move_tls : move_plain)(link, in, out, size, moved, deadline);
    while (result == LINK_OK && *moved == 0);
    if (result == LINK_ENDED)
        fail(link, "it closed the connection", "");
    return result;
}

enum link_result link_write(struct link *link, const char *data, size_t length, int64_t deadline)
{
    enum link_result result = LINK_OK;
    for (size_t sent = 0, moved = 0; sent < length && result == LINK_OK; sent += moved)
        result = move_some(link, NULL, data + sent, length - sent, &moved, deadline);
    return result;
}

/* Who speaks a byte at a time is cut off by the deadline all the same. */
enum link_result link_read(struct link *link, char *data, size_t size, size_t *length, int64_t deadline)
{
    *length = 0;
    if (link_clock() > deadline) {
        fail(link, "it does not answer in time", "");
        return LINK_FAILED;
    }
    return move_some(link, data, NULL, size, length, deadline);
}
