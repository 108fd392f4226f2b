# SPDX-License-Identifier: Apache-2.0
"""The servers that are compared, and how one of them is started and ended.

Each runs in the foreground, in a session of its own, on a free port of 127.0.0.1, with a configuration that is made from a
template in etc/ in a folder of its own. What is started here is ended here, by process id.
"""
import ctypes
import dataclasses
import http.client
import os
import shutil
import signal
import socket
import string
import subprocess
import tempfile
import time

from machine import Tree, read_file

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(ROOT, "build")
TINE = os.environ.get("TINE", os.path.join(BUILD, "tine"))
PROGRAMS = os.path.join(BUILD, "scripts", "bench.d")
EXPRESS = os.path.join(BUILD, "bench", "express")

START_SECONDS = 30
STOP_SECONDS = 30
PR_SET_PDEATHSIG = 1


class BenchError(Exception):
    """Something that makes a measurement impossible, told to the user as it is."""


@dataclasses.dataclass(frozen=True)
class Server:
    name: str
    command: str                      # with {placeholders}, split at blanks
    template: str = ""                # in etc/; its copy has the same name
    files: tuple = ()                 # copied into its folder
    values: dict = dataclasses.field(default_factory=dict)  # for its template
    probe: str = "/small"             # answered with 200 once it serves
    version: str = ""                 # a command that prints it
    reload: int = 0                   # signal; 0: it cannot
    stop: int = signal.SIGTERM        # of its graceful stop
    is_peer: bool = True


NGINX = dict(command="nginx -p {folder} -e {folder}/error.log -c {folder}/nginx.conf", template="nginx.conf",
             version="nginx -v", reload=signal.SIGHUP, stop=signal.SIGQUIT)
GUNICORN = dict(command="gunicorn -c {folder}/gunicorn.conf.py application:application", template="gunicorn.conf.py",
                files=("application.py",), version="gunicorn --version", reload=signal.SIGHUP, probe="/json")
BUFFERED_LOG = "{folder}/access.log combined buffer=64k flush=1s"
FILE_CACHE = "open_file_cache max=1000 inactive=60s; open_file_cache_valid 60s;"

SERVERS = {server.name: server for server in (
    Server("floor", "{programs}/floor {port} {workers} {body}", is_peer=False),
    Server("tine", "{tine} -c {folder}/tine.ini{tine_options}", "tine.ini", ("handlers.so",), version="{tine} -V",
           reload=signal.SIGHUP, is_peer=False),
    Server("nginx", **NGINX, values={"access_log": BUFFERED_LOG, "file_cache": ""}),
    # Not as in production: to compare this machine with others, where the floor and nginx were measured so.
    Server("nginx-nolog", **NGINX, values={"access_log": "off", "file_cache": ""}, is_peer=False),
    # Files kept open for a minute: faster, and what is served may be that old.
    Server("nginx-cache", **NGINX, values={"access_log": BUFFERED_LOG, "file_cache": FILE_CACHE}),
    Server("h2o", "h2o -m worker -c {folder}/h2o.conf", "h2o.conf", version="h2o -v"),
    Server("lighttpd", "lighttpd -D -f {folder}/lighttpd.conf", "lighttpd.conf", version="lighttpd -v", reload=signal.SIGUSR1,
           stop=signal.SIGINT),
    Server("apache", "apache2 -f {folder}/apache2.conf -D FOREGROUND", "apache2.conf", version="apache2 -v",
           reload=signal.SIGUSR1, stop=signal.SIGWINCH),
    Server("gunicorn", **GUNICORN, values={"worker_class": "sync", "threads": "1"}),
    Server("gunicorn-threads", **GUNICORN, values={"worker_class": "gthread", "threads": "32"}),
    Server("uwsgi", "uwsgi --ini {folder}/uwsgi.ini", "uwsgi.ini", ("application.py",), probe="/json",
           version="uwsgi --version", reload=signal.SIGHUP),
    Server("express", "node {express}/app.js {port} {workers} {folder}/access.log", probe="/json", version="node --version"),
)}


@dataclasses.dataclass(frozen=True)
class Setting:
    """In what respects a workload wants its servers different."""
    workers: int = 2        # 0: tine's own default
    body: int = 13          # of the floor's answer
    connections: int = 1024  # of one worker
    processes: int = 70     # of Apache


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def version_of(server):
    """The first line that says something, or "" if the program is not there."""
    command = server.version.format(build=BUILD, tine=TINE).split()
    if not command:
        return ""
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except FileNotFoundError:
        return ""
    return ((ran.stdout + ran.stderr).strip().splitlines() or [""])[0]


