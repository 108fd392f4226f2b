# SPDX-License-Identifier: Apache-2.0
"""The WSGI application for gunicorn and uWSGI; it answers what handlers.c does."""
import json
import time


def application(environ, start_response):
    path = environ["PATH_INFO"]
    kind = "text/plain"
    if path == "/json":
        kind = "application/json"
        body = json.dumps({"id": 7, "name": "Ada Lovelace", "active": True, "scores": [10, 20, 30]},
                          separators=(",", ":")).encode()
    elif path == "/slow":
        time.sleep(0.05)
        body = b"slow\n"
    elif path == "/post":
        sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        body = b"%d\n" % len(sent)
    else:
        start_response("404 Not Found", [("Content-Type", kind), ("Content-Length", "0")])
        return [b""]
    start_response("200 OK", [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]
