/* SPDX-License-Identifier: Apache-2.0
 *
 * session: keeps a JSON object for each client from one request to the next. Runs in a worker.
 * Needs: hiredis libssl libcrypto
 *
 *     [filter:session]
 *     module = session
 *     keys = ${KEYS}
 *     store = redis://localhost
 *
 * The data lies in the client's signed cookie, or, with `store`, in memory that workers or machines share, and the cookie has a random id
 * alone. Handlers work on it by tine_batteries.h. The cookie is checked before each request, data is fetched and parsed when a handler
 * asks for it, and what has changed is saved when the handler is done. Only what we have signed is ever looked up, so nobody can choose
 * an id.
 */
#include "common/keep.h"
#include "common/personal.h"
#include "common/ticket.h"

#include <stdlib.h>
#include <string.h>
#include <tine_batteries.h>

enum { CLOCK_SKEW = 60, DATA_MAX = 32 * 1024, TOUCHES = 16 };

struct session {
    tine_app *self;
    struct seal seal;
    struct keep *keep; /* NULL: the data is in the cookie */
    bool is_stored, may_be_empty, is_persistent;
    int64_t idle, lifetime; /* seconds */
    const char *cookie, *same_site;
};

/* The one of a request. */
struct request_session {
    tine_session_calls calls;
    const struct session *session;
    struct ticket ticket;  /* with an id if `is_there` or `is_renewed` */
    bool is_there;         /* it came with a cookie that is ours and has not expired */
    bool is_renewed, is_ended, is_down, is_saved;
    json_t *data;          /* NULL: nobody has asked */
    const char *before;    /* what the data was as text; "{}" if there was none */
    const char *old_id;    /* NULL, or what it was before it was renewed: to be deleted */
};

static int64_t now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now); /* that machines and restarts have in common */
    return now.tv_sec;
}

/* ---- Settings ---- */

static int check_one_of(tine_app *app, const char *setting, const char *one, const char *other, const char *third)
{
    const char *value = tine_setting(app, setting);

    if (strcmp(value, one) == 0 || strcmp(value, other) == 0 || (third != NULL && strcmp(value, third) == 0))
        return 0;
    return tine_reject(app, setting, "must be %s%s%s or %s, not '%s'", one, third != NULL ? ", " : "", third != NULL ? other : "",
                       third != NULL ? third : other, value);
}

static int check_times(tine_app *app, struct session *session)
{
    session->idle = tine_setting_number(app, "idle") / 1000;
    session->lifetime = tine_setting_number(app, "lifetime") / 1000;
    if (session->idle < 1)
        return tine_reject(app, "idle", "must be 1s or more");
    if (session->lifetime < session->idle)
        return tine_reject(app, "lifetime", "must not be shorter than idle");
    return 0;
}

static int load(tine_app *app)
{
    struct session *session = calloc(1, sizeof *session);

    if (session == NULL)
        return tine_reject(app, NULL, "out of memory");
    tine_set_data(app, session);
    session->self = app;
    session->cookie = tine_setting(app, "cookie");
    session->same_site = tine_setting(app, "same_site");
    session->is_stored = strcmp(tine_setting(app, "store"), "cookie") != 0;
    session->may_be_empty = strcmp(tine_setting(app, "store_down"), "empty") == 0;
    session->is_persistent = tine_setting_number(app, "persistent");
    if (seal_load(&session->seal, app) != 0 || seal_check_cookie(app, "cookie") != 0 || check_times(app, session) != 0 ||
        check_one_of(app, "store_down", "refuse", "empty", NULL) != 0 || check_one_of(app, "same_site", "Lax", "Strict", "None") != 0)
        return -1;
    return session->is_stored ? keep_check(app) : 0;
}

static int worker_init(tine_app *app)
{
    struct session *session = tine_data(app);

    if (session->is_stored)
        session->keep = keep_open(app);
    return session->is_stored && session->keep == NULL ? -1 : 0;
}

static void worker_exit(tine_app *app)
{
    struct session *session = tine_data(app);

    keep_close(session->keep);
    free(session);
    tine_set_data(app, NULL);
}

/* ---- What handlers ask for ---- */

static void release(void *data)
{
    json_decref(data);
}

static const char *store_key(tine_request *r, const char *id)
{
    return tine_printf(r, "session:%s", id);
}

/* Also in a handler, whose keys are others. */
static enum keep_result look_up(tine_request *r, const struct request_session *one, const void **data)
{
    tine_app *before = tine_shared_as(r, one->session->self);
    size_t length;
    enum keep_result result = keep_get(one->session->keep, r, store_key(r, one->ticket.id), data, &length);

    tine_shared_as(r, before);
    return result;
}

