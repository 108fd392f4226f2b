/* SPDX-License-Identifier: Apache-2.0
 *
 * What ps shows of a process: the bytes of argv and the environment are written over, after the environment was
 * copied elsewhere.
 */
#ifndef BASE_TITLE_H
#define BASE_TITLE_H

/* Once, at the begin of main(). */
void title_init(int argc, char **argv);

void title_set(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
