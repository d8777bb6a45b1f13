# SPDX-License-Identifier: MIT
"""
gdb.py - libmpool's heap, as gdb sees it.

    (gdb) source tools/dev/gdb.py
    (gdb) mpool who EXPRESSION    whose is this address
    (gdb) mpool heap              a line a class, and the address range

Works on a running process and on a core dump, and calls nothing in either;
the library must have its debug information.
"""

import gdb

def value(expression):
    """A variable of the library, whatever the program has by that name."""
    return gdb.parse_and_eval(expression)


def constant(file, name):
    """An enumerator, from a file that knows it."""
    return int(value("'src/heap/%s.c'::%s" % (file, name)))


def slab_bytes():
    return constant("space", "SLAB_BYTES")


def space():
    return value("'src/heap/space.c'::space")


def vacant():
    return value("'src/heap/vacant.c'::vacant")


def base():
    return int(value("'src/heap/space.c'::space_base"))


def word_at(address):
    return int(gdb.Value(address).cast(gdb.lookup_type("long").pointer())
               .dereference()) & (1 << 64) - 1


def objects_of(top, fill=None):
    """Those on the stack whose top this is; magazine.h tells how it lies."""
    magazine = top & ~(constant("magazine", "MAGAZINE_BYTES") - 1)
    if fill is None:
        fill = constant("magazine", "MAGAZINE_OBJECTS")
    return [word_at(at) for at in range(top, magazine + 8 * fill, 8)]


