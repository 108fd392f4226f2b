# SPDX-License-Identifier: Apache-2.0
"""How each kind of workload is measured: functions that take a context (main.py), a workload and a server, and return a
dictionary of numbers. Times are in the unit that their name ends with; `cpu_us` is CPU time of the whole tree of processes
for each answered request."""
import collections
import json
import os
import re
import shutil
import signal
import subprocess
import time

from load import Crowd, mix, wrk
from machine import process_ns
from servers import BUILD, BenchError, ask, await_gone

SETTLE_SECONDS = 1      # before memory is read, before a signal
EXPECTED_JSON = {"id": 7, "name": "Ada Lovelace", "active": True, "scores": [10, 20, 30]}


def check_answer(running, workload):
    """That the server really does what is measured. Returns the bytes of one answer."""
    if workload.post:
        return 0
    status, head, body = ask(running.port, workload.path, timeout=60)
    right = status == 200 and (json.loads(body) == EXPECTED_JSON if workload.path == "/json"
                               else workload.size in (None, len(body)))
    if not right:
        raise BenchError(f"{running.server.name} answers {workload.path} with {status} and {len(body)} bytes")
    return head + len(body)


def with_cpu(running, generate):
    """What generate() measured, and what it cost the server."""
    before = running.tree.cpu_ns()
    result = generate()
    cpu_us = (running.tree.cpu_ns() - before) / 1e3
    requests = result["requests"]
    result["cpu_us"] = cpu_us / requests if requests else None
    result["rps"] = requests / result["seconds"]
    result["pss_kb"] = running.tree.pss_kb()
    return result


def whole_answers(result, size):
    """Of large answers those under way at the end count in part, by their bytes."""
    result["requests"] = result["bytes"] / size
    return result


def load(context, workload, server):
    """wrk against a server that serves through all rounds, or against a new one each time."""
    with context.running(workload, server) as running:
        def generate(seconds=context.options.seconds):
            return wrk(running.port, workload.path, connections=workload.connections, seconds=seconds, close=workload.close,
                       pipeline=workload.pipeline, post=workload.post)
        size = check_answer(running, workload) if server.name != "floor" else 0
        warm_up(context, workload, running, generate)
        if workload.size is not None and workload.size >= 1_000_000:
            return with_cpu(running, lambda: whole_answers(generate(), size))
        return with_cpu(running, generate)


def warm_up(context, workload, running, generate):
    """Once for each start of a server."""
    if not running.warm and (context.options.warm_up or workload.warm_seconds):
        generate(workload.warm_seconds if context.options.warm_up and workload.warm_seconds else 1)
    running.warm = True


def mixed(context, workload, server):
    """The same load with and without slow requests in it, one after the other on one server."""
    with context.running(workload, server) as running:
        def generate(slow, seconds=context.options.seconds):
            return mix(running.port, connections=workload.connections, seconds=seconds, slow_per_mille=slow)
        warm_up(context, workload, running, lambda seconds: generate(10, seconds))
        without = generate(0)
        result = with_cpu(running, lambda: generate(10))
        result["errors"] += without["errors"]
        result["p99_without_ms"] = without["p99_ms"]
        result["p99_difference_ms"] = result["p99_ms"] - without["p99_ms"]
        return result


def idle_memory(context, workload, server):
    with context.running(workload, server) as running:
        ask(running.port, server.probe)
        time.sleep(SETTLE_SECONDS)
        return {"pss_kb": running.tree.pss_kb(), "errors": 0}


def idle_connections(context, workload, server):
    count = context.options.idle_connections
    with context.running(workload, server) as running:
        crowd = Crowd(running.port, count)
        try:
            time.sleep(SETTLE_SECONDS)
            pss_kb = running.tree.pss_kb()
            answered = crowd.ask_all()
        finally:
            crowd.close()
        return {"pss_kb": pss_kb, "held": count, "answered": answered, "errors": count - answered}


