/* SPDX-License-Identifier: Apache-2.0
 *
 * RFC 9112, section 11: requests that two servers in a row might read in two ways. Each hides another request, which must never
 * be answered. What chapters 2 to 7 have already is not here again; these are the shapes that attacks have.
 */
#include "chapters.h"

#define HIDDEN "GET /users/hidden HTTP/1.1\r\nHost: tine.test\r\n\r\n"
#define TE "Transfer-Encoding: chunked\r\n"
#define ZERO "0\r\n\r\n"

/* What a peer may do: refuse, or be sure of one reading and close. */
#define OR_CLOSE .peers = "2xx/4xx/501; close"

const struct rule smuggling[] = {
    RULE("11.2", MUST, "Content-Length with Transfer-Encoding, in whatever disguise, hides nothing",
         CASE("CL.TE", POST "Content-Length: 60\r\n" TE "\r\n" ZERO HIDDEN, REFUSED, OR_CLOSE), CASE("TE.CL", POST TE "Content-Length: 4\r\n\r\n3d\r\n" HIDDEN "\r\n" ZERO, REFUSED, OR_CLOSE), CASE("CL.0", POST "Content-Length: 0\r\n" TE "\r\n" ZERO HIDDEN, REFUSED, OR_CLOSE),
         CASE("TE.TE: an unknown one besides", POST TE "Transfer-Encoding: x\r\n\r\n" ZERO HIDDEN, REFUSED, .peers = "400/501; close"), CASE("TE.TE: the unknown one first", POST "Transfer-Encoding: x\r\n" TE "\r\n" ZERO HIDDEN, REFUSED, .peers = "400/501; close"),
         CASE("TE.TE: identity first", POST "Transfer-Encoding: identity\r\n" TE "\r\n" ZERO HIDDEN, REFUSED, .peers = "400/501; close"), CASE("a blank before the colon", POST "Content-Length: 5\r\nTransfer-Encoding : chunked\r\n\r\n" ZERO HIDDEN, REFUSED, .peers = "400; close"),
         CASE("a tab before the value", POST "Content-Length: 5\r\nTransfer-Encoding:\tchunked\r\n\r\n" ZERO HIDDEN, REFUSED, OR_CLOSE), CASE("a vertical tab before the value", POST "Content-Length: 5\r\nTransfer-Encoding: \x0b" "chunked\r\n\r\n" ZERO HIDDEN, REFUSED, .peers = "400/501; close"),
         CASE("a form feed behind the value", POST "Content-Length: 5\r\nTransfer-Encoding: chunked\x0c\r\n\r\n" ZERO HIDDEN, REFUSED, .peers = "400/501; close"), CASE("a NUL behind the value", POST "Content-Length: 5\r\nTransfer-Encoding: chunked\0\r\n\r\n" ZERO HIDDEN, REFUSED, .peers = "400/501; close"),
         CASE("a bare LF before it", POST "Content-Length: 5\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n" ZERO HIDDEN, REFUSED, OR_CLOSE), CASE("a bare CR before it", POST "Content-Length: 5\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n" ZERO HIDDEN, REFUSED, .peers = "400; close"),
         CASE("folded", POST "Content-Length: 5\r\nTransfer-Encoding:\r\n chunked\r\n\r\n" ZERO HIDDEN, REFUSED, OR_CLOSE), CASE("folded behind another", POST "Content-Length: 5\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n" ZERO HIDDEN, REFUSED, .peers = "2xx/400; either"),
         CASE("an underscore", POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nTransfer_Encoding: x\r\n\r\n" ZERO HIDDEN, REFUSED, OR_CLOSE), CASE("a byte above 127 in the name", POST "Content-Length: 5\r\nTransfer-Encoding\xff: chunked\r\n\r\n" ZERO HIDDEN, REFUSED, .peers = "2xx/400; either"),
         CASE("a soft hyphen", POST "Content-Length: 5\r\nTransfer\xc2\xad-Encoding: chunked\r\n\r\n" ZERO HIDDEN, REFUSED, .peers = "2xx/400; either"), CASE("a no-break space behind the value", POST "Content-Length: 5\r\nTransfer-Encoding: chunked\xa0\r\n\r\n" ZERO HIDDEN, REFUSED, .peers = "400/501; close"),
         CASE("in HTTP/1.0", "POST /echo HTTP/1.0\r\nContent-Length: 5\r\n" TE "\r\n" ZERO HIDDEN, REFUSED, OR_CLOSE), CASE("with GET", "GET /hello HTTP/1.1\r\n" HOST "Content-Length: 5\r\n" TE "\r\n" ZERO HIDDEN, REFUSED, OR_CLOSE)),
    RULE("11.2", MUST, "no Content-Length is read in two ways",
         CASE("two, the shorter first", POST "Content-Length: 0\r\nContent-Length: 60\r\n\r\n" HIDDEN, REFUSED), CASE("two, the longer first", POST "Content-Length: 60\r\nContent-Length: 0\r\n\r\n" HIDDEN, REFUSED), CASE("a plus", POST "Content-Length: +0\r\n\r\n" HIDDEN, REFUSED), CASE("octal, perhaps", POST "Content-Length: 0o5\r\n\r\n" HIDDEN, REFUSED),
         CASE("a comment", POST "Content-Length: 5 (five)\r\n\r\nhello" HIDDEN, REFUSED), CASE("a parameter", POST "Content-Length: 5;q=1\r\n\r\nhello" HIDDEN, REFUSED), CASE("full-width digits", POST "Content-Length: \xef\xbc\x95\r\n\r\nhello" HIDDEN, REFUSED), CASE("an underscore inside", POST "Content-Length: 1_0\r\n\r\nhello" HIDDEN, REFUSED),
         CASE("a vertical tab in front", POST "Content-Length: \x0b" "5\r\n\r\nhello" HIDDEN, REFUSED), CASE("a NUL behind", POST "Content-Length: 5\0\r\n\r\nhello" HIDDEN, REFUSED), CASE("a bare CR behind", POST "Content-Length: 5\r\r\n\r\nhello" HIDDEN, REFUSED, .peers = "400; close"),
         CASE("folded", POST "Content-Length: 0\r\n 5\r\n\r\nhello" HIDDEN, REFUSED, .peers = "400; close"), CASE("a name with a blank", POST "Content-Length : 60\r\n\r\n" HIDDEN, REFUSED, .peers = "400; close"), CASE("wrapped around 2 to the 64", POST "Content-Length: 18446744073709551616\r\n\r\n" HIDDEN, REFUSED, .peers = "400/413; close"),
         CASE("wrapped around 2 to the 32", POST "Content-Length: 4294967296\r\n\r\n" HIDDEN, "413; close", .not = HALF_CLOSED, .own = true)),
    RULE("11.2", POLICY, "two fields that differ only in - and _, one for what stands behind, are refused",
         CASE("lengths", POST "Content-Length: 5\r\nContent_Length: 0\r\n\r\nhello" HIDDEN, REFUSED), CASE("the other first", POST "Content_Length: 0\r\nContent-Length: 5\r\n\r\nhello" HIDDEN, REFUSED), CASE("others", GET "X-Forwarded-For: 1\r\nX_Forwarded_For: 2\r\n\r\n" HIDDEN, REFUSED),
         CASE("in part", GET "X-Forwarded-For: 1\r\nX-Forwarded_For: 2\r\n\r\n" HIDDEN, REFUSED), CASE("in another case", GET "x-user: 1\r\nY: z\r\nX_USER: 2\r\n\r\n" HIDDEN, REFUSED), CASE("two with an underscore each", GET "a-b_c: 1\r\na_b-c: 2\r\n\r\n" HIDDEN, REFUSED),
         CASE("all letters", GET "X-AMZ: 1\r\nx_amz: 2\r\n\r\n" HIDDEN, REFUSED), CASE("^ and ~ are two bytes", GET "X_^: 1\r\nX-~: 2\r\n\r\n", HELLO), CASE("one alone is right", GET "X_User: 1\r\n\r\n", HELLO), CASE("the same twice is right", GET "X_User: 1\r\nX_User: 2\r\n\r\n", HELLO), CASE("of another length is right", GET "X-Users: 1\r\nX_User: 2\r\n\r\n", HELLO), CASE("of other letters is right", GET "X-Usex: 1\r\nX_User: 2\r\n\r\n", HELLO)),
    RULE("11.2", MUST, "no chunk is read in two ways",
         CASE("a size that is cut off", CHUNKED "1\x0b\r\nx\r\n" ZERO HIDDEN, REFUSED), CASE("a NUL behind the size", CHUNKED "1\0\r\nx\r\n" ZERO HIDDEN, REFUSED), CASE("an extension with a bare LF", CHUNKED "2;\nxx\r\n3c\r\n" ZERO "\r\n" HIDDEN, REFUSED, .own = true), CASE("an extension with a bare CR", CHUNKED "2;a\rxx\r\n" ZERO HIDDEN, REFUSED),
         CASE("a bare LF behind an extension", CHUNKED "2;a=b\nxx\r\n" ZERO HIDDEN, REFUSED, .peers = "2xx/400; either"), CASE("wrapped around 2 to the 64", CHUNKED "10000000000000000\r\n\r\n" HIDDEN, "400/413; close"), CASE("wrapped around 2 to the 32", CHUNKED "100000001\r\nx\r\n" ZERO HIDDEN, "413; close", .own = true),
         CASE("the line end left out", CHUNKED "5\r\nhelloXX" ZERO HIDDEN, REFUSED), CASE("the wrong two bytes for it", CHUNKED "5\r\nhello3c\r\n" ZERO HIDDEN, REFUSED), CASE("LF CR for it", CHUNKED "5\r\nhello\n\r" ZERO HIDDEN, REFUSED), CASE("a second last chunk", CHUNKED "0\r\n0\r\n\r\n" HIDDEN, REFUSED, .peers = "2xx/400; either"),
         CASE("a request line as trailer", CHUNKED "0\r\n" HIDDEN, REFUSED, .peers = "2xx/400; either"), CASE("a size in full-width digits", CHUNKED "\xef\xbc\x95\r\nhello\r\n" ZERO HIDDEN, REFUSED)),
    RULE("11.1", MUST_NOT, "what a client sends splits an answer",
         CASE("an encoded line end in a redirect", "GET /redirect?x=%0d%0aX-Evil:%201 HTTP/1.1\r\n" HOST "\r\n", "303; -X-Evil; keep", .own = true), CASE("a handler that sets one", "GET /set HTTP/1.1\r\n" HOST "\r\n", "201; body=1 0; -X-Evil; keep", .own = true), CASE("a tag that has one", "GET /fresh_split HTTP/1.1\r\n" HOST "\r\n", "200; -X-Evil; keep", .own = true),
         CASE("an id that has one", GET "X-Request-Id: a b\r\n\r\n", "200; keep", .own = true), CASE("an encoded line end in a path", "GET /x%0d%0aX-Evil:%201 HTTP/1.1\r\n" HOST "\r\n", "404; -X-Evil; keep")),
    RULE("11.3", MUST, "nothing hides behind a close or a refusal", CASE("a close", GET "Connection: close\r\n\r\n" HIDDEN, "200; body=hello; close", .not = SPLIT), CASE("a refusal", "GET /hello HTTP/1.1\r\n\r\n" HIDDEN, REFUSED), CASE("an upgrade", GET "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", HELLO, .peers = "101/200; either"),
         CASE("an HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505; close", .own = true), CASE("CONNECT", "CONNECT tine.test:80 HTTP/1.1\r\n" HOST "\r\n" GET "\r\n", "4xx/501 | 200; body=hello; keep", .peers = "4xx/501; either")),
    {.section = NULL},
};
