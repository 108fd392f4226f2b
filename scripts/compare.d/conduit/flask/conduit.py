# SPDX-License-Identifier: Apache-2.0
"""Of the API of RealWorld what scripts/compare-conduit compares, on Flask: registration, list, get, create."""
import base64
import datetime
import hashlib
import hmac
import json
import os
import re
import secrets
import sqlite3
import threading
import time

from flask import Flask, g, jsonify, request

app = Flask(__name__)
app.config["JSONIFY_PRETTYPRINT_REGULAR"] = False
app.config["JSON_SORT_KEYS"] = False
local = threading.local()
SECRET = b"0123456789abcdef0123456789abcdef"
COLUMNS = """a.slug, a.title, a.description, a.tags, a.created, a.updated,
  EXISTS(SELECT 1 FROM favorite f WHERE f.article = a.id AND f.account = :viewer),
  (SELECT count(*) FROM favorite f WHERE f.article = a.id),
  u.username, u.bio, u.image, EXISTS(SELECT 1 FROM follow w WHERE w.followed = a.author AND w.follower = :viewer)"""
FROM = "FROM article a JOIN account u ON u.id = a.author"


def database():
    """This thread's own connection."""
    if not hasattr(local, "db"):
        db = sqlite3.connect(os.path.join(os.environ["FOLDER"], "conduit.db"), timeout=5, isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA foreign_keys = ON")
        with open(os.path.join(os.environ["FOLDER"], "schema.sql"), encoding="utf-8") as file:
            db.executescript(file.read())
        local.db = db
    return local.db


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


HEAD = encode(b'{"alg":"HS256","typ":"JWT"}')


def sign(text):
    return encode(hmac.digest(SECRET, text.encode(), "sha256"))


def token_for(account):
    claims = {"sub": str(account), "exp": int(time.time()) + 86400}
    text = f"{HEAD}.{encode(json.dumps(claims).encode())}"
    return f"{text}.{sign(text)}"


def account_of(token):
    parts = token.split(".")
    if len(parts) != 3 or not hmac.compare_digest(parts[2], sign(f"{parts[0]}.{parts[1]}")):
        return 0
    claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    return int(claims["sub"]) if claims["exp"] > time.time() else 0


@app.before_request
def find_viewer():
    given = request.headers.get("Authorization")
    g.viewer = 0 if given is None else account_of(given.removeprefix("Token "))
    return ("", 401) if given is not None and g.viewer == 0 else None


def refuse(status, *reasons):
    return jsonify(errors={"body": reasons}), status


def time_text(ms):
    return datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def article_of(row):
    article = {"slug": row[0], "title": row[1], "description": row[2], "tagList": json.loads(row[3]), "createdAt": time_text(row[4]),
               "updatedAt": time_text(row[5]), "favorited": row[6] == 1, "favoritesCount": row[7],
               "author": {"username": row[8], "bio": row[9], "image": row[10], "following": row[11] == 1}}
    return article if len(row) == 12 else {**article, "body": row[12]}


def integer(name, fallback, least, most):
    text = request.args.get(name)
    if text is None:
        return fallback
    return min(int(text), most) if text.isdecimal() and int(text) >= least else None


@app.post("/api/users")
def join():
    user = request.get_json()["user"]
    salt = secrets.token_bytes(16)
    password = f"{salt.hex()}${hashlib.scrypt(user['password'].encode(), salt=salt, n=16384, r=8, p=1).hex()}"
    row = database().execute("INSERT INTO account(username, email, password) VALUES(?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
                             (user["username"], user["email"], password)).fetchone()
    if row is None:
        return refuse(422, "username or email has already been taken")
    return jsonify(user={"email": user["email"], "token": token_for(row[0]), "username": user["username"], "bio": "", "image": ""}), 201


@app.get("/api/articles")
def list_articles():
    limit, offset = integer("limit", 20, 1, 100), integer("offset", 0, 0, 2**63 - 1)
    if limit is None or offset is None:
        return refuse(422, "limit or offset is out of bounds")
    rows = database().execute(f"SELECT {COLUMNS} {FROM} ORDER BY a.id DESC LIMIT :limit OFFSET :offset",
                              {"viewer": g.viewer, "limit": limit, "offset": offset}).fetchall()
    (total,) = database().execute("SELECT count(*) FROM article").fetchone()
    return jsonify(articles=[article_of(row) for row in rows], articlesCount=total)


def show(status, slug):
    row = database().execute(f"SELECT {COLUMNS}, a.body {FROM} WHERE a.slug = :slug", {"viewer": g.viewer, "slug": slug}).fetchone()
    return refuse(404, "there is no such article") if row is None else (jsonify(article=article_of(row)), status)


@app.get("/api/articles/<slug>")
def get_article(slug):
    return show(200, slug)


def insert(values, tags):
    db = database()
    db.execute("BEGIN IMMEDIATE")
    try:
        row = db.execute("INSERT INTO article(author, slug, title, description, body, tags, created, updated) VALUES(:author, :slug, :title,"
                         " :description, :body, :tags, :now, :now) ON CONFLICT DO NOTHING RETURNING id", values).fetchone()
        if row is not None:
            db.executemany("INSERT INTO article_tag(tag, article) VALUES(?, ?)", [(tag, row[0]) for tag in tags])
        db.execute("COMMIT")
        return row is not None
    except BaseException:
        db.execute("ROLLBACK")
        raise


@app.post("/api/articles")
def create_article():
    if g.viewer == 0 or database().execute("SELECT username, email, bio, image FROM account WHERE id = ?", (g.viewer,)).fetchone() is None:
        return "", 401
    given = request.get_json().get("article") or {}
    values = {name: given.get(name) for name in ("title", "description", "body")}
    errors = [f"{name} can't be blank" for name, value in values.items() if not isinstance(value, str) or not value.strip()]
    tags = list(dict.fromkeys(given.get("tagList") or []))
    if not all(isinstance(tag, str) and tag for tag in tags):
        errors.append("tagList must be texts")
    if errors:
        return refuse(422, *errors)
    slug = re.sub("[^a-z0-9\u0080-\uffff]+", "-", values["title"].lower()).strip("-")
    values.update(author=g.viewer, slug=slug, tags=json.dumps(tags), now=int(time.time() * 1000))
    while not insert(values, tags):
        values["slug"] = f"{slug}-{secrets.token_hex(4)}"
    return show(201, values["slug"])
