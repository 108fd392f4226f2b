/* SPDX-License-Identifier: Apache-2.0
 *
 * The measures that README quotes. Each starts its own tine ($TINE), prints one line with the number and
 * its bound, and returns whether the bound was met. They share the system tests' harness.
 */
#ifndef MEASURE_MEASURE_H
#define MEASURE_MEASURE_H

#include "../system/client.h"

#define EIGHT_WORKERS "[server]\nlisten = 127.0.0.1:0\nworkers = 8\n[log]\naccess = off\n"

bool measure_accept(void);
bool measure_start(void);
bool measure_memory(void);
bool measure_connections(void);
bool measure_slow(void);
bool measure_rude(void);
bool measure_routes(void);
bool measure_batteries(void);
bool measure_idle(void);
bool measure_save(void);

/* Waits until each of 'count' workers sleeps in accept; how many do. */
size_t workers_in_accept(const pid_t *workers, size_t count);

/* Nanoseconds that the process has run. */
long long cpu_ns(pid_t process);

/* Prints "met" or "MISSED" and the line, and returns 'met'. */
bool report(bool met, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
