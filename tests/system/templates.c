/* SPDX-License-Identifier: Apache-2.0
 *
 * The filter template: pages of Mustache templates, in which what a value says stays text.
 */
#include "client.h"
#include "required.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(templates, .timeout = 120);

#define PAGES "[filter:pages]\nmodule = template\nfolder = pages\n"
#define APP(filters) "[app:a]\npath = /\nmodule = @MODULES@/pages.so\nfilters = " filters "\n"
#define NAMED "{\"name\":\"Ada\"}"

static struct server server;

static void put(const char *name, const char *content)
{
    file_write(text("%s/pages/%s", server.dir, name), content);
}

static void prepare(const char *ini)
{
    require_module("template");
    server_prepare(&server, ini);
    run("mkdir", text("%s/pages", server.dir));
}

static void start(void)
{
    prepare(ONE_WORKER PAGES APP("pages"));
    put("page.html", "Hello {{name}}!\n");
    server_launch(&server);
}

static void stop(void)
{
    if (server.pid > 0)
        server_stop(&server);
}

#define TemplateTest(name) Test(templates, name, .init = start, .fini = stop)

static struct response post(const char *name, const char *values)
{
    return ask(&server, text("POST /page?name=%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
                             "Content-Length: %zu\r\n\r\n%s", name, strlen(values), values));
}

/* Makes a template of the text, and a page of it. */
static void expect_page(const char *template, const char *values, const char *page)
{
    static int count;
    char *name = text("t%d", count++);
    put(text("%s.html", name), template);
    struct response response = post(name, values);
    expect_response(&response, 201, page);
    response_free(&response);
}

static void expect_failure(const char *name, const char *values, const char *reason)
{
    struct response response = post(name, values);
    if (response.status != 500 || strstr(response.body, server.dir) != NULL)
        harness_fail("%s: %d %s", name, response.status, response.body);
    response_free(&response);
    if (!text_matches(server_log(&server), reason))
        harness_fail("no /%s/ in:\n%s", reason, server_log(&server));
}

static void expect_wrong(const char *template, const char *reason)
{
    static int count;
    char *name = text("w%d", count++);
    put(text("%s.html", name), template);
    expect_failure(name, NAMED, text("template: .*/pages/%s\\.html%s", name, reason));
}

TemplateTest(values_are_put_in)
{
    struct response response = post("page", NAMED);
    expect_response(&response, 201, "Hello Ada!\n");
    expect_field(&response, "Content-Type", "text/html; charset=utf-8");
    expect_page("{{a.b}} {{n}} {{x}} {{t}}{{f}}{{z}}{{e}}|",
                "{\"a\":{\"b\":\"deep\"},\"n\":-7,\"x\":1.5,\"t\":true,\"f\":false,\"z\":null,\"e\":\"\"}", "deep -7 1.5 true|");
    expect_page("{{#people}}<li>{{name}}{{^last}},{{/last}}</li>\n{{/people}}{{^people}}nobody{{/people}}",
                "{\"people\":[{\"name\":\"Ada\"},{\"name\":\"Bob\",\"last\":true}]}", "<li>Ada,</li>\n<li>Bob</li>\n");
    expect_page("{{#people}}{{name}}{{/people}}{{^people}}nobody{{/people}}", "{\"people\":[]}", "nobody");
    expect_page("{{#names}}{{.}} {{/names}}{{! not seen }}", "{\"names\":[\"a\",\"b<\",3]}", "a b&lt; 3 ");
    expect_page("{{missing}}.{{#missing}}x{{/missing}}", NAMED, ".");
}

