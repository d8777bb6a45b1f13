# SPDX-License-Identifier: MIT
"""What libmpool must reach, checked against the rows of one run."""

from runner.report import geometric_mean

SMALL_FACTOR = 0.80     # geometric mean of mpool / best peer
PEAK_FACTOR = 1.02      # of the best peer, rows of small objects
LARGE_FACTOR = 1.03     # of glibc, beyond 128 bytes
MIXED_FACTOR = 1.05     # mpool-wide of the best peer, mixed sizes
MIXED_MEAN = 0.90       # geometric mean of that
WIDE_CPU_FACTOR = 1.02  # mpool-wide of the best peer, processor time
SAMPLING_FACTOR = 1.03  # of the same run without a profile
START_FACTOR = 1.10     # of plain, start of /bin/true
FINAL_SHARE = 0.05      # of the peak, after everything is freed
LIVE_16_MIB = 9.0       # 16 threads with small live sets


def within(rows, limit_of, own):
    """Rows of `own` above their limit: their number, (name, figure, limit)."""
    missed = []
    checked = 0
    for row in rows:
        mine, limit = row.median(own), limit_of(row)
        if mine is None or limit is None:
            continue
        checked += 1
        if mine > limit:
            missed.append((row.name, mine, limit))
    return checked, missed


def times(factor, value):
    return None if value is None else factor * value


def program_peak(row):
    plain = row.median("glibc")
    return None if plain is None else max(plain * 1.01, plain + 128 / 1024)


def wide_peak(row):
    mine = row.median("mpool")
    return None if mine is None else max(mine * 1.03, mine + 256 / 1024)


def mean_goal(text, limit, rows):
    """A line on the geometric mean of ours / best peer; none, no row."""
    ratios = [row.to_best() for row in rows if row.to_best()]
    if not ratios:
        return []
    mean = geometric_mean(ratios)
    return [f"{'held  ' if mean <= limit else 'missed'}  {text}: geometric "
            f"mean at most {limit} of the best peer: {mean:.3f}"]


def check(rows):
    """Lines that say which goals hold; goals without a row are left out."""
    peaks = {row.name.removesuffix(".peak"): row.median("mpool")
             for row in rows if row.name.endswith(".peak")}
    group = lambda name: [row for row in rows if row.group == name]
    named = lambda *names: [row for row in rows if row.name in names]
    best = lambda factor: lambda row: times(factor, row.best_peer()[1])
    glibc = lambda factor: lambda row: times(factor, row.median("glibc"))
    final = lambda row: times(FINAL_SHARE,
                              peaks.get(row.name.removesuffix(".final")))
    goals = [
        ("time of 1..128 bytes: no row behind the best peer",
         group("small"), best(1.0)),
        ("p99.99 of malloc(64) while growing: ahead of the best peer",
         [row for row in group("tail") if row.name.endswith(".p99.99")],
         best(1.0)),
        ("peak memory of small objects: best peer + 2 %",
         [row for row in group("memory") if row.name.endswith(".peak")],
         best(PEAK_FACTOR)),
        ("peak memory of programs: glibc + 1 % or + 128 KiB",
         [row for row in group("program") if row.name.endswith(".peak")],
         program_peak),
        ("memory after everything is freed: 5 % of the peak",
         [row for row in rows if row.name.endswith(".final")], final),
        ("16 threads with small live sets: 9 MiB",
         named("live_16_threads.peak"), lambda row: LIVE_16_MIB),
        ("thread creation and exit: glibc", named("thread_life"), glibc(1.0)),
        ("time beyond 128 bytes: 1.03 of glibc", group("large"),
         glibc(LARGE_FACTOR)),
        ("start of /bin/true: 1.10 of plain", named("start_true"),
         glibc(START_FACTOR)),
        ("a heap profile at 512k: 1.03 of the time without",
         group("sampling"), lambda row: SAMPLING_FACTOR),
    ]
    ending = lambda rows, end: [r for r in rows if r.name.endswith(end)]
    mixed = [row for row in group("mixed") if row.is_time()]
    wide = [
        ("wide, mixed sizes: best peer + 5 %", mixed, best(MIXED_FACTOR)),
        ("wide, processor time of programs: best peer + 2 %",
         ending(group("program"), ".cpu"), best(WIDE_CPU_FACTOR)),
        ("wide, realloc by doubling: the best peer",
         named("realloc_grow_8..1024"), best(1.0)),
        ("wide, peak memory of programs: default + 3 % or + 256 KiB",
         ending(group("program"), ".peak"), wide_peak),
    ]
    lines = mean_goal("time of 1..128 bytes", SMALL_FACTOR, group("small"))
    lines += mean_goal("wide, mixed sizes", MIXED_MEAN,
                       [row for row in mixed
                        if row.median("mpool-wide") is not None])
    for text, chosen, limit_of, own in \
            [(*goal, "mpool") for goal in goals] + \
            [(*goal, "mpool-wide") for goal in wide]:
        checked, missed = within(chosen, limit_of, own)
        if not checked:
            continue
        lines.append(f"{'missed' if missed else 'held  '}  {text} "
                     f"({checked - len(missed)} of {checked} rows)")
        lines += [f"        {name}: {mine:.4g}, limit {limit:.4g}"
                  for name, mine, limit in missed]
    return lines
