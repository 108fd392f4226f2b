# SPDX-License-Identifier: Apache-2.0
"""scripts/bench: the command line, the order of things, and the end of everything that was started."""
import argparse
import contextlib
import dataclasses
import http.client
import os
import shutil
import signal
import sys
import tempfile
import time

import machine
import report
from load import raise_descriptor_limit
from results import Results, calibration, judge
from servers import BUILD, EXPRESS, PROGRAMS, ROOT, SERVERS, BenchError, Running, is_installed, version_of
from workloads import FILE_SIZES, IDLE_CONNECTIONS, WORKLOADS

QUICK_IDLE_CONNECTIONS = 1000
QUICK_SERVERS = ("floor", "tine")


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures tine, its peers and the floor side by side.",
                                     epilog="Workloads: " + ", ".join(workload.name for workload in WORKLOADS)
                                     + ". Servers: " + ", ".join(SERVERS) + ".")
    parser.add_argument("--quick", action="store_true", help="without peers, one round of a second: half a minute in all")
    parser.add_argument("--rounds", type=int, metavar="N", help="default 5")
    parser.add_argument("--seconds", type=int, metavar="N", help="of each measurement; default 3")
    parser.add_argument("--workload", action="append", metavar="NAME", help="only this one; may be given several times")
    parser.add_argument("--server", action="append", metavar="NAME", help="only this one; may be given several times")
    parser.add_argument("--congestion", metavar="NAME", help="TCP congestion control of the system while the bench runs, as root: cubic is "
                        "Debian's own; default: as it is")
    parser.add_argument("--output", metavar="FOLDER", help="default build/bench/report, or build/bench/quick")
    parser.add_argument("--self-test", action="store_true", help="test the bench itself, without measuring")
    options = parser.parse_args(arguments)
    refuse_unknown(parser, "workload", options.workload, [workload.name for workload in WORKLOADS])
    refuse_unknown(parser, "server", options.server, SERVERS)
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (1 if options.quick else 3)
    if options.rounds < 1 or options.seconds < 1:
        parser.error("--rounds and --seconds are at least 1")
    options.output = options.output or os.path.join(BUILD, "bench", "quick" if options.quick else "report")
    options.warm_up = not options.quick
    options.idle_connections = QUICK_IDLE_CONNECTIONS if options.quick else IDLE_CONNECTIONS
    return options


def refuse_unknown(parser, kind, given, known):
    for name in given or ():
        if name not in known:
            parser.error(f"no {kind} is called '{name}'; there are {', '.join(known)}")


def chosen_workloads(options):
    """With the servers that are wanted, and none without any."""
    chosen = []
    for workload in WORKLOADS:
        if options.workload and workload.name not in options.workload:
            continue
        if options.quick and not workload.quick and not options.workload:
            continue
        wanted = options.server or (QUICK_SERVERS if options.quick else workload.servers)
        servers = tuple(name for name in workload.servers if name in wanted)
        if servers:
            chosen.append(dataclasses.replace(workload, servers=servers))
    return chosen


def require_servers(workloads):
    missing = sorted({name for workload in workloads for name in workload.servers if not is_installed(SERVERS[name])})
    if missing:
        raise BenchError(f"not installed: {', '.join(missing)}; scripts/setup bench installs them, --server leaves them out")


class Context:
    """What measurements share: the options, the files to serve, and the servers that run."""

    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.www = os.path.join(folder, "www")
        self.kept = {}

    def make_files(self, paths):
        os.makedirs(self.www, mode=0o755, exist_ok=True)
        for path in paths:
            with open(self.www + path, "wb") as file:
                for start in range(0, FILE_SIZES[path], 1 << 20):
                    file.write(b"a" * min(1 << 20, FILE_SIZES[path] - start))

    def start(self, workload, server):
        return Running(server, workload.setting, self.www, self.folder)

    @contextlib.contextmanager
    def running(self, workload, server):
        """A server of its own, or one that goes on until the workload is done."""
        if workload.fresh:
            with self.start(workload, server) as running:
                yield running
            return
        if server.name not in self.kept:
            self.kept[server.name] = self.start(workload, server)
        yield self.kept[server.name]

    def end_all(self):
        while self.kept:
            self.kept.popitem()[1].end()