class Class:
    """A size class: its centre, and where free objects of it may be."""

    def __init__(self, c):
        self.c = c
        shape = value("'src/heap/class.c'::class_shapes")[c]
        self.size = int(shape["size"])
        self.capacity = int(shape["capacity"])
        self.central = value("'src/heap/central.c'::central")[c]

    def depot(self):
        depot = self.central["depot"]
        for i in range(int(depot["fulls"])):
            yield from objects_of(int(depot["full"][i]))

    def reserve(self):
        reserve = self.central["reserve"]
        for i in range(int(reserve["current"])):
            yield int(reserve["elements"][i])

    def is_free_in_slab(self, slab, index):
        bits = record_of(slab)["bits"]
        if bits.type.sizeof * 8 >= self.capacity:
            word = int(bits[index // 64])
        else:
            word = word_at(self.wide_bits_of(slab) + index // 64 * 8)
        return word >> index % 64 & 1

    def wide_bits_of(self, slab):
        """The narrowest array that has room for a bit an object."""
        arrays = value("'src/heap/space_arrays.c'::space_arrays")
        pairs = value("'src/heap/space_arrays.c'::pairs")
        half, full = int(pairs[1]["down"]) // 64, int(pairs[2]["up"]) // 64
        if half * 8 >= self.capacity:
            return int(arrays[1]) - (slab + 1) * half
        return int(arrays[2]) + slab * full


def is_usable(slab, offset, size):
    """Whether an object lies in the part that is committed: part.h."""
    units = value("'src/heap/part.c'::part_units")
    if slab > units.type.range()[1] or not int(units[slab]):
        return True
    committed = int(units[slab]) * constant("part", "PART_UNIT")
    if slab % 2:
        return offset + size <= committed
    return offset >= slab_bytes() - committed


def record_of(slab):
    records = value("'src/heap/space_arrays.c'::space_arrays")[0]
    return records.cast(gdb.lookup_type("struct slab").pointer())[slab]


def caches():
    """All threads' caches that are in the registry."""
    cache = gdb.lookup_type("struct cache")
    at = cache["link"].bitpos // 8
    link = value("'src/heap/registry.c'::registry")["first"]
    while int(link):
        yield gdb.Value(int(link) - at).cast(cache.pointer()).dereference()
        link = link["next"]


def thread_names():
    """Which thread a cache belongs to, where gdb can tell."""
    names = {}
    selected = gdb.selected_thread()
    for thread in gdb.selected_inferior().threads():
        try:
            thread.switch()
            names[int(value("&'src/heap/cache.c'::heap_cache"))] = (
                "thread %d" % thread.num)
        except gdb.error:
            pass
    if selected:
        selected.switch()
    return names


def sides(cache, c):
    """(what, objects) of a cache's stacks; cache.h tells how they lie."""
    alloc, free = int(cache["of"][c]["alloc"]), int(cache["of"][c]["free"])
    if alloc:
        yield "alloc side", objects_of(alloc - 8)
    if free:
        fill = int(value("'src/heap/class.c'::class_fills")[c])
        yield "free side", objects_of(free, fill)


def place_of(cls, start):
    """Where a free object is kept; None: a program has it."""
    if start in cls.depot():
        return "in the depot"
    if start in cls.reserve():
        return "in the reserve"
    for cache in caches():
        for what, objects in sides(cache, cls.c):
            if start in objects:
                address = int(cache.address)
                whose = thread_names().get(address,
                                           "the thread of cache %#x" % address)
                return "on the %s of %s" % (what, whose)
    return None


def has(slabs, slab):
    sets = constant("vacant", "SETS")
    return int(slabs["words"][-(slab // 64 + 1) * sets]) >> slab % 64 & 1


def describe_slab_without_class(slab):
    state = space()
    if has(vacant()["holes"], slab):
        return "in the window, where somebody else had mapped something"
    if has(vacant()["kept"], slab):
        return "in slab %d, which is free and kept" % slab
    if has(vacant()["returned"], slab):
        return "in slab %d, which is free, its memory given back" % slab
    if slab >= int(state["next"]):
        return "in slab %d, which was never used" % slab
    return "in slab %d, which holds magazines" % slab


def who(address):
    start_of_window = base()
    slab = (address - start_of_window) // slab_bytes()
    if not 0 <= slab < constant("space", "WINDOW_SLABS"):
        return "not in a pool"
    if slab >= int(space()["reserved"]):
        return "in the window, but beyond what is reserved"
    if not int(record_of(slab)["c"]):
        return describe_slab_without_class(slab)
    cls = Class(int(record_of(slab)["c"]))
    size = cls.size
    slab_start = start_of_window + slab * slab_bytes()
    index = (address - slab_start) // size
    if index >= cls.capacity:
        return "in slab %d of class %d, behind its last object" % (slab, size)
    start = slab_start + index * size
    if not is_usable(slab, start - slab_start, size):
        return "in slab %d of class %d, where it is not committed yet" % (
            slab, size)
    if cls.is_free_in_slab(slab, index):
        state = "free, in its slab"
    else:
        place = place_of(cls, start)
        state = "free, " + place if place else "used"
    where = "object %#x" % start
    if address != start:
        where = "%d bytes into object %#x" % (address - start, start)
    return "%s of class %d, slab %d, number %d: %s" % (where, size, slab,
                                                      index, state)


def heap():
    if not value("'src/heap/heap.c'::heap_on"):
        print("the heap has not been started")
        return
    print("class  slabs   objects      used     depot   threads   reserve")
    for c in range(1, int(value("'src/heap/class.c'::class_last")) + 1):
        cls = Class(c)
        slabs = cls.central["slabs"]
        in_threads = sum(len(objects) for cache in caches()
                         for _, objects in sides(cache, c))
        depot = len(list(cls.depot()))
        reserve = int(cls.central["reserve"]["current"])
        capacity = int(slabs["capacity"])
        taken = capacity - int(slabs["free_objects"])
        print("%5d %6d %9d %9d %9d %9d %5d/%d%s" % (
            cls.size, int(slabs["count"]), capacity,
            taken - in_threads - depot - reserve, depot, in_threads, reserve,
            int(cls.central["reserve"]["min"]),
            "  scarce" if cls.central["scarce"] else ""))
    state = space()
    print("window at %#x: %d slabs used, %d kept, %d returned, %d reserved" % (
        base(), int(state["used"]), int(vacant()["kept"]["count"]),
        int(vacant()["returned"]["count"]), int(state["held"])))


class Mpool(gdb.Command):
    """Look into libmpool's heap: mpool who EXPRESSION, mpool heap."""

    def __init__(self):
        super().__init__("mpool", gdb.COMMAND_DATA, prefix=True)


class MpoolWho(gdb.Command):
    """Tell whose an address is: mpool who EXPRESSION."""

    def __init__(self):
        super().__init__("mpool who", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        if not argument:
            raise gdb.GdbError("mpool who: which address?")
        address = int(gdb.parse_and_eval(argument).cast(
            gdb.lookup_type("unsigned long")))
        print("%#x: %s" % (address, who(address)))


class MpoolHeap(gdb.Command):
    """Show each class and the address range: mpool heap."""

    def __init__(self):
        super().__init__("mpool heap", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        heap()


Mpool()
MpoolWho()
MpoolHeap()
