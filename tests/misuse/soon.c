/* SPDX-License-Identifier: MIT */
/*
 * soon.c - a crime, and then a little that a program goes on with.
 *
 * Usage: soon write-freed|overflow SIZE frees|large|refill|trim|end
 */
#include "misuse.h"

enum { OTHERS = 8, MANY = 2000 };

int main(int argc, char **argv)
{
	size_t size = size_wanted(argc - 1, argv + 1);
	void *other[OTHERS], *p[MANY];
	char *object;

	CHECK(argc == 4);
	free_others(size, 300);
	for (int i = 0; i < OTHERS; i++)
		other[i] = object_of(100 + 16 * (size_t)i);
	for (int i = 0; i < MANY && argv[3][0] == 't'; i++)
		p[i] = object_of(size);
	object = object_of(size);
	announce(object);
	if (argv[1][0] == 'w') {
		free(object);
		object[size < 200 ? size / 4 : 50] ^= 'A';
	} else {
		object[size] ^= 'A';
	}
	switch (argv[3][0]) {
	case 'f':
		for (int i = 0; i < OTHERS; i++)
			free(other[i]);
		break;
	case 'l':
		CHECK(opaque(malloc(5000)));
		break;
	case 'r': /* of a class that nobody has used */
		object_of(500);
		break;
	case 't':
		for (int i = 0; i < MANY; i++)
			free(p[i]);
	}
	return not_noticed();
}
