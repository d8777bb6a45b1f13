# SPDX-License-Identifier: MIT
"""What a row is called in a picture, in words: the first rule that fits."""

import re

SIZE = r"(?P<size>\d+(?:\.\.\d+)?)"
MIX = r"(?P<mix>[a-z0-9]+|\d+\.\.\d+)"

RULES = [(re.compile(pattern + "$"), title) for pattern, title in (
    # malloc
    (f"pair_calloc_{SIZE}", "calloc, then free: {size}"),
    (f"pair_{SIZE}", "malloc, then free: {size}"),
    (f"batch_lifo_{SIZE}", "1,000, last one freed first: {size}"),
    (f"batch_fifo_{SIZE}", "1,000, first one freed first: {size}"),
    (f"batch_random_{SIZE}", "1,000, freed at random: {size}"),
    ("replace_1k", "one of 1,000 replaced"),
    ("replace_100k", "one of 100,000 replaced"),
    ("replace_3m", "one of 3 million replaced"),
    (f"replace_10k_{SIZE}", "one of 10,000 replaced: {size}"),
    ("list_1m", "a list of a million nodes"),
    ("tree_20k", "a tree of 20,000 nodes"),
    ("growth_20m", "20 million that stay"),
    (f"realloc_same_{SIZE}", "realloc that changes nothing: {size}"),
    (f"realloc_grow_{SIZE}", "realloc step by step: {size}"),
    ("threads_1", "one thread, its own 10,000"),
    (r"threads_(?P<n>\d+)", "{n} threads, each its own 10,000"),
    (r"generations_(?P<n>\d+)", "{n} threads, objects of dead ones"),
    ("live_16_threads", "16 small threads"),
    (f"handoff_{SIZE}", "one allocates, another frees: {size}"),
    ("fill_free_2m_fifo", "2 million, freed in order"),
    ("fill_free_2m_random", "2 million, freed at random"),
    (f"free_1gib_{SIZE}_fifo", "1 GiB of {size}, in order"),
    (f"free_1gib_{SIZE}_random", "1 GiB of {size}, at random"),
    (f"mix_batch_{MIX}", "{mix}: 1,000 at a time"),
    (f"mix_1k_{MIX}", "{mix}: one of 1,000 replaced"),
    (f"mix_30k_{MIX}", "{mix}: one of 30,000 replaced"),
    (f"mix_4t_{MIX}", "{mix}: four threads that share"),
    ("tail_malloc", "the call alone"),
    ("tail_write", "with the first write"),
    ("thread_life", "a thread, start to end"),
    ("start_true", "start of /bin/true"),
    ("python_objects", "python3, objects"),
    ("perl_hashes", "perl, hashes"),
    ("lua_tables", "lua, tables"),
    ("sqlite_rows", "sqlite, rows"),
    ("gcc_compile", "gcc, a large file"),
    ("git_log", "git log"),
    ("z3_solve", "z3, a proof"),
    ("redis", "redis (glibc: its own jemalloc)"),
    # pools
    ("(?:fixed|local)_batch_64", "1,000 at a time"),
    ("fixed_random_64", "1,000, freed at random"),
    ("(?:fixed|local)_pair_64", "one at a time"),
    ("locked_2_threads", "two threads, one pool"),
    ("local_2_threads", "two threads"),
    ("local_across", "one allocates, another frees"),
    ("var_batch", "1,000 at a time"),
    ("var_replace", "one of 1,000 replaced"),
    ("var_locked_2_threads", "locked, two threads"),
    ("var_local_2_threads", "thread-local, two threads"),
    ("region_64", "64 B"),
    ("region_mixed", "16 to 511 B"),
    ("tree_3", "built and freed"),
    ("tree_3_batch", "1,000 of them alive"),
    ("cache_get_put", "get and put"),
    ("source_pair", "one at a time"),
    ("source_batch", "1,000 at a time"),
    ("handoff", "hand-off to who waits"),
    ("crowd", "four threads, two objects"),
    ("pmr_unordered_map", "unordered_map of 10,000"),
    ("pmr_list", "list of 1,000"),
    ("pmr_list_locked", "list, for several threads"),
    ("pmr_vectors", "vectors of 10"),
    ("memory_fixed_64", "fixed pool, 64 B"),
    ("memory_local_64", "thread-local pool, 64 B"),
    ("memory_var", "variable pool, 16 to 511 B"),
    ("memory_tree_64", "tree, 64 B"),
    ("memory_region_64", "region, 64 B"),
    ("memory_cache_1024", "object cache, 1,024 B"),
    ("tree_header", "header of a tree's node"),
    (r"bulk_(?P<n>\d+)_keep_(?P<kept>\d+)", "{n} at a time, {kept} kept"),
)]
# Behind the dot; what a heading says itself needs no words.
PARTS = {"": "", ".peak": "", ".final": "", ".cpu": "", ".wall": "",
         ".sampled": "", ".p50": ", median", ".p99": ", 99 %",
         ".p99.9": ", 99.9 %", ".p99.99": ", 99.99 %",
         ".wait_p50": ": wait, median", ".wait_p99.9": ": wait, 99.9 %",
         ".wait_longest": ": longest wait"}


def in_words(key, value):
    if key == "size" or key == "mix" and value[0].isdigit() and ".." in value:
        return value.replace("..", " to ") + " B"
    return f"{int(value):,}" if value.isdigit() else value


def title_of(name):
    """The words for the row `name`; KeyError when no rule has any."""
    for part in sorted(PARTS, key=len, reverse=True):
        if not name.endswith(part):
            continue
        stem = name.removesuffix(part) if part else name
        for pattern, title in RULES:
            found = pattern.match(stem)
            if found:
                return title.format(**{key: in_words(key, value) for key, value
                                       in found.groupdict().items()}) \
                    + PARTS[part]
    raise KeyError(f"runner/titles.py has no words for {name}")
