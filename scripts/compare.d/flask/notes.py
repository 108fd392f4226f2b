# SPDX-License-Identifier: Apache-2.0
"""The API that scripts/compare-api compares, on Flask."""
import os
import sqlite3
import threading

from flask import Flask, jsonify, request

app = Flask(__name__)
app.config["JSONIFY_PRETTYPRINT_REGULAR"] = False
local = threading.local()
COLUMNS = "id, title, text, done"


def database():
    """This thread's own connection."""
    if not hasattr(local, "db"):
        db = sqlite3.connect(os.path.join(os.environ["FOLDER"], "notes.db"), timeout=5, isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("CREATE TABLE IF NOT EXISTS note(id INTEGER PRIMARY KEY, title TEXT NOT NULL, text TEXT NOT NULL, done INTEGER NOT NULL)")
        local.db = db
    return local.db


def note_of(row):
    return {"id": row[0], "title": row[1], "text": row[2], "done": row[3] == 1}


def answer(row, status):
    if row is None:
        return jsonify(error="no such note"), 404
    return jsonify(note_of(row)), status, {"Location": f"/notes/{row[0]}"}


def integer(name, fallback, least, most):
    text = request.args.get(name)
    if text is None:
        return fallback
    try:
        number = int(text)
    except ValueError:
        return None
    return number if least <= number <= most else None


def validate():
    """(values, None), or (None, the answer)."""
    body = request.get_json()
    body = body if isinstance(body, dict) else {}
    title, text, done = body.get("title"), body.get("text", ""), body.get("done", False)
    errors = {}
    if not isinstance(title, str) or not 1 <= len(title) <= 100:
        errors["title"] = ["must have 1 to 100 characters"]
    if not isinstance(text, str):
        errors["text"] = ["must be a string"]
    if not isinstance(done, bool):
        errors["done"] = ["must be true or false"]
    if errors:
        return None, (jsonify(errors=errors), 422)
    return (title, text, int(done)), None


@app.get("/notes")
def list_notes():
    limit, offset = integer("limit", 20, 1, 100), integer("offset", 0, 0, 2**31 - 1)
    if limit is None or offset is None:
        return jsonify(error="limit or offset is out of bounds"), 400
    rows = database().execute(f"SELECT {COLUMNS} FROM note ORDER BY id DESC LIMIT ? OFFSET ?", (limit, offset)).fetchall()
    (total,) = database().execute("SELECT count(*) FROM note").fetchone()
    return jsonify(notes=[note_of(row) for row in rows], total=total)


@app.post("/notes")
def add_note():
    values, refused = validate()
    if refused:
        return refused
    row = database().execute(f"INSERT INTO note(title, text, done) VALUES(?, ?, ?) RETURNING {COLUMNS}", values).fetchone()
    return answer(row, 201)


@app.get("/notes/<int:note_id>")
def get_note(note_id):
    return answer(database().execute(f"SELECT {COLUMNS} FROM note WHERE id = ?", (note_id,)).fetchone(), 200)


@app.put("/notes/<int:note_id>")
def set_note(note_id):
    values, refused = validate()
    if refused:
        return refused
    row = database().execute(f"UPDATE note SET title = ?, text = ?, done = ? WHERE id = ? RETURNING {COLUMNS}",
                             (*values, note_id)).fetchone()
    return answer(row, 200)


@app.delete("/notes/<int:note_id>")
def drop_note(note_id):
    if database().execute("DELETE FROM note WHERE id = ?", (note_id,)).rowcount == 0:
        return answer(None, 404)
    return "", 204
