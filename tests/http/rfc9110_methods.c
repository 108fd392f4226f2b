/* SPDX-License-Identifier: Apache-2.0
 *
 * RFC 9110, sections 9 to 12 and 15; 9111, 9457, 6265: methods, expectations, negotiation, statuses, problems.
 */
#include "chapters.h"

#define EXPECTING "Expect: 100-continue\r\n"

const struct rule rfc9110_methods[] = {
    RULE("9.1", MUST, "GET and HEAD are there", CASE("GET", GET "\r\n", HELLO), CASE("HEAD", HEAD "\r\n", "200; head; keep")),
    RULE("9.1", SHOULD, "a method that nobody knows is answered 501", CASE("FROB", "FROB /hello HTTP/1.1\r\n" HOST "\r\n", "501; keep", .peers = "501/405; either"), CASE("of odd tokens", "M-SEARCH! /hello HTTP/1.1\r\n" HOST "\r\n", "501; keep", .peers = "501/405/400; either")),
    RULE("9.1", SHOULD, "one that is known, but not for this target, is answered 405", CASE("DELETE", "DELETE /hello HTTP/1.1\r\n" HOST "\r\n", "405; +Allow; keep"), CASE("PUT", "PUT /hello HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab", "405; +Allow; keep"), CASE("PATCH", "PATCH /hello HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab", "405; +Allow; keep", .peers = "405/501; either"), CASE("GET where only POST is", "GET /created HTTP/1.1\r\n" HOST "\r\n", "405; Allow~POST; keep", .own = true)),
    RULE("9.1", MUST, "methods are told apart by case", CASE("Get", "Get /hello HTTP/1.1\r\n" HOST "\r\n", "501; keep", .peers = "501/405/400; either"), CASE("head", "head /hello HTTP/1.1\r\n" HOST "\r\n", "501; keep", .peers = "501/405/400; either")),
    NO_CASE("9.2", MUST, "safe and idempotent methods are so", "what handlers do"),
    RULE("9.3.1", SHOULD, "content of a GET changes nothing", CASE("counted", GET "Content-Length: 3\r\n\r\nabc", HELLO), CASE("chunked", GET "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", HELLO)),
    RULE("9.3.2", SHOULD, "HEAD is answered with the fields of the GET", CASE("a text", HEAD "\r\n", "200; +Date; Content-Length=5; head; keep"), CASE("a problem", "HEAD /nowhere HTTP/1.1\r\n" HOST "\r\n", "404; +Content-Length; +Content-Type; head; keep", .peers = "404; head; keep"), CASE("a redirect", "HEAD /redirect HTTP/1.1\r\n" HOST "\r\n", "303; +Location; head; keep", .own = true), CASE("what a handler sets", "HEAD /set HTTP/1.1\r\n" HOST "\r\n", "201; X-Set=second; X-Many=one; head; keep", .own = true)),
    NO_CASE("9.3.3", SHOULD, "POST that creates is answered 201 with Location", "what handlers do"),
    NO_CASE("9.3.4", MUST, "PUT creates or replaces, or says why not", "what handlers do"),
    RULE("9.3.6", MUST, "CONNECT with an empty or bad port is refused; an origin has no tunnel", CASE("no port", "CONNECT tine.test HTTP/1.1\r\n" HOST "\r\n", "400; close", .peers = "4xx/501; either"), CASE("port 65536", "CONNECT tine.test:65536 HTTP/1.1\r\n" HOST "\r\n", "400; close", .peers = "4xx/501; either"), CASE("a good one", "CONNECT tine.test:443 HTTP/1.1\r\n" HOST "\r\n", "501; keep", .peers = "4xx/501; either"), CASE("IPv6", "CONNECT [::1]:443 HTTP/1.1\r\n" HOST "\r\n", "501; keep", .peers = "4xx/501; either")),
    RULE("9.3.7", SHOULD, "OPTIONS says which methods there are", CASE("one path", "OPTIONS /hello HTTP/1.1\r\n" HOST "\r\n", "204; Allow~GET; Allow~HEAD; Allow~OPTIONS; keep", .own = true), CASE("another", "OPTIONS /echo HTTP/1.1\r\n" HOST "\r\n", "204; Allow~POST; Allow~PUT; keep", .own = true), CASE("none", "OPTIONS /nowhere HTTP/1.1\r\n" HOST "\r\n", "204/404; keep", .own = true), CASE("the server", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "204; keep", .own = true)),
    RULE("9.3.8", SHOULD_NOT, "TRACE tells secrets: there is none", CASE("a cookie", "TRACE /hello HTTP/1.1\r\n" HOST "Cookie: secret\r\n\r\n", "405/501; keep", .peers = "405/501/403; either"), CASE("with a body", "TRACE /hello HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", "405/501/400; keep", .peers = "4xx/501; either")),
    {.section = NULL},
};

