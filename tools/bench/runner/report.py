# SPDX-License-Identifier: MIT
"""The table that people read, and the CSV that is kept."""

import csv
import datetime
import math
import os
import platform
import statistics
from dataclasses import dataclass, field

from runner.allocators import output

LEVEL = 0.02        # two figures no further apart than this are level
MPOOL = "mpool"     # what the benchmarks of malloc call our own


@dataclass
class Row:
    """One row of the table: the figures of every run, by allocator.

    `own` is the name of ours, which is compared with the others; ours with
    other settings are OWN-SETTING, and no peers of one another.
    """
    group: str
    name: str
    unit: str
    own: str = MPOOL
    figures: dict = field(default_factory=dict)

    def median(self, allocator):
        figures = self.figures.get(allocator)
        return statistics.median(figures) if figures else None

    def least(self, allocator):
        figures = self.figures.get(allocator)
        return min(figures) if figures else None

    def is_ours(self, name):
        return name.partition("-")[0] == self.own

    def judged(self):
        """Which of ours the row is about."""
        wide = f"{self.own}-wide"
        return wide if self.group == "mixed" and wide in self.figures \
            else self.own

    def is_time(self):
        return self.unit == "ns" and not self.name.endswith(".cpu")

    def runs(self):
        return max(len(figures) for figures in self.figures.values())

    def best_peer(self):
        """The name and median of the best allocator that is not ours."""
        medians = [(self.median(name), name) for name in self.figures
                   if not self.is_ours(name) and self.figures[name]]
        value, name = min(medians, default=(None, ""))
        return name, value

    def ratio(self, value, name=None):
        """Our median by that value, or None where there is none."""
        mine = self.median(name or self.judged())
        if mine is None or not value:
            return None
        return mine / value

    def to_glibc(self, name=None):
        return self.ratio(self.median("glibc"), name)

    def to_best(self, name=None):
        return self.ratio(self.best_peer()[1], name)


def show(value):
    """Three significant digits, or the whole number when it has more."""
    if value is None:
        return "-"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}" if value < 1 else f"{value:.{1 + (value < 10)}f}"


def show_ratio(ratio):
    return "-" if ratio is None else f"{ratio:.2f}"


def own_name(rows):
    return rows[0].own if rows else MPOOL


def table(rows, allocators):
    """The lines of the table; the best figure of a row is marked with *."""
    width = max([len(row.name) for row in rows] + [3])
    own = own_name(rows)
    cell = max([len(a.name) for a in allocators] + [9]) + 1
    lines = [f"{'':{width}} {'':4}"
             + "".join(f"{a.name:>{cell}}" for a in allocators)
             + "   ours/glibc  ours/best peer"]
    group = None
    for row in rows:
        if row.group != group:
            group = row.group
            lines += ["", group + (f" ({row.judged()} is ours)"
                                   if row.judged() != own else "")]
        medians = [row.median(a.name) for a in allocators]
        best = min((m for m in medians if m is not None), default=None)
        cells = [f"{show(m)}{'*' if m == best and m is not None else ' '}"
                 for m in medians]
        ratio = row.to_best()
        behind = "  behind" if ratio and ratio > 1 + LEVEL else ""
        lines.append(f"{row.name:{width}} {row.unit:4}"
                     + "".join(f"{c:>{cell}}" for c in cells)
                     + f"{show_ratio(row.to_glibc()):>13}"
                     + f"  {show_ratio(ratio):>6} {row.best_peer()[0]:9}{behind}")
    return lines


def geometric_mean(ratios):
    return math.exp(statistics.fmean(math.log(r) for r in ratios))