class Bench:
    def __init__(self, options, workloads, context):
        self.options = options
        self.workloads = workloads
        self.context = context
        self.results = Results()
        self.failures = []
        self.done = 0
        self.total = options.rounds * sum(len(workload.servers) for workload in workloads)

    def run(self):
        for workload in self.workloads:
            failed = set()
            try:
                for number in range(self.options.rounds):
                    for name in self.in_turn(workload.servers, number):
                        self.measure(workload, SERVERS[name], number, failed)
            finally:
                self.context.end_all()

    @staticmethod
    def in_turn(servers, number):
        """Another one begins in each round, so that none always follows the same."""
        first = number % len(servers)
        return servers[first:] + servers[:first]

    def measure(self, workload, server, number, failed):
        self.done += 1
        if server.name in failed:
            return
        label = f"[{self.done:3}/{self.total}] {workload.name}, round {number + 1}, {server.name}"
        print(label, end=": ", flush=True)
        try:
            measured = workload.how(self.context, workload, server)
        except (BenchError, OSError, ValueError, http.client.HTTPException) as error:
            failed.add(server.name)
            self.failures.append(f"{workload.name}, {server.name}: {error}")
            print(f"FAILED: {error}", flush=True)
            return
        self.results.add(workload.name, server.name, number, measured)
        print(", ".join(f"{report.show(column, measured.get(column))} {report.HEADINGS[column]}" for column in workload.columns
                        if measured.get(column) is not None and (column != "errors" or measured[column])), flush=True)

    def record(self):
        """What the raw data begin with."""
        names = sorted({name for workload in self.workloads for name in workload.servers})
        return {"machine": machine.describe(ROOT), "options": {"rounds": self.options.rounds, "seconds": self.options.seconds},
                "versions": {name: version_of(SERVERS[name]) for name in names}, "failures": self.failures}


def tell(bench, options):
    medians = bench.results.medians()
    print("\nTargets:")
    for target, value, met in judge(medians):
        if value is not None:
            sign = "at least" if target.at_least else "at most"
            print(f"  {'met' if met else 'MISSED':7} {target.text}: {value:.4g} ({sign} {target.limit:.3g})")
    print("\n" + (calibration(medians) or "floor and nginx were not both measured: nothing is known about this machine") + ".")
    errors = bench.results.errors_of("tine")
    for failure in bench.failures:
        print(f"failed: {failure.splitlines()[0]}")
    if errors:
        print(f"tine: {errors:.0f} errors")
    print(f"{options.output}/report.md has it all.")
    return 1 if errors or bench.failures else 0


STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupted(_number, _frame):
    """Once: what follows is the end of all servers, which nothing may interrupt."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def set_congestion_control(name, path):
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(name)
    except OSError as error:
        known = machine.read_file("/proc/sys/net/ipv4/tcp_available_congestion_control").strip()
        raise BenchError(f"--congestion {name}: {error.strerror}; this needs root, and one of: {known}") from None


@contextlib.contextmanager
def congestion_control(name, path=machine.CONGESTION_CONTROL):
    """Of the system's TCP, for a while; None: as it is."""
    before = machine.read_file(path).strip()
    if name is not None:
        set_congestion_control(name, path)
    try:
        yield
    finally:
        if name is not None:
            set_congestion_control(before, path)


def measure_all(options):
    workloads = chosen_workloads(options)
    if not workloads:
        raise BenchError("none of these workloads has one of these servers")
    require_servers(workloads)
    raise_descriptor_limit()
    folder = tempfile.mkdtemp(prefix="tine-bench-")
    os.chmod(folder, 0o755)  # workers are nobody where the bench is run by root
    context = Context(options, folder)
    bench = Bench(options, workloads, context)
    run = bench.record()
    try:
        context.make_files({path for workload in workloads for path in (workload.path, "/small") if path in FILE_SIZES})
        bench.run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if bench.results.samples:  # of an interrupted run as well
            report.write(options.output, run, bench.results, workloads)
    return tell(bench, options)


def main(arguments):
    options = parse_arguments(arguments)
    for number in STOPPING:
        signal.signal(number, interrupted)
    start = time.monotonic()
    try:
        with congestion_control(options.congestion):
            status = measure_all(options)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nbench: interrupted", file=sys.stderr)
        return 130
    print(f"{time.monotonic() - start:.0f} s.")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