const struct rule rfc9110_context[] = {
    RULE("10.1.1", MUST, "who expects 100 is told to go on, or gets the final answer", CASE("counted", POST EXPECTING "Content-Length: 5\r\n\r\n<<wait>>hello", "100 | 200; body=hello; keep"), CASE("chunked", POST EXPECTING "Transfer-Encoding: chunked\r\n\r\n<<wait>>5\r\nhello\r\n0\r\n\r\n", "100 | 200; body=hello; keep"), CASE("in other letters", POST "Expect: 100-Continue\r\nContent-Length: 5\r\n\r\n<<wait>>hello", "100 | 200; body=hello; keep"), CASE("twice on a connection", POST EXPECTING "Content-Length: 1\r\n\r\n<<wait>>a" POST EXPECTING "Content-Length: 1\r\n\r\n<<wait>>b", "100 | 200; body=a | ?100 | 200; body=b; keep")),
    RULE("10.1.1", MUST, "the final answer may come at once, and the connection is in order then", CASE("where nothing is", "POST /nowhere HTTP/1.1\r\n" HOST EXPECTING "Content-Length: 5\r\n\r\n<<wait>>", "405; close", .own = true), CASE("too much", POST EXPECTING "Content-Length: 20000000\r\n\r\n<<wait>>", "413; close", .own = true), CASE("not for this method", "POST /hello HTTP/1.1\r\n" HOST EXPECTING "Content-Length: 5\r\n\r\n<<wait>>", "405; close", .own = true)),
    RULE("10.1.1", MUST_NOT, "100 is sent to HTTP/1.0", CASE("kept alive", "POST /echo HTTP/1.0\r\n" EXPECTING "Connection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", "200; body=hello; keep", .peers = "200; body=hello; either"), CASE("not kept", "POST /echo HTTP/1.0\r\n" EXPECTING "Content-Length: 5\r\n\r\nhello", "200; body=hello; close")),
    RULE("10.1.1", MUST, "100 may be left out when the body is there already, or there is none", CASE("at once", POST EXPECTING "Content-Length: 5\r\n\r\nhello", "?100 | 200; body=hello; keep"), CASE("no body", GET EXPECTING "\r\n", HELLO, .peers = "?100 | 200; body=hello; either"), CASE("a body of 0", POST EXPECTING "Content-Length: 0\r\n\r\n", "200; empty; keep", .peers = "?100 | 200; empty; either")),
    RULE("10.1.1", SHOULD, "another expectation is answered 417", CASE("an unknown one", GET "Expect: x-frob\r\n\r\n", "417; close", .peers = "417/200; either"), CASE("besides", POST "Expect: 100-continue, x-frob\r\nContent-Length: 5\r\n\r\nhello", "417; close", .peers = "417/200; either"), CASE("with a value", POST "Expect: 100-continue=1\r\nContent-Length: 5\r\n\r\nhello", "417; close", .peers = "417/200; either"), CASE("in a second field", POST EXPECTING "Expect: x\r\nContent-Length: 5\r\n\r\nhello", "417; close", .peers = "417/?100 | 200/417; either", .own = true), CASE("empty", POST "Expect:\r\nContent-Length: 5\r\n\r\nhello", "417; close", .own = true)),
    NO_CASE("10.1.2-10.1.6", MUST, "From, Referer, TE, Trailer, User-Agent", "clients send them; none changes what tine does"),
    RULE("10.2.1", MUST, "405 has Allow", CASE("a text", "DELETE /hello HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "405; Allow~GET; keep"), CASE("a file", "DELETE /file.txt HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "405; +Allow; keep")),
    RULE("10.2.2", MUST, "Location is a URI reference: what is none is encoded", CASE("a redirect", "GET /redirect HTTP/1.1\r\n" HOST "\r\n", "303; Location=/hello?from=redirect; keep", .own = true)),
    NO_CASE("10.2.3", MUST, "Retry-After is seconds or a date", "tests/system/guard.c looks at the one that tine sends"),
    RULE("10.2.4", SHOULD_NOT, "Server tells more than is needed", CASE("no version", GET "\r\n", "200; own:Server=tine; keep", .own = true)),
    {.section = NULL},
};

