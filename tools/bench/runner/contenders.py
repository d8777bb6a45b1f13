# SPDX-License-Identifier: MIT
"""The pool libraries that are compared: their packages, and their programs.

A program is one source of tools/bench/pools with the rows of one library; it
is built here, because what a peer needs is known here and nowhere else.
"""

import glob
import os
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from runner.allocators import commit, output, package_version

OWN = "mempool"


@dataclass
class Library:
    """One program: what it is linked with, and the packages behind it."""
    name: str
    flags: str = ""
    modules: str = ""           # of pkg-config
    packages: tuple = ()        # the first one's version is shown


@dataclass
class Contender:
    name: str
    version: str
    program: str


LIBRARIES = [
    Library("glibc", packages=("libc6",)),
    Library(OWN, "-lmempool"),
    Library("boost", packages=("libboost-dev",)),
    Library("std", packages=("libstdc++6",)),
    Library("glib", modules="glib-2.0", packages=("libglib2.0-dev",)),
    Library("tbb", "-ltbbmalloc", packages=("libtbb-dev",)),
    Library("mimalloc", "-lmimalloc", packages=("libmimalloc-dev",)),
    Library("talloc", "-ltalloc", packages=("libtalloc-dev",)),
    Library("apr", modules="apr-1", packages=("libapr1-dev",)),
    # Its development package brings 200 others; pools/dpdk takes the headers.
    Library("dpdk", "-isystem {dpdk}/include/dpdk "
            "-isystem {dpdk}/include/x86_64-linux-gnu/dpdk "
            "-include rte_config.h -march=corei7 -l:librte_eal.so.23 "
            "-l:librte_mempool.so.23 -l:librte_ring.so.23",
            packages=("librte-mempool23", "librte-mempool-ring23",
                      "libbsd-dev")),
]


def packages():
    return ["g++", "pkg-config"] + [
        name for library in LIBRARIES for name in library.packages]


class Builder:
    """Builds the programs of tools/bench/pools into BUILD/bench/pools."""

    def __init__(self, root, build):
        self.root = root
        self.build = os.path.abspath(build)
        self.folder = os.path.join(self.build, "bench", "pools")
        self.sources = os.path.join(root, "tools", "bench", "pools")

    def program(self, library):
        return os.path.join(self.folder, library.name)

    def command(self, library):
        flags = library.flags.format(dpdk=os.path.join(self.folder,
                                                       "dpdk-headers"))
        if library.modules:
            flags += " " + output("pkg-config", "--cflags", "--libs",
                                  library.modules)
        return [*shlex.split(os.environ.get("CXX", "g++")), "-std=gnu++17",
                "-O2", "-g", "-Wall", "-Wextra", "-fno-builtin",
                "-D_GNU_SOURCE", "-I" + os.path.join(self.root, "src"),
                os.path.join(self.sources, library.name + ".cc"),
                "-o", self.program(library), "-L" + self.build,
                "-Wl,-rpath," + self.build, *shlex.split(flags), "-pthread"]

    def is_fresh(self, library):
        """No source is younger; each may include any header of ours."""
        try:
            built = os.path.getmtime(self.program(library))
        except OSError:
            return False
        used = [os.path.join(self.sources, library.name + ".cc"),
                *glob.glob(os.path.join(self.sources, "*.h")),
                os.path.join(self.root, "tools", "bench", "bench.h")]
        if library.name == OWN:
            used += glob.glob(os.path.join(self.root, "src", "mempool", "*.h"))
        return all(os.path.getmtime(path) < built for path in used)

    def make(self, library):
        """A message when it cannot be built, else ""."""
        if self.is_fresh(library):
            return ""
        done = subprocess.run(self.command(library), stderr=subprocess.PIPE,
                              check=False, text=True)
        if done.returncode == 0:
            return ""
        missing = [name for name in library.packages
                   if not package_version(name)]
        if missing:
            return f"{library.name}: not installed: {', '.join(missing)}"
        faults = [line for line in done.stderr.splitlines() if "error" in line]
        return f"{library.name}: {(faults or ['cannot be linked'])[0]}"

    def make_all(self, libraries):
        os.makedirs(self.folder, exist_ok=True)
        with ThreadPoolExecutor(os.cpu_count()) as workers:
            return list(workers.map(self.make, libraries))


def version_of(root, library):
    if library.name == OWN:
        return "commit " + commit(root)
    package = library.packages[0]
    return f"{package} {package_version(package)}"


def find_all(root, build, only):
    """(contenders, their rows, messages); a row is (group, case, name)."""
    builder = Builder(root, build)
    found, rows, messages = [], [], []
    for library, message in zip(LIBRARIES, builder.make_all(LIBRARIES)):
        if message:
            messages.append(message)
            continue
        listed = [tuple(line.split())
                  for line in output(builder.program(library)).splitlines()]
        for name in dict.fromkeys(row[2] for row in listed):
            if not only or name in only:
                found.append(Contender(name, version_of(root, library),
                                       builder.program(library)))
        rows += listed
    return found, rows, messages
