/* SPDX-License-Identifier: Apache-2.0
 *
 * The message around a head. What could be read in two ways by two servers in a row is refused,
 * whichever reading would be right (RFC 9112, 11.2). After a refusal the connection must be closed:
 * where the message ends is not known.
 */
#include "http/framing.h"

#include "http/fields.h"
#include "http/uri.h"

static int refuse(struct framing *framing, int status, const char *reason)
{
    framing->status = status;
    framing->reason = reason;
    framing->keep_alive = false;
    return -1;
}

static bool is_repeated(const struct head *head, enum head_known known)
{
    return (head->repeated & UINT32_C(1) << known) != 0;
}

/* RFC 9112, 3.2. That the host is this server's is the router's business; with absolute-form the
 * target's authority counts, but a bad Host is refused all the same. */
static int check_host(struct framing *framing, const struct head *head, const char *bytes)
{
    struct slice host = head_value(head, bytes, HEAD_HOST);
    if (host.data == NULL)
        return head->minor_version == 0 ? 0 : refuse(framing, 400, "HTTP/1.1 needs a Host field");
    if (is_repeated(head, HEAD_HOST))
        return refuse(framing, 400, "more than one Host field");
    if (!authority_is_valid(host))
        return refuse(framing, 400, "the Host field is not a host with an optional port");
    return 0;
}

/* RFC 9112, 6.1 and 6.3. Chunked is the only coding known here, so anything but that one word is
 * refused; the cases are told apart for the sake of the status: where chunked is not the last one,
 * the end of the body is unknown (a MUST for 400), elsewhere it is the coding that is (501). */
static int decide_chunked(struct framing *framing, const struct head *head, struct slice codings)
{
    struct slice chunked = SLICE("chunked"), rest = codings, coding = {NULL, 0};
    unsigned times = 0, others = 0;

    if (head->minor_version == 0)
        return refuse(framing, 400, "Transfer-Encoding in an HTTP/1.0 request");
    if (head->known[HEAD_CONTENT_LENGTH] != 0)
        return refuse(framing, 400, "both Transfer-Encoding and Content-Length");
    if (is_repeated(head, HEAD_TRANSFER_ENCODING))
        return refuse(framing, 400, "more than one Transfer-Encoding field");
    framing->body = BODY_CHUNKED;
    if (slice_equals_nocase(codings, chunked))
        return 0;
    while (field_list_next(&rest, &coding)) {
        if (slice_equals_nocase(coding, chunked))
            times++;
        else
            others++;
    }
    if (times != 1 || !slice_equals_nocase(coding, chunked))
        return refuse(framing, 400, "Transfer-Encoding does not end in the one chunked");
    if (others == 0)
        return refuse(framing, 400, "Transfer-Encoding has empty elements");
    return refuse(framing, 501, "a transfer coding other than chunked");
}

/* RFC 9112, 6.3. Nothing but digits, not even the list of equal numbers that the RFC lets a
 * recipient repair. The highest is INT64_MAX, so that off_t holds it. */
static int decide_length(struct framing *framing, const struct head *head, struct slice digits)
{
    uint64_t length = 0;

    if (is_repeated(head, HEAD_CONTENT_LENGTH))
        return refuse(framing, 400, "more than one Content-Length field");
    if (digits.length == 0)
        return refuse(framing, 400, "Content-Length is empty");
    for (size_t i = 0; i < digits.length; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return refuse(framing, 400, "Content-Length is not a number");
        unsigned digit = (unsigned)(digits.data[i] - '0');
        if (length > ((uint64_t)INT64_MAX - digit) / 10)
            return refuse(framing, 400, "Content-Length is out of range");
        length = length * 10 + digit;
    }
    framing->body = length > 0 ? BODY_LENGTH : BODY_NONE;
    framing->length = length;
    return 0;
}

static int decide_body(struct framing *framing, const struct head *head, const char *bytes)
{
    struct slice codings = head_value(head, bytes, HEAD_TRANSFER_ENCODING);
    struct slice length = head_value(head, bytes, HEAD_CONTENT_LENGTH);
    if (codings.data != NULL)
        return decide_chunked(framing, head, codings);
    if (length.data != NULL)
        return decide_length(framing, head, length);
    return 0;
}

/* Is nothing but 100-continue expected? Empty elements of the list are none (RFC 9110, 5.6.1.2), so '*any' tells whether it is. */
static bool expects_continue_alone(const struct head *head, const char *bytes, bool *any)
{
    for (uint32_t i = head->known[HEAD_EXPECT] - 1u; i < head->count; i++) {
        const struct head_field *field = &head->fields[i];
        struct slice name = {bytes + field->name, field->name_length}, rest = {bytes + field->value, field->value_length}, expectation;
        if (!slice_equals_nocase(name, SLICE("expect")))
            continue;
        while (field_list_next(&rest, &expectation)) {
            if (!slice_equals_nocase(expectation, SLICE("100-continue")))
                return false;
            *any = true;
        }
    }
    return true;
}

/* RFC 9110, 10.1.1: in HTTP/1.0 100-continue means nothing, and without a body there is nothing to
 * wait for. */
static int decide_expect(struct framing *framing, const struct head *head, const char *bytes)
{
    bool any = false;
    if (head->known[HEAD_EXPECT] == 0)
        return 0;
    if (!expects_continue_alone(head, bytes, &any))
        return refuse(framing, 417, "an expectation other than 100-continue");
    framing->expect_continue = any && head->minor_version > 0 && framing->body != BODY_NONE;
    return 0;
}

/* Is 'option' in any of the Connection fields? */
static bool has_option(const struct head *head, const char *bytes, struct slice option)
{
    if (!is_repeated(head, HEAD_CONNECTION))
        return field_list_has(head_value(head, bytes, HEAD_CONNECTION), option);
    for (uint32_t i = head->known[HEAD_CONNECTION] - 1u; i < head->count; i++) {
        const struct head_field *field = &head->fields[i];
        struct slice name = {bytes + field->name, field->name_length};
        struct slice value = {bytes + field->value, field->value_length};
        if (slice_equals_nocase(name, SLICE("connection")) && field_list_has(value, option))
            return true;
    }
    return false;
}

/* RFC 9112, 9.3: 1.1 stays unless it says otherwise, 1.0 only if it says so; close beats all. */
static bool wants_keep_alive(const struct head *head, const char *bytes)
{
    if (head->known[HEAD_CONNECTION] == 0)
        return head->minor_version > 0;
    if (!is_repeated(head, HEAD_CONNECTION)) { /* what browsers and proxies send */
        struct slice option = head_value(head, bytes, HEAD_CONNECTION);
        if (slice_equals_nocase(option, SLICE("keep-alive")))
            return true;
        if (slice_equals_nocase(option, SLICE("close")))
            return false;
    }
    if (has_option(head, bytes, SLICE("close")))
        return false;
    return head->minor_version > 0 || has_option(head, bytes, SLICE("keep-alive"));
}

int framing_decide(struct framing *framing, const struct head *head, const char *bytes)
{
    *framing = (struct framing){.body = BODY_NONE};
    if (check_host(framing, head, bytes) < 0 || decide_body(framing, head, bytes) < 0 ||
        decide_expect(framing, head, bytes) < 0)
        return -1;
    framing->keep_alive = wants_keep_alive(head, bytes);
    return 0;
}
