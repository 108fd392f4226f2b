/* SPDX-License-Identifier: Apache-2.0
 *
 * Every function of tine.h has a test that calls it right and one that calls it wrong: the table says which, and is held against the
 * header and the tests. A wrong call that no other test has is made here, by tests/modules/wrong.c.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <regex.h>
#include <string.h>

TestSuite(calls, .timeout = 180);

#define CRASH 500, NULL /* the function has no way to tell: its handler crashes, which is answered and told */
#define IN 0            /* another test */

static const struct call {
    const char *function;
    const char *right;  /* the test that calls it right, as suite/name */
    int status;         /* that GET /FUNCTION of wrong.so is answered; or IN */
    const char *wrong;  /* what the log then says of its handler; NULL: that it crashed; IN the test that calls it wrong */
} calls[] = {
    {"tine_method", "handlers/client_and_method_are_known", CRASH},
    {"tine_path", "handlers/parameters_are_decoded_and_the_most_specific_route_wins", CRASH},
    {"tine_query_string", "handlers/queries_are_decoded", CRASH},
    {"tine_param", "handlers/parameters_are_decoded_and_the_most_specific_route_wins", CRASH},
    {"tine_query", "handlers/queries_are_decoded", CRASH},
    {"tine_header", "handlers/fields_are_found_whatever_their_case", CRASH},
    {"tine_header_at", "handlers/fields_are_found_whatever_their_case", CRASH},
    {"tine_body", "handlers/a_body_comes_back_with_all_its_bytes", IN, "input/mistakes_of_a_handler_are_logged_with_its_name"},
    {"tine_client", "handlers/client_and_method_are_known", CRASH},
    {"tine_scheme", "output/cookies_are_secure_on_https", CRASH},
    {"tine_id", "handlers/a_log_line_carries_the_requests_id", CRASH},
    {"tine_request_app", "handlers/settings_have_types_and_fallbacks", CRASH},
    {"tine_handler_name", "limiting/each_route_has_its_own", CRASH},
    {"tine_failed", "input/forms_are_decoded_or_refused", CRASH},
    {"tine_failure", "input/what_was_wrong_can_be_told_in_ones_own_words", CRASH},
    {"tine_param_int", "input/queries_and_integers_are_bounded", IN, "input/mistakes_of_a_handler_are_logged_with_its_name"},
    {"tine_query_int", "input/queries_and_integers_are_bounded", IN, "input/mistakes_of_a_handler_are_logged_with_its_name"},
    {"tine_form_int", "input/forms_are_decoded_or_refused", CRASH},
    {"tine_cookie", "input/cookies_are_those_of_the_rfc", CRASH},
    {"tine_form", "input/forms_are_decoded_or_refused", CRASH},
    {"tine_query_at", "input/queries_and_integers_are_bounded", CRASH},
    {"tine_form_at", "input/forms_are_decoded_or_refused", CRASH},
    {"tine_json_body", "input/json_is_unpacked_or_refused_with_the_place", IN, "input/mistakes_of_a_handler_are_logged_with_its_name"},
    {"tine_json_document", "input/json_is_unpacked_or_refused_with_the_place", CRASH},
    {"tine_read", "streaming_bodies/arrive_whole_in_every_size_and_by_every_size_of_read", 500,
     "gives tine_read() a length of 18446744073709551615"},
    {"tine_body_fd", "input/a_body_is_there_as_a_descriptor", CRASH},
    {"tine_next_part", "input/parts_are_pulled_one_by_one", CRASH},
    {"tine_part_read", "input/parts_are_pulled_one_by_one", IN, "input/mistakes_of_a_handler_are_logged_with_its_name"},
    {"tine_part_text", "input/parts_are_pulled_one_by_one", 500, "calls tine_part_text() without a part"},
    {"tine_part_fd", "input/parts_are_pulled_one_by_one", 500, "calls tine_part_fd() without a part"},
    {"tine_part_save", "input/a_file_is_saved_once_and_under_a_safe_name", 500, "calls tine_part_save() without a part"},
    {"tine_file_name", "uploads/are_kept_in_their_folder_whatever_the_client_calls_them", 200, "gives tine_file_name() NULL"},
    {"tine_text", "handlers/text_is_text", IN, "output/answers_that_cannot_be_made_are_500_and_name_the_handler"},
    {"tine_json", "input/json_is_unpacked_or_refused_with_the_place", IN,
     "output/answers_that_cannot_be_made_are_500_and_name_the_handler"},
    {"tine_json_pack", "handlers/json_is_json", IN, "output/answers_that_cannot_be_made_are_500_and_name_the_handler"},
    {"tine_send", "handlers/a_block_of_any_size_arrives", IN, "output/answers_that_cannot_be_made_are_500_and_name_the_handler"},
    {"tine_problem", "handlers/a_problem_is_a_problem", 500, "answers with status 99"},
    {"tine_redirect", "handlers/a_redirect_says_where", IN, "output/answers_that_cannot_be_made_are_500_and_name_the_handler"},
    {"tine_send_fd", "content/a_stretch_of_a_descriptor_is_sent", IN, "output/answers_that_cannot_be_made_are_500_and_name_the_handler"},
    {"tine_send_file", "content/a_file_has_versions_and_ranges", 500, "gives tine_send_file() NULL for a path"},
    {"tine_send_content", "content/what_comes_from_memory_is_answered_alike", 500, "gives tine_send_content() NULL"},
    {"tine_set_attachment", "output/an_attachment_has_its_name_whatever_that_is", CRASH},
    {"tine_precondition", "content/changes_are_made_to_the_version_that_was_meant", 200, "gives 'no quotes' for an entity tag"},
    {"tine_fresh", "handlers/what_the_client_has_is_304", 200, "gives 'no quotes' for an entity tag"},
    {"tine_etag", "content/a_file_can_be_described_without_being_sent", CRASH},
    {"tine_media_type", "content/a_file_can_be_described_without_being_sent", CRASH},
    {"tine_accepts_encoding", "content/modules_learn_what_encodings_are_wanted", CRASH},
    {"tine_set_header", "handlers/fields_can_be_set_but_not_split", IN, "output/calls_that_cannot_be_done_fail_alone_and_name_the_handler"},
    {"tine_add_header", "handlers/fields_can_be_set_but_not_split", IN, "output/calls_that_cannot_be_done_fail_alone_and_name_the_handler"},
    {"tine_set_status", "handlers/a_status_set_before_writing_is_sent", IN,
     "output/calls_that_cannot_be_done_fail_alone_and_name_the_handler"},
    {"tine_write", "handlers/what_is_written_arrives_in_chunks_once_it_is_much", IN,
     "output/calls_that_cannot_be_done_fail_alone_and_name_the_handler"},
    {"tine_write_text", "output/what_is_written_by_a_format_is_whole", 200, "gives tine_write_text() NULL for a format"},
    {"tine_html", "output/what_a_page_shows_is_escaped", IN, "output/answers_that_cannot_be_made_are_500_and_name_the_handler"},
    {"tine_write_html", "output/what_a_page_shows_is_escaped", 200, "gives tine_write_html() a format that it cannot take: '(null)'"},
    {"tine_escape_html", "output/what_a_page_shows_is_escaped", CRASH},
    {"tine_set_cookie", "output/cookies_are_careful_unless_told_otherwise", IN, "output/a_cookie_that_no_browser_would_take_is_refused"},
    {"tine_flush", "streams/flushed_is_sent_while_the_handler_runs", IN, "output/no_stream_where_there_is_no_content"},
    {"tine_event", "streams/events_are_framed_as_the_standard_has_it", IN, "streams/events_are_framed_as_the_standard_has_it"},
    {"tine_sleep", "streams/a_stall_does_not_cut_a_sleep_short", IN, "output/calls_that_cannot_be_done_fail_alone_and_name_the_handler"},
    {"tine_wait", "streams/a_wait_ends_when_its_descriptor_is_ready", IN,
     "output/calls_that_cannot_be_done_fail_alone_and_name_the_handler"},
    {"tine_finish", "streams/finish_answers_and_the_handler_goes_on", IN, "output/what_comes_after_finish_is_too_late"},
    {"tine_set_attribute", "filters/tell_handlers_by_attributes", IN, "filters/tell_handlers_by_attributes"},
    {"tine_attribute", "filters/tell_handlers_by_attributes", 200, "asks for an attribute without a name"},
    {"tine_defer", "filters/what_is_deferred_runs_backwards_at_the_end", IN, "filters/what_is_deferred_runs_backwards_at_the_end"},
    {"tine_status", "filters/learn_what_came_of_it", CRASH},
    {"tine_sent", "filters/learn_what_came_of_it", CRASH},
    {"tine_response_header", "filters/run_from_the_server_in_and_out_again", CRASH},
    {"tine_response_header_at", "caching/fields_come_again_as_they_were", CRASH},
    {"tine_response_body", "filters/may_change_the_answer_afterwards", CRASH},
    {"tine_counter_find", "shared/counters_are_exact_over_eight_workers", IN, "shared/wrong_calls_are_refused_and_told_with_the_handler"},
    {"tine_counter_add", "shared/counters_are_exact_over_eight_workers", IN, "shared/wrong_calls_are_refused_and_told_with_the_handler"},
    {"tine_counter_get", "shared/counters_are_exact_over_eight_workers", IN, "shared/wrong_calls_are_refused_and_told_with_the_handler"},
    {"tine_counter_set", "shared/entries_are_set_read_added_deleted_and_expire", IN,
     "shared/wrong_calls_are_refused_and_told_with_the_handler"},
    {"tine_shared_get", "shared/entries_are_set_read_added_deleted_and_expire", IN,
     "shared/wrong_calls_are_refused_and_told_with_the_handler"},
    {"tine_shared_set", "shared/entries_are_set_read_added_deleted_and_expire", IN,
     "shared/wrong_calls_are_refused_and_told_with_the_handler"},
    {"tine_shared_add", "shared/entries_are_set_read_added_deleted_and_expire", IN,
     "shared/wrong_calls_are_refused_and_told_with_the_handler"},
    {"tine_shared_delete", "shared/entries_are_set_read_added_deleted_and_expire", IN,
     "shared/wrong_calls_are_refused_and_told_with_the_handler"},
    {"tine_shared_swap", "shared/entries_are_set_read_added_deleted_and_expire", IN,
     "shared/wrong_calls_are_refused_and_told_with_the_handler"},
    {"tine_shared_as", "session/keeps_what_is_set_in_memory", CRASH},
    {"tine_shared_increment", "shared/entries_are_set_read_added_deleted_and_expire", IN,
     "shared/wrong_calls_are_refused_and_told_with_the_handler"},
    {"tine_alloc", "handlers/a_block_of_any_size_arrives", 500, "asks tine_alloc() for 18446744073709551608 bytes"},
    {"tine_printf", "handlers/fields_are_found_whatever_their_case", CRASH},
    {"tine_log", "handlers/a_log_line_carries_the_requests_id", CRASH},
    {"tine_setting", "handlers/settings_have_types_and_fallbacks", 200, "asks tine_setting() for 'never declared'"},
    {"tine_setting_number", "handlers/settings_have_types_and_fallbacks", 200, "asks tine_setting_number() for 'word', which is a text"},
    {"tine_setting_each", "modules/a_name_with_an_asterisk_stands_for_many_settings", 200,
     "asks tine_setting_each() for 'word', which is no setting"},
    {"tine_app_name", "handlers/settings_have_types_and_fallbacks", CRASH},
    {"tine_app_path", "handlers/settings_have_types_and_fallbacks", CRASH},
    {"tine_set_data", "handlers/settings_have_types_and_fallbacks", CRASH},
    {"tine_data", "handlers/settings_have_types_and_fallbacks", CRASH},
    {"tine_server_status", "status/master_and_workers_show_the_same", IN, NULL}, /* it takes nothing that could be wrong */
    {"tine_reject", "modules/a_load_that_rejects_is_refused_with_its_reason", 200,
     "calls tine_reject() outside of load, worker_init and health: too late"},
};
enum { CALLS = sizeof calls / sizeof *calls };

