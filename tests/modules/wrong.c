/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of tine.h called wrongly, each by a handler of its own: GET /tine_method does so to tine_method(). What then must happen
 * stands in tests/system/calls.c. Where a function takes nothing but a request, the wrong call is one for a request that is none.
 */
#include <tine.h>

/* Pointers that lead nowhere: what is left of something freed, say. (Of NULL compilers would know.) */
#define NOBODY ((tine_request *volatile){(tine_request *)64})
#define NOWHERE ((void *volatile){(void *)64})
#define NO_FORMAT ((const char *volatile){NULL})

#define CALL(function) static int call_##function(tine_request *r)

static int say(tine_request *r, const void *answer)
{
    return tine_text(r, 200, "%s", answer != NULL ? "something" : "nothing");
}

/* ---- For a request, or something else, that is none ---- */

CALL(tine_method) { return say(r, tine_method(NOBODY)); }
CALL(tine_path) { return say(r, tine_path(NOBODY)); }
CALL(tine_query_string) { return say(r, tine_query_string(NOBODY)); }
CALL(tine_param) { return say(r, tine_param(NOBODY, "a")); }
CALL(tine_query) { return say(r, tine_query(NOBODY, "a")); }
CALL(tine_header) { return say(r, tine_header(NOBODY, "a")); }
CALL(tine_header_at) { return tine_text(r, 200, "%d", tine_header_at(NOBODY, 0, NULL, NULL)); }
CALL(tine_client) { return tine_text(r, 200, "%s", tine_client(NOBODY)); }
CALL(tine_scheme) { return say(r, tine_scheme(NOBODY)); }
CALL(tine_id) { return say(r, tine_id(NOBODY)); }
CALL(tine_handler_name) { return say(r, tine_handler_name(NOBODY)); }
CALL(tine_request_app) { return say(r, tine_request_app(NOBODY)); }
CALL(tine_shared_as) { return tine_text(r, 200, "%d", tine_shared_as(NOBODY, NULL) != NULL); }
CALL(tine_failed) { return tine_text(r, 200, "%d", tine_failed(NOBODY)); }
CALL(tine_failure) { return say(r, tine_failure(NOBODY)); }
CALL(tine_cookie) { return say(r, tine_cookie(NOBODY, "a")); }
CALL(tine_form) { return say(r, tine_form(NOBODY, "a")); }
CALL(tine_form_at) { return tine_text(r, 200, "%d", tine_form_at(NOBODY, 0, NULL, NULL)); }
CALL(tine_form_int) { return tine_text(r, 200, "%d", tine_form_int(NOBODY, "a", 0, 1, NULL)); }
CALL(tine_query_at) { return tine_text(r, 200, "%d", tine_query_at(NOBODY, 0, NULL, NULL)); }
CALL(tine_json_document) { return say(r, tine_json_document(NOBODY)); }
CALL(tine_body_fd) { return tine_text(r, 200, "%d", tine_body_fd(NOBODY, NULL)); }
CALL(tine_next_part) { return say(r, tine_next_part(NOBODY)); }
CALL(tine_accepts_encoding) { return tine_text(r, 200, "%d", tine_accepts_encoding(NOBODY, "gzip")); }
CALL(tine_escape_html) { return say(r, tine_escape_html(NOBODY, "<")); }
CALL(tine_set_attachment) { return tine_text(r, 200, "%d", tine_set_attachment(NOBODY, "a")); }
CALL(tine_status) { return tine_text(r, 200, "%d", tine_status(NOBODY)); }
CALL(tine_sent) { return tine_text(r, 200, "%d", (int)tine_sent(NOBODY)); }
CALL(tine_response_header_at) { return tine_text(r, 200, "%d", tine_response_header_at(NOBODY, 0, NULL, NULL)); }
CALL(tine_response_header) { return say(r, tine_response_header(NOBODY, "a")); }
CALL(tine_response_body) { return say(r, tine_response_body(NOBODY, NULL)); }
CALL(tine_printf) { return say(r, tine_printf(NOBODY, "%d", 7)); }
CALL(tine_media_type) { return say(r, tine_media_type(NOWHERE)); }
CALL(tine_app_name) { return say(r, tine_app_name(NOWHERE)); }
CALL(tine_app_path) { return say(r, tine_app_path(NOWHERE)); }
CALL(tine_data) { return say(r, tine_data(NOWHERE)); }

CALL(tine_log)
{
    tine_log(NOBODY, TINE_INFO, "of whom?");
    return say(r, NULL);
}

