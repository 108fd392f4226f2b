/* SPDX-License-Identifier: Apache-2.0
 *
 * RFC 9112, sections 4 and 5: the status line, field lines.
 */
#include "chapters.h"

#define A70 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* Where the RFC lets a recipient be lenient: refused, or read as if it were right. */
#define LENIENT .peers = "200/400/505; either"

const struct rule rfc9112_fields[] = {
    EVERYWHERE("4", MUST, "the blank behind the status code is sent even if there is no reason phrase"),
    RULE("4", MUST, "so it is for a code without a phrase",
         CASE("299", "GET /status/299 HTTP/1.1\r\n" HOST "\r\n", "299; keep", .own = true)),
    RULE("5", MUST, "a field line is a token, a colon, a value of printable bytes",
         CASE("a byte in a name that no token has", GET "X<<each>>Y: z\r\n\r\n", "400; close", .each = byte_no_token,
              .peers = "200/400; either"), CASE("every byte that a token may have", GET "X<<each>>: z\r\n\r\n", HELLO, .each = byte_token),
         CASE("a control byte in a value", GET "X: a<<each>>z\r\n\r\n", "400; close", .each = byte_any_control, .peers = "200/400; either"),
         CASE("every byte that a value may have", GET "X: a<<each>>z\r\n\r\n", HELLO, .each = byte_value),
         CASE("the same, far behind", GET "X: abcdefghijk<<each>>mnopqrstuvwxyz\r\n\r\n", HELLO, .each = byte_value),
         CASE("and what it may not", GET "X: abcdefghijk<<each>>mnopqrstuvwxyz\r\n\r\n", "400; close", .each = byte_any_control,
              .peers = "200/400; either"), CASE("no colon", GET "no colon\r\n\r\n", "400; close"),
         CASE("no name", GET ": nameless\r\n\r\n", "400; close", .peers = "200/400; either"),
         CASE("nothing but a name", GET "X\r\n\r\n", "400; close"), CASE("an empty value", GET "X:\r\n\r\n", HELLO),
         CASE("a value of blanks", GET "X:  \t \r\n\r\n", HELLO), CASE("a colon in the value", GET "X: a:b:c\r\n\r\n", HELLO)),
    RULE("5", MUST, "names are the same in any case",
         CASE("host", "GET /hello HTTP/1.1\r\nhOsT: tine.test\r\n\r\n", HELLO),
         CASE("content-length", POST "cOnTeNt-LeNgTh: 5\r\n\r\nhello", "200; body=hello; keep"),
         CASE("transfer-encoding", POST "TRANSFER-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "200; body=hello; keep"),
         CASE("connection", GET "CONNECTION: close\r\n\r\n", "200; body=hello; close"),
         CASE("what a handler asks for", "GET /header/x-some HTTP/1.1\r\n" HOST "X-SOME: a\r\n\r\n", "200; body=a; keep", .own = true)),
    RULE("5.1", MUST, "white space between name and colon is answered 400",
         CASE("a blank", GET "X : y\r\n\r\n", REFUSED, .peers = "400; either"),
         CASE("a tab", GET "X\t: y\r\n\r\n", REFUSED, .peers = "400; either"),
         CASE("behind Content-Length", POST "Content-Length : 5\r\n\r\nhello", REFUSED, .peers = "400; close"),
         CASE("behind Transfer-Encoding", POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", REFUSED, .peers = "400; close"),
         CASE("behind Host", "GET /hello HTTP/1.1\r\nHost : a\r\n\r\n", REFUSED, .peers = "400; either")),
    RULE("5.1", MUST, "white space around a value is none of it",
         CASE("blanks and tabs", "GET /header/x HTTP/1.1\r\n" HOST "X: \t a b\t \t\r\n\r\n", "200; body=a b; keep", .own = true),
         CASE("around a length", POST "Content-Length: \t 5 \t\r\n\r\nhello", "200; body=hello; keep"),
         CASE("none at all", POST "Content-Length:5\r\n\r\nhello", "200; body=hello; keep"),
         CASE("of a name as long as blanks", "GET /header/x HTTP/1.1\r\n" HOST "X:\t\r\n\r\n", "200; empty; keep", .own = true)),
    RULE("5.2", MUST, "a folded line is answered 400, or the fold taken as blanks",
         CASE("by a blank", GET "X: y\r\n z\r\n\r\n", REFUSED, LENIENT), CASE("by a tab", GET "X: y\r\n\tz\r\n\r\n", REFUSED, LENIENT),
         CASE("of the length", POST "Content-Length: 5\r\n \r\n\r\nhello", REFUSED, LENIENT),
         CASE("of the coding", POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", REFUSED, LENIENT),
         CASE("of Host", "GET /hello HTTP/1.1\r\nHost: tine.test\r\n X: y\r\n\r\n", REFUSED, LENIENT),
         CASE("at the end of the head", GET "X: y\r\n \r\n\r\n", REFUSED, LENIENT)),
    EVERYWHERE("5.2", MUST_NOT, "folded lines are sent"),
    RULE("5.4", MUST, "fields that are larger than wanted are answered with a 4xx (9110 5.4), never cut",
         CASE("a field of 60,000 bytes", GET "X: <<a*60000>>\r\n\r\n", "431; close", .not = SPLIT | PIPELINED, .peers = "4xx; close"),
         CASE("without waiting for its end", GET "X: <<a*60000>>", "431; close", .not = SPLIT | PIPELINED, .own = true),
         CASE("a name of 60,000 bytes", GET "<<a*60000>>: x\r\n\r\n", "431; close", .not = SPLIT | PIPELINED, .peers = "4xx; close"),
         CASE("a name of 8500 bytes, without waiting for its end", GET "<<a*8500>>", "431; close", .not = SPLIT | PIPELINED | HALF_CLOSED,
              .own = true), CASE("200 fields", GET "<<X: y\r\n*200>>\r\n", "431; close", .own = true),
         CASE("a byte more than a field may have", GET "X: <<a*8190>>\r\n\r\n", "431; body~a field line; close", .own = true),
         CASE("as many as it may have", GET "X: <<a*8189>>\r\n\r\n", HELLO, .own = true),
         CASE("more than all together", GET "<<X: " A70 A70 A70 A70 A70 "a\r\n*95>>\r\n", "431; close", .own = true),
         CASE("101 fields", GET "<<X: y\r\n*100>>\r\n", "431; close", .own = true),
         CASE("just as much as may be", GET "X: <<a*8187>>\r\nX: <<a*8187>>\r\nX: <<a*8187>>\r\nX: <<a*8170>>\r\n\r\n", HELLO, .own = true,
              .not = SPLIT),
         CASE("a byte more", GET "X: <<a*8187>>\r\nX: <<a*8187>>\r\nX: <<a*8187>>\r\nX: <<a*8171>>\r\n\r\n", "431; body~together; close",
              .own = true, .not = SPLIT),
         CASE("a line more", GET "X: <<a*8187>>\r\nX: <<a*8187>>\r\nX: <<a*8187>>\r\nX: <<a*8170>>\r\nY:\r\n\r\n",
              "431; body~together; close", .own = true, .not = SPLIT), CASE("100 fields", GET "<<X: y\r\n*99>>\r\n", HELLO, .own = true)),
    {.section = NULL},
};
