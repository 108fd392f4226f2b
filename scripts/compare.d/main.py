# SPDX-License-Identifier: Apache-2.0
"""scripts/compare-api: one API in four frameworks. First all are asked the same and must answer alike; then each is put under load in
turn. What starts, ends and measures servers is scripts/bench's."""
import argparse
import dataclasses
import glob
import http.client
import json
import os
import re
import shutil
import statistics
import string
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "bench.d"))

import machine  # noqa: E402
from load import parse_wrk, run  # noqa: E402
from servers import ROOT, BenchError, Running, Server, Setting  # noqa: E402

NOTES = 100         # in the database when load begins
CONNECTIONS = 64
NODE_MODULES = os.path.join(ROOT, "build", "compare", "express", "node_modules")


@dataclasses.dataclass(frozen=True)
class Contestant:
    server: Server
    title: str
    code: str         # the file whose lines count, or a pattern of several
    build: tuple = ()  # a command, run in its folder
    folder: str = ""   # below HERE; empty: its server's name


CONTESTANTS = {contestant.server.name: contestant for contestant in (
    Contestant(Server("tine", "{tine} -c {folder}/tine.ini", probe="/notes"), "tine", "notes.c",
               ("cc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-I", os.path.join(ROOT, "include"), "-o", "notes.so", "notes.c",
                "-lsqlite3")),
    Contestant(Server("express", "node {folder}/app.js {port} {workers} {folder}", probe="/notes"), "Express 5, better-sqlite3", "app.js"),
    Contestant(Server("flask", "gunicorn -c {folder}/gunicorn.conf.py notes:app", probe="/notes"), "Flask 2.2, gunicorn", "notes.py"),
    Contestant(Server("rails", "puma -C {folder}/puma.rb", probe="/notes"), "Rails 6.1 (API), Puma", "config.ru"),
)}


def folder_of(contestant):
    return os.path.join(HERE, contestant.folder or contestant.server.name)


class RunningContestant(Running):
    """Its folder has copies of its files, with the ${names} of settings filled in, and its database."""

    def __init__(self, contestant, workers, parent):
        self.contestant = contestant
        super().__init__(contestant.server, Setting(workers=workers), "", parent)

    def _write_files(self):
        source = folder_of(self.contestant)
        self.values["root"] = ROOT
        for name in os.listdir(source):
            text = machine.read_file(os.path.join(source, name))
            if name.endswith((".ini", ".conf.py", "puma.rb")):
                text = string.Template(text).substitute(self.values)
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        if self.server.name.startswith("express"):
            os.symlink(NODE_MODULES, os.path.join(self.folder, "node_modules"))
        os.environ["FOLDER"] = self.folder  # config.ru reads it
        if self.contestant.build:
            run(self.contestant.build, 60, cwd=self.folder)

    token = ""  # sent with each request, unless empty

    def fill(self):
        """What is in the database when load begins."""
        for _ in range(NOTES):
            self.ask("POST", "/notes", FULL)

    def ask(self, method, path, body=None):
        """(status, JSON or None, Location)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            fields = {"Content-Type": "application/json"} if body is not None else {}
            if self.token:
                fields["Authorization"] = f"Token {self.token}"
            connection.request(method, path, body if body is None or isinstance(body, str) else json.dumps(body), fields)
            response = connection.getresponse()
            data = response.read()
            is_json = "json" in (response.getheader("Content-Type") or "")
            return response.status, json.loads(data) if data and is_json else None, response.getheader("Location")
        finally:
            connection.close()


FULL = {"title": "milk", "text": "two", "done": True}
TITLE_ERROR = {"errors": {"title": ["must have 1 to 100 characters"]}}

# (method, path, body, status, what the JSON must be; None: it does not matter)
CONVERSATION = (
    ("GET", "/notes", None, 200, {"notes": [], "total": 0}),
    ("POST", "/notes", FULL, 201, {"id": 1, **FULL}),
    ("POST", "/notes", {"title": "bread"}, 201, {"id": 2, "title": "bread", "text": "", "done": False}),
    ("GET", "/notes/1", None, 200, {"id": 1, **FULL}),
    ("GET", "/notes/2", None, 200, {"id": 2, "title": "bread", "text": "", "done": False}),
    ("GET", "/notes", None, 200, {"notes": [{"id": 2, "title": "bread", "text": "", "done": False}, {"id": 1, **FULL}], "total": 2}),
    ("GET", "/notes?limit=1&offset=1", None, 200, {"notes": [{"id": 1, **FULL}], "total": 2}),
    ("GET", "/notes?limit=0", None, 400, None),
    ("GET", "/notes?offset=x", None, 400, None),
    ("PUT", "/notes/2", {"title": "Brot", "text": "é", "done": True}, 200, {"id": 2, "title": "Brot", "text": "é", "done": True}),
    ("PUT", "/notes/3", FULL, 404, None),
    ("GET", "/notes/3", None, 404, None),
    ("GET", "/notes/x", None, 404, None),
    ("DELETE", "/notes/3", None, 404, None),
    ("POST", "/notes", {"title": ""}, 422, TITLE_ERROR),
    ("POST", "/notes", {"title": "a" * 101}, 422, TITLE_ERROR),
    ("PUT", "/notes/1", {"title": ""}, 422, TITLE_ERROR),
    ("POST", "/notes", {}, 422, None),
    ("POST", "/notes", "{", 400, None),
    ("DELETE", "/notes/1", None, 204, None),
    ("GET", "/notes/1", None, 404, None),
    ("GET", "/nothing", None, 404, None),
)


def check(running):
    """That it answers as all must; how many times it was asked."""
    for method, path, body, status, expected in CONVERSATION:
        seen, value, location = running.ask(method, path, body)
        if seen != status or (expected is not None and value != expected):
            raise BenchError(f"{running.server.name} answers {method} {path} {body} with {seen} {value}, not {status} {expected}")
        if status == 201 and location is not None and not location.endswith(f"/notes/{value['id']}"):
            raise BenchError(f"{running.server.name} says the new note is at {location}")
    return len(CONVERSATION)


# (name, method, path, ids in the path, body)
LOADS = (
    ("list 20", "GET", "/notes", 0, None),
    ("get", "GET", "/notes/", NOTES, None),
    ("create", "POST", "/notes", 0, FULL),
    ("update", "PUT", "/notes/", NOTES, FULL),
)


def put_under_load(running, method, path, ids, body, seconds):
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "20s", "-s", os.path.join(HERE, "compare.lua"),
               f"http://127.0.0.1:{running.port}{path}"]
    environment = {"COMPARE_METHOD": method, "COMPARE_IDS": str(ids), "COMPARE_TOKEN": running.token}
    if body is not None:
        environment["COMPARE_BODY"] = json.dumps(body)
    before = running.tree.cpu_ns()
    result = parse_wrk(run(command, seconds, environment))
    if not result["requests"]:
        raise BenchError(f"{running.server.name}: {method} {path} was answered by nothing within {seconds} s")
    if result["errors"]:
        raise BenchError(f"{running.server.name}: {result['errors']} of {result['requests']} requests to {method} {path} failed")
    return {"cpu_us": (running.tree.cpu_ns() - before) / 1e3 / result["requests"], "rps": result["requests"] / result["seconds"],
            "p99_ms": result["p99_ms"]}


def lines_of_code(contestant):
    """Without empty lines and those that are comments as a whole."""
    count = 0
    for name in glob.glob(os.path.join(folder_of(contestant), contestant.code)):
        text = machine.read_file(name)
        if name.endswith((".c", ".h")):
            text = re.sub(r"^\s*/\*.*?\*/$", "", text, flags=re.DOTALL | re.MULTILINE)
        count += sum(1 for line in map(str.strip, text.splitlines()) if line and not line.startswith(("//", "#  ", "# ", "/*", '"""')))
    return count


