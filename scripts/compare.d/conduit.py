# SPDX-License-Identifier: Apache-2.0
"""scripts/compare-conduit: three operations of the API of RealWorld, as src/examples/conduit has them, on Express and Flask as well. First all
are asked the same and must answer alike; then each is put under load in turn. The rest is main.py's."""
import os
import re
import shutil
import sys

from main import HERE, Contestant, RunningContestant, compare
from servers import BenchError, Server

ARTICLES = 100  # in the database when load begins
PROBE = "/api/articles"

CONTESTANTS = {contestant.server.name: contestant for contestant in (
    Contestant(Server("tine", "{tine} -c {folder}/tine.ini", probe=PROBE), "tine, all 19 operations", "../../../../src/examples/conduit/*.[ch]",
               folder="conduit/tine"),
    Contestant(Server("express", "node {folder}/app.js {port} {workers} {folder}", probe=PROBE), "Express 5, better-sqlite3", "app.js",
               folder="conduit/express"),
    Contestant(Server("flask", "gunicorn -c {folder}/gunicorn.conf.py conduit:app", probe=PROBE), "Flask 2.2, gunicorn", "conduit.py",
               folder="conduit/flask"),
)}


def article(title):
    return {"article": {"title": title, "description": "about it", "body": "what there is to say", "tagList": ["one", "two"]}}


class RunningConduit(RunningContestant):
    def _write_files(self):
        super()._write_files()
        shutil.copy(os.path.join(HERE, "conduit", "schema.sql"), self.folder)

    def join(self):
        user = {"username": "ada", "email": "ada@example.org", "password": "difference"}
        status, value, _ = self.ask("POST", "/api/users", {"user": user})
        if status != 201 or not value["user"].pop("token", "") or value["user"] != {"username": "ada", "email": "ada@example.org", "bio": "", "image": ""}:
            raise BenchError(f"{self.server.name} registers with {status} {value}")
        self.token = self.ask("POST", "/api/users", {"user": {**user, "username": "zoe", "email": "zoe@example.org"}})[1]["user"]["token"]

    def fill(self):
        self.join()
        for number in range(1, ARTICLES + 1):
            self.ask("POST", "/api/articles", article(f"n{number}"))


AUTHOR = {"username": "zoe", "bio": "", "image": "", "following": False}


def listed(slug, title):
    return {"slug": slug, "title": title, "description": "about it", "tagList": ["one", "two"], "favorited": False, "favoritesCount": 0, "author": AUTHOR}


def whole(slug, title):
    return {"article": {**listed(slug, title), "body": "what there is to say"}}


BLANK = {"errors": {"body": ["title can't be blank", "description can't be blank", "body can't be blank"]}}

# (method, path, body, status, what the JSON must be but for its times; None: it does not matter)
CONVERSATION = (
    ("GET", "/api/articles", None, 200, {"articles": [], "articlesCount": 0}),
    ("POST", "/api/articles", article("Hello, World!"), 201, whole("hello-world", "Hello, World!")),
    ("POST", "/api/articles", article("é"), 201, whole("é", "é")),
    ("GET", "/api/articles/hello-world", None, 200, whole("hello-world", "Hello, World!")),
    ("GET", "/api/articles", None, 200, {"articles": [listed("é", "é"), listed("hello-world", "Hello, World!")], "articlesCount": 2}),
    ("GET", "/api/articles?limit=1&offset=1", None, 200, {"articles": [listed("hello-world", "Hello, World!")], "articlesCount": 2}),
    ("GET", "/api/articles?limit=0", None, 422, None),
    ("GET", "/api/articles/none", None, 404, {"errors": {"body": ["there is no such article"]}}),
    ("POST", "/api/articles", {"article": {}}, 422, BLANK),
    ("POST", "/api/articles", article(" "), 422, {"errors": {"body": ["title can't be blank"]}}),
)


def without_times(value):
    """The same without createdAt and updatedAt, which must be there."""
    for one in [value["article"]] if "article" in value else value.get("articles", []):
        if not one.pop("createdAt").endswith("Z") or not one.pop("updatedAt").endswith("Z"):
            raise BenchError(f"a time is missing in {value}")
    return value


def check_strangers(running):
    """Those without a token may read; those with one that is forged, or is none, may do nothing."""
    asked = (("", "POST", 401), ("x.y.z", "POST", 401), ("x.y.z", "GET", 401), (f"{running.token[:-4]}AAAA", "GET", 401), ("", "GET", 200))
    token = running.token
    for running.token, method, expected in asked:
        status = running.ask(method, "/api/articles", article("nobody's") if method == "POST" else None)[0]
        if status != expected:
            raise BenchError(f"{running.server.name} answers {method} of the token '{running.token}' with {status}, not {expected}")
    running.token = token
    return len(asked)


def check_same_title(running):
    """The second article of a title has a slug of its own."""
    slug = running.ask("POST", "/api/articles", article("Hello, World!"))[1]["article"]["slug"]
    if not re.fullmatch("hello-world-[0-9a-f]{8}", slug) or running.ask("GET", f"/api/articles/{slug}")[0] != 200:
        raise BenchError(f"{running.server.name} calls the second article of a title {slug}")
    return 2


def check(running):
    running.join()
    for method, path, body, status, expected in CONVERSATION:
        seen, value, _ = running.ask(method, path, body)
        if seen != status or (expected is not None and without_times(value) != expected):
            raise BenchError(f"{running.server.name} answers {method} {path} {body} with {seen} {value}, not {status} {expected}")
    return len(CONVERSATION) + check_same_title(running) + check_strangers(running) + 2


LOADS = (
    ("list 20", "GET", "/api/articles", 0, None),
    ("get", "GET", "/api/articles/n", ARTICLES, None),
    ("create", "POST", "/api/articles", 0, article("@")),
)

if __name__ == "__main__":
    sys.exit(compare("scripts/compare-conduit", "Conduit on tine beside its three operations on Express and Flask.", CONTESTANTS, RunningConduit, check,
                     LOADS, sys.argv[1:]))
