# SPDX-License-Identifier: Apache-2.0
"""The workloads, in the order they are run, and the targets that are to hold."""
import dataclasses

import measure
from servers import Setting

WEB = ("floor", "tine", "nginx", "h2o", "lighttpd")
FILES = ("tine", "nginx", "nginx-cache", "h2o", "lighttpd", "apache")
APPLICATIONS = ("tine", "express", "gunicorn", "gunicorn-threads", "uwsgi")
ALL = ("tine", "nginx", "h2o", "lighttpd", "apache", "gunicorn", "gunicorn-threads", "uwsgi", "express")

SMALL = 13
JSON = 64  # bytes that applications answer
FILE_SIZES = {"/1k": 1024, "/10k": 10 * 1024, "/1m": 1 << 20, "/100m": 100 << 20, "/small": SMALL}
IDLE_CONNECTIONS = 10_000
GROWTH = (1, 2, 8, 64, 512)


@dataclasses.dataclass(frozen=True)
class Workload:
    name: str
    title: str
    servers: tuple
    how: object = measure.load    # measure.py's function
    path: str = "/small"
    size: int = None              # of the answer's body, if it is known
    connections: int = 64
    close: bool = False           # one connection for each request
    pipeline: int = 1
    post: int = 0                 # bytes
    setting: Setting = Setting()
    fresh: bool = False           # a new server for each round
    warm_seconds: int = 0         # beyond the usual second
    quick: bool = True            # part of --quick
    # What is in its table: names of metrics, the first is the one that is drawn.
    columns: tuple = ("cpu_us", "rps", "p50_ms", "p99_ms", "pss_kb", "errors")


MEMORY = ("pss_kb", "errors")

WORKLOADS = [
    Workload("keepalive-1", "Kept alive, 1 connection", WEB, size=SMALL, connections=1, quick=False),
    Workload("keepalive-64", "Kept alive, 64 connections", (*WEB, "nginx-nolog", "apache"), size=SMALL),
    Workload("keepalive-1000", "Kept alive, 1000 connections", WEB, size=SMALL, connections=1000, setting=Setting(connections=2048)),
    Workload("new-connection", "A connection for each request, 64 at a time", (*WEB, "apache"), size=SMALL, close=True),
    Workload("pipelined", "Pipelined by 16, 64 connections", ("tine", "nginx", "h2o", "lighttpd", "apache"), size=SMALL, pipeline=16,
             columns=("cpu_us", "rps", "pss_kb", "errors")),  # wrk's latencies mean little here
    Workload("file-1k", "A file of 1 KB", FILES, path="/1k", size=FILE_SIZES["/1k"], quick=False),
    Workload("file-10k", "A file of 10 KB", ("floor", *FILES), path="/10k", size=FILE_SIZES["/10k"], setting=Setting(body=10 * 1024)),
    Workload("file-1m", "A file of 1 MB, 16 connections", FILES, path="/1m", size=FILE_SIZES["/1m"], connections=16),
    Workload("file-100m", "A file of 100 MB, 4 connections", FILES, path="/100m", size=FILE_SIZES["/100m"], connections=4, quick=False),
    Workload("json", "A handler's JSON", ("floor", *APPLICATIONS), path="/json", setting=Setting(body=JSON)),
    Workload("post-64k", "A POST of 64 KB", ("nginx", *APPLICATIONS), path="/post", post=65536),
    Workload("sleep-64", "A handler that sleeps 50 ms, 64 clients, as installed, after 5 s", ("tine",), path="/slow",
             setting=Setting(workers=0), fresh=True, warm_seconds=5),
    Workload("sleep-500", "A handler that sleeps 50 ms, 500 clients, as installed, after 5 s", ("tine",), path="/slow",
             connections=500, setting=Setting(workers=0), fresh=True, warm_seconds=5, quick=False),
    Workload("mix", "1 % of requests take 50 ms, 64 clients, as installed: the other 99 %", ("tine",), how=measure.mixed,
             setting=Setting(workers=0), fresh=True, warm_seconds=5,
             columns=("p99_difference_ms", "p99_ms", "p99_without_ms", "p50_ms", "rps", "cpu_us", "errors")),
    Workload("idle-memory", "Memory of 8 workers, idle", ALL, how=measure.idle_memory, setting=Setting(workers=8, processes=8),
             fresh=True, quick=False, columns=MEMORY),
    Workload("idle-connections", "Memory of 8 workers with 10,000 idle connections", ("tine", "nginx", "h2o", "lighttpd"),
             how=measure.idle_connections, setting=Setting(workers=8, connections=12000), fresh=True,
             columns=("pss_kb", "held", "answered", "errors")),
    Workload("balance", "Largest share of a worker over the smallest, 8 workers, 200 connections", ("floor", "tine", "nginx", "lighttpd"),
             how=measure.balance, connections=200, setting=Setting(workers=8), fresh=True,
             columns=("largest_to_smallest", "cpu_us", "rps", "errors")),
    *(Workload(f"workers-{count}", f"Kept alive, 64 connections, {count} worker{'s' * (count > 1)}", ("floor", "tine"), size=SMALL,
               setting=Setting(workers=count), quick=False) for count in GROWTH),
    Workload("lifecycle", "Start, reload and stop", ("floor", *ALL), how=measure.lifecycle, setting=Setting(processes=8), fresh=True,
             columns=("start_ms", "reload_ms", "stop_ms", "errors")),
    Workload("system-calls", "System calls of a request, kept alive, 64 connections", ("floor", "tine", "nginx", "h2o", "lighttpd"),
             how=measure.system_calls, fresh=True, quick=False, columns=("calls_per_request", "waits_per_request", "errors")),
]


