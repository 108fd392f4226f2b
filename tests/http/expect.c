/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of table.h, held against answers.
 */
#include "expect.h"

#include "../system/harness.h"
#include "table.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS = 24 };

/* Cuts at 'separator' in place; returns how many parts there are. */
static size_t cut(char *line, const char *separator, char **parts)
{
    size_t count = 0;
    while (line != NULL && count < WORDS) {
        char *end = strstr(line, separator);
        parts[count++] = line;
        line = end != NULL ? end + strlen(separator) : NULL;
        if (end != NULL)
            *end = 0;
    }
    return count;
}

static void put_semicolons(char **words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (char *at = words[i]; (at = strchr(at, SEMICOLON[0])) != NULL;)
            *at = ';';
}

/* "400", "400/501", "4xx". */
static bool status_fits(const char *wanted, int status)
{
    for (; *wanted != 0; wanted += strcspn(wanted, "/"), wanted += *wanted == '/')
        if (strncmp(wanted + 1, "xx", 2) == 0 ? wanted[0] - '0' == status / 100 : atoi(wanted) == status)
            return true;
    return false;
}

static char *field_fits(const char *word, const struct answer *answer)
{
    size_t name = strcspn(word, "=~");
    const char *value = answer_field(answer, text("%.*s", (int)name, word), NULL), *wanted = word + name + 1;
    bool fits = value != NULL && (word[name] == '=' ? strcmp(value, wanted) == 0 : strcasestr(value, wanted) != NULL);
    return fits ? NULL : text("%s%s%s", word, value != NULL ? ", not " : "", value != NULL ? value : " (there is none)");
}

static char *word_fits(const char *word, const struct answer *answer, bool is_tine)
{
    if (strncmp(word, "own:", 4) == 0)
        return is_tine ? word_fits(word + 4, answer, true) : NULL;
    if (strcmp(word, "head") == 0)
        return NULL;
    if (strcmp(word, "chunked") == 0)
        return answer->chunked ? NULL : text("not chunked");
    if (strcmp(word, "empty") == 0)
        return answer->length == 0 ? NULL : text("a body of %zu bytes", answer->length);
    if (strncmp(word, "body=", 5) == 0)
        return answer->length == strlen(word + 5) && memcmp(answer->body, word + 5, answer->length) == 0
                   ? NULL : text("%s, not \"%.200s\"", word, answer->body);
    if (strncmp(word, "body~", 5) == 0) /* others write the names of fields in parts in other letters */
        return (is_tine ? strstr : strcasestr)(answer->body, word + 5) != NULL ? NULL : text("%s, not in \"%.400s\"", word, answer->body);
    if (word[0] == '!')
        return word_fits(word + 1, answer, is_tine) != NULL ? NULL : text("%s after all", word + 1);
    if (word[0] == '+')
        return answer_field(answer, word + 1, NULL) != NULL ? NULL : text("no %s", word + 1);
    if (word[0] == '-')
        return answer_field(answer, word + 1, NULL) == NULL ? NULL : text("a %s", word + 1);
    return field_fits(word, answer);
}

/* Reads one answer. */
static char *next_answer(struct wire *wire, char **words, size_t count, const struct asked *asked, struct answer *answer)
{
    bool head = false;
    for (size_t i = 1; i < count; i++)
        head |= strcmp(words[i], "head") == 0;
    return answer_read(wire, answer, head, now_ms() + asked->patience);
}

static char *check_answer(char **words, size_t count, const struct asked *asked, const struct answer *answer)
{
    if (!status_fits(words[0] + (words[0][0] == '?'), answer->status))
        return text("status %d, not %s", answer->status, words[0]);
    /* These hold for every answer, but peers are asked for them once. */
    if (asked->is_tine && answer->status == 405 && answer_field(answer, "Allow", NULL) == NULL)
        return text("405 without Allow");
    if (asked->is_tine && answer->status >= 200 && answer_field(answer, "Date", NULL) == NULL)
        return text("no Date");
    if (asked->is_tine && strncmp(answer->head, "HTTP/1.1 ", 9) != 0)
        return text("not HTTP/1.1");
    const char *type = answer_field(answer, "Content-Type", NULL);
    if (asked->is_tine && answer->length > 0 && type != NULL && strcmp(type, "application/problem+json") == 0) {
        char *wrong = problem_check(answer);
        if (wrong != NULL)
            return wrong;
    }
    for (size_t i = 1; i < count; i++) {
        char *wrong = word_fits(words[i], answer, asked->is_tine);
        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

static char *describe(char *wrong, size_t number, const struct answer *answer, const struct wire *wire)
{
    if (answer->head != NULL)
        return text("answer %zu: %s\n%s%.600s", number + 1, wrong, answer->head, answer->body);
    return text("answer %zu: %s\n%.600s", number + 1, wrong, wire->data != NULL ? wire->data : "");
}

/* The end stands behind the last answer's words, or alone. */
static enum end take_end(char **parts, size_t *count)
{
    static const char *const names[] = {"close", "keep", "either"};
    char *last = parts[*count - 1], *word = strrchr(last, ' ');
    for (enum end end = END_CLOSE; end <= END_EITHER; end++)
        if (strcmp(word != NULL ? word + 1 : last, names[end]) == 0) {
            if (word != NULL)
                word[-1] = 0; /* its ';' */
            else
                --*count;
            return end;
        }
    harness_fail("neither \"close\" nor \"keep\": %s", last);
}

char *answers_expect(struct wire *wire, const char *expect, const struct asked *asked, enum end *end)
{
    char *parts[WORDS], *words[WORDS], *wrong = NULL;
    struct answer answer = {0};
    bool there = false; /* an answer that was read and not yet accounted for */
    size_t count = cut(text("%s", expect), " | ", parts);
    *end = take_end(parts, &count);
    for (size_t i = 0; i < count && wrong == NULL; i++) {
        size_t length = cut(parts[i], "; ", words);
        put_semicolons(words, length);
        if (!there)
            wrong = next_answer(wire, words, length, asked, &answer);
        if (wrong != NULL && words[0][0] == '?' && answer.head == NULL && wire->length == 0 && wire->ended) {
            wrong = NULL; /* it was left out, and so is all behind it */
            continue;
        }
        there = wrong == NULL && words[0][0] == '?' && !status_fits(words[0] + 1, answer.status);
        if (there)
            continue;
        if (wrong == NULL)
            wrong = check_answer(words, length, asked, &answer);
        if (wrong != NULL)
            wrong = describe(wrong, i, &answer, wire);
        answer_release(&answer);
    }
    return wrong;
}

char *answers_expect_end(struct wire *wire, const struct asked *asked)
{
    int64_t deadline = now_ms() + asked->patience;
    long got = wire->length > 0 ? (long)wire->length : wire_receive(wire, deadline);
    if (got > 0)
        return text("more came in place of the end\n%.600s", wire->data);
    if (got < 0)
        return text("the connection is not closed");
    return wire->reset && asked->is_tine ? text("the connection is reset") : NULL;
}
