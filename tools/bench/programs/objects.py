# SPDX-License-Identifier: MIT
# Builds, sorts and drops small objects: instances, tuples, strings, a dict.
# Argument: how many.
import sys


class Point:
    __slots__ = ("x", "y", "name")

    def __init__(self, x, y):
        self.x = x
        self.y = y
        self.name = "p%d" % x


seed = 1
points = []
for _ in range(int(sys.argv[1])):
    seed = seed * 1103515245 + 12345 & 0x7FFFFFFF
    points.append(Point(seed, float(seed >> 7)))
points.sort(key=lambda p: (p.y, p.name))
by_name = {p.name: [p.x, p.y] for p in points}
words = sorted(" ".join(by_name).split())
print(len(points), len(by_name), words[0], sum(p.x for p in points))
