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

#define SHAPE(bytes)                                                           \
	{                                                                      \
		(uint32_t)(((UINT64_C(1) << 32) + (bytes)-1) / (bytes)),       \
			(bytes), SLAB_BYTES / (bytes)                          \
	}
#define FOUR(bytes, step)                                                      \
	SHAPE((bytes) + (step)), SHAPE((bytes) + 2 * (step)),                  \
		SHAPE((bytes) + 3 * (step)), SHAPE((bytes) + 4 * (step))

const struct class_shape class_shapes[CLASSES + 1] = {
	{ 0 },		 FOUR(0, CLASS_STEP), FOUR(64, CLASS_STEP),
	FOUR(128, 32),	 FOUR(256, 64),	      FOUR(512, 128),
	FOUR(1024, 256), FOUR(2048, 512),     FOUR(4096, 1024),
};

/* --- magazines --- */

enum { SIDE_BYTES = 32 << 10 };

#define FILL(bytes)                                                            \
	(SIDE_BYTES / (bytes) > MAGAZINE_OBJECTS ? MAGAZINE_OBJECTS            \
						 : SIDE_BYTES / (bytes))
#define FOUR_FILLS(bytes, step)                                                \
	FILL((bytes) + (step)), FILL((bytes) + 2 * (step)),                    \
		FILL((bytes) + 3 * (step)), FILL((bytes) + 4 * (step))

const uint8_t class_fills[CLASSES + 1] = {
	0,
	MAGAZINE_OBJECTS,
	MAGAZINE_OBJECTS,
	MAGAZINE_OBJECTS,
	MAGAZINE_OBJECTS,
	MAGAZINE_OBJECTS,
	MAGAZINE_OBJECTS,
	MAGAZINE_OBJECTS,
	MAGAZINE_OBJECTS,
	FOUR_FILLS(128, 32),
	FOUR_FILLS(256, 64),
	FOUR_FILLS(512, 128),
	FOUR_FILLS(1024, 256),
	FOUR_FILLS(2048, 512),
	FOUR_FILLS(4096, 1024),
};

/* --- which class a size is --- */

/* The four classes up to twice `n` steps, of which the first is `c`. */
#define FOUR_CLASSES(n, c)                                                     \
	[(n) + 1 ...(n) * 5 / 4] = (c),                                        \
			      [(n)*5 / 4 + 1 ...(n) * 6 / 4] = (c) + 1,        \
			      [(n)*6 / 4 + 1 ...(n) * 7 / 4] = (c) + 2,        \
			      [(n)*7 / 4 + 1 ...(n) * 2] = (c) + 3

__attribute__((section(".rodata.wide")))
const uint8_t wide_classes[WIDE_MAX / WIDE_STEP + 1] = {
	FOUR_CLASSES(4, SMALL_CLASSES + 1),
	FOUR_CLASSES(8, SMALL_CLASSES + 5),
	FOUR_CLASSES(16, SMALL_CLASSES + 9),
	FOUR_CLASSES(32, SMALL_CLASSES + 13),
	FOUR_CLASSES(64, SMALL_CLASSES + 17),
	FOUR_CLASSES(128, SMALL_CLASSES + 21),
};

size_t class_border = SMALL_MAX;
unsigned class_served = SMALL_CLASSES, class_last = SMALL_CLASSES;

RARE void class_set_border(size_t bytes)
{
	class_served = class_of(bytes);
	class_border = class_size(class_served);
	class_last = max_of(class_served, (unsigned)SMALL_CLASSES);
}
