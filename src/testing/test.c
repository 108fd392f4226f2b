/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions of tine_test.h that open a module and call it. They make a library of their own, of all of tine but its processes, which
 * a test program is linked with; modules that it loads find tine_* there. Only one request is on its way at a time.
 */
#include "testing/answer.h"

#include "base/io.h"
#include "base/log.h"
#include "base/memory.h"
#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    NAME_MAX_BYTES = 40, /* of an app that is called like its file */
    HIDDEN_LINES = 2,    /* that tine_test_open() puts in front of settings */
    SLEEP_MS = 1000
};

struct tine_test {
    struct direct direct;
    struct tine_answer *answers;
    int log; /* a file in memory, as long as a request is on its way */
    char *logged;
};

/* ---- opening ---- */

/* The file's name, as far as it can be one of an app. */
static void name_app(const char *module, char name[static NAME_MAX_BYTES + 1])
{
    const char *slash = strrchr(module, '/'), *file = slash != NULL ? slash + 1 : module;
    size_t length = strcspn(file, ".");
    snprintf(name, NAME_MAX_BYTES + 1, "%.*s", (int)length, length > 0 ? file : "module");
    for (char *p = name; *p != 0; p++)
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", *p) == NULL)
            *p = '_';
    if (name[0] == 0)
        strcpy(name, "module");
}

/* HIDDEN_LINES, then the settings. */
static char *make_text(const char *module, const char *settings)
{
    char name[NAME_MAX_BYTES + 1], *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        abort();
    name_app(module, name);
    fprintf(out, "[app:%s]\n", name);
    config_print_setting("module", module, out);
    fputs(settings, out);
    fclose(out);
    return text;
}

static bool is_whole(const char *settings)
{
    for (const char *line = settings;; line += strcspn(line, "\n") + 1) {
        line += strspn(line, " \t\r");
        if (*line == '[' || *line == 0 || strchr(";#\n", *line) == NULL)
            return *line == '[';
        if (line[strcspn(line, "\n")] == 0)
            return false;
    }
}

static struct config *load(const char *module, const char *settings, struct errors *errors)
{
    settings = settings != NULL ? settings : "";
    bool whole = is_whole(settings);
    if (whole == (module != NULL)) {
        errors_add(errors, module == NULL ? "tine_test_open: a module is needed, or settings that begin with a [section]"
                                          : "tine_test_open: settings that begin with a [section] name the modules: give NULL as "
                                            "the module");
        return NULL;
    }
    if (whole)
        return config_load_text(settings, 0, "settings", NULL, 0, errors);
    char *text = make_text(module, settings);
    struct config *config = config_load_text(text, HIDDEN_LINES, "settings", NULL, 0, errors);
    free(text);
    return config;
}

static void print_errors(const struct errors *errors)
{
    for (size_t i = 0; i < errors->kept; i++)
        fprintf(stderr, "%s\n", errors->messages[i]);
}

tine_test *tine_test_open(const char *module, const char *settings)
{
    struct errors errors;
    struct tine_test *t = memory_new(sizeof *t);
    errors_init(&errors);
    t->log = memfd_create("log", MFD_CLOEXEC);
    t->logged = memory_copy_text("");
    if (t->log < 0)
        errors_add(&errors, "tine_test_open: cannot make a file in memory: %s", strerror(errno));
    struct config *config = load(module, settings, &errors);
    if (config != NULL)
        direct_open(&t->direct, config, errors.count == 0, &errors);
    if (errors.count > 0) {
        print_errors(&errors);
        tine_test_close(t);
        t = NULL;
    }
    errors_release(&errors);
    return t;
}

void tine_test_close(tine_test *t)
{
    if (t == NULL)
        return;
    if (t->direct.apps != NULL)
        direct_close(&t->direct);
    for (struct tine_answer *answer = t->answers, *next; answer != NULL; answer = next) {
        next = answer->next;
        answer_free(answer);
    }
    io_close(&t->log);
    free(t->logged);
    free(t);
}

/* ---- calling ---- */

/* Keeps what was logged, and empties the file. */
static void take_log(struct tine_test *t)
{
    struct stat status;
    const char *tell = getenv("TINE_TEST_LOG");
    size_t size = fstat(t->log, &status) == 0 ? (size_t)status.st_size : 0;
    t->logged = memory_resize(t->logged, size + 1);
    ssize_t length = pread(t->log, t->logged, size, 0);
    t->logged[length > 0 ? length : 0] = 0;
    if (ftruncate(t->log, 0) == 0)
        lseek(t->log, 0, SEEK_SET);
    if (tell != NULL && strcmp(tell, "1") == 0)
        fputs(t->logged, stderr);
}

/* A test that did not look whether its module opened: the reasons stand above, and this is where it goes on without. */
static void need_open(const tine_test *t)
{
    if (t != NULL)
        return;
    fputs("tine_test: called with NULL: tine_test_open() has told why\n", stderr);
    abort();
}

static const tine_answer *call(tine_test *t, const struct direct_request *request)
{
    need_open(t);
    struct tine_answer *answer = memory_new(sizeof *answer);
    struct buffer bytes = BUFFER_EMPTY;
    const struct direct_client client = {.context = answer, .head = answer_take_head, .body = answer_take_body, .patience = SLEEP_MS};
    answer->next = t->answers;
    t->answers = answer;
    direct_format(&bytes, request);
    int before = log_fd();
    log_open(t->log, (enum log_level)t->direct.config->log_level);
    answer->result = direct_call(&t->direct, buffer_bytes(&bytes), buffer_length(&bytes), &client);
    log_open(before, LOG_INFO);
    buffer_release(&bytes);
    take_log(t);
    answer_settle(answer);
    return answer;
}

const tine_answer *tine_test_send(tine_test *t, const char *method, const char *target, const char *fields, const void *body, size_t length)
{
    return call(t, &(const struct direct_request){
        .method = method, .target = target, .fields = fields, .body = body, .length = body != NULL ? length : 0});
}

const tine_answer *tine_test_call(tine_test *t, const char *method, const char *target, const char *fields, const char *body)
{
    return tine_test_send(t, method, target, fields, body, body != NULL ? strlen(body) : 0);
}

const tine_answer *tine_test_get(tine_test *t, const char *target)
{
    return tine_test_send(t, "GET", target, NULL, NULL, 0);
}

const tine_answer *tine_test_json(tine_test *t, const char *method, const char *target, const char *json)
{
    return tine_test_call(t, method, target, "Content-Type: application/json\n", json);
}

const char *tine_test_log(tine_test *t)
{
    need_open(t);
    return t->logged;
}
