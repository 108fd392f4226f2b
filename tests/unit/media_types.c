/* SPDX-License-Identifier: Apache-2.0
 *
 * Media types by file name.
 */
#include "http/media_types.h"

#include <criterion/criterion.h>

struct pair {
    const char *in, *expected;
};

static void expect_types(const struct pair *pairs)
{
    for (; pairs->in != NULL; pairs++)
        cr_expect_str_eq(media_type_of(pairs->in), pairs->expected, "%s: %s", pairs->in, media_type_of(pairs->in));
}

Test(media_types, text_has_a_charset_and_json_has_none)
{
    expect_types((const struct pair[]){
        {"index.html", "text/html; charset=utf-8"},
        {"style.css", "text/css; charset=utf-8"},
        {"app.js", "text/javascript; charset=utf-8"},
        {"app.mjs", "text/javascript; charset=utf-8"},
        {"robots.txt", "text/plain; charset=utf-8"},
        {"data.json", "application/json"},
        {"feed.xml", "application/xml"},
        {"logo.svg", "image/svg+xml"},
        {NULL, NULL},
    });
}

Test(media_types, the_last_extension_of_the_last_segment_counts)
{
    expect_types((const struct pair[]){
        {"a.tar.gz", "application/gzip"},
        {"photo.html.png", "image/png"},
        {"v1.html/photo.png", "image/png"},
        {"v1.html/readme", "application/octet-stream"},
        {NULL, NULL},
    });
}

Test(media_types, case_of_the_extension_is_ignored)
{
    expect_types((const struct pair[]){
        {"IMG_0001.JPG", "image/jpeg"},
        {"INDEX.Html", "text/html; charset=utf-8"},
        {NULL, NULL},
    });
}

Test(media_types, unknown_and_missing_extensions_are_octet_streams)
{
    expect_types((const struct pair[]){
        {"", "application/octet-stream"},
        {"README", "application/octet-stream"},
        {"name.", "application/octet-stream"},
        {"name.htmlx", "application/octet-stream"},
        {"name.ht", "application/octet-stream"},
        {".html", "application/octet-stream"},
        {"folder/.html", "application/octet-stream"},
        {NULL, NULL},
    });
}

/* bsearch() misses entries of a table that is out of order: one from every stretch of the alphabet. */
Test(media_types, every_stretch_of_the_table_is_found)
{
    expect_types((const struct pair[]){
        {"x.7z", "application/x-7z-compressed"},  {"x.aac", "audio/aac"},
        {"x.apng", "image/apng"},                 {"x.avif", "image/avif"},
        {"x.c", "text/plain; charset=utf-8"},     {"x.csv", "text/csv; charset=utf-8"},
        {"x.epub", "application/epub+zip"},       {"x.gif", "image/gif"},
        {"x.gz", "application/gzip"},             {"x.htm", "text/html; charset=utf-8"},
        {"x.ico", "image/vnd.microsoft.icon"},    {"x.jpeg", "image/jpeg"},
        {"x.jsonld", "application/ld+json"},      {"x.m4a", "audio/mp4"},
        {"x.md", "text/markdown; charset=utf-8"}, {"x.mp4", "video/mp4"},
        {"x.ogg", "audio/ogg"},                   {"x.otf", "font/otf"},
        {"x.pdf", "application/pdf"},             {"x.rss", "application/rss+xml"},
        {"x.tar", "application/x-tar"},           {"x.ttf", "font/ttf"},
        {"x.wasm", "application/wasm"},           {"x.webm", "video/webm"},
        {"x.webp", "image/webp"},                 {"x.woff", "font/woff"},
        {"x.woff2", "font/woff2"},                {"x.xhtml", "application/xhtml+xml"},
        {"x.yml", "application/yaml"},            {"x.zip", "application/zip"},
        {"x.zst", "application/zstd"},            {NULL, NULL},
    });
}
