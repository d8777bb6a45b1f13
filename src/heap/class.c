/* SPDX-License-Identifier: MIT */
/*
 * class.c - the table of size classes.
 */
#include "heap/class.h"

#include "base/config.h"
#include "heap/magazine.h"
#include "heap/space.h"

_Static_assert(CONFIG_BORDER == (int)SMALL_MAX &&
		       CONFIG_BORDER_LEAST == (int)CLASS_STEP &&
		       CONFIG_BORDER_MOST == (int)WIDE_MAX,
	       "what MPOOL_SMALL_MAX may be is what the classes can serve");

/*
 * All sizes, each with the one below it.
 *
 * Programs like to ask for a power of two and some bytes, for a page and a
 * header: from 512 bytes on the first class after a power of two lies just
 * above it, and the next three a quarter above one another.  Of each, as much
 * as so many in a slab leave: less than 2 % is left at its end.  (In steps of a
 * quarter of the power of two, sqlite in memory took a quarter more than with
 * glibc.)
 */
#define SIZES(X)                                                               \
	X(16, 0)                                                               \
	X(32, 16)                                                              \
	X(48, 32)                                                              \
	X(64, 48)                                                              \
	X(80, 64)                                                              \
	X(96, 80)                                                              \
	X(112, 96)                                                             \
	X(128, 112)                                                            \
	X(160, 128)                                                            \
	X(192, 160)                                                            \
	X(224, 192)                                                            \
	X(256, 224)                                                            \
	X(288, 256)                                                            \
	X(352, 288)                                                            \
	X(416, 352)                                                            \
	X(512, 416)                                                            \
	X(544, 512)                                                            \
	X(656, 544)                                                            \
	X(816, 656)                                                            \
	X(1024, 816)                                                           \
	X(1040, 1024)                                                          \
	X(1296, 1040)                                                          \
	X(1632, 1296)                                                          \
	X(2048, 1632)                                                          \
	X(2112, 2048)                                                          \
	X(2608, 2112)                                                          \
	X(3264, 2608)                                                          \
	X(4096, 3264)                                                          \
	X(4368, 4096)                                                          \
	X(5456, 4368)                                                          \
	X(6544, 5456)                                                          \
	X(8192, 6544)

#define NUMBER(size, below) NUMBER_OF_##size,
enum { NUMBER_OF_NONE, SIZES(NUMBER) NUMBERS };

_Static_assert(NUMBERS == CLASSES + 1, "as many classes as sizes");

#define SHAPE(size, below)                                                     \
	{ (uint32_t)(((UINT64_C(1) << 32) + (size)-1) / (size)), (size),       \
	  SLAB_BYTES / (size) },

const struct class_shape class_shapes[CLASSES + 1] = { { 0 }, SIZES(SHAPE) };

enum { SIDE_BYTES = 32 << 10 };

#define FILL(size, below)                                                      \
	(uint8_t) min_of(SIDE_BYTES / (size), MAGAZINE_OBJECTS),

const uint8_t class_fills[CLASSES + 1] = { 0, SIZES(FILL) };

#define RANGE(size, below)                                                     \
	[(below) / CLASS_STEP + 1 ...(size) / CLASS_STEP] = NUMBER_OF_##size,

__attribute__((section(".rodata.wide")))
const uint8_t class_numbers[WIDE_MAX / CLASS_STEP + 1] = { SIZES(RANGE) };

size_t class_border = SMALL_MAX;
unsigned class_served = SMALL_CLASSES, class_last = SMALL_CLASSES;

RARE void class_set_border(size_t bytes)
{
	class_served = class_of(bytes);
	class_border = class_size(class_served);
	class_last = max_of(class_served, (unsigned)SMALL_CLASSES);
}

RARE void class_serve_none(void)
{
	class_served = 0;
	class_border = 0;
}
