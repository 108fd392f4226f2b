/* SPDX-License-Identifier: Apache-2.0
 *
 * No file may crash the parser: files of random bytes, of random pieces of a configuration, and right ones with
 * bytes changed. The seed is fixed, so a crash repeats; what counts is the run under the sanitizers.
 */
#include "config_support.h"

#include <time.h>

TestSuite(config_mutation, .init = enter_folder, .fini = leave_folder, .timeout = 60);

enum { TEXT_MAX = 16 * 1024 };

static uint64_t state = 0x9E3779B97F4A7C15;

static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % below;
}

static const char *const pieces[] = {
    "[server]", "[listen:a]", "[app:a]", "[app:b]", "[timeouts]", "[limits]", "[log]", "[route:a]", "only", "[", "]", "\n", "\n",
    "\n", "\r\n", " ", "\t", "=",
    " = ", ";", " ;", "#", "\"", "'", "\\", "$", "$$", "${", "}", "${HOME}", "${TINE_NOT:-x}", ":-", ":", ".", ",", "listen", "workers",
    "include", "user", "temp", "address", "backlog", "mode", "header", "body", "send", "limits.body", "timeouts.", "access_format", "level",
    "slow", "path", "host", "module", "127.0.0.1:80", "[::1]:80", "*:80", "unix:/x", "8000", "auto", "10s", "8k", "off", "0660", "/", "//",
    "/../", "x.so", "static", "server.ini", "*.ini", "99999999999999999999", "-1", "\xEF\xBB\xBF", "\xC3\xBC", "\x01", "\x7f", "\xff",
};

static size_t make_pieces(char *text)
{
    size_t length = 0;

    for (uint32_t i = 0, count = draw(200); i < count; i++) {
        const char *piece = pieces[draw(sizeof pieces / sizeof *pieces)];

        memcpy(text + length, piece, strlen(piece));
        length += strlen(piece);
    }
    return length;
}

static size_t make_bytes(char *text)
{
    size_t length = draw(300);

    for (size_t i = 0; i < length; i++)
        text[i] = (char)draw(256);
    return length;
}

static const char right[] =
    "; comment\n[server]\nlisten = 127.0.0.1:8000, *:9000, unix:x.sock\nworkers = auto\nuser = \"www-data\" ; who\ninclude = *.none\n"
    "[listen:long]\naddress = [::1]:80\nmode = 0660\n[timeouts]\nbody = 30s\n[limits]\nbody = 1m\nheaders = 32k\n"
    "[log]\naccess_format = '%h \"%r\" ; $x'\nlevel = info\n[app:a]\npath = /a/b/\nhost = Example.com\nmodule = ../x.so\n"
    "timeouts.send = 5s\nbody_memory = 1k\ndsn = \"${HOME} $$ \\\" \\\\ ${TINE_NOT:-none}\"\n[app:b]\nmodule = static\nroot = www\n"
    "[route:up]\nonly = POST /a/{x}, /b\nlimits.body = 2m\nrequest = 1m\n";

static size_t mutate(char *text)
{
    size_t length = sizeof right - 1;

    memcpy(text, right, length);
    for (uint32_t i = 0, count = 1 + draw(8); i < count && length > 1; i++) {
        size_t at = draw((uint32_t)length), run = 1 + draw(20);

        switch (draw(4)) {
        case 0:
            text[at] = (char)draw(256);
            break;
        case 1: /* taken out */
            run = run < length - at ? run : length - at;
            memmove(text + at, text + at + run, length - at - run);
            length -= run;
            break;
        case 2: /* a special byte put in */
            memmove(text + at + 1, text + at, length - at);
            text[at] = "[]=;\"'$\\{}\n:.,\0/"[draw(16)];
            length++;
            break;
        default: /* a run repeated */
            run = run < length - at ? run : length - at;
            memmove(text + at + run, text + at, length - at);
            length += run;
        }
    }
    return length;
}

/* Whatever was taken without an error has to read back from what is printed of it. */
static bool try_text(const char *text, size_t length)
{
    struct errors errors;
    const char *override = draw(2) ? "app:a.path=/o" : "server.workers=2";

    errors_init(&errors);
    write_bytes("server.ini", text, length);
    struct config *config = config_load("server.ini", &override, draw(2), &errors);
    bool is_right = errors.count == 0;
    cr_assert(is_right || errors.messages[0][0] != '\0');
    if (is_right) {
        char *printed = print_text(config);
        struct config *again = load_text(printed);
        char *printed_again = print_text(again);

        cr_assert_str_eq(printed_again, printed, "for\n%.*s", (int)length, text);
        config_free(again);
        free(printed);
        free(printed_again);
    }
    config_free(config);
    errors_release(&errors);
    return is_right;
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* At most 'most' texts; those beyond the first 500 only within half a second. */
static int try_many(size_t (*make)(char *), int most)
{
    static char text[TEXT_MAX];
    double end = seconds() + 0.5;
    int right_count = 0;

    for (int i = 0; i < most && (i < 500 || seconds() < end); i++)
        right_count += try_text(text, make(text));
    return right_count;
}

Test(config_mutation, survives_random_bytes)
{
    try_many(make_bytes, 3000);
}

Test(config_mutation, survives_random_pieces_of_a_configuration)
{
    try_many(make_pieces, 3000);
}

Test(config_mutation, survives_mutations_of_a_right_file_and_takes_some)
{
    cr_expect_gt(try_many(mutate, 3000), 0);
}
