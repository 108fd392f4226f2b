/* SPDX-License-Identifier: Apache-2.0
 *
 * RFC 9110, sections 2 to 8: versions, fields, dates, routing, representations.
 */
#include "chapters.h"

#define SINCE(date) "GET /file.txt HTTP/1.1\r\n" HOST "If-Modified-Since: " date "\r\n\r\n"
#define FRESH "304; empty; keep"
#define STALE "200; body~abc; keep"

const struct rule rfc9110_messages[] = {
    NO_CASE("2.2", MUST, "no conformant sender's message is misread; what conformance asks is asked by each section", "general"),
    RULE("2.5", SHOULD, "the answer's version is the highest that the server knows, of the request's major version", CASE("to HTTP/1.0 too", "GET /hello HTTP/1.0\r\n\r\n", "200; body=hello; close")),
    RULE("2.5", MUST_NOT, "a version that is not spoken is claimed: 505 says so (15.6.6)",
         CASE("HTTP/2.0", "GET /hello HTTP/2.0\r\n" HOST "\r\n", "505; close", .peers = "200/400/505; either"), CASE("HTTP/3.1", "GET /hello HTTP/3.1\r\n" HOST "\r\n", "505; close", .peers = "200/400/505; either"),
         CASE("HTTP/0.9 in words", "GET /hello HTTP/0.9\r\n" HOST "\r\n", "505; close", .peers = "200/400/505; either"), CASE("HTTP/9.9", "GET /hello HTTP/9.9\r\n" HOST "\r\n", "505; close", .peers = "200/400/505; either")),
    NO_CASE("4.2.1", MUST, "a http URI with an empty host is refused", "see 9112 3.2.2"),
    NO_CASE("4.2.4", SHOULD, "userinfo in a http URI is treated as an error", "see 9112 3.2.2"),
    NO_CASE("4.3", MUST, "authority is established, certificates are checked", "the client's part; tine speaks no TLS"),
    RULE("5.1", SHOULD, "fields that are not known are passed over", CASE("any name", GET "Frobnicate: yes\r\n\r\n", HELLO), CASE("one letter", GET "Q: 1\r\n\r\n", HELLO), CASE("a name with odd tokens", GET "!#$%&'*+-.^_`|~: 1\r\n\r\n", HELLO)),
    RULE("5.2", MUST, "several fields of a name are one, in their order, with commas between", CASE("three", "GET /header/x HTTP/1.1\r\n" HOST "X: a\r\nY: z\r\nx: b, c\r\nX: d\r\n\r\n", "200; body=a, b, c, d; keep", .own = true), CASE("with an empty one", "GET /header/x HTTP/1.1\r\n" HOST "X: a\r\nX:\r\nX: d\r\n\r\n", "200; body=a, , d; keep", .own = true)),
    RULE("5.3", MUST_NOT, "a request is applied before all of its head is there", CASE("half a head", "GET /hello HTTP/1.1\r\n" HOST, "close", .not = ~HALF_CLOSED, .peers = "?400; close"), CASE("all but the last byte", GET "\r", "close", .not = ~HALF_CLOSED, .peers = "?400; close")),
    NO_CASE("5.3", MUST_NOT, "fields are sent twice that are no lists", "tine writes each of its own once; handlers replace by tine_set_header()"),
    NO_CASE("5.4", MUST, "fields that are too large get a 4xx", "see 9112 5.4 in this table"),
    RULE("5.5", MUST, "CR, LF and NUL in a value are refused or replaced by a blank", CASE("CR", GET "X: a\rb\r\n\r\n", "400; close", .peers = "200/400; either"), CASE("NUL", GET "X: a\0b\r\n\r\n", "400; close", .peers = "200/400; either"), CASE("NUL in Host", "GET /hello HTTP/1.1\r\nHost: tine\0.test\r\n\r\n", "400; close", .peers = "200/400; either"), CASE("NUL at the end", GET "X: a\0\r\n\r\n", "400; close", .peers = "200/400; either")),
    RULE("5.6.1", MUST, "empty elements of a list are passed over", CASE("Connection", GET "Connection: , ,close,,\r\n\r\n", "200; body=hello; close"), CASE("If-None-Match", "GET /fresh HTTP/1.1\r\n" HOST "If-None-Match: ,, \"v1\" ,\r\n\r\n", "304; keep", .own = true), CASE("Accept", "GET /nowhere HTTP/1.1\r\n" HOST "Accept: , ,text/html,\r\n\r\n", "404; keep")),
    RULE("5.6.4", MUST, "a quoted comma separates nothing", CASE("in a tag", "GET /fresh HTTP/1.1\r\n" HOST "If-None-Match: \"v0,\", \"v1\"\r\n\r\n", "304; keep", .own = true), CASE("behind an escaped quote", GET "Connection: \"a\\\",close,b\"\r\n\r\n", HELLO, .own = true), CASE("in a connection option", GET "Connection: \"a,close,b\"\r\n\r\n", HELLO, .own = true)),
    RULE("5.6.7", MUST, "all three formats of dates are read",
         CASE("the preferred", SINCE("Sun, 09 Sep 2001 01:46:40 GMT"), FRESH), CASE("RFC 850", SINCE("Sunday, 09-Sep-01 01:46:40 GMT"), FRESH), CASE("asctime", SINCE("Sun Sep  9 01:46:40 2001"), FRESH), CASE("asctime, day of two digits", SINCE("Mon Sep 10 01:46:40 2001"), FRESH, .peers = "304/200; either"),
         CASE("a second before", SINCE("Sun, 09 Sep 2001 01:46:39 GMT"), STALE), CASE("RFC 850, a second before", SINCE("Sunday, 09-Sep-01 01:46:39 GMT"), STALE), CASE("asctime, a second before", SINCE("Sun Sep  9 01:46:39 2001"), STALE), CASE("a leap second", SINCE("Sun, 31 Dec 2006 23:59:60 GMT"), FRESH, .peers = "304/200; either")),
    RULE("5.6.7", MUST, "two-digit years that seem more than 50 years away are of the century before", CASE("of '99", SINCE("Saturday, 09-Sep-99 01:46:40 GMT"), STALE), CASE("of '94", SINCE("Sunday, 06-Nov-94 08:49:37 GMT"), STALE)),
    EVERYWHERE("5.6.7", MUST, "dates are sent in the preferred format"),
    RULE("6.4", MUST_NOT, "an answer to HEAD has content", CASE("200", HEAD "\r\n", "200; head; keep"), CASE("404", "HEAD /nowhere HTTP/1.1\r\n" HOST "\r\n", "404; head; keep"), CASE("405", "HEAD /echo HTTP/1.1\r\n" HOST "\r\n", "405; head; keep", .own = true), CASE("400", "HEAD /hello HTTP/1.1\r\n\r\n", "400; head; close"), CASE("501", "HEAD /hello HTTP/1.1\r\n" HOST "Transfer-Encoding: x, chunked\r\n\r\n", "501; head; close", .own = true), CASE("a long one", "HEAD /stream/200000 HTTP/1.1\r\n" HOST "\r\n", "200; head; keep", .own = true)),
    NO_CASE("6.5", MUST_NOT, "trailer fields are merged into the head", "see 9112 7.1.2"),
    RULE("6.6.1", MUST, "who has a clock sends Date", CASE("200", GET "\r\n", "200; +Date; keep"), CASE("304", SINCE("Sun, 09 Sep 2001 01:46:40 GMT"), "304; +Date; keep"), CASE("404", "GET /nowhere HTTP/1.1\r\n" HOST "\r\n", "404; +Date; keep"), CASE("400", "GET /hello HTTP/1.1\r\n\r\n", "400; +Date; close"), CASE("500", "GET /status/500 HTTP/1.1\r\n" HOST "\r\n", "500; +Date; keep", .own = true)),
    {.section = NULL},
};