def requests_of_tine_workers(running):
    """{worker: requests} as `tine status` has them."""
    ini = os.path.join(running.folder, "tine.ini")
    said = subprocess.run([f"{BUILD}/tine", "status", "-c", ini, "--json"], capture_output=True, text=True, timeout=20, check=False)
    if said.returncode != 0:
        raise BenchError(f"tine status: {said.stderr}")
    return {worker["pid"]: worker["requests"] for worker in json.loads(said.stdout)["workers"]}


def cpu_of_workers(running):
    """{worker: CPU time}: what stands for requests with servers that do not count them."""
    return {pid: process_ns(pid) for pid in running.tree.workers()}


def balance(context, workload, server):
    """How evenly kept connections fall on workers: the largest share over the smallest."""
    look = requests_of_tine_workers if server.name == "tine" else cpu_of_workers
    with context.running(workload, server) as running:
        before = look(running)
        result = with_cpu(running, lambda: wrk(running.port, workload.path, connections=workload.connections,
                                               seconds=context.options.seconds))
        after = look(running)
        shares = [after[pid] - before.get(pid, 0) for pid in after]
        result["largest_to_smallest"] = max(shares) / max(min(shares), 1)
        result["shares"] = sorted(shares)
        return result


def since(start):
    return (time.monotonic() - start) * 1e3


def lifecycle(context, workload, server):
    """From exec to the first answer; from the signal to when no process is left; of another, from the signal to when no old
    worker is left and a new one answers. Without load, and after a rest: uWSGI misses what comes too early."""
    running = context.start(workload, server)
    result = {"start_ms": since(running.started)}
    time.sleep(SETTLE_SECONDS)
    start = time.monotonic()
    result["errors"] = 0 if running.end(server.stop) else 1
    result["stop_ms"] = since(start)
    if server.reload:
        with context.start(workload, server) as running:
            time.sleep(SETTLE_SECONDS)
            result["reload_ms"] = reload(running)
    return result


def reload(running):
    old = running.tree.workers()
    start = time.monotonic()
    os.kill(running.tree.root, running.server.reload)
    if await_gone(old, 30):
        raise BenchError(f"{running.server.name} does not replace its workers\n{running.last_words()}")
    running.await_answer()
    return since(start)


CALL = re.compile(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", re.MULTILINE)


def parse_strace(text):
    """{system call: times} from the table of strace -c."""
    calls = collections.Counter()
    for times, name in CALL.findall(text):
        if name != "total":
            calls[name] += int(times)
    return calls


def system_calls(context, workload, server):
    """Counted by strace, which makes everything slow: how often a worker finds nothing to do is not as it is otherwise."""
    if shutil.which("strace") is None:
        raise BenchError("strace is not installed: scripts/setup bench")
    with context.running(workload, server) as running:
        output = os.path.join(running.folder, "strace")
        attach = [word for pid in running.tree.pids() for word in ("-p", str(pid))]
        with subprocess.Popen(["strace", "-f", "-c", "-o", output, *attach], stderr=subprocess.PIPE, text=True) as tracer:
            for _ in range(len(attach) // 2):  # "strace: Process 1 attached"
                tracer.stderr.readline()
            try:
                result = wrk(running.port, workload.path, connections=workload.connections, seconds=context.options.seconds)
            finally:
                tracer.send_signal(signal.SIGINT)
                tracer.communicate(timeout=30)
        with open(output, encoding="utf-8") as file:
            calls = parse_strace(file.read())
        requests = result["requests"]
        each = {name: times / requests for name, times in calls.most_common() if times >= requests / 1000}
        waits = sum(times for name, times in calls.items() if name.startswith("epoll_") and "wait" in name)
        return {"requests": requests, "errors": result["errors"], "calls": each, "calls_per_request": sum(calls.values()) / requests,
                "waits_per_request": waits / requests}