def summary(rows):
    """How many rows are won and lost, and by how much the small ones."""
    compared = [row for row in rows if row.to_best()]
    if not compared:
        return []
    own = own_name(rows)
    wide = "".join(f", in {group} {name}" for group, name in dict.fromkeys(
        (row.group, row.judged()) for row in compared) if name != own)
    lines = [f"{own}{wide} against the best peer of each row (level: within "
             f"{LEVEL:.0%})",
             f"{'':8} {'rows':>5} {'ahead':>6} {'level':>6} {'behind':>6}"]
    groups = list(dict.fromkeys(row.group for row in compared))
    for group in groups + ["all"]:
        ratios = [row.to_best() for row in compared
                  if group in (row.group, "all")]
        ahead = sum(r < 1 - LEVEL for r in ratios)
        behind = sum(r > 1 + LEVEL for r in ratios)
        lines.append(f"{group:8} {len(ratios):5} {ahead:6} "
                     f"{len(ratios) - ahead - behind:6} {behind:6}")
    for group, what in (("small", "rows of 1..128 bytes"),
                        ("mixed", "rows of mixed sizes")):
        times = [row for row in rows if row.group == group
                 and row.is_time()]
        for base in ("best peer", "glibc"):
            chosen = [row.to_best() if base == "best peer" else row.to_glibc()
                      for row in times]
            chosen = [r for r in chosen if r]
            if chosen:
                lines.append(f"geometric mean of {times[0].judged()} / {base}, "
                             f"{len(chosen)} {what}: "
                             f"{geometric_mean(chosen):.3f}")
    return lines


def first_match(path, key):
    try:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                if line.startswith(key):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return ""


def machine(allocators, note):
    """What a reader must know to compare the figures: "key: value" lines."""
    cpu = first_match("/proc/cpuinfo", "model name") or platform.machine()
    memory = int(first_match("/proc/meminfo", "MemTotal").split()[0]) // 1048576
    try:
        with open("/sys/kernel/mm/transparent_hugepage/enabled",
                  encoding="ascii") as state:
            huge = state.read().partition("[")[2].partition("]")[0]
    except OSError:
        huge = "none"
    system = first_line_of_os_release()
    lines = [
        f"date: {datetime.date.today().isoformat()}",
        f"machine: {cpu}, {os.cpu_count()} cores, {memory} GiB",
        f"system: {system}, Linux {platform.release()}, huge pages {huge}",
        f"compiler: {output('gcc', '--version').partition(chr(10))[0]}",
    ]
    lines += [f"{a.name}: {a.version}" for a in allocators]
    return lines + ([f"note: {note}"] if note else [])


def first_line_of_os_release():
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def save(path, rows, allocators, header):
    """Medians, our ratios, then the least figure of each allocator.

    The best peer stands behind the ratios of ours; those of ours with other
    settings come last.
    """
    names = [a.name for a in allocators]
    own = own_name(rows)
    variants = [name for name in names
                if name != own and name.partition("-")[0] == own]
    number = lambda value: "" if value is None else f"{value:.6g}"
    with open(path, "w", encoding="utf-8", newline="") as out:
        out.writelines(f"# {line}\n" for line in header)
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["group", "row", "unit", "runs", *names,
                         f"{own}/glibc", f"{own}/best", "best peer",
                         *(f"{name} least" for name in names),
                         *(f"{name}/{base}" for name in variants
                           for base in ("glibc", "best"))])
        for row in rows:
            writer.writerow(
                [row.group, row.name, row.unit, row.runs(),
                 *(number(row.median(name)) for name in names),
                 number(row.to_glibc(own)), number(row.to_best(own)),
                 row.best_peer()[0],
                 *(number(row.least(name)) for name in names),
                 *(number(ratio) for name in variants for ratio in
                   (row.to_glibc(name), row.to_best(name)))])


def load(path):
    """The rows of a saved CSV, medians only, and its header lines."""
    rows, header = [], []
    with open(path, encoding="utf-8", newline="") as lines:
        text = list(lines)
    header = [line[2:].rstrip("\n") for line in text if line.startswith("#")]
    reader = csv.DictReader(line for line in text if not line.startswith("#"))
    columns = reader.fieldnames
    ratio = next(name for name in columns if name.endswith("/glibc"))
    own = ratio.removesuffix("/glibc")
    names = columns[4:columns.index(ratio)]
    for line in reader:
        figures = {name: [float(line[name])] for name in names if line[name]}
        rows.append(Row(line["group"], line["row"], line["unit"], own,
                        figures))
    return rows, names, header
