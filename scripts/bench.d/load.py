# SPDX-License-Identifier: Apache-2.0
"""Load generators: each runs once, and returns what it saw as a dictionary of numbers."""
import json
import os
import resource
import socket
import subprocess

from servers import HERE, PROGRAMS, BenchError

ERROR_KINDS = ("connect", "read", "write", "status", "timeout")


def run(command, seconds, env=None, cwd=None):
    """What a generator printed, which should take about so many seconds."""
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=2 * seconds + 30, check=False, cwd=cwd,
                             env={**os.environ, **(env or {})})
    except FileNotFoundError:
        raise BenchError(f"{command[0]} is not installed: scripts/setup bench") from None
    except subprocess.TimeoutExpired:
        raise BenchError(f"{command[0]} does not end") from None
    if ran.returncode != 0:
        raise BenchError(f"{command[0]} failed: {ran.stderr or ran.stdout}")
    return ran.stdout


def parse_wrk(text):
    """The line that wrk.lua prints; all kinds of errors in one sum."""
    for line in text.splitlines():
        if line.startswith("BENCH "):
            result = json.loads(line[len("BENCH "):])
            result["errors"] = sum(result.pop(kind) for kind in ERROR_KINDS)
            return result
    raise BenchError(f"wrk said nothing that can be read:\n{text}")


def wrk(port, path, *, connections, seconds, close=False, pipeline=1, post=0):
    """wrk takes whole seconds only."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", os.path.join(HERE, "wrk.lua")]
    if close:
        command += ["-H", "Connection: close"]
    command.append(f"http://127.0.0.1:{port}{path}")
    return parse_wrk(run(command, seconds, {"BENCH_PIPELINE": str(pipeline), "BENCH_POST": str(post)}))


def mix(port, *, connections, seconds, slow_per_mille):
    """Small answers, and so many of a thousand slow ones among them; latencies are those of the small ones."""
    command = [os.path.join(PROGRAMS, "mix"), str(port), str(connections), str(seconds), str(slow_per_mille), "/small", "/slow"]
    return json.loads(run(command, seconds))


def raise_descriptor_limit():
    """For this process and those it starts."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Crowd:
    """Connections that are kept and ask now and then."""

    REQUEST = b"GET /small HTTP/1.1\r\nHost: localhost\r\n\r\n"

    def __init__(self, port, count):
        if raise_descriptor_limit() < count + 200:
            raise BenchError(f"needs {count + 200} descriptors: raise the hard limit (ulimit -Hn)")
        self.sockets = []
        try:
            for _ in range(count):
                self.sockets.append(socket.create_connection(("127.0.0.1", port), timeout=10))
                self._ask(self.sockets[-1])
        except OSError as error:
            self.close()
            raise BenchError(f"connection {len(self.sockets) + 1} of {count}: {error}") from None

    @classmethod
    def _ask(cls, sock):
        """Whether it was answered with 200. Answers are so small that they come in one piece."""
        sock.sendall(cls.REQUEST)
        return sock.recv(4096).startswith(b"HTTP/1.1 200 ")

    def ask_all(self):
        """How many were answered."""
        answered = 0
        for sock in self.sockets:
            try:
                answered += self._ask(sock)
            except OSError:
                pass
        return answered

    def close(self):
        for sock in self.sockets:
            sock.close()
