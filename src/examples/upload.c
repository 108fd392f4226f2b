/* SPDX-License-Identifier: Apache-2.0 */
/* A form and an upload of any size: curl -F title=me -F photo=@me.jpg localhost:8000/upload */
#include <tine.h>

static int page(tine_request *r)
{
    static const char html[] = "<!doctype html><title>Upload</title>"
                               "<form method=post enctype=multipart/form-data><input name=title>"
                               "<input type=file name=photo><button>Send</button></form>";
    return tine_send(r, 200, "text/html; charset=utf-8", html, sizeof html - 1);
}

/* Runs while the upload arrives; names of files are safe, but may be taken: so the id is in front. That may be the client's own, so all of
 * it is made safe. */
static int upload(tine_request *r)
{
    const char *folder = tine_setting(tine_request_app(r), "folder"), *title = "", *saved = NULL;
    const tine_part *part;
    while ((part = tine_next_part(r)) != NULL) {
        if (part->file == NULL) {
            title = tine_part_text(r);
        } else {
            saved = tine_file_name(r, tine_printf(r, "%s-%s", tine_id(r), part->file));
            tine_part_save(r, tine_printf(r, "%s/%s", folder, saved));
        }
        if (tine_failed(r))
            break;
    }
    if (tine_failed(r))
        return tine_failed(r);
    return tine_text(r, 201, "'%s' is kept as %s\n", title, saved != NULL ? saved : "nothing");
}

static const tine_option settings[] = {{"folder", TINE_PATH, NULL, "where files are kept"}, {0}};

TINE_MODULE(.settings = settings,
            .routes = (const tine_route[]){TINE_GET("/upload", page),
                                           TINE_POST("/upload", upload, .stream = 1), {0}})