const struct rule rfc9110_negotiation[] = {
    RULE("11.4", MUST, "credentials are passed over where none are asked for", CASE("Basic", GET "Authorization: Basic YTpi\r\n\r\n", HELLO), CASE("nonsense", GET "Authorization: ,,,\r\n\r\n", HELLO), CASE("Proxy-Authorization", GET "Proxy-Authorization: Basic YTpi\r\n\r\n", HELLO)),
    NO_CASE("11.6.1", MUST, "401 has WWW-Authenticate", "a handler that answers 401 adds it; tine answers none"),
    RULE("12.4.2", MUST, "weights count, 0 is no", CASE("html weighs more", "GET /nowhere HTTP/1.1\r\n" HOST "Accept: text/html, application/json;q=0.5\r\n\r\n", "404; Content-Type~text/html; keep", .own = true), CASE("html weighs less", "GET /nowhere HTTP/1.1\r\n" HOST "Accept: text/html;q=0.5, application/json\r\n\r\n", "404; Content-Type=application/problem+json; keep", .own = true), CASE("html weighs nothing", "GET /nowhere HTTP/1.1\r\n" HOST "Accept: text/html;q=0, */*\r\n\r\n", "404; Content-Type=application/problem+json; keep", .own = true),
         CASE("three decimals", "GET /nowhere HTTP/1.1\r\n" HOST "Accept: text/html;q=0.501, application/json;q=0.500\r\n\r\n", "404; Content-Type~text/html; keep", .own = true), CASE("a broken weight", "GET /nowhere HTTP/1.1\r\n" HOST "Accept: text/html;q=x, */*;q=0.1\r\n\r\n", "404; Content-Type=application/problem+json; keep", .own = true)),
    RULE("12.5.1", MUST, "the most specific range counts", CASE("a wildcard is no preference", "GET /nowhere HTTP/1.1\r\n" HOST "Accept: */*\r\n\r\n", "404; Content-Type=application/problem+json; keep", .own = true), CASE("a browser", "GET /nowhere HTTP/1.1\r\n" HOST "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\r\n", "404; Content-Type~text/html; keep", .own = true), CASE("text/*", "GET /nowhere HTTP/1.1\r\n" HOST "Accept: text/*\r\n\r\n", "404; Content-Type=application/problem+json; keep", .own = true), CASE("in two fields", "GET /nowhere HTTP/1.1\r\n" HOST "Accept: text/html\r\nAccept: */*;q=0.1\r\n\r\n", "404; Content-Type~text/html; keep", .own = true)),
    RULE("12.5.1", MUST, "what cannot be given as wanted is given as it is, or 406", CASE("an odd type", "GET /file.txt HTTP/1.1\r\n" HOST "Accept: image/x-frob\r\n\r\n", "200/406; keep"), CASE("nothing acceptable", GET "Accept: */*;q=0\r\n\r\n", "200/406; keep"), CASE("a broken Accept", GET "Accept: ;;;,,,q=\r\n\r\n", "200/400/406; either")),
    RULE("12.5.3", MUST, "no coding is applied that is not accepted", CASE("none", "GET /file.txt HTTP/1.1\r\n" HOST "Accept-Encoding:\r\n\r\n", "200; -Content-Encoding; keep"), CASE("gzip weighs 0", "GET /file.txt HTTP/1.1\r\n" HOST "Accept-Encoding: gzip;q=0, identity\r\n\r\n", "200; -Content-Encoding; keep")),
    RULE("12.5.5", SHOULD, "Vary names what an answer was chosen by", CASE("an error, JSON", "GET /nowhere HTTP/1.1\r\n" HOST "\r\n", "404; Vary~Accept; keep", .own = true), CASE("an error, a page", "GET /nowhere HTTP/1.1\r\n" HOST "Accept: text/html\r\n\r\n", "404; Vary~Accept; keep", .own = true), CASE("not what is the same for all", GET "\r\n", "200; -Vary; keep", .own = true)),
    {.section = NULL},
};