/* The data as text: "{}" if there is none. NULL: what keeps it cannot be asked. */
static const char *fetch(tine_request *r, struct request_session *one)
{
    const struct session *session = one->session;
    const void *data = one->ticket.data;

    if (!one->is_there)
        return "{}";
    if (!session->is_stored)
        return data;
    switch (look_up(r, one, &data)) {
    case KEEP_OK:
        return data;
    case KEEP_NONE: /* ended elsewhere, or gone: its id is not used again */
        one->is_there = false;
        tine_set_attribute(r, "session_id", NULL);
        return "{}";
    default:
        one->is_down = true;
        return session->may_be_empty ? "{}" : NULL;
    }
}

static json_t *get_data(tine_request *r, tine_session_calls *calls)
{
    struct request_session *one = (struct request_session *)calls;

    if (one->data != NULL || (one->is_down && !one->session->may_be_empty))
        return one->data;
    personal_mark(r);
    one->before = fetch(r, one);
    if (one->before == NULL)
        return NULL;
    one->data = json_loads(one->before, 0, NULL);
    if (!json_is_object(one->data)) {
        json_decref(one->data);
        one->data = json_object();
    }
    if (one->data == NULL || tine_defer(r, release, one->data) != 0)
        abort(); /* no memory */
    return one->data;
}

static int renew(tine_request *r, tine_session_calls *calls)
{
    struct request_session *one = (struct request_session *)calls;

    get_data(r, calls);
    if (one->is_saved || one->is_down)
        return -1;
    if (one->is_there && one->old_id == NULL)
        one->old_id = tine_printf(r, "%s", one->ticket.id);
    ticket_renew(&one->ticket, now_s());
    one->is_renewed = true;
    one->is_ended = false;
    return tine_set_attribute(r, "session_id", one->ticket.id);
}

static int end(tine_request *r, tine_session_calls *calls)
{
    struct request_session *one = (struct request_session *)calls;

    get_data(r, calls);
    if (one->is_saved || one->is_down)
        return -1;
    json_object_clear(one->data);
    one->is_ended = true;
    one->is_renewed = false;
    return tine_set_attribute(r, "session_id", NULL);
}

/* ---- Before and after ---- */

static const char *purpose(tine_request *r, const struct session *session)
{
    return tine_printf(r, "session %s %s", session->is_stored ? "stored" : "whole", seal_cookie_name(r, session->cookie));
}

static bool is_current(const struct session *session, const struct ticket *ticket, int64_t now)
{
    return ticket->created <= now + CLOCK_SKEW && ticket->seen <= now + CLOCK_SKEW && now - ticket->seen <= session->idle &&
           now - ticket->created <= session->lifetime;
}

static int before(tine_request *r, tine_app *self)
{
    struct request_session *one = tine_alloc(r, sizeof *one);
    const struct session *session = tine_data(self);
    const char *cookie = tine_cookie(r, seal_cookie_name(r, session->cookie));

    *one = (struct request_session){.calls = {get_data, renew, end}, .session = session};
    one->is_there = cookie != NULL && ticket_parse(&one->ticket, r, &session->seal, purpose(r, session), cookie) &&
                    is_current(session, &one->ticket, now_s());
    if (one->is_there && tine_set_attribute(r, "session_id", one->ticket.id) != 0)
        return 500;
    return tine_set_attribute(r, "session", &one->calls) == 0 ? 0 : 500;
}

static int set_cookie(tine_request *r, const struct request_session *one, const char *value)
{
    const struct session *session = one->session;
    int64_t left = session->lifetime - (one->ticket.seen - one->ticket.created), age = session->idle < left ? session->idle : left;

    if (!personal_is_said(r)) /* a cache between that keeps a cookie would hand a session out to others */
        tine_set_header(r, "Cache-Control", "no-store");
    return tine_set_cookie(r, seal_cookie_name(r, session->cookie), value,
                           TINE_COOKIE(.same_site = session->same_site,
                                       .max_age = value != NULL && session->is_persistent && age > 0 ? age : 0));
}

static int refuse_down(tine_request *r)
{
    tine_set_header(r, "Retry-After", "1");
    return tine_problem(r, 503, "sessions cannot be looked up at the moment");
}

/* The record goes before the cookie does. A store that is down keeps it until it expires. */
static int delete(tine_request *r, struct request_session *one, const char *id)
{
    if (one->session->is_stored && keep_delete(one->session->keep, r, store_key(r, id)) == KEEP_DOWN)
        one->is_down = true;
    return one->is_down && !one->session->may_be_empty ? refuse_down(r) : 0;
}

