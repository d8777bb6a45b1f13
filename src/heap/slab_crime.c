/* SPDX-License-Identifier: MIT */
/*
 * slab_crime.c - names what is wrong with a freed address.
 */
#include "heap/slab_crime.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/out.h"
#include "heap/record.h"

/* Of class `c`; what has been given back has none. */
static RARE const char *detail_of(unsigned c, const void *p, const char **crime)
{
	size_t d = space_slab_of(p);
	unsigned offset = (uintptr_t)p & (SLAB_BYTES - 1);
	unsigned index = index_of(offset, c);
	struct part usable = record_usable(d, c);

	*crime = "invalid free";
	if (index >= capacity_of(c) || index * class_size(c) != offset)
		return "the address is inside an object, not its start";
	if (record_class(d) == c &&
	    (index >= record_of(d)->fresh || index < usable.from))
		return "the object has never been handed out";
	*crime = "double free";
	if (record_class(d) != c)
		return "its slab was wholly free, and has been given back";
	return "the object is free already";
}

RARE _Noreturn void slab_crime(unsigned c, const void *p)
{
	const char *crime, *detail = detail_of(c, p, &crime);

	fault(crime, p, class_size(c), detail);
}

RARE _Noreturn void slab_crime_late(unsigned c, const void *p,
				    void *const *objects, size_t count)
{
	const char *crime, *detail = detail_of(c, p, &crime);
	char text[OUT_LINE / 2];
	struct out o;
	size_t after = 0;

	if (count == 1)
		fault(crime, p, class_size(c), detail);
	while (after < count && objects[after] != p)
		after++;
	out_memory(&o, text, sizeof(text) - 1);
	out_str(&o, detail);
	out_str(&o, "; found late, by thread ");
	out_u64(&o, (uint64_t)syscall(SYS_gettid));
	out_str(&o, ", at least ");
	out_u64(&o, after);
	out_str(&o, " frees of its class after");
	text[o.used] = '\0';
	fault(crime, p, class_size(c), text);
}

RARE _Noreturn void slab_stray(const void *p)
{
	if (space_owns(p) && record_of(space_slab_of(p))->fresh)
		fault("double free", p, 0,
		      "its slab was wholly free, and has been given back");
	fault("invalid free", p, 0,
	      "the address is in a pool, but no object is there");
}
