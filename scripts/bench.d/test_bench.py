# SPDX-License-Identifier: Apache-2.0
"""scripts/bench --self-test: what of the bench can be tested without measuring."""
import contextlib
import io
import os
import signal
import string
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree

import load
import machine
import main
import measure
import plot
import report
import results
import servers
import workloads

WRK = """Running 1s test @ http://127.0.0.1:1/
Requests/sec: 1
BENCH {"seconds": 2.000000, "requests": 10, "bytes": 1000, "p50_ms": 1.000, "p99_ms": 2.000, "max_ms": 3.000, \
"connect": 1, "read": 2, "write": 3, "status": 4, "timeout": 5}
"""

STRACE = """% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 51.02    0.100000           1    100000           sendto
 48.00    0.090000           1    100500       500 recvfrom
  0.98    0.000100           1      3000           epoll_wait
------ ----------- ----------- --------- --------- ----------------
100.00    0.190100           0    203500       500 total
"""


def sample_results(**costs):
    """Three rounds of keepalive-64 with these costs."""
    found = results.Results()
    for server, values in costs.items():
        for number, value in enumerate(values):
            found.add("keepalive-64", server.replace("_", "-"), number, {"cpu_us": value, "rps": 1000, "errors": number})
    return found


class Machine(unittest.TestCase):
    def test_reads_stat_whatever_the_name(self):
        fields = "S 7 1 1 0 -1 0 1 2 3 4 5 6 200 300 20 0 1"
        for name in ("tine", "a b", ") S 9 ("):
            parent, state, waited_for = machine.parse_stat(f"12 ({name}) {fields}")
            self.assertEqual((parent, state, waited_for), (7, "S", 500 * machine.TICK_NS))

    def test_has_nothing_of_a_process_that_is_gone(self):
        self.assertIsNone(machine.parse_stat(""))
        self.assertEqual(machine.read_file("/proc/0/stat"), "")

    def test_finds_descendants_only(self):
        parents = {10: 1, 11: 10, 12: 11, 20: 1, 21: 20}
        self.assertEqual(sorted(machine.descendants(10, parents)), [10, 11, 12])

    def test_reads_pss(self):
        self.assertEqual(machine.parse_pss_kb("Rss: 9 kB\nPss:   123 kB\nPss_Dirty: 7 kB\n"), 123)
        self.assertEqual(machine.parse_pss_kb(""), 0)

    def test_counts_the_time_of_living_and_dead_children(self):
        burn = "import time\nwhile time.process_time() < 0.2: pass\n"
        both = 'python3 -c "$1"; python3 -c "$1 \ninput()"; :'
        with subprocess.Popen(["sh", "-c", both, "sh", burn], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            tree = machine.Tree(process.pid)
            deadline = time.monotonic() + 30
            while tree.cpu_ns() < 380_000_000 and time.monotonic() < deadline:
                time.sleep(0.05)
            used = tree.cpu_ns()
            process.stdin.close()
        self.assertGreaterEqual(used, 380_000_000)


class Load(unittest.TestCase):
    def test_reads_wrk_and_sums_errors(self):
        result = load.parse_wrk(WRK)
        self.assertEqual((result["requests"], result["seconds"], result["errors"]), (10, 2.0, 15))
        self.assertNotIn("timeout", result)

    def test_refuses_what_wrk_did_not_say(self):
        with self.assertRaises(servers.BenchError):
            load.parse_wrk("unable to connect")

    def test_counts_large_answers_by_their_bytes(self):
        self.assertEqual(measure.whole_answers({"requests": 3, "bytes": 350}, 100)["requests"], 3.5)

    def test_reads_strace(self):
        self.assertEqual(measure.parse_strace(STRACE), {"sendto": 100000, "recvfrom": 100500, "epoll_wait": 3000})


class Results(unittest.TestCase):
    def test_takes_medians_and_sums_errors(self):
        medians = sample_results(tine=(3, 1, 9)).medians()
        self.assertEqual(medians["keepalive-64", "tine", "cpu_us"], 3)
        self.assertEqual(medians["keepalive-64", "tine", "errors"], 3)

    def test_leaves_out_what_was_not_measured(self):
        found = results.Results()
        found.add("keepalive-64", "tine", 0, {"cpu_us": None, "calls": {"recv": 1}})
        self.assertEqual(found.medians(), {})

    def test_judges_at_the_bound(self):
        for cost, met in ((10.9, True), (11.1, False)):
            judged = {target.text: (value, met) for target, value, met in results.judge(
                sample_results(tine=(cost,), floor=(10,)).medians())}
            self.assertEqual(judged["kept alive, 64: of the floor"], (cost / 10, met))
            self.assertEqual(judged["kept alive, 64: of nginx"], (None, False))

    def test_judges_targets_that_are_to_be_reached(self):
        share = [target for target in workloads.TARGETS if target.at_least][0]
        for rps, met in ((1140, False), (1160, True)):
            self.assertEqual(share.is_met(share.value({("sleep-64", "tine", "rps"): rps})), met)

    def test_compares_with_the_best_peer_that_was_measured(self):
        value = workloads.ratio_to_best("x", ("a", "b", "c"))
        self.assertEqual(value({("x", "tine", "cpu_us"): 6, ("x", "a", "cpu_us"): 4, ("x", "b", "cpu_us"): 3}), 2)
        self.assertIsNone(value({("x", "tine", "cpu_us"): 6}))

    def test_every_target_has_its_workload_and_servers(self):
        known = {(workload.name, server) for workload in workloads.WORKLOADS for server in workload.servers}
        for target in workloads.TARGETS:
            asked = []

            class Asked(dict):
                def get(self, key, default=None):
                    asked.append(key)
                    return 1.0

                __getitem__ = get

            self.assertIsNotNone(target.value(Asked()), target.text)
            for workload, server, metric in asked:
                self.assertIn((workload, server), known, target.text)
                self.assertIn(metric, report.HEADINGS)

    def test_says_when_the_machine_is_another(self):
        for floor, off in ((9.9, False), (9.0, False), (10.8, False), (8.8, True), (11.0, True)):
            said = results.calibration(sample_results(floor=(floor,), nginx_nolog=(11.9,)).medians())
            self.assertEqual("OFF BY MORE" in said, off, said)
        self.assertEqual(results.calibration({}), "")


class Report(unittest.TestCase):
    def test_shows_numbers(self):
        for metric, value, shown in (("cpu_us", 9.876, "9.88"), ("cpu_us", 98.76, "98.8"), ("cpu_us", 987.6, "988"),
                                     ("rps", 12345.6, "12,346"),
                                     ("errors", 0, "0"), ("pss_kb", 2048, "2.00"), ("p99_difference_ms", -1.5, "-1.50"), ("rps", None, "–")):
            self.assertEqual(report.show(metric, value), shown)

    def test_orders_servers_by_cost_and_gives_ratios(self):
        keepalive = [workload for workload in workloads.WORKLOADS if workload.name == "keepalive-64"][0]
        rows = report.workload_table(keepalive, sample_results(tine=(11,), floor=(10,), nginx=(22,)).medians()).splitlines()
        self.assertEqual([row.split("|")[1].strip() for row in rows[2:]], ["floor", "tine", "nginx"])
        self.assertEqual([cell.strip() for cell in rows[4].split("|")][-3:-1], ["2.00", "2.20"])

    def test_has_all_that_was_measured(self):
        run = {"machine": machine.describe(servers.ROOT), "options": {"rounds": 3, "seconds": 1}, "versions": {"nginx": "1.22"},
               "failures": ["json, uwsgi: no answer"]}
        text = report.markdown(run, sample_results(tine=(11,), floor=(10,), nginx_nolog=(12,)), workloads.WORKLOADS)
        for part in ("3 rounds of 1 s", "nginx: 1.22", "json, uwsgi: no answer", "keepalive-64.svg", "| 11.0 |", "not measured"):
            self.assertIn(part, text)
        self.assertNotIn("file-10k.svg", text)

    def test_every_column_has_a_heading(self):
        for workload in workloads.WORKLOADS:
            self.assertLessEqual(set(workload.columns), set(report.HEADINGS), workload.name)


class Plot(unittest.TestCase):
    def test_is_svg_whatever_the_numbers(self):
        for rows in ([], [("a<b", 0, 0, 0)], [("tine", 1.5, 1, 2), ("floor", 1e6, 1e5, 1e7)], [("less", -3, -4, -1)]):
            root = xml.etree.ElementTree.fromstring(plot.bars("A & B", "µs", rows))
            self.assertEqual(len(root.findall("{*}rect")), len(rows) + 1)

    def test_draws_bars_in_proportion(self):
        root = xml.etree.ElementTree.fromstring(plot.bars("t", "u", [("a", 10, 10, 10), ("b", 5, 5, 5)]))
        first, second = (float(rect.get("width")) for rect in root.findall("{*}rect")[1:])
        self.assertAlmostEqual(first, 2 * second, places=0)

    def test_draws_lines_from_first_to_last(self):
        root = xml.etree.ElementTree.fromstring(plot.lines("t", "x", "y", {"tine": [(1, 5), (512, 10)]}))
        (x1, y1), (x2, y2) = (map(float, place.split(",")) for place in root.find("{*}polyline").get("points").split())
        self.assertLess(x1, x2)
        self.assertGreater(y1, y2)


class Servers(unittest.TestCase):
    def test_every_workload_names_servers_that_there_are(self):
        for workload in workloads.WORKLOADS:
            self.assertLessEqual(set(workload.servers), set(servers.SERVERS), workload.name)

    def test_every_template_is_filled_whole(self):
        known = {"port", "folder", "www", "workers", "connections", "processes", "descriptors", "if_root"}
        for server in servers.SERVERS.values():
            if server.template:
                template = string.Template(machine.read_file(os.path.join(servers.HERE, "etc", server.template)))
                self.assertTrue(template.is_valid(), server.name)
                template.substitute(dict.fromkeys(known | set(server.values), ""))

    def test_waits_for_processes_to_go_and_names_those_that_stay(self):
        with subprocess.Popen(["sleep", "30"]) as stays, subprocess.Popen(["sleep", "0"]) as goes:
            self.assertEqual(servers.await_gone([stays.pid, goes.pid], 0.5), [stays.pid])
            stays.kill()

    def test_tells_why_a_server_does_not_serve_and_leaves_nothing(self):
        fails = servers.Server("fails", "sh -c exit\t3")
        with self.assertRaisesRegex(servers.BenchError, "fails does not serve"), temporary_folder() as folder:
            servers.Running(fails, servers.Setting(), folder, folder)

    def test_kills_what_does_not_stop(self):
        with subprocess.Popen(["sh", "-c", "trap '' TERM; echo; for i in 1 2 3 4 5; do sleep 1; done"], stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            running = servers.Running.__new__(servers.Running)
            running.process, running.tree, running.server = process, machine.Tree(process.pid), servers.SERVERS["tine"]
            with limited_patience(0.3):
                self.assertFalse(running.end(signal.SIGTERM))
            self.assertEqual(process.returncode, -signal.SIGKILL)


@contextlib.contextmanager
def temporary_folder():
    with tempfile.TemporaryDirectory() as folder:
        yield folder


@contextlib.contextmanager
def limited_patience(seconds):
    before, servers.STOP_SECONDS = servers.STOP_SECONDS, seconds
    try:
        yield
    finally:
        servers.STOP_SECONDS = before


class CommandLine(unittest.TestCase):
    def refused(self, *arguments):
        said = io.StringIO()
        with contextlib.redirect_stderr(said), self.assertRaises(SystemExit):
            main.parse_arguments(arguments)
        return said.getvalue()

    def test_sets_congestion_control_for_a_while(self):
        with tempfile.NamedTemporaryFile("w+", encoding="ascii") as file:
            file.write("bbr\n")
            file.flush()
            with main.congestion_control(None, file.name):
                self.assertEqual(machine.read_file(file.name), "bbr\n")
            with self.assertRaises(KeyboardInterrupt), main.congestion_control("cubic", file.name):
                self.assertEqual(machine.read_file(file.name), "cubic")
                raise KeyboardInterrupt
            self.assertEqual(machine.read_file(file.name), "bbr")
        with self.assertRaisesRegex(servers.BenchError, "--congestion cubic: No such file"):
            with main.congestion_control("cubic", "/nowhere/at/all"):
                pass

    def test_names_what_there_is(self):
        self.assertIn("keepalive-64", self.refused("--workload", "nothing"))
        self.assertIn("nginx", self.refused("--server", "nothing"))
        self.assertIn("at least 1", self.refused("--rounds", "-1"))

    def test_quick_needs_no_peer(self):
        chosen = main.chosen_workloads(main.parse_arguments(["--quick"]))
        self.assertEqual({server for workload in chosen for server in workload.servers}, {"floor", "tine"})
        self.assertFalse([workload.name for workload in chosen if not workload.quick])

    def test_chooses_by_workload_and_server(self):
        options = main.parse_arguments(["--workload", "json", "--workload", "keepalive-1", "--server", "nginx", "--server", "uwsgi"])
        self.assertEqual([(workload.name, workload.servers) for workload in main.chosen_workloads(options)],
                         [("keepalive-1", ("nginx",)), ("json", ("uwsgi",))])

    def test_begins_each_round_with_another(self):
        self.assertEqual([main.Bench.in_turn(("a", "b", "c"), number) for number in range(4)],
                         [("a", "b", "c"), ("b", "c", "a"), ("c", "a", "b"), ("a", "b", "c")])


if __name__ == "__main__":
    sys.exit(unittest.main())