static const struct call *find_call(const char *function, size_t length)
{
    for (size_t i = 0; i < CALLS; i++)
        if (strlen(calls[i].function) == length && strncmp(calls[i].function, function, length) == 0)
            return &calls[i];
    return NULL;
}

static char *read_source(const char *path)
{
    char *source = file_read(path, NULL);
    cr_assert_neq(source[0], 0, "%s is not there: tests run in the folder of the Makefile", path);
    return source;
}

/* A declaration begins at the left of its line, which comments do not (they begin with a blank or a slash), nor members. */
Test(calls, are_in_the_table_for_each_function_of_the_header)
{
    char *header = read_source("include/tine.h");
    regex_t declaration;
    regmatch_t match[2];
    size_t found = 0;
    cr_assert_eq(regcomp(&declaration, "^[a-z][a-z0-9_ ]*[ *](tine_[a-z_]+)\\([^)]", REG_EXTENDED | REG_NEWLINE), 0);
    for (char *at = header; regexec(&declaration, at, 2, match, 0) == 0; at += match[0].rm_eo) {
        const char *name = at + match[1].rm_so;
        size_t length = (size_t)(match[1].rm_eo - match[1].rm_so);
        if (strncmp(at + match[0].rm_so, "typedef", 7) == 0)
            continue;
        cr_expect_not_null(find_call(name, length), "%.*s has no line in the table", (int)length, name);
        found++;
    }
    cr_expect_eq(found, CALLS, "the header has %zu functions, the table %d", found, CALLS);
    regfree(&declaration);
}

