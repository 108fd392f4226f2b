# SPDX-License-Identifier: Apache-2.0
"""What /proc tells about a server's whole process tree, and about the machine."""
import datetime
import os
import platform
import subprocess

TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
CONGESTION_CONTROL = "/proc/sys/net/ipv4/tcp_congestion_control"


def read_file(path):
    """The text, or "" if there is no such file (any more)."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


def parse_stat(text):
    """(parent, state, nanoseconds of children that were waited for) from /proc/PID/stat, or None."""
    _, _, rest = text.rpartition(")")  # the name before it may hold anything
    fields = rest.split()
    if len(fields) < 15:
        return None
    return int(fields[1]), fields[0], (int(fields[13]) + int(fields[14])) * TICK_NS


def parse_pss_kb(text):
    """The sum of smaps_rollup's Pss line, in KB."""
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def descendants(root, parents):
    """root and everything below it, from a table of process: parent."""
    children = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


class Tree:
    """A server's root process and all that descend from it."""

    def __init__(self, root):
        self.root = root

    def _stats(self):
        stats = {}
        for name in os.listdir("/proc"):
            if name.isdigit():
                stat = parse_stat(read_file(f"/proc/{name}/stat"))
                if stat is not None and stat[1] not in "ZX":
                    stats[int(name)] = stat
        return stats

    def pids(self):
        stats = self._stats()
        parents = {pid: stat[0] for pid, stat in stats.items()}
        return [pid for pid in descendants(self.root, parents) if pid in stats]

    def workers(self):
        return [pid for pid in self.pids() if pid != self.root]

    def cpu_ns(self):
        """CPU time used so far: what every living thread ran (nanoseconds), and, to a clock tick, what children used
        that are dead and were waited for. Threads that ended inside a living process are missed."""
        total = 0
        stats = self._stats()
        for pid in descendants(self.root, {pid: stat[0] for pid, stat in stats.items()}):
            if pid in stats:
                total += stats[pid][2] + process_ns(pid)
        return total

    def pss_kb(self):
        return sum(parse_pss_kb(read_file(f"/proc/{pid}/smaps_rollup")) for pid in self.pids())


def process_ns(pid):
    """CPU time of the living threads of one process."""
    total = 0
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return 0
    for thread in threads:
        fields = read_file(f"/proc/{pid}/task/{thread}/schedstat").split()
        total += int(fields[0]) if fields else 0
    return total


def cpu_model():
    for line in read_file("/proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def distribution():
    for line in read_file("/etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return "unknown"


def commit(folder):
    """Of the checkout, with "+" when there are changes; "" where it is none."""
    def git(*arguments):
        return subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=False).stdout.strip()
    try:
        changed = git("status", "--porcelain", "-uno")
        return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")
    except FileNotFoundError:
        return ""


def describe(folder):
    """What a reader of results wants to know about where they are from."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_000_000,
        "system": distribution(),
        "kernel": platform.release(),
        "congestion_control": read_file(CONGESTION_CONTROL).strip() or "unknown",
        "load_average": os.getloadavg()[0],
        "commit": commit(folder),
    }
