# SPDX-License-Identifier: MIT
"""What libmempool must reach against other pools, checked in one run."""

from runner.contenders import OWN

# Row, the peers of which the best counts, our part of it at most.
GOALS = [
    ("fixed_batch_64", ("boost",), 1.0),
    ("locked_2_threads", ("boost", "mt_alloc"), 0.8),
    ("local_batch_64", ("gslice", "tbb", "mimalloc"), 0.8),
    ("local_2_threads", ("gslice", "tbb", "mimalloc"), 0.8),
    ("var_batch", ("pmr",), 0.7),
    ("var_replace", ("pmr",), 0.7),
    ("region_64", ("pmr",), 1.0),
    ("region_64", ("apr",), 0.6),
    ("region_64", ("talloc",), 0.1),
    ("region_mixed", ("pmr",), 1.0),
    ("region_mixed", ("apr",), 0.6),
    ("region_mixed", ("talloc",), 0.1),
    ("pmr_unordered_map", ("default",), 0.7),
    ("pmr_list", ("pmr",), 1.0),
    ("pmr_list_locked", ("pmr",), 1.0),
    ("pmr_vectors", ("monotonic",), 1.0),
    ("tree_3", ("talloc",), 0.3),
    ("tree_3_batch", ("talloc",), 0.3),
    ("cache_get_put", ("glibc",), 0.1),
    ("source_pair", ("glibc",), 1.05),
    ("source_batch", ("glibc",), 1.05),
    ("handoff", ("glibc",), 0.7),
]

# Row, our figure at most.
LIMITS = [("tree_header", 48)]


def verdict(won):
    return "won " if won else "lost"


def check(rows):
    """Lines that say which goals are met; those without figures are left out."""
    by_name = {row.name: row for row in rows}
    lines = []
    for name, peers, limit in GOALS:
        row = by_name.get(name)
        medians = [(row.median(peer), peer) for peer in peers
                   if row.median(peer) is not None] if row else []
        mine = row.median(OWN) if row else None
        if mine is None or not medians:
            continue
        value, peer = min(medians)
        ratio = mine / value
        absent = sorted(set(peers) - {peer for _, peer in medians})
        note = f" (without {', '.join(absent)})" if absent else ""
        lines.append(f"{verdict(ratio <= limit)}  {name:18} {ratio:6.3f} of "
                     f"{peer}, at most {limit:g}{note}")
    for name, limit in LIMITS:
        mine = by_name[name].median(OWN) if name in by_name else None
        if mine is not None:
            lines.append(f"{verdict(mine <= limit)}  {name:18} {mine:6.4g} "
                         f"{by_name[name].unit}, at most {limit:g}")
    return lines
