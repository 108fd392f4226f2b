/* SPDX-License-Identifier: Apache-2.0
 *
 * What every system test and measure needs: failing with a reason, waiting for a condition with a
 * bound, a directory of its own, text files, and running a program to its end. Nothing here knows
 * Criterion: harness_fail() is supplied by whoever links it (fail.c for the tests).
 */
#ifndef SYSTEM_HARNESS_H
#define SYSTEM_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Milliseconds that anything may take that should happen at once: long enough for a sanitizer build on
 * a machine with eight tests beside it. Only ever a bound, never slept through. */
enum { PATIENCE = 20000 };

/* Ends the test (or the measure) with a message. */
void harness_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

int64_t now_ms(void); /* monotonic */
int64_t now_us(void);

/* Waits until 'condition' (an expression) holds, looking every few milliseconds; false after 'ms'. */
#define wait_until(ms, condition) __extension__({                   \
        int64_t wait_deadline_ = now_ms() + (ms);                   \
        bool wait_met_;                                             \
        while (!(wait_met_ = (condition)) && now_ms() < wait_deadline_) \
            pause_shortly();                                        \
        wait_met_; })

/* The same, and a failed test if it never holds. */
#define await(condition)                                                                        \
    do {                                                                                        \
        if (!wait_until(PATIENCE, condition))                                                   \
            harness_fail("%s:%d: waited %d s for: %s", __FILE__, __LINE__, PATIENCE / 1000, #condition); \
    } while (0)

void pause_shortly(void); /* 5 ms, between two looks */

/* Absolute path of the binary under test ($TINE), and of the test modules that stand beside it. */
const char *tine_path(void);

/* May the user nobody, whom workers are when root runs the tests, come to where tine lies? Not in a checkout below /root. */
bool nobody_can_reach_tine(void);
const char *modules_path(void);

/* This process' own directory, made on first use, mode 0755 (workers may run as nobody), removed when the
 * process ends, however it ends. */
const char *test_dir(void);

/* 'process' and its group are killed when this process ends, if they still run then: workers whose master is gone, a daemon. */
void kill_at_exit(pid_t process);

/* Text formatted into memory that lives as long as the test. */
char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A file's whole content (NUL behind it), malloc'd; "" when it cannot be read. 'length' may be NULL. */
char *file_read(const char *path, size_t *length);
void file_write(const char *path, const char *content);
void file_write_bytes(const char *path, const void *bytes, size_t length);
bool file_exists(const char *path);

/* Is tine built with sanitizers? What is not (a compiler's plain program, a module of `tine run`) then lives with theirs. */
bool is_sanitized(void);

/* How often 'needle' stands in 'haystack'. */
size_t text_count(const char *haystack, const char *needle);

/* Does the extended regular expression match somewhere ('^' and '$' at line ends)? */
bool text_matches(const char *haystack, const char *expression);

/* Fails unless each of so many expressions matches. */
void expect_matches(const char *haystack, const char *const *expressions, size_t count);

/* A program that ran to its end. */
struct run {
    int code; /* exit code, or 128 + signal */
    char *out, *err;
};

/* Runs argv[0] (found by PATH) until it ends, a failed test if it takes longer than PATIENCE. */
struct run run_program(const char *const *argv);
struct run run_program_within(int64_t ms, const char *const *argv);
#define run(...) run_program((const char *const[]){__VA_ARGS__, NULL})
#define run_tine(...) run(tine_path(), __VA_ARGS__)
bool program_exists(const char *name);

/* A port of 127.0.0.1 for who is to be told its number, or to be started on it again. It is nobody else's until this process ends: we hold
 * it, and do not listen, so that whoever sets SO_REUSEADDR can, as servers do; connections and those who ask for any port do not get it. */
int port_reserve(void);

/* Starts argv in a process group of its own, with standard input from /dev/null and the two outputs appended to
 * files; it dies with us. */
pid_t process_start(const char *const *argv, const char *out_path, const char *err_path);

/* What every process started from now on finds as its descriptors 3, 4, ...; a count of 0: nothing, as at first. */
void process_pass(const int *fds, size_t count);

/* fork() for a client that runs beside the test: it dies with us. Leave it with _exit(). */
pid_t process_fork(void);

/* Waits for a child: its exit code, 128 + signal, or -1 when it still runs after 'ms'. */
int process_wait(pid_t process, int64_t ms);

bool process_alive(pid_t process); /* exists and is no zombie */

int64_t process_age_ms(pid_t process); /* since its fork; of one that is gone, since the system started */

/* Direct children of a process, at most 'max', the oldest first. */
size_t process_children(pid_t process, pid_t *children, size_t max);

/* One file of /proc/PID, as text ("" when the process is gone); NULs of cmdline become blanks. */
char *process_file(pid_t process, const char *name);

int process_sockets(pid_t process); /* descriptors of sockets that it has */

/* It rests: in a second from now it runs for a fifth of it at the most. 'what' is told if not. */
void process_expect_rest(pid_t process, const char *what);

#endif