static int save(tine_request *r, struct request_session *one, const char *text)
{
    const struct session *session = one->session;
    int64_t left = session->lifetime - (one->ticket.seen - one->ticket.created);
    const char *cookie;

    one->ticket.data = session->is_stored ? "" : text;
    one->ticket.length = strlen(one->ticket.data);
    cookie = strlen(text) <= DATA_MAX ? ticket_format(&one->ticket, r, &session->seal, purpose(r, session)) : NULL;
    if (cookie == NULL) {
        tine_log(r, TINE_ERROR, "the session has %zu bytes of JSON, too many for %s", strlen(text),
                 session->is_stored ? "its store" : "a cookie: use a store");
        return tine_problem(r, 500, "the session is too large");
    }
    if (session->is_stored && keep_set(session->keep, r, store_key(r, one->ticket.id), text, strlen(text),
                                       (session->idle < left ? session->idle + 1 : left + 1) * 1000) != KEEP_OK)
        return session->may_be_empty ? 0 : refuse_down(r);
    if (one->old_id != NULL && delete(r, one, one->old_id) != 0)
        return tine_status(r);
    return set_cookie(r, one, cookie) == 0 ? 0 : 500;
}

/* Time goes by unsaved, up to a 16th of `idle`, so that not every answer has a cookie. An answer that caches may keep does not get one
 * for that. */
static bool is_to_touch(tine_request *r, const struct request_session *one, int64_t now)
{
    if (!one->is_there || (tine_response_header(r, "Cache-Control") != NULL && !personal_is_said(r)))
        return false;
    return one->ticket.key != 0 || now - one->ticket.seen > one->session->idle / TOUCHES;
}

/* A store says once more what it has, for its own time to begin anew. If it cannot be asked there will be another time: nothing is lost
 * yet. */
static int touch(tine_request *r, struct request_session *one, int64_t now)
{
    const char *text = one->before != NULL ? one->before : fetch(r, one);

    if (text == NULL || !one->is_there || one->is_down)
        return 0;
    one->ticket.seen = now;
    return save(r, one, text);
}

static int save_changes(tine_request *r, struct request_session *one, const char *text, int64_t now)
{
    bool is_empty = strcmp(text, "{}") == 0;

    if (one->is_down)
        return one->session->may_be_empty ? 0 : refuse_down(r);
    if (one->is_ended || (is_empty && !one->is_renewed)) {
        bool was_there = one->is_there || one->old_id != NULL;
        int result = was_there ? delete(r, one, one->old_id != NULL ? one->old_id : one->ticket.id) : 0;

        return result != 0 || !was_there ? result : set_cookie(r, one, NULL);
    }
    if (!one->is_renewed && strcmp(text, one->before) == 0)
        return is_to_touch(r, one, now) ? touch(r, one, now) : 0;
    if (!one->is_there && !one->is_renewed)
        ticket_renew(&one->ticket, now);
    one->ticket.seen = now;
    return save(r, one, text);
}

/* What a handler has looked at its answer may depend on. */
static int after(tine_request *r, tine_app *self)
{
    struct request_session *one = tine_attribute(r, "session");
    int64_t now = now_s();
    char *text;
    int result;

    if (one == NULL || one->session != tine_data(self) || one->is_saved)
        return 0;
    one->is_saved = true;
    if (one->data == NULL)
        return one->is_down ? refuse_down(r) : is_to_touch(r, one, now) ? touch(r, one, now) : 0;
    tine_add_header(r, "Vary", "Cookie");
    if (tine_response_header(r, "Cache-Control") == NULL)
        tine_set_header(r, "Cache-Control", "private");
    text = json_dumps(one->data, JSON_COMPACT);
    result = text != NULL ? save_changes(r, one, text, now) : 500;
    free(text);
    return result;
}

/* Early for filters further in, which may ask who is logged in. */
static const tine_filter session_filter = TINE_FILTER("session", .before = before, .after = after, .early = before);

TINE_MODULE(.filters = TINE_FILTERS(&session_filter),
            .settings =
                (const tine_option[]){
                    SEAL_SETTING(NULL),
                    {"cookie", TINE_TEXT, "session", "name of the cookie; on https __Host- is put in front"},
                    {"idle", TINE_TIME, "30m", "it ends when no request came for so long"},
                    {"lifetime", TINE_TIME, "12h", "and so long after it began, or was renewed, at the latest"},
                    {"persistent", TINE_SWITCH, "off", "does it outlive the browser's end?"},
                    {"same_site", TINE_TEXT, "Lax", "Lax, Strict, or None (which needs https)"},
                    KEEP_SETTINGS_OR("cookie", "cookie, memory, or for several machines redis://[user:password@]host[:port][/db], "
                                               "rediss:// by TLS, unix:/path"),
                    {"store_down", TINE_TEXT, "refuse", "while the store cannot be asked: refuse, 503 to who needs it; empty, as if there "
                                                        "were no session"},
                    {0},
                },
            .load = load, .worker_init = worker_init, .worker_exit = worker_exit)
