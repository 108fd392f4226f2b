/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes from a connection into memory. See answer.h.
 */
#include "answer.h"

#include "../system/harness.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 16384 };

void wire_release(struct wire *wire)
{
    if (wire->fd >= 0)
        close(wire->fd);
    free(wire->data);
    *wire = (struct wire){.fd = -1};
}

long wire_receive(struct wire *wire, int64_t deadline)
{
    struct pollfd readable = {.fd = wire->fd, .events = POLLIN};
    int64_t left = deadline - now_ms();
    if (wire->ended)
        return 0;
    if (wire->capacity - wire->length < ROOM)
        wire->data = realloc(wire->data, wire->capacity += 2 * ROOM);
    if (poll(&readable, 1, left > 0 ? (int)left : 0) != 1)
        return -1;
    ssize_t got = recv(wire->fd, wire->data + wire->length, wire->capacity - wire->length - 1, 0);
    wire->ended = got <= 0;
    wire->reset = got < 0;
    wire->length += got > 0 ? (size_t)got : 0;
    wire->data[wire->length] = 0;
    return got > 0 ? got : 0;
}