TemplateTest(what_a_value_says_stays_text)
{
    static const struct {
        const char *template, *values, *page;
    } cases[] = {
        {"<p>{{v}}</p>", "{\"v\":\"<script>alert(1)</script>\"}", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"},
        {"<a title=\"{{v}}\">", "{\"v\":\"\\\" onclick=\\\"alert(1)\"}", "<a title=\"&quot; onclick&#61;&quot;alert(1)\">"},
        {"<a title='{{v}}'>", "{\"v\":\"' onclick='alert(1)\"}", "<a title='&#39; onclick&#61;&#39;alert(1)'>"},
        {"{{v}}", "{\"v\":\"&lt;`\\u0001\\u001b[0m\\t\"}", "&amp;lt;&#96;\xef\xbf\xbd\xef\xbf\xbd[0m\t"},
        {"{{v}}{{w}}", "{\"v\":\"{{{w}}}\",\"w\":\"secret\"}", "{{{w}}}secret"},
        {"{{v}}", "{\"v\":\"{{>page}}{{#x}}\",\"x\":true}", "{{&gt;page}}{{#x}}"},
        {"{{#v}}{{.}}{{/v}}", "{\"v\":\"<script>\"}", "&lt;script&gt;"},
        {"{{#v}}{{a}}{{/v}}", "{\"v\":[{\"a\":\"<script>\"},{\"a\":[\"<script>\"]}]}", "&lt;script&gt;"},
        {"{{<script>}}", "{\"<script>\":\"<script>\"}", "&lt;script&gt;"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_page(cases[i].template, cases[i].values, cases[i].page);
}

/* A value is no template either when it has the name of a partial. */
TemplateTest(partials_are_files_alone)
{
    put("row.html", "<td>{{name}}</td>");
    run("mkdir", text("%s/pages/parts", server.dir));
    put("parts/table.html", "<tr>{{> row }}</tr>\n");
    expect_page("{{#rows}}{{>parts/table}}{{/rows}}",
                "{\"rows\":[{\"name\":\"<a>\"},{\"name\":\"b\"}],\"row\":\"{{secret}}\",\"secret\":1}",
                "<tr><td>&lt;a&gt;</td></tr>\n<tr><td>b</td></tr>\n");
    put("lacks.html", "one\n {{> missing}}");
    expect_failure("lacks", NAMED, "template: .*/pages/missing\\.html: No such file");
    expect_wrong("one\n {{> ../server}}", ":2:2: '\\.\\./server' is no name");
    put("itself.html", "x{{> itself}}");
    expect_failure("itself", NAMED, "itself\\.html:1:2: partials are more than 16 deep");
    put("big0.html", text("%01000d", 0));
    for (int i = 1; i < 8; i++)
        put(text("big%d.html", i), text("{{>big%d}}{{>big%d}}{{>big%d}}{{>big%d}}", i - 1, i - 1, i - 1, i - 1));
    expect_failure("big7", NAMED, "larger than 1m with its partials");
}

TemplateTest(what_is_wrong_is_told_with_its_place)
{
    expect_wrong("one\ntwo {{name", ":2:5: unclosed tag");
    expect_wrong("{{#a}}\n{{name}}", ":1:1: unclosed section \"a\"");
    expect_wrong("{{name}}\n{{/a}}", ":2:1: unopened section \"a\"");
    expect_wrong("{{#a}}{{#b}}{{/a}}{{/b}}", ":1:[0-9]+: unclosed section");
    expect_wrong("\n{{{name}}}", ":2:1: \\{\\{\\{name\\}\\}\\} is put in unescaped, which takes raw = on");
    expect_wrong("{{&name}}", ":1:1: .*unescaped");
    expect_wrong("{{#a}}{{{name}}}{{/a}}", ":1:7: .*unescaped");
    expect_wrong("{{=<% %>=}}<%&name%>", ":1:");
    expect_wrong("{{", ":1:1: unclosed tag");
    expect_wrong("x{{{", ":1:2: unclosed tag");
    expect_failure("never_was", NAMED, "template: .*/pages/never_was\\.html: No such file");
    expect_get(&server, "/nothing", 500, NULL);
    server_log_await(&server, "template: page: its values are NULL", 1);
    expect_get(&server, "/deep", 500, NULL);
    server_log_await(&server, "template: its values are more than 64 deep", 1);
    struct response response = post("page", NAMED);
    expect_response(&response, 201, "Hello Ada!\n");
}

static bool says(const char *name, int status, const char *body)
{
    struct response response = post(name, NAMED);
    bool same = response.status == status && (body == NULL || strcmp(response.body, body) == 0);
    response_free(&response);
    return same;
}

TemplateTest(names_do_not_leave_the_folder)
{
    file_write(text("%s/secret.html", server.dir), "secret");
    put(".hidden.html", "hidden");
    static const char *const names[] = {"../secret", "..%2fsecret", "%2fetc%2fpasswd", "./page", ".hidden", "x/../../secret", "a//b",
                                        "pages%5c..", ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        cr_assert(says(names[i], 500, NULL));
        server_log_await(&server, "is no name of a template", i + 1);
    }
    cr_assert(says(text("%0200d", 0), 500, NULL));
    server_log_await(&server, "is no name of a template", sizeof names / sizeof names[0] + 1);
    run("mkdir", text("%s/pages/folder.html", server.dir));
    expect_failure("folder", NAMED, "folder\\.html: it is no file");
    for (int i = 0; i < 300; i++) /* more than are kept */
        cr_assert(!says(text("none%d", i), 201, NULL));
    struct response response = post("page", NAMED);
    expect_response(&response, 201, "Hello Ada!\n");
}

TemplateTest(files_are_looked_at_again)
{
    put("part.html", "one {{name}}");
    put("whole.html", "<{{>part}}>");
    cr_assert(says("whole", 201, "<one Ada>"));
    put("part.html", "two, {{name}}");
    await(says("whole", 201, "<two, Ada>"));
    put("part.html", "{{#broken}}");
    await(says("whole", 500, NULL));
    put("part.html", "mended");
    await(says("whole", 201, "<mended>"));
    unlink(text("%s/pages/whole.html", server.dir));
    await(says("whole", 500, NULL));
    cr_assert(says("later", 500, NULL));
    put("later.html", "there");
    await(says("later", 201, "there"));
}

Test(templates, of_several_filters_the_innermost_counts, .fini = stop)
{
    prepare(ONE_WORKER PAGES "[filter:raw]\nmodule = template\nfolder = .\nextension = .txt\ntype = text/plain; charset=utf-8\nraw = on\n"
            APP("pages, raw"));
    file_write(text("%s/page.txt", server.dir), "{{name}} {{{name}}} {{&name}}");
    server_launch(&server);
    struct response response = post("page", "{\"name\":\"<\"}");
    expect_response(&response, 201, "&lt; < <");
    expect_field(&response, "Content-Type", "text/plain; charset=utf-8");
}

Test(templates, bad_settings_are_named)
{
    static const struct {
        const char *lines, *reason;
    } cases[] = {
        {"folder = nowhere\n", "server\\.ini:6: \\[filter:pages\\] folder: .*nowhere: No such file"},
        {"folder = server.ini\n", "server\\.ini:6: \\[filter:pages\\] folder: .*is no folder"},
        {"folder = pages\nextension = html\n", "server\\.ini:7: \\[filter:pages\\] extension: .*begin with a dot"},
        {"folder = pages\ntype = html\n", "server\\.ini:7: \\[filter:pages\\] type: .*media type"},
        {"", "\\[filter:pages\\] folder: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        prepare(text("%s[filter:pages]\nmodule = template\n%s%s", ONE_WORKER, cases[i].lines, APP("pages")));
        struct run ran = run_tine("-c", server.ini);
        cr_assert(ran.code != 0 && text_matches(ran.err, cases[i].reason), "%s: %d %s", cases[i].lines, ran.code, ran.err);
    }
}
