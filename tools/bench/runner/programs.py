# SPDX-License-Identifier: MIT
"""Real programs: what they are given to do, and the commands that do it.

The inputs are generated once, the same on every machine, in a folder of the
build.  A command that is not installed leaves its rows out.  "glibc" stands
for the program as it is: Debian's redis-server then uses its own jemalloc.
"""

import os
import shutil
import subprocess
import time

SOURCES = os.path.join(os.path.dirname(__file__), "..", "programs")

PACKAGES = ["python3", "perl", "lua5.4", "sqlite3", "gcc", "git",
            "redis-server", "redis-tools", "z3"]

FUNCTION = """
struct record_{i} {{ int id; const char *name; struct record_{i} *next; }};
static int visit_{i}(struct record_{i} *r, int (*each)(const char *, int))
{{
\tint sum = {i};
\tfor (; r; r = r->next) {{
\t\tif (r->id % {m} == 0 && each(r->name, r->id + {i}) > sum)
\t\t\tsum += r->id * {i} - (sum >> {s});
\t\telse
\t\t\tsum ^= each("function {i}", sum);
\t}}
\treturn sum;
}}
int run_{i}(int (*each)(const char *, int), int n)
{{
\tstruct record_{i} a[8];
\tfor (int i = 0; i < 8; i++)
\t\ta[i] = (struct record_{i}){{ n + i, "{i}", i < 7 ? &a[i + 1] : 0 }};
\treturn visit_{i}(a, each);
}}
"""


def write_c(path, functions):
    with open(path, "w", encoding="ascii") as out:
        for i in range(functions):
            out.write(FUNCTION.format(i=i, m=i % 7 + 2, s=i % 5 + 1))


def write_formula(path, numbers):
    """Distinct integers, and vectors of bits, each bound to the next."""
    with open(path, "w", encoding="ascii") as out:
        for i in range(numbers):
            out.write(f"(declare-const x{i} Int)\n"
                      f"(declare-const b{i} (_ BitVec 16))\n"
                      f"(assert (and (<= 0 x{i}) (< x{i} {numbers})))\n")
        names = " ".join(f"x{i}" for i in range(numbers))
        out.write(f"(assert (distinct {names}))\n")
        for i in range(numbers - 1):
            out.write(f"(assert (not (= (+ x{i} 1) x{i + 1})))\n"
                      f"(assert (bvult (bvmul b{i} #x000{i % 7 + 3}) "
                      f"(bvadd b{i + 1} #x01{i:02x})))\n")
        out.write("(check-sat)\n")


def write_repository(path):
    """A repository of 1500 commits, each of which changes some of 60 files."""
    shutil.rmtree(path, ignore_errors=True)
    subprocess.run(["git", "init", "-q", "--bare", path], check=True)
    seed = 1
    files = {f"dir{i % 8}/file{i}.txt": [f"line {n} of {i}" for n in range(80)]
             for i in range(60)}
    names = list(files)
    stream = []
    for commit in range(1500):
        stream.append("commit refs/heads/main\n"
                      f"committer A <a@example.org> {1700000000 + commit} "
                      "+0000\n"
                      f"data {len(str(commit))}\n{commit}\n")
        for _ in range(3):
            seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
            name = names[(seed >> 8) % len(names)]
            lines = files[name]
            lines[(seed >> 16) % len(lines)] = f"changed by {commit}: {seed}"
            text = "\n".join(lines) + "\n"
            stream.append(f"M 100644 inline {name}\n"
                          f"data {len(text)}\n{text}\n")
    subprocess.run(["git", "-C", path, "fast-import", "--quiet"], check=True,
                   input="".join(stream).encode("ascii"))


class Programs:
    """The cases of the group "program"; `build` has timed, `data` is ours.

    `divide` makes the inputs that much smaller.
    """

    def __init__(self, build, data, divide):
        self.timed = os.path.join(build, "timed")
        self.data = data
        self.functions = 120 // divide
        self.requests = 40000 // divide
        self.c_file = os.path.join(data, f"{self.functions}-functions.c")
        self.numbers = max(30 // divide, 12)
        self.formula = os.path.join(data, f"{self.numbers}-numbers.smt2")
        self.repository = os.path.join(data, "repository.git")
        source = lambda name: os.path.join(SOURCES, name)
        self.commands = {
            "python_objects": ["/usr/bin/python3", source("objects.py"),
                               str(90000 // divide)],
            "perl_hashes": ["perl", source("hashes.pl"),
                            str(120000 // divide)],
            "lua_tables": ["lua5.4", source("tables.lua"),
                           str(max(6 // divide, 1))],
            "sqlite_rows": ["sqlite3", "-bail", "-batch", "-cmd",
                            f".parameter set @rows {120000 // divide}",
                            ":memory:", ".read " + source("rows.sql")],
            "gcc_compile": ["gcc", "-O1", "-c", self.c_file, "-o", "/dev/null"],
            "git_log": ["git", "-C", self.repository, "log", "-p", "--stat",
                        "main"],
            "z3_solve": ["z3", self.formula],
        }
        self.commands = {name: command for name, command
                         in self.commands.items() if shutil.which(command[0])}

    def cases(self):
        names = list(self.commands)
        if shutil.which("redis-server") and shutil.which("redis-benchmark"):
            names.append("redis")
        return names

    def prepare(self):
        os.makedirs(self.data, exist_ok=True)
        if not os.path.exists(self.c_file):
            write_c(self.c_file, self.functions)
        if not os.path.exists(self.formula):
            write_formula(self.formula, self.numbers)
        if "git_log" in self.commands and \
                not os.path.exists(self.repository + "/refs/heads/main"):
            write_repository(self.repository)

    def run(self, name, preload, environment):
        """Returns the lines of the rows, as the C programs print them."""
        environment = dict(environment, PYTHONMALLOC="malloc",
                           PYTHONHASHSEED="0", PERL_HASH_SEED="0")
        if name == "redis":
            figures = self.run_redis(preload, environment)
        else:
            figures = subprocess.run(
                [self.timed, "-p", preload] + self.commands[name],
                env=environment, check=True, stdout=subprocess.PIPE,
                timeout=60).stdout
        wall, cpu, peak = figures.split()
        return [f"program {name}.wall s {float(wall)}",
                f"program {name}.cpu s {float(cpu)}",
                f"program {name}.peak MiB {float(peak) / 1024}"]

    def run_redis(self, preload, environment):
        """The allocator is that of the server; the wall is the client's."""
        socket = os.path.join(self.data, f"redis-{os.getpid()}.sock")
        client = ["-s", socket]
        server = subprocess.Popen(
            [self.timed, "-p", preload, "redis-server", "--port", "0",
             "--unixsocket", socket, "--save", "", "--dir", self.data],
            env=environment, stdout=subprocess.PIPE)
        try:
            for _ in range(100):
                if os.path.exists(socket):
                    break
                time.sleep(0.02)
            start = time.monotonic()
            subprocess.run(
                ["redis-benchmark", *client, "-q", "-P", "16", "-r", "100000",
                 "-n", str(self.requests),
                 "-t", "set,get,lpush,sadd,hset"],
                env=environment, check=True, stdout=subprocess.DEVNULL,
                timeout=60)
            wall = time.monotonic() - start
        finally:
            subprocess.run(["redis-cli", *client, "shutdown", "nosave"],
                           env=environment, check=False,
                           stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            try:
                out = server.communicate(timeout=10)[0]
            except subprocess.TimeoutExpired:
                server.kill()
                raise
        _, cpu, peak = out.split()
        return b"%f %s %s" % (wall, cpu, peak)
