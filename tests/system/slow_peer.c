/* SPDX-License-Identifier: Apache-2.0
 *
 * See slow_peer.h. A process with a thread for each connection; whatever it does not understand ends the connection.
 */
#include "slow_peer.h"

#include "harness.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static enum language spoken;

static bool answer(int fd, const char *bytes, size_t length)
{
    size_t half = length / 2;
    for (int i = 0; i < 2; i++) {
        nanosleep(&(struct timespec){0, SLOW_PEER_PAUSE_MS * 1000000}, NULL);
        size_t from = i == 0 ? 0 : half, to = i == 0 ? half : length;
        if (send(fd, bytes + from, to - from, MSG_NOSIGNAL) != (ssize_t)(to - from))
            return false;
    }
    return true;
}

/* Reads until there are so many lines. */
static bool read_lines(int fd, char *text, size_t size, size_t lines)
{
    size_t length = 0;
    do {
        ssize_t got = length < size - 1 ? recv(fd, text + length, size - 1 - length, 0) : 0;
        if (got <= 0)
            return false;
        length += (size_t)got;
        text[length] = 0;
    } while (text_count(text, "\r\n") < lines);
    return true;
}

/* "ECHO 17" as an array of two bulk strings. */
static bool speak_redis(int fd)
{
    char question[200], reply[100];
    long number;
    if (!read_lines(fd, question, sizeof question, 5) ||
        sscanf(question, "*2\r\n$4\r\nECHO\r\n$%*d\r\n%ld\r\n", &number) != 1)
        return false;
    int digits = snprintf(reply, sizeof reply, "%ld", number);
    return answer(fd, reply, (size_t)snprintf(reply, sizeof reply, "$%d\r\n%ld\r\n", digits, number));
}

static bool speak_http(int fd)
{
    char question[4000], reply[200];
    long number;
    if (!read_lines(fd, question, sizeof question, 1))
        return false;
    while (strstr(question, "\r\n\r\n") == NULL)
        if (!read_lines(fd, question + strlen(question), sizeof question - strlen(question), 1))
            return false;
    if (sscanf(question, "GET /%ld ", &number) != 1)
        return false;
    int digits = snprintf(reply, sizeof reply, "%ld", number);
    return answer(fd, reply, (size_t)snprintf(reply, sizeof reply, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%ld", digits, number));
}

/* Appends one message: its kind, its length with itself, and what is in it. */
static void put_message(char *text, size_t *at, char kind, const void *content, size_t length)
{
    uint32_t whole = htonl((uint32_t)length + 4);
    text[(*at)++] = kind;
    memcpy(text + *at, &whole, 4);
    memcpy(text + *at + 4, content, length);
    *at += 4 + length;
}

/* A message of the first kind has no letter. */
static bool read_message(int fd, bool first, char *content, size_t size)
{
    char head[5];
    uint32_t length;
    size_t head_length = first ? 4 : 5;
    if (recv(fd, head, head_length, MSG_WAITALL) != (ssize_t)head_length || (!first && head[0] != 'Q'))
        return false;
    memcpy(&length, head + head_length - 4, 4);
    length = ntohl(length) - 4;
    if (length >= size || recv(fd, content, length, MSG_WAITALL) != (ssize_t)length)
        return false;
    content[length] = 0;
    return true;
}

static bool greet_postgresql(int fd)
{
    char content[1000], reply[200];
    size_t length = 0;
    uint32_t code;
    for (;;) {
        if (!read_message(fd, true, content, sizeof content))
            return false;
        memcpy(&code, content, 4);
        if (ntohl(code) >> 16 == 3)
            break;
        if (!answer(fd, "N", 1)) /* neither TLS nor GSS */
            return false;
    }
    put_message(reply, &length, 'R', "\0\0\0", 4); /* no password */
    put_message(reply, &length, 'S', "client_encoding\0UTF8", 21);
    put_message(reply, &length, 'Z', "I", 1);
    return answer(fd, reply, length);
}

static bool speak_postgresql(int fd)
{
    static const char column[] = "\0\1number\0\0\0\0\0\0\0\0\0\0\31\377\377\377\377\377\377\0"; /* and the literal's own NUL */
    char question[200], row[100] = "\0\1\0\0\0", reply[400];
    size_t length = 0;
    long number;
    if (!read_message(fd, false, question, sizeof question) || sscanf(question, "SELECT %ld", &number) != 1)
        return false;
    row[5] = (char)snprintf(row + 6, sizeof row - 6, "%ld", number);
    put_message(reply, &length, 'T', column, sizeof column);
    put_message(reply, &length, 'D', row, 6 + (size_t)row[5]);
    put_message(reply, &length, 'C', "SELECT 1", 9);
    put_message(reply, &length, 'Z', "I", 1);
    return answer(fd, reply, length);
}

static void *converse(void *argument)
{
    int fd = (int)(intptr_t)argument;
    static bool (*const speak[])(int) = {speak_postgresql, speak_redis, speak_http};
    bool goes_on = spoken != LANGUAGE_POSTGRESQL || greet_postgresql(fd);
    while (goes_on)
        goes_on = speak[spoken](fd);
    close(fd);
    return NULL;
}

static void serve(int listener)
{
    pthread_attr_t detached;
    pthread_t thread;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) < 0 ||
            pthread_create(&thread, &detached, converse, (void *)(intptr_t)fd) != 0)
            _exit(1);
    }
}

int slow_peer_start(enum language language)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 100) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) < 0)
        harness_fail("cannot listen for a slow peer");
    spoken = language;
    if (process_fork() == 0)
        serve(listener);
    close(listener);
    return ntohs(address.sin_port);
}
