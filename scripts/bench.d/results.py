# SPDX-License-Identifier: Apache-2.0
"""Samples, their medians, and what follows from those. Pure: no processes, no files."""
import statistics

from workloads import TARGETS

# Measured without logs on a quiet machine: floor and nginx, keep-alive on 64 connections, microseconds a request.
KNOWN_RATIO = 9.9 / 11.9
TOLERANCE = 0.1


class Results:
    def __init__(self):
        self.samples = []   # {"workload", "server", "round", metric: number...}

    def add(self, workload, server, number, measured):
        self.samples.append({"workload": workload, "server": server, "round": number, **measured})

    def values(self, workload, server, metric):
        found = (sample.get(metric) for sample in self.samples if sample["workload"] == workload and sample["server"] == server)
        return [value for value in found if isinstance(value, (int, float))]

    def medians(self):
        """{(workload, server, metric): median}; errors are not averaged away but summed."""
        keys = {(sample["workload"], sample["server"], metric) for sample in self.samples for metric in sample if metric != "round"}
        medians = {}
        for key in keys:
            values = self.values(*key)
            if values:
                medians[key] = sum(values) if key[2] == "errors" else statistics.median(values)
        return medians

    def errors_of(self, server):
        return sum(sample.get("errors", 0) for sample in self.samples if sample["server"] == server)


def judge(medians):
    """[(target, value or None, met)] for every target."""
    judged = []
    for target in TARGETS:
        value = target.value(medians)
        judged.append((target, value, value is not None and target.is_met(value)))
    return judged


def calibration(medians):
    """What is to be said about this machine's ratio of floor to nginx; "" if they were not measured."""
    floor = medians.get(("keepalive-64", "floor", "cpu_us"))
    nginx = medians.get(("keepalive-64", "nginx-nolog", "cpu_us"))
    if not floor or not nginx:
        return ""
    seen = floor / nginx
    off = seen / KNOWN_RATIO - 1
    text = f"floor/nginx without logs, kept alive, 64 connections: {seen:.2f}; known: {KNOWN_RATIO:.2f} ({off:+.0%})"
    if abs(off) > TOLERANCE:
        text += ". OFF BY MORE THAN A TENTH: this machine or this moment is not like the one the targets come from"
    return text
