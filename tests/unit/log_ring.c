/* SPDX-License-Identifier: Apache-2.0 */
#include "shared/log_ring.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct log_ring *ring;
static struct log_target target;
static FILE *file;

static void setup(void)
{
    ring = mmap(NULL, sizeof *ring, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    file = tmpfile();
    log_target_open(&target, fileno(file));
}

static void teardown(void)
{
    fclose(file);
}

static void cr_written(const char *wanted)
{
    char got[4096];
    ssize_t length = pread(fileno(file), got, sizeof got - 1, 0);
    got[length > 0 ? length : 0] = 0;
    cr_expect_str_eq(got, wanted);
}

TestSuite(log_ring, .init = setup, .fini = teardown);

Test(log_ring, writes_out_what_was_appended_once)
{
    cr_expect(log_ring_is_empty(ring));
    cr_assert(log_ring_append(ring, "one\n", 4));
    cr_assert(log_ring_append(ring, "two\n", 4));
    cr_expect_eq(log_ring_length(ring), 8);
    cr_expect_eq(log_ring_write(ring, &target, getpid()), 0);
    log_ring_write(ring, &target, getpid());
    cr_expect(log_ring_is_empty(ring));
    cr_written("one\ntwo\n");
}

Test(log_ring, a_full_ring_takes_no_more_and_all_after_it_was_written)
{
    char line[1000];
    size_t lines = 0;
    memset(line, 'x', sizeof line);
    line[999] = '\n';
    while (log_ring_append(ring, line, sizeof line))
        lines++;
    cr_expect_eq(lines, LOG_RING_SIZE / 1000);
    log_ring_write(ring, &target, getpid());
    for (size_t i = 0; i < lines; i++) /* now across the end */
        cr_assert(log_ring_append(ring, line, sizeof line));
    log_ring_write(ring, &target, getpid());
    cr_expect_eq(lseek(fileno(file), 0, SEEK_END), (off_t)(2 * lines * 1000));
}

Test(log_ring, only_one_writes_at_a_time_and_a_dead_one_is_succeeded)
{
    atomic_store(&ring->writer, 4711);
    log_ring_append(ring, "line\n", 5);
    cr_expect_eq(log_ring_write(ring, &target, getpid()), 0);
    cr_written("");
    log_ring_recover(ring, &target, 4712); /* somebody else died */
    log_ring_write(ring, &target, getpid());
    cr_written("");
    log_ring_recover(ring, &target, 4711);
    log_ring_write(ring, &target, getpid());
    cr_written("\nline\n");
}

/* The slot's next worker could write nothing for ever. */
Test(log_ring, whoever_wrote_over_its_writer_is_forgotten_with_its_worker)
{
    atomic_store(&ring->writer, 0x7e7e7e7e);
    log_ring_append(ring, "line\n", 5);
    log_ring_free(ring);
    log_ring_write(ring, &target, getpid());
    cr_written("line\n");
}

Test(log_ring, lines_that_cannot_be_written_are_counted)
{
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    log_target_open(&target, full);
    log_ring_append(ring, "one\n", 4);
    log_ring_append(ring, "two\n", 4);
    cr_expect_eq(log_ring_write(ring, &target, getpid()), 2);
    cr_expect_eq(errno, ENOSPC);
    cr_expect(log_ring_is_empty(ring));
    close(full);
}

static void expect_emptied(uint64_t head, uint64_t tail)
{
    atomic_store(&ring->head, head);
    atomic_store(&ring->tail, tail);
    cr_expect_not(log_ring_append(ring, "one\n", 4));
    cr_expect_eq(log_ring_write(ring, &target, getpid()), 1);
    cr_expect_eq(errno, EBADMSG);
    cr_expect(log_ring_is_empty(ring));
    cr_expect(log_ring_append(ring, "two\n", 4));
    cr_expect_eq(log_ring_write(ring, &target, getpid()), 0);
    cr_expect(log_ring_is_empty(ring));
}

/* By a module: the master, who reads it too, must neither leave it nor go round in it for years. */
Test(log_ring, one_that_was_written_over_is_emptied, .timeout = 10)
{
    expect_emptied(UINT64_C(1) << 60, 0);
    expect_emptied(LOG_RING_SIZE + 1, 0);
    expect_emptied(5, 6);
    expect_emptied(UINT64_MAX, 7);
    cr_written("two\ntwo\ntwo\ntwo\n");
}

/* As a disk that gets full does it: half a line is there, the rest of it and the next are dropped. */
Test(log_ring, half_a_line_is_ended_before_the_next)
{
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit narrow = {6, RLIM_INFINITY}, wide = {RLIM_INFINITY, RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &narrow), 0);
    log_ring_append(ring, "one\ntwo\nthree\n", 14);
    cr_expect_eq(log_ring_write(ring, &target, getpid()), 2);
    log_ring_append(ring, "four\n", 5);
    cr_expect_eq(log_ring_write(ring, &target, getpid()), 1);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &wide), 0);
    log_ring_append(ring, "five\n", 5);
    cr_expect_eq(log_ring_write(ring, &target, getpid()), 0);
    log_ring_append(ring, "six\n", 4);
    cr_expect_eq(log_ring_write(ring, &target, getpid()), 0);
    cr_written("one\ntw\nfive\nsix\n");
}