def measure(contestants, options, folder, kind=RunningContestant, loads=LOADS):
    """{(server, load): [results]}, and the largest memory of each."""
    results, memory = {}, {}
    for number in range(options.rounds):
        turn = contestants[number % len(contestants):] + contestants[:number % len(contestants)]
        for contestant in turn:
            name = contestant.server.name
            with kind(contestant, options.workers, folder) as running:
                running.fill()
                for load, method, path, ids, body in loads:
                    put_under_load(running, method, path, ids, body, 1)  # warm
                    result = put_under_load(running, method, path, ids, body, options.seconds)
                    results.setdefault((name, load), []).append(result)
                    print(f"round {number + 1}, {name}, {load}: {result['cpu_us']:.1f} us, {result['rps']:.0f}/s", file=sys.stderr, flush=True)
                memory[name] = max(memory.get(name, 0), running.tree.pss_kb())
    return results, memory


def tell(contestants, results, memory, loads=LOADS):
    def median(name, load, metric):
        return statistics.median(result[metric] for result in results[name, load])

    print("| | lines | " + " | ".join(f"{load[0]}: CPU µs | requests/s" for load in loads) + " | memory MB |")
    print("|---" * (3 + 2 * len(loads)) + "|")
    for contestant in contestants:
        name = contestant.server.name
        cells = [contestant.title, f"{lines_of_code(contestant):,}"]
        for load in loads:
            cells += [f"{median(name, load[0], 'cpu_us'):,.0f}", f"{median(name, load[0], 'rps'):,.0f}"]
        print("| " + " | ".join([*cells, f"{memory[name] / 1024:.0f}"]) + " |")
    about = machine.describe(ROOT)
    print(f"\n{about['date']}, {about['cores']} cores, {about['system']}, Linux {about['kernel']}; commit {about['commit']}")


def compare(prog, description, all_contestants, kind, check_answers, loads, arguments):
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("--check", action="store_true", help="only look whether all answer alike")
    parser.add_argument("--server", action="append", choices=list(all_contestants), help="only this one; may be given several times")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default 3; medians count")
    parser.add_argument("--seconds", type=int, default=3, metavar="N", help="of each load; default 3")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="processes of each; default 2")
    options = parser.parse_args(arguments)
    contestants = [all_contestants[name] for name in options.server or all_contestants]
    folder = tempfile.mkdtemp(prefix="tine-compare-")
    os.chmod(folder, 0o755)  # tine's workers are nobody where this is run by root
    try:
        for contestant in contestants:
            with kind(contestant, options.workers, folder) as running:
                count = check_answers(running)
            print(f"{contestant.server.name}: answers all {count} as it should", file=sys.stderr)
        if not options.check:
            tell(contestants, *measure(contestants, options, folder, kind, loads), loads)
    except BenchError as error:
        print(f"{prog}: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def main(arguments):
    return compare("scripts/compare-api", "One small API on tine, Express, Flask and Rails, side by side.", CONTESTANTS, RunningContestant, check, LOADS,
                   arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