const struct rule rfc9110_status[] = {
    RULE("15.2", MUST_NOT, "1xx goes to HTTP/1.0", CASE("an expectation", "POST /echo HTTP/1.0\r\n" EXPECTING "Content-Length: 5\r\n\r\nhello", "200; body=hello; close")),
    RULE("15.3.5", MUST, "204 ends with its head", CASE("no text", "GET /nothing HTTP/1.1\r\n" HOST "\r\n", "204; empty; keep", .own = true), CASE("said by a handler", "GET /status/204 HTTP/1.1\r\n" HOST "\r\n", "204; empty; keep", .own = true)),
    RULE("15.3.6", MUST_NOT, "205 has content", CASE("by its status", "GET /status/205 HTTP/1.1\r\n" HOST "\r\n", "205; Content-Length=0; empty; keep", .own = true), CASE("with a text", "GET /reset HTTP/1.1\r\n" HOST "\r\n", "205; Content-Length=0; empty; keep", .own = true)),
    RULE("15.4", SHOULD, "redirects have a Location", CASE("303", "GET /redirect HTTP/1.1\r\n" HOST "\r\n", "303; +Location; keep", .own = true)),
    RULE("15.4.5", MUST, "304 has no content, and the fields that the 200 would have had for caches", CASE("Last-Modified", "GET /file.txt HTTP/1.1\r\n" HOST "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\n\r\n", "304; +Date; empty; keep"), CASE("ETag", "GET /fresh HTTP/1.1\r\n" HOST "If-None-Match: \"v1\"\r\n\r\n", "304; ETag=\"v1\"; +Date; empty; keep", .own = true)),
    RULE("15.5", SHOULD, "errors explain themselves, but to HEAD", CASE("404", "GET /nowhere HTTP/1.1\r\n" HOST "\r\n", "404; own:body~4; keep"), CASE("400", "GET /hello HTTP/1.1\r\n\r\n", "400; own:body~4; close"), CASE("405", "DELETE /hello HTTP/1.1\r\n" HOST "\r\n", "405; own:body~4; keep"), CASE("500", "GET /status/500 HTTP/1.1\r\n" HOST "\r\n", "500; body~500; keep", .own = true)),
    NO_CASE("15.5.9", MUST, "408 closes", "tests/system/slow_clients.c: it takes a timeout"),
    RULE("15.5.14", MUST, "413 closes, or reads it all", CASE("announced", POST "Content-Length: 20000000\r\n\r\n", "413; close", .own = true, .not = HALF_CLOSED | PIPELINED), CASE("in chunks", CHUNKED "1000000\r\n", "413; close", .own = true, .not = HALF_CLOSED | PIPELINED)),
    RULE("15.6.2", SHOULD, "501 for what is not known at all", CASE("a method", "FROB /nowhere HTTP/1.1\r\n" HOST "\r\n", "404/501; keep", .own = true)),
    RULE("15.6.6", SHOULD, "505 says why, and what is spoken", CASE("HTTP/2.0", "GET / HTTP/2.0\r\n\r\n", "505; body~HTTP/1.1; close", .own = true)),
    NO_CASE("15.5.22", MUST, "426 has Upgrade", "tine answers none"),
    NO_CASE("15.5.8", MUST, "407 has Proxy-Authenticate", "for proxies"),
    {.section = NULL},
};

const struct rule rfc9111_origin[] = {
    RULE("5.1", MUST_NOT, "an origin makes Age", CASE("a file", "GET /file.txt HTTP/1.1\r\n" HOST "\r\n", "200; -Age; keep"), CASE("a text", GET "\r\n", "200; -Age; keep")),
    RULE("5.2.1", MUST, "directives in a request leave an origin as it is", CASE("no-cache", GET "Cache-Control: no-cache\r\nPragma: no-cache\r\n\r\n", HELLO), CASE("only-if-cached", GET "Cache-Control: only-if-cached\r\n\r\n", HELLO), CASE("nonsense", GET "Cache-Control: =,;\"\r\n\r\n", HELLO)),
    NO_CASE("5.3", MUST_NOT, "who has no clock sends Expires", "there is a clock, and no Expires"),
    RULE("4.3.1", MUST, "an origin answers a cache's validation as any other", CASE("unchanged", "GET /file.txt HTTP/1.1\r\n" HOST "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\nCache-Control: max-age=0\r\n\r\n", "304; keep")),
    NO_CASE("3-4", MUST, "what caches may store and reuse", "for caches"),
    {.section = NULL},
};