Test(log_ring, off_means_gone)
{
    log_target_open(&target, -1);
    log_ring_append(ring, "one\n", 4);
    cr_expect_eq(log_ring_write(ring, &target, getpid()), 0);
    cr_expect(log_ring_is_empty(ring));
}

Test(log_ring, a_full_pipe_keeps_its_lines_for_later_and_gets_whole_ones)
{
    int pipes[2];
    char line[1000], got[65536];
    memset(line, 'x', sizeof line);
    line[999] = '\n';
    cr_assert_eq(pipe(pipes), 0);
    fcntl(pipes[1], F_SETPIPE_SZ, 8192);
    log_target_open(&target, pipes[1]);
    cr_assert(target.pipe);
    for (int i = 0; i < 20; i++)
        log_ring_append(ring, line, sizeof line);
    cr_expect_eq(log_ring_write(ring, &target, getpid()), 0);
    cr_expect_not(log_ring_is_empty(ring));
    ssize_t length = read(pipes[0], got, sizeof got);
    cr_expect_eq(length % 1000, 0);
    while (!log_ring_is_empty(ring)) {
        log_ring_write(ring, &target, getpid());
        length += read(pipes[0], got, sizeof got);
    }
    cr_expect_eq(length, 20000);
}

static void work_until_killed(void)
{
    for (unsigned i = 0;; i++) {
        char line[64];
        int length = snprintf(line, sizeof line, "line %u of a worker\n", i);
        while (!log_ring_append(ring, line, (size_t)length))
            log_ring_write(ring, &target, getpid());
        if (log_ring_length(ring) > LOG_RING_SIZE / 2)
            log_ring_write(ring, &target, getpid());
    }
}

/* Numbers rise by one; where a write was cut short they go back, as it is made again. None is missing. */
static void cr_nothing_lost(void)
{
    char line[256], tail[64];
    unsigned number, expected = 0;
    rewind(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "line %u of a %63s", &number, tail) != 2 || strcmp(tail, "worker") != 0)
            continue; /* cut short */
        cr_assert_leq(number, expected, "after %u came %s", expected, line);
        expected = number + 1;
    }
}

/* A worker killed at any instruction leaves nothing that the master waits for, and no line is lost. */
Test(log_ring, no_line_of_a_killed_worker_is_lost, .timeout = 30)
{
    for (int round = 0; round < 30; round++) {
        pid_t pid = fork();
        if (pid == 0)
            work_until_killed();
        usleep((useconds_t)(random() % 3000));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        log_ring_recover(ring, &target, pid);
        log_ring_write(ring, &target, getpid());
        cr_assert(log_ring_is_empty(ring));
    }
    cr_nothing_lost();
}
