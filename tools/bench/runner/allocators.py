# SPDX-License-Identifier: MIT
"""The allocators that are compared: where they are, and which they are."""

import os
import platform
import subprocess
from dataclasses import dataclass, field

# Name, Debian package ("new|old": as its releases name it), the library to
# preload, of each.
PEERS = [
    ("jemalloc", "libjemalloc2", "libjemalloc.so.2"),
    ("mimalloc", "libmimalloc3|libmimalloc2.0",
     "libmimalloc.so.3|libmimalloc.so.2"),
    ("tcmalloc", "libtcmalloc-minimal4t64|libtcmalloc-minimal4",
     "libtcmalloc_minimal.so.4|libtcmalloc_minimal.so.4"),
    ("tbbmalloc", "libtbbmalloc2", "libtbbmalloc_proxy.so.2"),
]

# Ours with other settings; a name begins with "mpool-" (see report.py).
VARIANTS = [("mpool-wide", {"MPOOL_SMALL_MAX": "8k"})]

# The machine that a preloaded library must be for, as `ldconfig -p` names it.
MACHINES = {"x86_64": "x86-64", "aarch64": "AArch64"}


@dataclass
class Allocator:
    name: str
    preload: str        # "" for glibc
    version: str
    variables: dict = field(default_factory=dict)   # of the environment

    def environment(self):
        """What a program that is to use it has in its environment."""
        preload = {"LD_PRELOAD": self.preload} if self.preload else {}
        return preload | self.variables


def output(*command):
    """What a command prints, without the newline; "" when it fails."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False,
                              stderr=subprocess.DEVNULL, text=True)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def package_version(package):
    return output("dpkg-query", "-W", "-f", "${Version}\n",
                  package).partition("\n")[0]


def library_path(package, library):
    """The library of this machine's architecture, or ""."""
    architecture = output("dpkg", "--print-architecture")
    for path in output("dpkg-query", "-L",
                       f"{package}:{architecture}").splitlines():
        if os.path.basename(path) == library:
            return path
    for line in output("/sbin/ldconfig", "-p").splitlines():
        name, _, rest = line.strip().partition(" ")
        if name == library and MACHINES.get(platform.machine(), "") in rest:
            return rest.rpartition(" => ")[2]
    return ""


def commit(root):
    """The commit of the project, with "+" when the tree differs from it."""
    head = output("git", "-C", root, "rev-parse", "--short=12", "HEAD")
    changed = output("git", "-C", root, "status", "--porcelain")
    return (head or "unknown") + ("+" if changed else "")


def find_all(root, mpool, extra):
    """Every allocator that is here, and messages about those that are not.

    `extra` holds "NAME=PATH" or "NAME:VERSION=PATH" for libraries that are in
    no package.
    """
    found = [Allocator("glibc", "", package_version("libc6"))]
    missing = []
    if os.path.exists(mpool):
        found.append(Allocator("mpool", os.path.abspath(mpool),
                               "commit " + commit(root)))
        for name, variables in VARIANTS:
            settings = " ".join("=".join(pair) for pair in variables.items())
            found.append(Allocator(name, os.path.abspath(mpool), settings,
                                   variables))
    else:
        missing.append(f"mpool: {mpool} is not there (run make)")
    for name, packages, libraries in PEERS:
        for package, library in zip(packages.split("|"), libraries.split("|")):
            path = library_path(package, library)
            version = package_version(package)
            # What ldconfig finds may be of the package's other name.
            if path and (version or package == packages.split("|")[-1]):
                found.append(Allocator(name, path, f"{package} {version}"))
                break
        else:
            missing.append(f"{name}: package {packages.replace('|', ' or ')} "
                           "is not installed")
    for text in extra:
        name, _, path = text.partition("=")
        name, _, version = name.partition(":")
        if os.path.exists(path):
            found.append(Allocator(name, os.path.abspath(path),
                                   version or os.path.basename(path)))
        else:
            missing.append(f"{name}: {path} is not there")
    return found, missing


def takes_effect(allocator, whose):
    """Whether a program with this preload really calls the allocator."""
    environment = dict(os.environ)
    environment.pop("LD_PRELOAD", None)
    environment |= allocator.environment()
    done = subprocess.run([whose], env=environment, check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wanted = allocator.preload or "libc.so"
    used = done.stdout.strip()
    return (os.path.realpath(used) == os.path.realpath(wanted)
            if allocator.preload else wanted in used)