const struct rule rfc9110_routing[] = {
    RULE("7.1", MUST, "the target URI is made of target and Host", CASE("one of two hosts", "GET /who HTTP/1.1\r\nHost: other.test\r\n\r\n", "200; body=other; keep")),
    NO_CASE("7.2", MUST, "Host comes from clients; what a server must refuse", "see 9112 3.2"),
    RULE("7.4", MUST, "a https target that comes over an unsecured connection is refused", CASE("absolute-form", "GET https://tine.test/hello HTTP/1.1\r\n" HOST "\r\n", "421; keep", .peers = "4xx; either"), CASE("in capitals", "GET HTTPS://tine.test/hello HTTP/1.1\r\n" HOST "\r\n", "421; keep", .peers = "4xx; either"), CASE("with a body", "POST https://tine.test/echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", "421; keep", .peers = "4xx; either")),
    RULE("7.6.1", MUST, "what Connection names is for this hop; unknown options are passed over", CASE("a field that is named", GET "Connection: X-Hop\r\nX-Hop: 1\r\n\r\n", HELLO, .peers = "200; body=hello; either"), CASE("one that is not there", GET "Connection: X-Hop\r\n\r\n", HELLO, .peers = "200; body=hello; either"), CASE("Proxy-Connection means nothing", GET "Proxy-Connection: close\r\n\r\n", HELLO)),
    RULE("7.6.2", MUST, "Max-Forwards changes nothing at an origin", CASE("0 with OPTIONS", "OPTIONS * HTTP/1.1\r\n" HOST "Max-Forwards: 0\r\n\r\n", "200/204; keep", .peers = "2xx/4xx/501; either"), CASE("0 with GET", GET "Max-Forwards: 0\r\n\r\n", HELLO)),
    NO_CASE("7.6.3-7.7", MUST, "Via and transformations", "for intermediaries"),
    RULE("7.8", MUST_NOT, "a protocol is switched to that was not asked for; Upgrade may be passed over", CASE("a websocket", GET "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", HELLO, .peers = "200; body=hello; either"), CASE("TLS", GET "Connection: Upgrade\r\nUpgrade: TLS/1.2\r\n\r\n", HELLO, .peers = "200; body=hello; either"), CASE("without the option", GET "Upgrade: h2c\r\n\r\n", HELLO)),
    RULE("7.8", MUST, "Upgrade in HTTP/1.0 is passed over", CASE("h2c", "GET /hello HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "200; body=hello; close")),
    RULE("8.3", SHOULD, "content has a Content-Type", CASE("a text", "GET /file.txt HTTP/1.1\r\n" HOST "\r\n", "200; Content-Type~text/plain; keep"), CASE("an error", "GET /nowhere HTTP/1.1\r\n" HOST "\r\n", "404; +Content-Type; keep")),
    RULE("8.4", MUST, "a coding is named only if it is there", CASE("no Accept-Encoding", "GET /file.txt HTTP/1.1\r\n" HOST "\r\n", "200; -Content-Encoding; keep"), CASE("identity", "GET /file.txt HTTP/1.1\r\n" HOST "Accept-Encoding: identity\r\n\r\n", "200; -Content-Encoding; body~abc; keep")),
    RULE("8.6", MUST_NOT, "Content-Length of a HEAD differs from that of the GET", CASE("a text", HEAD "\r\n", "200; Content-Length=5; head; keep"), CASE("a file", "HEAD /file.txt HTTP/1.1\r\n" HOST "\r\n", "200; Content-Length=26; head; keep"), CASE("an answer that would be chunked", "HEAD /stream/200000 HTTP/1.1\r\n" HOST "\r\n", "200; -Content-Length; head; keep", .own = true)),
    EVERYWHERE("8.6", MUST_NOT, "Content-Length is in a 1xx or 204"),
    RULE("8.6", MUST_NOT, "Content-Length of a 304 is another than that of the 200", CASE("a file", SINCE("Sun, 09 Sep 2001 01:46:40 GMT"), "304; -Content-Length; keep", .peers = "304; keep")),
    RULE("8.8.2", SHOULD, "Last-Modified is sent where it is known", CASE("a file", "GET /file.txt HTTP/1.1\r\n" HOST "\r\n", "200; Last-Modified=Sun, 09 Sep 2001 01:46:40 GMT; keep"), CASE("with HEAD", "HEAD /file.txt HTTP/1.1\r\n" HOST "\r\n", "200; Last-Modified=Sun, 09 Sep 2001 01:46:40 GMT; head; keep")),
    NO_CASE("8.8.2.1", MUST_NOT, "Last-Modified is later than the answer's Date", "tests/system/files.c has a file of the future"),
    RULE("8.8.3", MUST, "an entity tag is quoted", CASE("one", "GET /fresh HTTP/1.1\r\n" HOST "\r\n", "200; ETag=\"v1\"; keep", .own = true), CASE("in a 304 too", "GET /fresh HTTP/1.1\r\n" HOST "If-None-Match: \"v1\"\r\n\r\n", "304; ETag=\"v1\"; keep", .own = true)),
    {.section = NULL},
};
