/* SPDX-License-Identifier: Apache-2.0
 *
 * `conformance [OPTION]... [CHAPTER]...` puts the cases of these chapters ("9112", "9112 6"), or of all, to tine or a peer and
 * prints how many passed, by section. Exit code 1: a case was missed; each is told with what was sent and what came. For
 * scripts/mutation: --names says at once which (with --list: all there are), and with --most misses it gives up, with 4.
 */
#include "conformance.h"

#include "../system/harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASES_MAX = 1000, NOT_MADE = 3, TOO_MANY = 4, PATIENCE_OF_PEERS = 1500 };

struct plan {
    const char *peer;
    bool list, names, quick, pending;
    size_t most; /* misses, with which it ends early; 0: none */
    int64_t patience;
    char **wanted;
};

struct tally {
    size_t cases, passed, missed;
    char *misses; /* told at the end */
};

void harness_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(NOT_MADE);
}

static const char *level_name(enum level level)
{
    static const char *const names[] = {"MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "tine"};
    return names[level];
}

static void list_chapter(const struct chapter *chapter)
{
    printf("\nRFC %s  %s\n", chapter->section, chapter->title);
    for (const struct rule *rule = chapter->rules; rule->section != NULL; rule++) {
        printf("  %-8s %-10s %s\n", rule->section, level_name(rule->level), rule->says);
        if (rule->none != NULL)
            printf("%24s(no case: %s)\n", "", rule->none);
        for (const struct http_case *each = rule->cases; each != NULL && each->name != NULL; each++)
            printf("%24s- %s%s\n", "", each->name, each->own ? " (tine's own)" : "");
    }
}

/* What a case has that makes it this one: when any of it is changed the case is another. */
static uint32_t mark_of(const struct rule *rule, const struct http_case *http_case)
{
    uint32_t mark = 2166136261u; /* FNV-1a */
    const char *texts[] = {rule->section, rule->says, http_case->name, http_case->expect};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (const char *at = texts[i]; *at != 0; at++)
            mark = (mark ^ (unsigned char)*at) * 16777619u;
    for (size_t i = 0; i < http_case->length; i++)
        mark = (mark ^ (unsigned char)http_case->bytes[i]) * 16777619u;
    return mark;
}

/* A line for scripts/mutation. */
static void name_case(FILE *to, const struct chapter *chapter, const struct rule *rule, const struct http_case *http_case)
{
    fprintf(to, "case %08x %.4s %s: %s: %s\n", mark_of(rule, http_case), chapter->section, rule->section, rule->says, http_case->name);
    fflush(to);
}

/* All cases that this target is asked. */
static size_t collect(const struct chapter *chapter, const struct target *target, const struct http_case **cases, const struct rule **rules)
{
    size_t count = 0;
    for (const struct rule *rule = chapter->rules; rule->section != NULL; rule++)
        for (const struct http_case *each = rule->cases; each != NULL && each->name != NULL; each++)
            if (target->asked.is_tine || (!each->own && rule->level != POLICY)) {
                if (count == CASES_MAX)
                    harness_fail("more than %d cases in a chapter", CASES_MAX);
                rules[count] = rule;
                cases[count++] = each;
            }
    return count;
}

/* All of them that tine is asked. */
static void name_chapter(const struct chapter *chapter)
{
    for (const struct rule *rule = chapter->rules; rule->section != NULL; rule++)
        for (const struct http_case *each = rule->cases; each != NULL && each->name != NULL; each++)
            name_case(stdout, chapter, rule, each);
}

static bool is_enough(const struct plan *plan, const struct tally *all)
{
    return plan->most > 0 && all->missed >= plan->most;
}

static void run_chapter(const struct chapter *chapter, const struct target *target, const struct plan *plan, struct tally *all)
{
    const struct http_case *cases[CASES_MAX] = {NULL};
    const struct rule *rules[CASES_MAX];
    char *interleaved[CASES_MAX] = {NULL};
    size_t passed = 0, count = collect(chapter, target, cases, rules);
    if (!target->quick)
        cases_interleave(target, cases, count, interleaved);
    for (size_t i = 0; i < count && !is_enough(plan, all); i++) {
        char *wrong = interleaved[i] != NULL ? interleaved[i] : case_run(target, cases[i]);
        passed += wrong == NULL;
        if (wrong == NULL)
            continue;
        all->missed++;
        if (plan->names)
            name_case(stdout, chapter, rules[i], cases[i]);
        all->misses = text("%s%s %s, %s: %s\n    case: %s\n%s\n", all->misses, rules[i]->section, level_name(rules[i]->level),
                           chapter->section, rules[i]->says, cases[i]->name, wrong);
    }
    printf("%-10s %-44s %6zu of %-6zu%s\n", chapter->section, chapter->title, passed, count, passed == count ? "" : " MISSED");
    fflush(stdout);
    all->cases += count;
    all->passed += passed;
}

static bool is_wanted(const struct chapter *chapter, const struct plan *plan)
{
    if (plan->wanted[0] == NULL)
        return plan->peer != NULL || plan->pending || !chapter->pending;
    for (char **wanted = plan->wanted; *wanted != NULL; wanted++)
        if (strncmp(chapter->section, *wanted, strlen(*wanted)) == 0)
            return true;
    return false;
}

static int run_all(const struct plan *plan)
{
    struct target target = {.quick = plan->quick};
    struct tally all = {.misses = ""};
    target.asked.patience = plan->patience > 0 ? plan->patience : plan->peer != NULL ? PATIENCE_OF_PEERS : PATIENCE;
    target_start(&target, plan->peer != NULL ? plan->peer : "tine");
    for (const struct chapter *chapter = chapters; chapter->section != NULL; chapter++)
        if (is_wanted(chapter, plan) && !is_enough(plan, &all))
            run_chapter(chapter, &target, plan, &all);
    printf("%-10s %-44s %6zu of %zu\n", "all", target.name, all.passed, all.cases);
    if (all.misses[0] != 0)
        printf("\n%s", all.misses);
    fflush(stdout);
    if (is_enough(plan, &all))
        return TOO_MANY;
    if (plan->most == 0 || all.missed == 0) /* else a mutant, that shall just be gone */
        target_stop(&target);
    return all.passed == all.cases && all.cases > 0 ? 0 : 1;
}

static void usage(void)
{
    fprintf(stderr, "usage: conformance [--peer nginx|apache|h2o] [--list] [--names] [--quick] [--most MISSES] [--pending]\n"
                    "                   [--patience MS] [CHAPTER]...\n");
    exit(2);
}

int main(int argc, char **argv)
{
    struct plan plan = {0};
    int at = 1;
    for (; at < argc && argv[at][0] == '-'; at++) {
        bool more = at + 1 < argc;
        if (strcmp(argv[at], "--peer") == 0 && more)
            plan.peer = argv[++at];
        else if (strcmp(argv[at], "--patience") == 0 && more)
            plan.patience = atol(argv[++at]);
        else if (strcmp(argv[at], "--list") == 0)
            plan.list = true;
        else if (strcmp(argv[at], "--names") == 0)
            plan.names = true;
        else if (strcmp(argv[at], "--most") == 0 && more)
            plan.most = (size_t)atol(argv[++at]);
        else if (strcmp(argv[at], "--quick") == 0)
            plan.quick = true;
        else if (strcmp(argv[at], "--pending") == 0)
            plan.pending = true;
        else
            usage();
    }
    plan.wanted = argv + at;
    if (!plan.list)
        return run_all(&plan);
    for (const struct chapter *chapter = chapters; chapter->section != NULL; chapter++) {
        if (plan.names)
            name_chapter(chapter);
        else
            list_chapter(chapter);
    }
    return 0;
}