CALL(tine_set_data)
{
    tine_set_data(NOWHERE, NULL);
    return say(r, NULL);
}

CALL(tine_etag)
{
    char etag[TINE_ETAG_SIZE];
    tine_etag(NOWHERE, etag);
    return say(r, etag);
}

/* ---- With what cannot be ---- */

CALL(tine_alloc) { return say(r, tine_alloc(r, (size_t)-8)); }
CALL(tine_problem) { return tine_problem(r, 99, "no such status"); }
CALL(tine_send_file) { return tine_send_file(r, NULL, NULL); }
CALL(tine_send_content) { return tine_send_content(r, NULL); }
CALL(tine_precondition) { return tine_text(r, 200, "%d", tine_precondition(r, "no quotes", 0)); }
CALL(tine_fresh) { return tine_text(r, 200, "%d", tine_fresh(r, "no quotes", 0)); }
CALL(tine_write_html) { return tine_text(r, 200, "%d", tine_write_html(r, NO_FORMAT, 0)); }
CALL(tine_write_text) { return tine_text(r, 200, "%d", tine_write_text(r, NO_FORMAT, 0)); }
CALL(tine_attribute) { return say(r, tine_attribute(r, NULL)); }
CALL(tine_part_text) { return tine_part_text(r) == NULL ? tine_failed(r) : 200; }
CALL(tine_part_fd) { return tine_part_fd(r, NULL) < 0 ? tine_failed(r) : 200; }
CALL(tine_part_save) { return tine_part_save(r, "nowhere"); }
CALL(tine_file_name) { return tine_text(r, 200, "%s", tine_file_name(r, NULL)); }
CALL(tine_setting) { return say(r, tine_setting(tine_request_app(r), "never declared")); }
CALL(tine_setting_number) { return tine_text(r, 200, "%d", (int)tine_setting_number(tine_request_app(r), "word")); }
CALL(tine_setting_each) { return tine_text(r, 200, "%d", tine_setting_each(tine_request_app(r), "word", 0, NULL, NULL, NULL)); }
CALL(tine_reject) { return tine_text(r, 200, "%d", tine_reject(tine_request_app(r), NULL, "too late")); }

CALL(tine_read)
{
    char byte;
    return tine_read(r, &byte, (size_t)-1) < 0 ? tine_failed(r) : 200;
}

#define ROUTE(function) TINE_GET("/" #function, call_##function)

TINE_MODULE(.settings = (const tine_option[]){{"word", TINE_TEXT, "", "a text"}, {0}},
            .routes = (const tine_route[]){
                ROUTE(tine_method), ROUTE(tine_path), ROUTE(tine_query_string), ROUTE(tine_param), ROUTE(tine_query), ROUTE(tine_header),
                ROUTE(tine_header_at), ROUTE(tine_client), ROUTE(tine_scheme), ROUTE(tine_id), ROUTE(tine_request_app),
                ROUTE(tine_handler_name), ROUTE(tine_failed), ROUTE(tine_failure), ROUTE(tine_shared_as),
                ROUTE(tine_cookie), ROUTE(tine_form), ROUTE(tine_form_at), ROUTE(tine_form_int), ROUTE(tine_query_at),
                ROUTE(tine_json_document),
                ROUTE(tine_body_fd), ROUTE(tine_next_part), ROUTE(tine_accepts_encoding), ROUTE(tine_escape_html),
                ROUTE(tine_set_attachment), ROUTE(tine_status),
                ROUTE(tine_sent), ROUTE(tine_response_header), ROUTE(tine_response_header_at), ROUTE(tine_response_body),
                ROUTE(tine_printf), ROUTE(tine_media_type),
                ROUTE(tine_app_name), ROUTE(tine_app_path), ROUTE(tine_data), ROUTE(tine_log), ROUTE(tine_set_data), ROUTE(tine_etag),
                ROUTE(tine_alloc), ROUTE(tine_problem), ROUTE(tine_send_file), ROUTE(tine_send_content), ROUTE(tine_precondition),
                ROUTE(tine_fresh), ROUTE(tine_write_html), ROUTE(tine_write_text), ROUTE(tine_attribute), ROUTE(tine_part_text),
                ROUTE(tine_part_fd),
                ROUTE(tine_part_save), ROUTE(tine_file_name), ROUTE(tine_setting), ROUTE(tine_setting_number), ROUTE(tine_setting_each),
                ROUTE(tine_reject), ROUTE(tine_read), {0}})
