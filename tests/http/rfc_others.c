/* SPDX-License-Identifier: Apache-2.0
 *
 * RFC 9111 where an origin is concerned, RFC 9457 (problems), RFC 6265 (cookies).
 */
#include "chapters.h"

#define NOWHERE "GET /nowhere HTTP/1.1\r\n" HOST

const struct rule rfc9111_origin[] = {
    RULE("5.1", MUST_NOT, "an origin makes Age",
         CASE("a file", "GET /file.txt HTTP/1.1\r\n" HOST "\r\n", "200; -Age; keep"), CASE("a text", GET "\r\n", "200; -Age; keep")),
    RULE("5.2.1", MUST, "directives in a request leave an origin as it is",
         CASE("no-cache", GET "Cache-Control: no-cache\r\nPragma: no-cache\r\n\r\n", HELLO),
         CASE("only-if-cached", GET "Cache-Control: only-if-cached\r\n\r\n", HELLO),
         CASE("nonsense", GET "Cache-Control: =,;\"\r\n\r\n", HELLO)),
    NO_CASE("5.3", MUST_NOT, "who has no clock sends Expires", "there is a clock, and no Expires"),
    RULE("4.3.1", MUST, "an origin answers a cache's validation as any other",
         CASE("unchanged",
              "GET /file.txt HTTP/1.1\r\n" HOST "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\nCache-Control: max-age=0\r\n\r\n",
              "304; keep")),
    NO_CASE("3-4", MUST, "what caches may store and reuse", "for caches"),
    {.section = NULL},
};

const struct rule rfc9457_problems[] = {
    RULE("3", MUST, "a problem is JSON of its own media type",
         CASE("404", NOWHERE "\r\n", "404; Content-Type=application/problem+json; body~{\"type\":; keep", .own = true),
         CASE("400", "GET /hello HTTP/1.1\r\n\r\n", "400; Content-Type=application/problem+json; close", .own = true),
         CASE("a handler's", "GET /problem HTTP/1.1\r\n" HOST "\r\n",
              "409; Content-Type=application/problem+json; body~ada is taken; keep", .own = true)),
    RULE("3.1.1", MUST, "without a type of its own it is about:blank",
         CASE("404", NOWHERE "\r\n", "404; body~\"type\":\"about:blank\"; keep", .own = true)),
    RULE("3.1.2", MUST, "status is the answer's status, a number",
         CASE("404", NOWHERE "\r\n", "404; body~\"status\":404; keep", .own = true),
         CASE("405", "DELETE /hello HTTP/1.1\r\n" HOST "\r\n", "405; body~\"status\":405; keep", .own = true),
         CASE("a handler's status alone", "GET /status/418 HTTP/1.1\r\n" HOST "\r\n", "418; body~\"status\":418; keep", .own = true)),
    RULE("4.2.1", SHOULD, "the title of about:blank is the status' phrase",
         CASE("404", NOWHERE "\r\n", "404; body~\"title\":\"Not Found\"; keep", .own = true),
         CASE("414", "GET /<<a*9500>>", "414; body~\"title\":\"URI Too Long\"; close", .own = true, .not = SPLIT | PIPELINED)),
    RULE("3.1.4", SHOULD, "detail helps to mend it",
         CASE("no Host", "GET /hello HTTP/1.1\r\n\r\n", "400; body~needs a Host field; close", .own = true),
         CASE("a bare LF", "GET /hello HTTP/1.1\n", "400; body~bare LF; close", .own = true),
         CASE("no version", "GET /hello\r\n", "400; body~no HTTP version; close", .own = true),
         CASE("a blank behind the version", "GET /hello HTTP/1.1 ", "400; body~does not end behind; close", .own = true),
         CASE("no target", "GET  HTTP/1.1\r\n", "400; body~no request target; close", .own = true),
         CASE("a fold", GET " x", "400; body~folded; close", .own = true),
         CASE("a fold by a tab", GET "\tx", "400; body~folded; close", .own = true),
         CASE("a blank before the colon", GET "X : y", "400; body~before the colon; close", .own = true),
         CASE("no colon", GET "X\r\n", "400; body~without a colon; close", .own = true),
         CASE("a control byte", "GET /hello\x01 HTTP/1.1\r\n", "400; body~control byte; close", .own = true),
         CASE("a DEL", GET "X: a\x7f", "400; body~control byte; close", .own = true),
         CASE("a bad name", GET "X(Y): a", "400; body~not a token; close", .own = true),
         CASE("no chunk size", CHUNKED "x", "400; body~no chunk size; close", .own = true),
         CASE("many trailers", CHUNKED "0\r\n<<X: y\r\n*101>>", "431; body~too many trailer fields; close", .own = true)),
    RULE("3", MUST, "what goes into it from outside cannot break it",
         CASE("quotes and control bytes in an id", NOWHERE "X-Request-Id: a\"b\\c\r\n\r\n",
              "404; body~\"request_id\":\"; !body~b\\\\c; keep", .own = true),
         CASE("a text with quotes", "GET /taken/a%22b%5Cc HTTP/1.1\r\n" HOST "\r\n", "409; body~\"a\\\"b\\\\c is taken\"; keep",
              .own = true),
         CASE("a page's markup", "GET /taken/%3Cscript%3E HTTP/1.1\r\n" HOST "Accept: text/html\r\n\r\n",
              "409; Content-Type~text/html; body~&lt;script; keep", .own = true)),
    {.section = NULL},
};

const struct rule rfc6265_cookies[] = {
    RULE("3", SHOULD_NOT, "several Set-Cookie are folded into one",
         CASE("two", "GET /cookies HTTP/1.1\r\n" HOST "\r\n", "200; Set-Cookie=a=1; body=(none); keep", .own = true)),
    RULE("4.2", MUST, "a Cookie field comes to handlers as it was sent",
         CASE("two cookies", "GET /cookies HTTP/1.1\r\n" HOST "Cookie: a=1; b=\"2\"\r\n\r\n", "200; body~b=\"2\"; keep", .own = true),
         CASE("what is no cookie", GET "Cookie: ;;=;\"\r\n\r\n", HELLO), CASE("4000 bytes", GET "Cookie: a=<<b*4000>>\r\n\r\n", HELLO)),
    NO_CASE("4.1", SHOULD_NOT, "malformed Set-Cookie, or two of one name, are sent",
            "handlers write them; tine checks that no control byte is in them"),
    NO_CASE("5", MUST, "what user agents do with them", "for user agents"),
    {.section = NULL},
};
