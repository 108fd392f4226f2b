/* SPDX-License-Identifier: Apache-2.0
 *
 * See store_url.h.
 */
#include "store_url.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORM "write redis://[user:password@]host[:port][/db], rediss://..., unix:/path or memory"

static int hex(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? (c | 0x20) - 'a' + 10 : -1;
}

/* Copies up to 'end', with %xx decoded: passwords have any bytes, but NUL. */
static bool copy_decoded(const char *text, const char *end, char copy[STORE_TEXT_SIZE])
{
    size_t length = 0;
    for (; text < end; text++) {
        char c = *text;
        if (c == '%') {
            if (end - text < 3 || hex(text[1]) < 0 || hex(text[2]) < 0)
                return false;
            c = (char)(hex(text[1]) * 16 + hex(text[2]));
            text += 2;
        }
        if (c == 0 || length + 1 == STORE_TEXT_SIZE)
            return false;
        copy[length++] = c;
    }
    copy[length] = 0;
    return true;
}

static bool parse_number(const char *text, const char *end, long least, long most, long *number)
{
    char *stop;
    *number = strtol(text, &stop, 10);
    return isdigit((unsigned char)*text) && stop == end && *number >= least && *number <= most;
}

static const char *parse_user(const char *text, const char *at, struct store_url *url)
{
    const char *colon = memchr(text, ':', (size_t)(at - text));
    if (colon == NULL)
        return "a user has a password: write user:password@, or :password@ for that alone";
    if (!copy_decoded(text, colon, url->user) || !copy_decoded(colon + 1, at, url->password))
        return "user and password have up to 255 bytes each, and %xx for those that are special";
    return url->password[0] != 0 ? NULL : "there is no password before the '@'";
}

static const char *parse_host(const char *text, const char *end, struct store_url *url)
{
    const char *host_end = text, *port;
    long number = 6379;
    if (*text == '[') {
        host_end = memchr(text, ']', (size_t)(end - text));
        if (host_end == NULL)
            return "there is no ']' behind the address";
        text++;
        port = host_end + 1;
    } else {
        while (host_end < end && *host_end != ':')
            host_end++;
        port = host_end;
    }
    if (host_end == text || host_end - text >= STORE_TEXT_SIZE)
        return "there is no host in it; " FORM;
    memcpy(url->host, text, (size_t)(host_end - text));
    if (port < end && (*port != ':' || !parse_number(port + 1, end, 1, 65535, &number)))
        return "a port is a number from 1 to 65535; an IPv6 address stands in [ ]";
    snprintf(url->port, sizeof url->port, "%ld", number);
    return NULL;
}

/* A password may hold an '@' or a '/' if it is written as %xx; taking the last '@' before that would hide a mistake. */
static const char *parse_network(const char *text, struct store_url *url)
{
    const char *end = text + strcspn(text, "/"), *at = memchr(text, '@', (size_t)(end - text));
    const char *wrong = NULL;
    long database = 0;
    if (strpbrk(text, " \t?#") != NULL || strchr(end + (*end == '/'), '/') != NULL ||
        (at != NULL && memchr(at + 1, '@', (size_t)(end - at - 1)) != NULL))
        return "a blank, '?', '#', '@' or '/' in a password is written as %xx, and nothing follows the database; " FORM;
    if (*end == '/' && end[1] != 0 && !parse_number(end + 1, end + strlen(end), 0, STORE_DATABASE_MAX, &database))
        return "the database behind the '/' is a number";
    url->database = (int)database;
    if (at != NULL)
        wrong = parse_user(text, at, url);
    return wrong != NULL ? wrong : parse_host(at != NULL ? at + 1 : text, end, url);
}

const char *store_url_parse(const char *text, struct store_url *url)
{
    memset(url, 0, sizeof *url);
    if (strncmp(text, "unix:/", 6) == 0) {
        url->is_unix = true;
        return snprintf(url->host, sizeof url->host, "%s", text + 5) < STORE_PATH_SIZE ? NULL : "the path of a socket has up to 107 bytes";
    }
    if (strncmp(text, "redis://", 8) == 0)
        return parse_network(text + 8, url);
    url->tls = strncmp(text, "rediss://", 9) == 0;
    return url->tls ? parse_network(text + 9, url) : "it is none; " FORM;
}
