# SPDX-License-Identifier: MIT
"""Cases run in rounds: each once under everything that is compared."""

import fnmatch
import os
import subprocess
import sys
import time

from runner import report

QUICK_DIVIDE = 8
TIMEOUT_S = 120


class Case:
    """Something to run once; `command` gets a contender, returns lines.

    `serves` holds the names of the contenders that it is for; None: all.
    """

    def __init__(self, group, name, most_runs, command, serves=None):
        self.group = group
        self.name = name
        self.most_runs = most_runs
        self.command = command
        self.serves = serves

    def matches(self, patterns):
        return not patterns or any(
            fnmatch.fnmatchcase(name, p) for p in patterns
            for name in (self.name, self.group))


def clean_environment(divide):
    """Nothing in it that changes an allocator's behaviour."""
    prefixes = ("LD_", "MPOOL_", "MEMPOOL_", "MALLOC_", "MIMALLOC_",
                "TCMALLOC_", "TBB_", "G_SLICE", "GLIBCXX_", "GLIBC_TUNABLES",
                "PYTHON", "PERL", "LUA_", "GIT_", "BENCH_")
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(prefixes)}
    return dict(kept, LC_ALL="C", BENCH_DIVIDE=str(divide))


def progress(text):
    end = "\r" if sys.stderr.isatty() else "\n"
    print(f"{text:78}" if end == "\r" else text, end=end, file=sys.stderr,
          flush=True)


def run_once(case, contender, rows, own):
    """Adds one figure to each row that the case measures."""
    try:
        lines = case.command(contender)
    except (subprocess.SubprocessError, OSError) as error:
        print(f"\n{case.name} failed under {contender.name}: {error}",
              file=sys.stderr)
        return
    for line in lines:
        group, name, unit, value = line.split()
        row = rows.setdefault(name, report.Row(group, name, unit, own))
        row.figures.setdefault(contender.name, []).append(float(value))


def measure(cases, chosen, runs, groups, own):
    """All rounds; the rows in the order of the groups."""
    rows = {}
    begin = time.monotonic()
    total = sum(min(runs, case.most_runs or runs) for case in cases)
    finished = 0
    for turn in range(runs):
        order = chosen[turn % len(chosen):] + chosen[:turn % len(chosen)]
        for case in cases:
            if case.most_runs and turn >= case.most_runs:
                continue
            for contender in order:
                if case.serves is None or contender.name in case.serves:
                    run_once(case, contender, rows, own)
            finished += 1
            spent = time.monotonic() - begin
            left = spent / finished * (total - finished)
            progress(f"round {turn + 1} of {runs}: {case.name:24} "
                     f"{spent:5.0f} s, about {left:.0f} s left")
    return sorted(rows.values(), key=lambda row: groups.index(row.group))
