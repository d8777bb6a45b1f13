/* SPDX-License-Identifier: MIT */
/*
 * hard_crime.c - names what is wrong with an object of the hardened heap.
 */
#include "heap/hard_crime.h"

#include "base/fault.h"
#include "base/out.h"

struct text {
	char crime[24], before[40], after[40];
	bool sized; /* the bytes of the object stand in between */
};

static const struct text texts[] = {
	[HARD_DOUBLE_FREE] = { "double free", "the object of ",
			       " bytes is free already", true },
	[HARD_INSIDE] = { "invalid free", "the address is inside an object of ",
			  " bytes, not its start", true },
	[HARD_NO_OBJECT] = { "invalid free",
			     "no object is there, nor has been lately", "",
			     false },
	[HARD_OTHER_SIZE] = { "free with another size", "the object has ",
			      " bytes, and not ", true },
	[HARD_OVERFLOW] = { "overflow", "what lies behind its ",
			    " bytes has been changed", true },
	[HARD_UNDERFLOW] = { "underflow", "what lies before its ",
			     " bytes has been changed", true },
	[HARD_WRITE_AFTER_FREE] = { "write after free", "the memory of its ",
				    " bytes has been changed", true },
};

static RARE void compose(struct out *o, enum hard_crime crime, size_t size)
{
	out_str(o, texts[crime].before);
	if (texts[crime].sized)
		out_u64(o, size);
	out_str(o, texts[crime].after);
}

RARE _Noreturn void hard_crime(enum hard_crime crime, const void *p,
			       size_t size)
{
	char text[OUT_LINE / 2];
	struct out o;

	out_memory(&o, text, sizeof(text) - 1);
	compose(&o, crime, size);
	text[o.used] = '\0';
	fault(texts[crime].crime, p, 0, text);
}

RARE _Noreturn void hard_crime_size(const void *p, size_t size, size_t said)
{
	char text[OUT_LINE / 2];
	struct out o;

	out_memory(&o, text, sizeof(text) - 1);
	compose(&o, HARD_OTHER_SIZE, size);
	out_u64(&o, said);
	text[o.used] = '\0';
	fault(texts[HARD_OTHER_SIZE].crime, p, 0, text);
}