def is_installed(server):
    program = server.command.split()[0].format(programs=PROGRAMS, build=BUILD, tine=TINE)
    if server.name == "express" and not os.path.isdir(os.path.join(EXPRESS, "node_modules")):
        return False
    return shutil.which(program, path=search_path()) is not None


def search_path():
    """With the folders of servers, which users who are not root have not in theirs."""
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def end_with_parent():
    """In the child: if the bench is killed, the server is told to end."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def ask(port, path, timeout=5):
    """(status, head's length in bytes, body) of one GET."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        body = response.read()
        fields = sum(len(name) + len(value) + 4 for name, value in response.getheaders())
        return response.status, len("HTTP/1.1 200 \r\n\r\n") + len(response.reason) + fields, body
    finally:
        connection.close()


class Running:
    """A server that serves. Use it with `with`, or call end()."""

    def __init__(self, server, setting, www, parent_folder):
        self.server = server
        self.setting = setting
        self.warm = False       # has it seen load?
        self.port = free_port()
        self.folder = tempfile.mkdtemp(prefix=f"{server.name}-{self.port}-", dir=parent_folder)  # a port comes again
        os.chmod(self.folder, 0o755)
        if os.geteuid() == 0:  # some drop their privileges before they open their logs
            shutil.chown(self.folder, "nobody")
        self.values = self._values(www)
        self._write_files()
        self.process = self._spawn()
        self.tree = Tree(self.process.pid)
        try:
            self.await_answer()
        except BaseException:
            self.end()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def _values(self, www):
        setting = self.setting
        options = f" -o server.workers={setting.workers} -o server.workers_max={setting.workers}" if setting.workers else ""
        values = {
            "port": self.port, "folder": self.folder, "www": www, "build": BUILD, "tine": TINE, "programs": PROGRAMS, "express": EXPRESS,
            "workers": setting.workers or 2, "body": setting.body, "connections": setting.connections,
            "processes": setting.processes, "descriptors": 2 * setting.connections + 100, "tine_options": options,
            "if_root": "" if os.geteuid() == 0 else "# ",
        }
        values.update({name: value.format(**values) for name, value in self.server.values.items()})
        return values

    def _write_files(self):
        if self.server.template:
            template = string.Template(read_file(os.path.join(HERE, "etc", self.server.template)))
            with open(os.path.join(self.folder, self.server.template), "w", encoding="utf-8") as file:
                file.write(template.substitute(self.values))
        for name in self.server.files:
            source = os.path.join(PROGRAMS if name.endswith(".so") else HERE, name)
            shutil.copy(source, self.folder)

    def _spawn(self):
        output = os.path.join(self.folder, "output")
        command = self.server.command.format(**self.values).split()
        self.started = time.monotonic()
        with open(output, "wb") as file:
            try:
                return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
                                        preexec_fn=end_with_parent, env={**os.environ, "PATH": search_path(), "NODE_ENV": "production"})
            except FileNotFoundError:
                raise BenchError(f"{command[0]} is not installed: scripts/setup bench") from None

    def await_answer(self):
        deadline = time.monotonic() + START_SECONDS
        said = "no answer"
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                said = f"it ended with {self.process.returncode}"
                break
            try:
                status = ask(self.port, self.server.probe)[0]
                if status == 200:
                    return
                said = f"answer {status}"
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.0005)
        raise BenchError(f"{self.server.name} does not serve: {said}\n{self.last_words()}")

    def last_words(self):
        """The ends of what it wrote."""
        return "".join(read_file(os.path.join(self.folder, name))[-2000:] for name in ("output", "error.log"))

    def end(self, number=None):
        """Asks it to stop, and kills what is left of it. Returns whether it left by itself, and all of it."""
        pids = self.tree.pids()
        if self.process.poll() is None:
            self.process.send_signal(number or self.server.stop)
        left = await_gone(pids, STOP_SECONDS if number else 5)
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.kill()  # does nothing once it has ended
        self.process.wait()
        return not left


def is_alive(pid):
    _, _, rest = read_file(f"/proc/{pid}/stat").rpartition(")")
    return bool(rest) and rest.split()[0] not in "ZX"


def await_gone(pids, seconds):
    """Waits until none of these processes is alive; those that still are."""
    deadline = time.monotonic() + seconds
    left = [pid for pid in pids if is_alive(pid)]
    while left and time.monotonic() < deadline:
        time.sleep(0.0005)
        left = [pid for pid in left if is_alive(pid)]
    return left
