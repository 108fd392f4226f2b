/* SPDX-License-Identifier: Apache-2.0
 *
 * What came in a message: taken one by one, with the descriptors that are each one's own; and what was not taken passed on as it came.
 */
#include "base/io.h"
#include "worker/parcels.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SECRET = 4711, OWN = 3 };

/* Every kind of record there is, and the descriptors it has: 's'ocket, 'p'ack, s'f'ile of a spooled body. */
static const struct kind {
    uint32_t input;
    uint64_t body;
    bool spooled;
    const char *fds;
} kinds[] = {
    {0, 0, false, "s"}, {5, 0, false, "sp"}, {5, 7, false, "sp"}, {0, 7, false, "sp"}, {5, 7, true, "spf"},
    {0, 7, true, "sf"}, {0, 0, true, "sf"},  {0, 0, false, "s"},  {1, 0, true, "spf"},
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

static struct worker_setup setup;
static struct slot slot;
static struct worker worker;
static int open_before;

static int count_open(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

static void init(void)
{
    setup = (struct worker_setup){.board = scoreboard_new(), .slot = &slot};
    cr_assert_eq(handoff_open(setup.channel), 0);
    worker = (struct worker){.setup = &setup, .slot = &slot, .secret = SECRET, .held = OWN};
    table_expect(&worker, 0);
    open_before = count_open();
}

TestSuite(parcels, .init = init, .timeout = 60);

/* A descriptor that can be told from others: there is one word in it. */
static int marked(char what, uint32_t number)
{
    char word[16];
    int fd = memfd_create("marked", MFD_CLOEXEC), length = snprintf(word, sizeof word, "%c%u", what, number);
    cr_assert_eq(write(fd, word, (size_t)length), length);
    return fd;
}

static void expect_marked_and_close(int fd, bool wanted, char what, uint32_t number)
{
    char expected[16], word[16] = "";
    if (!wanted) {
        cr_expect_eq(fd, -1);
        return;
    }
    snprintf(expected, sizeof expected, "%c%u", what, number);
    cr_expect_geq(pread(fd, word, sizeof word - 1, 0), 0);
    cr_expect_str_eq(word, expected);
    close(fd);
}

/* 'count' records of kinds in turn, which their 'served' numbers, and their descriptors. */
static struct handoff_message message_of(uint32_t count, int *fds, unsigned *fd_count)
{
    struct handoff_message message = {.version = HANDOFF_VERSION, .count = count};
    *fd_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct kind *kind = &kinds[i % KINDS];
        message.records[i] = (struct handoff_record){.served = i, .input = kind->input, .body = kind->body, .spooled = kind->spooled,
                                                     .deadline = 1000 + i, .began = 2000 + i, .answer = 500};
        for (const char *what = kind->fds; *what != 0; what++)
            fds[(*fd_count)++] = marked(*what, i);
    }
    return message;
}

static void send_and_close(const struct handoff_message *message, const int *fds, unsigned fd_count, unsigned sent)
{
    cr_assert_eq(handoff_send(setup.channel[0], message, fds, sent), 0);
    for (unsigned i = 0; i < fd_count; i++)
        close(fds[i]);
}

static void send_kinds(uint32_t count)
{
    int fds[HANDOFF_BATCH * HANDOFF_FDS];
    unsigned fd_count;
    struct handoff_message message = message_of(count, fds, &fd_count);
    send_and_close(&message, fds, fd_count, fd_count);
}

static void expect_next(uint32_t number)
{
    struct parcel parcel;
    const char *fds = kinds[number % KINDS].fds;
    cr_assert(parcels_next(&worker, &parcel), "%u", number);
    cr_expect_eq(parcel.record.served, number);
    cr_expect_eq(parcel.record.deadline, 1000 + number);
    cr_expect_eq(parcel.record.began, 2000 + number);
    cr_expect_eq(parcel.record.answer, 500);
    expect_marked_and_close(parcel.socket, true, 's', number);
    expect_marked_and_close(parcel.pack, strchr(fds, 'p') != NULL, 'p', number);
    expect_marked_and_close(parcel.spool, strchr(fds, 'f') != NULL, 'f', number);
    table_expect(&worker, parcels_left()); /* as adopt() does */
}

/* Nor was a descriptor left open. */
static void expect_no_more(void)
{
    struct parcel parcel;
    cr_expect_not(parcels_next(&worker, &parcel));
    cr_expect_eq(parcels_left(), 0);
    cr_expect_eq(worker.coming, 0);
    cr_expect_eq(atomic_load(&slot.held), OWN);
    cr_expect_eq(worker.damaged, 0);
    cr_expect_eq(count_open(), open_before);
}

Test(parcels, nothing_comes_from_an_empty_channel)
{
    cr_expect_not(parcels_receive(&worker));
    cr_expect_eq(worker.coming, 0);
    cr_expect(parcels_pass_on(&worker));
    cr_expect_eq(worker.damaged, 0);
}

Test(parcels, each_has_its_own_descriptors)
{
    for (uint32_t count = 1; count <= HANDOFF_BATCH; count++) {
        send_kinds(count);
        cr_assert(parcels_receive(&worker));
        for (uint32_t i = 0; i < count; i++) {
            cr_expect_eq(parcels_left(), count - i);
            cr_expect_eq(atomic_load(&slot.held), OWN + count - i);
            expect_next(i);
        }
        expect_no_more();
        cr_expect_eq(atomic_load(&setup.board->totals.lost), 0);
    }
}

/* By whoever takes it next, and so as the first giver said. Which is told to nobody twice. */
Test(parcels, what_is_left_is_passed_on_as_it_came)
{
    for (uint32_t taken = 0; taken <= HANDOFF_BATCH; taken++) {
        send_kinds(HANDOFF_BATCH);
        cr_assert(parcels_receive(&worker));
        for (uint32_t i = 0; i < taken; i++)
            expect_next(i);
        cr_expect(parcels_pass_on(&worker));
        expect_no_more();
        cr_expect(parcels_pass_on(&worker));
        cr_expect_eq(parcels_receive(&worker), taken < HANDOFF_BATCH);
        for (uint32_t i = taken; i < HANDOFF_BATCH; i++)
            expect_next(i);
        expect_no_more();
        cr_expect_not(parcels_receive(&worker));
    }
}

/* The channel is full, say. */
Test(parcels, what_cannot_be_passed_on_is_still_there)
{
    int giving = setup.channel[0];
    send_kinds(4);
    cr_assert(parcels_receive(&worker));
    expect_next(0);
    setup.channel[0] = -1;
    cr_expect_not(parcels_pass_on(&worker));
    cr_expect_eq(atomic_load(&slot.held), OWN + 3);
    expect_next(1);
    cr_expect_not(parcels_pass_on(&worker));
    setup.channel[0] = giving;
    cr_expect(parcels_pass_on(&worker));
    expect_no_more();
    cr_expect(parcels_receive(&worker));
    expect_next(2);
    expect_next(3);
    expect_no_more();
}

/* Another secret is as good as another byte: see tests/unit/checksum.c. What is damaged stays: it ends with the process. */
Test(parcels, what_was_written_over_is_neither_taken_nor_passed_on)
{
    struct parcel parcel;
    send_kinds(3);
    cr_assert(parcels_receive(&worker));
    expect_next(0);
    worker.secret++;
    cr_expect_not(parcels_next(&worker, &parcel));
    cr_expect_eq(worker.damaged, 1);
    worker.damaged = 0;
    worker.overwritten = 5;
    cr_expect(parcels_pass_on(&worker), "it is of no use to try again");
    cr_expect_eq(worker.damaged, 1);
    cr_expect_eq(worker.overwritten, 7, "counted as lost");
    cr_expect_eq(atomic_load(&slot.held), OWN + 2);
    worker.secret--;
    worker.damaged = 0;
    expect_next(1);
    expect_next(2);
    expect_no_more();
    worker.secret++;
    cr_expect(parcels_pass_on(&worker), "nothing is left that could be written over");
    cr_expect_eq(worker.damaged, 0);
}

/* Of another version, or no message at all. */
Test(parcels, what_is_not_understood_is_closed)
{
    static const struct {
        uint32_t version, count;
    } wrong[] = {{HANDOFF_VERSION + 1, 3}, {0, 3}, {HANDOFF_VERSION, HANDOFF_BATCH + 1}, {HANDOFF_VERSION, UINT32_MAX},
                 {HANDOFF_VERSION, 0}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int fds[HANDOFF_BATCH * HANDOFF_FDS];
        unsigned fd_count;
        struct handoff_message message = message_of(3, fds, &fd_count);
        message.version = wrong[i].version;
        message.count = wrong[i].count;
        cr_assert_eq(io_send_message(setup.channel[0], &message, sizeof message, fds, fd_count), 0);
        for (unsigned k = 0; k < fd_count; k++)
            close(fds[k]);
        cr_expect(parcels_receive(&worker));
        expect_no_more();
        expect_no_more();
    }
}

/* A record is as good as its last descriptor, and none behind it has any. Those that are of no use are closed. */
Test(parcels, a_record_that_lacks_a_descriptor_is_lost_with_all_behind_it)
{
    unsigned all = 0, whole = 0;
    for (int i = 0; i < KINDS; i++)
        all += (unsigned)strlen(kinds[i].fds);
    uint32_t fitting = 0, lost = 0;
    for (unsigned sent = 0; sent <= all; sent++) {
        int fds[HANDOFF_BATCH * HANDOFF_FDS];
        unsigned fd_count;
        struct handoff_message message = message_of(KINDS, fds, &fd_count);
        cr_assert_eq(fd_count, all);
        send_and_close(&message, fds, fd_count, sent);
        if (sent == whole + strlen(kinds[fitting % KINDS].fds) && fitting < KINDS)
            whole += (unsigned)strlen(kinds[fitting++].fds);
        cr_assert(parcels_receive(&worker));
        cr_expect_eq(parcels_left(), fitting, "%u of %u", sent, all);
        cr_expect_eq(atomic_load(&slot.held), OWN + fitting);
        for (uint32_t i = 0; i < fitting; i++)
            expect_next(i);
        expect_no_more();
        lost += KINDS - fitting;
        cr_expect_eq(atomic_load(&setup.board->totals.lost), lost);
    }
    cr_expect_eq(fitting, KINDS);
}

Test(parcels, descriptors_beyond_the_records_are_closed)
{
    int fds[HANDOFF_BATCH * HANDOFF_FDS];
    unsigned fd_count;
    struct handoff_message message = message_of(4, fds, &fd_count);
    message.count = 2;
    send_and_close(&message, fds, fd_count, fd_count);
    cr_assert(parcels_receive(&worker));
    expect_next(0);
    expect_next(1);
    expect_no_more();
    cr_expect_eq(atomic_load(&setup.board->totals.lost), 0);
}

/* Its soft limit a receiver goes beyond, see handoff.h; at the hard one the kernel closes what does not fit. */
Test(parcels, at_the_limit_of_descriptors_what_fits_is_taken)
{
    enum { ABOVE = 100 }; /* all that are open */
    send_kinds(4);        /* s, sp, sp, sp */
    while (dup(0) < ABOVE)
        continue;
    close(ABOVE);
    open_before = count_open();
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){ABOVE, ABOVE + 4});
    cr_assert(parcels_receive(&worker));
    cr_expect_eq(parcels_left(), 2);
    cr_expect_eq(atomic_load(&setup.board->totals.lost), 2);
    expect_next(0);
    expect_next(1);
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){ABOVE + 4, ABOVE + 4});
    expect_no_more();
}