#define NOWHERE "GET /nowhere HTTP/1.1\r\n" HOST
const struct rule rfc9457_problems[] = {
    RULE("3", MUST, "a problem is JSON of its own media type", CASE("404", NOWHERE "\r\n", "404; Content-Type=application/problem+json; body~{\"type\":; keep", .own = true), CASE("400", "GET /hello HTTP/1.1\r\n\r\n", "400; Content-Type=application/problem+json; close", .own = true), CASE("a handler's", "GET /problem HTTP/1.1\r\n" HOST "\r\n", "409; Content-Type=application/problem+json; body~ada is taken; keep", .own = true)),
    RULE("3.1.1", MUST, "without a type of its own it is about:blank", CASE("404", NOWHERE "\r\n", "404; body~\"type\":\"about:blank\"; keep", .own = true)),
    RULE("3.1.2", MUST, "status is the answer's status, a number", CASE("404", NOWHERE "\r\n", "404; body~\"status\":404; keep", .own = true), CASE("405", "DELETE /hello HTTP/1.1\r\n" HOST "\r\n", "405; body~\"status\":405; keep", .own = true), CASE("a handler's status alone", "GET /status/418 HTTP/1.1\r\n" HOST "\r\n", "418; body~\"status\":418; keep", .own = true)),
    RULE("4.2.1", SHOULD, "the title of about:blank is the status' phrase", CASE("404", NOWHERE "\r\n", "404; body~\"title\":\"Not Found\"; keep", .own = true), CASE("414", "GET /<<a*9000>>", "414; body~\"title\":\"URI Too Long\"; close", .own = true, .not = SPLIT | PIPELINED)),
    RULE("3.1.4", SHOULD, "detail helps to mend it", CASE("no Host", "GET /hello HTTP/1.1\r\n\r\n", "400; body~needs a Host field; close", .own = true), CASE("a bare LF", "GET /hello HTTP/1.1\n", "400; body~bare LF; close", .own = true), CASE("a control byte", "GET /hello\x01 HTTP/1.1\r\n", "400; body~control byte; close", .own = true), CASE("a DEL", GET "X: a\x7f", "400; body~control byte; close", .own = true),
         CASE("a bad name", GET "X(Y): a", "400; body~not a token; close", .own = true), CASE("no chunk size", CHUNKED "x", "400; body~no chunk size; close", .own = true), CASE("many trailers", CHUNKED "0\r\n<<X: y\r\n*101>>", "431; body~too many trailer fields; close", .own = true)),
    RULE("3", MUST, "what goes into it from outside cannot break it", CASE("quotes and control bytes in an id", NOWHERE "X-Request-Id: a\"b\\c\r\n\r\n", "404; body~\"request_id\":\"; keep", .own = true), CASE("a page's markup", "GET /%3Cscript%3E HTTP/1.1\r\n" HOST "Accept: text/html\r\n\r\n", "404; Content-Type~text/html; keep", .own = true)),
    {.section = NULL},
};

const struct rule rfc6265_cookies[] = {
    RULE("3", SHOULD_NOT, "several Set-Cookie are folded into one", CASE("two", "GET /cookies HTTP/1.1\r\n" HOST "\r\n", "200; Set-Cookie=a=1; body=(none); keep", .own = true)),
    RULE("4.2", MUST, "a Cookie field comes to handlers as it was sent", CASE("two cookies", "GET /cookies HTTP/1.1\r\n" HOST "Cookie: a=1; b=\"2\"\r\n\r\n", "200; body~b=\"2\"; keep", .own = true), CASE("what is no cookie", GET "Cookie: ;;=;\"\r\n\r\n", HELLO), CASE("4000 bytes", GET "Cookie: a=<<b*4000>>\r\n\r\n", HELLO)),
    NO_CASE("4.1", SHOULD_NOT, "malformed Set-Cookie, or two of one name, are sent", "handlers write them; tine checks that no control byte is in them"),
    NO_CASE("5", MUST, "what user agents do with them", "for user agents"),
    {.section = NULL},
};