/* Is there such a test? It is written Test(suite, name) or, in the suite's own file, SuiteTest(name). */
static bool test_exists(const char *named)
{
    size_t suite = strcspn(named, "/");
    const char *source = read_source(text("tests/system/%.*s.c", (int)suite, named));
    return text_matches(source, text("^Test\\(%.*s, %s[,)]", (int)suite, named, named + suite + 1)) ||
           text_matches(source, text("^[A-Z][A-Za-z]+Test\\(%s\\)", named + suite + 1));
}

Test(calls, in_the_table_name_tests_that_there_are)
{
    for (size_t i = 0; i < CALLS; i++) {
        cr_expect(test_exists(calls[i].right), "%s: there is no test %s", calls[i].function, calls[i].right);
        if (calls[i].status == IN && calls[i].wrong != NULL)
            cr_expect(test_exists(calls[i].wrong), "%s: there is no test %s", calls[i].function, calls[i].wrong);
    }
}

/* Those of an app's settings are for no request, and name the module alone. */
static const char *expected_line(const struct call *call)
{
    const char *module = text("%s/wrong.so", modules_path());
    if (call->wrong == NULL)
        return text("handler wrong\\.call_%s of module %s, GET /%s, request [0-9a-f]+: crashed with SIGSEGV", call->function, module,
                    call->function);
    bool of_app = strncmp(call->function, "tine_setting", 12) == 0 || strcmp(call->function, "tine_reject") == 0;
    char *line = of_app ? text("[app:wrong] module '%s' %s", module, call->wrong)
                        : text("handler wrong.call_%s of module %s %s", call->function, module, call->wrong);
    char *escaped = text("%s%s", line, line), *to = escaped;
    for (const char *from = line; *from != 0; *to++ = *from++)
        if (strchr("()[]*", *from) != NULL)
            *to++ = '\\';
    *to = 0;
    return escaped;
}

Test(calls, that_are_wrong_are_answered_and_told_with_handler_and_module)
{
    struct server server;
    server_start(&server, TWO_WORKERS "[app:wrong]\npath = /\nmodule = @MODULES@/wrong.so\n");
    for (size_t i = 0; i < CALLS; i++) {
        if (calls[i].status == IN)
            continue;
        struct response response = get(&server, text("/%s", calls[i].function));
        cr_expect_eq(response.status, calls[i].status, "%s: %d %s", calls[i].function, response.status, response.body);
        const char *line = expected_line(&calls[i]);
        if (!wait_until(PATIENCE, text_matches(server_log(&server), line)))
            harness_fail("%s: no /%s/ in\n%s", calls[i].function, line, server_log(&server));
        response_free(&response);
    }
    server_stop_after_crashes(&server);
}
