/* SPDX-License-Identifier: Apache-2.0
 *
 * How names and paths get into pages and URIs.
 */
#include "modules/encode.h"

#include <criterion/criterion.h>
#include <string.h>

struct pair {
    const char *in, *expected;
};

static void expect_encoded(char *(*encode)(char *out, const char *text), const struct pair *pairs)
{
    for (; pairs->in != NULL; pairs++) {
        char out[256];
        char *end = encode(out, pairs->in);

        cr_expect_str_eq(out, pairs->expected, "%s: %s", pairs->in, out);
        cr_expect_eq(end, out + strlen(out), "%s: the end is returned", pairs->in);
        cr_expect_leq(strlen(out), ENCODE_GROWTH * strlen(pairs->in), "%s: grew too much", pairs->in);
    }
}

Test(encode, html_is_inert)
{
    expect_encoded(encode_html, (const struct pair[]){
        {"plain name.txt", "plain name.txt"},
        {"<script>", "&lt;script&gt;"},
        {"\"'&", "&quot;&#39;&amp;"},
        {"a\nb\x1b[31m\x7f", "a\xef\xbf\xbd" "b\xef\xbf\xbd[31m\xef\xbf\xbd"},
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"", ""},
        {NULL, NULL},
    });
}

Test(encode, name_is_one_segment_safe_in_an_attribute)
{
    expect_encoded(encode_name, (const struct pair[]){
        {"plain-name_1.txt", "plain-name_1.txt"},
        {"a b", "a%20b"},
        {"a/b", "a%2Fb"},
        {"a%2Fb", "a%252Fb"},
        {"100%", "100%25"},
        {"?#", "%3F%23"},
        {"\"'<>&", "%22%27%3C%3E%26"},
        {"\r\n\x7f", "%0D%0A%7F"},
        {"\xc3\xa4", "%C3%A4"},
        {NULL, NULL},
    });
}

Test(encode, path_keeps_segments_and_encoded_slashes)
{
    expect_encoded(encode_path, (const struct pair[]){
        {"/a/b c/", "/a/b%20c/"},
        {"/a%2Fb", "/a%2Fb"},
        {"/a%252Fb", "/a%252Fb"},
        {"/a%25252Fb", "/a%25252Fb"},
        {"/a%25b", "/a%2525b"},
        {"/%%2F", "/%25%2F"},
        {"/100%/x", "/100%25/x"},
        {"/%2", "/%252"},
        {"/\\evil.example", "/%5Cevil.example"},
        {NULL, NULL},
    });
}

Test(encode, path_of_a_file_loses_one_level)
{
    expect_encoded(decode_path, (const struct pair[]){
        {"a/b c", "a/b c"},
        {"a%252Fb", "a%2Fb"},
        {"a%25252Fb/%252F", "a%252Fb/%2F"},
        {"a%2Fb", "a%2Fb"},
        {"100%25/%", "100%25/%"},
        {"%25%252F", "%25%2F"},
        {"", ""},
        {NULL, NULL},
    });
}