@dataclasses.dataclass(frozen=True)
class Target:
    text: str
    limit: float
    value: object            # a function of medians; None when something was not measured
    at_least: bool = False

    def is_met(self, value):
        return value >= self.limit if self.at_least else value <= self.limit


def ratio(workload, other, metric="cpu_us"):
    """Of tine's median to another server's in the same workload."""
    def value(medians):
        ours = medians.get((workload, "tine", metric))
        theirs = medians.get((workload, other, metric))
        return ours / theirs if ours is not None and theirs else None
    return value


def ratio_to_best(workload, others):
    """Of tine's median to the least of the others'."""
    def value(medians):
        ours = medians.get((workload, "tine", "cpu_us"))
        theirs = [medians[key] for key in ((workload, other, "cpu_us") for other in others) if medians.get(key)]
        return ours / min(theirs) if ours is not None and theirs else None
    return value


def of_tine(workload, metric, scale=1):
    def value(medians):
        number = medians.get((workload, "tine", metric))
        return number * scale if number is not None else None
    return value


def growth(medians):
    """The largest cost of any number of workers to that of one."""
    costs = [medians.get((f"workers-{count}", "tine", "cpu_us")) for count in GROWTH]
    return max(costs) / costs[0] if None not in costs else None


def calls_besides_waits(medians):
    total = medians.get(("system-calls", "tine", "calls_per_request"))
    waits = medians.get(("system-calls", "tine", "waits_per_request"))
    return total - waits if total is not None and waits is not None else None


PEERS_OF_FILES = [name for name in FILES if name != "tine"]

TARGETS = [
    Target("kept alive, 64: of the floor", 1.10, ratio("keepalive-64", "floor")),
    Target("kept alive, 64: of nginx", 0.90, ratio("keepalive-64", "nginx")),
    Target("kept alive, 64: of h2o", 0.80, ratio("keepalive-64", "h2o")),
    Target("kept alive, 1000: of the floor", 1.10, ratio("keepalive-1000", "floor")),
    Target("kept alive, 1000: of nginx", 0.80, ratio("keepalive-1000", "nginx")),
    Target("new connection: of the floor", 1.10, ratio("new-connection", "floor")),
    Target("new connection: of nginx", 0.70, ratio("new-connection", "nginx")),
    Target("new connection: of h2o", 0.82, ratio("new-connection", "h2o")),
    Target("pipelined by 16: of nginx", 0.25, ratio("pipelined", "nginx")),
    Target("10 KB file: of the floor", 1.12, ratio("file-10k", "floor")),
    Target("10 KB file: of nginx", 0.72, ratio("file-10k", "nginx")),
    Target("10 KB file: of h2o", 0.87, ratio("file-10k", "h2o")),
    Target("1 MB file: of the best peer", 0.95, ratio_to_best("file-1m", PEERS_OF_FILES)),
    Target("100 MB file: of the best peer", 0.95, ratio_to_best("file-100m", PEERS_OF_FILES)),
    Target("JSON: of Express", 1 / 30, ratio("json", "express")),
    Target("JSON: of gunicorn", 1 / 12, ratio_to_best("json", ("gunicorn", "gunicorn-threads"))),
    Target("JSON: of uWSGI", 1 / 5, ratio("json", "uwsgi")),
    Target("50 ms handler, 64 clients: share of 64/0.05 requests/s", 0.90, of_tine("sleep-64", "rps", 0.05 / 64), at_least=True),
    Target("1 % slow: p99 of the fast, more than without, ms", 10, of_tine("mix", "p99_difference_ms")),
    Target("memory of 8 idle workers, MB", 2, of_tine("idle-memory", "pss_kb", 1 / 1024)),
    Target("memory with 10,000 idle connections, MB", 12, of_tine("idle-connections", "pss_kb", 1 / 1024)),
    Target("requests per worker, largest to smallest", 1.5, of_tine("balance", "largest_to_smallest")),
    Target("1 to 512 workers: largest cost to that of one", 2, growth),
    # Two, and what making and ending 64 connections comes to in so short a time.
    Target("system calls per kept request besides epoll_wait", 2.1, calls_besides_waits),
]
