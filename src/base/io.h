/* SPDX-License-Identifier: Apache-2.0
 *
 * A thin layer over system calls on descriptors. 0 or -1 with errno, as the calls themselves.
 */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Closes *fd unless it is -1, and makes it -1. errno is kept. */
void io_close(int *fd);

/* Has what is written to (or read from) the descriptor go to /dev/null, and leaves its number taken. */
void io_silence(int fd);

/* For the beginning of a program: what is closed of standard input, output and error is opened on /dev/null, so that no file, socket or log
 * gets one of these numbers, which all the world reads and writes. The wrong way round: to use it fails as before. Returns 0 or -1. */
int io_occupy_standard(void);

/* Writes all of it, however many calls it takes. Returns 0, or -1 when the rest could not be written. */
int io_write_all(int fd, const void *data, size_t length);

/* Sends one message with up to 'count' descriptors on a SOCK_SEQPACKET socket; never waits. */
int io_send_message(int socket, const void *data, size_t length, const int *fds, size_t count);

/* Of a message that could not be sent: might it be in a moment? There was no memory for it, or no room. */
bool io_is_pressure(int error);

/* Receives one message and its descriptors (CLOEXEC; at most *count, set to how many came). Returns its
 * length, 0 at the end, or -1. Never waits. */
ssize_t io_receive_message(int socket, void *data, size_t size, int *fds, size_t *count);

/* Acknowledges at once what came on a TCP socket. The system puts that off for up to 40 ms, in the hope of an answer to send along, and a
 * client that sends a head and its body apart (Nagle's algorithm) keeps the second back for as long. Errors are of no account. */
void io_acknowledge(int fd);

/* An unlinked file in 'directory', for reading and writing. Returns the descriptor, or -1. */
int io_open_temporary(const char *directory);

#endif
