/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of a session's cookie: what is read is what was written, and nothing else is read at all.
 * Needs: libcrypto
 */
#include "modules/loaded/common/ticket.h"

#include "app/request.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const struct head_limits limits = {100, 100, 100, 10};
static const struct seal seal = {1, {{"0123456789abcdef0123456789abcdef", 32}}};
static struct tine_request *r;

static void setup(void)
{
    r = request_new(&limits);
}

static void teardown(void)
{
    request_free(r);
}

TestSuite(ticket, .init = setup, .fini = teardown);

#define ID "abcdefghijklmnopqrstuv"

static struct ticket ticket_of(const char *data, size_t length)
{
    return (struct ticket){.created = 1700000000, .seen = 1700000100, .id = ID, .data = data, .length = length};
}

Test(ticket, is_read_as_it_was_written)
{
    static const char *const datas[] = {"", "{}", "{\"user\":\"ada\"}", "x", "\xff\xfe\x01"};
    for (size_t i = 0; i < sizeof datas / sizeof datas[0]; i++) {
        struct ticket written = ticket_of(datas[i], strlen(datas[i])), read;
        const char *text = ticket_format(&written, r, &seal, "p");
        cr_assert(ticket_parse(&read, r, &seal, "p", text), "%s", text);
        cr_expect_eq(read.created, 1700000000);
        cr_expect_eq(read.seen, 1700000100);
        cr_expect_str_eq(read.id, ID);
        cr_expect_eq(read.length, strlen(datas[i]));
        cr_expect_str_eq(read.data, datas[i]);
        cr_expect_eq(read.key, 0);
        cr_expect_eq(text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")], 0,
                     "it is no cookie's value: %s", text);
    }
}

Test(ticket, of_which_a_byte_is_another_is_none)
{
    struct ticket written = ticket_of("{\"user\":\"ada\"}", 14), read;
    char *text = tine_printf(r, "%s", ticket_format(&written, r, &seal, "p"));
    for (size_t i = 0; text[i] != 0; i++) {
        char was = text[i];
        for (const char *other = "A9.\x01"; *other != 0; other++) {
            text[i] = *other;
            cr_expect(was == *other || !ticket_parse(&read, r, &seal, "p", text), "%s", text);
        }
        text[i] = 0; /* and cut off there */
        cr_expect(!ticket_parse(&read, r, &seal, "p", text), "%s", text);
        text[i] = was;
    }
    cr_expect(!ticket_parse(&read, r, &seal, "q", text));
    cr_expect(!ticket_parse(&read, r, &seal, "p", tine_printf(r, "%s.", text)));
    cr_expect(ticket_parse(&read, r, &seal, "p", text));
}

/* What was signed by the right key, and yet is none: of a version that is to come, or for another use of the same purpose. */
Test(ticket, that_is_signed_and_not_one_is_none)
{
    static const char *const texts[] = {
        "", ".", "..", "...", "1.2", "1.2." ID, "1.2." ID "x.", "1.2.abc.", "1.2." ID ".!", "1.2." ID ".A", "1.2." ID ".AA.AA", "x"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct ticket read;
        char signature[SEAL_TEXT + 1];
        seal_sign(&seal, "p", texts[i], strlen(texts[i]), signature);
        bool is_one = ticket_parse(&read, r, &seal, "p", tine_printf(r, "%s.%s", texts[i], signature));
        cr_expect_eq(is_one, strcmp(texts[i], "1.2." ID) == 0, "'%s'", texts[i]); /* no data */
    }
    cr_expect(!ticket_parse(&(struct ticket){0}, r, &seal, "p", "no dot"));
    cr_expect(!ticket_parse(&(struct ticket){0}, r, &seal, "p", ""));
}

Test(ticket, that_no_browser_would_keep_is_not_made)
{
    static char data[TICKET_MAX];
    memset(data, 'x', sizeof data);
    struct ticket largest = ticket_of(data, 2760), larger = ticket_of(data, 2790), read;
    const char *text = ticket_format(&largest, r, &seal, "p");
    cr_assert(text != NULL && strlen(text) <= TICKET_MAX);
    cr_expect(ticket_parse(&read, r, &seal, "p", text) && read.length == 2760);
    cr_expect_null(ticket_format(&larger, r, &seal, "p"));
    cr_expect_null(ticket_format(&(struct ticket){.data = data, .length = sizeof data}, r, &seal, "p"));
    char *longer = tine_printf(r, "%*s.x", TICKET_MAX, "x");
    cr_expect(!ticket_parse(&read, r, &seal, "p", longer));
}

Test(ticket, renewed_is_another)
{
    struct ticket ticket = ticket_of("", 0);
    ticket_renew(&ticket, 1800000000);
    cr_expect_str_neq(ticket.id, ID);
    cr_expect_eq(strlen(ticket.id), TICKET_ID_TEXT);
    cr_expect(ticket.created == 1800000000 && ticket.seen == 1800000000);
}
