/* SPDX-License-Identifier: MIT */
/*
 * sized_delete.cc - operator delete with sizes, right ones; or, with "wrong",
 * through the base class, which has no virtual destructor.
 */
#include "check.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

struct base {
	int x = 1;
};

struct derived : base {
	long more[9] = {};
};

struct alignas(64) aligned {
	char bytes[70] = {};
};

static void right_sizes()
{
	std::map<int, std::string> m;
	std::vector<std::vector<long>> v(100);

	for (int i = 0; i < 1000; i++) {
		m[i] = std::string(i % 70, 'x');
		v[i % 100].push_back(i);
	}
	for (int i = 0; i < 1000; i += 2)
		m.erase(i);
	delete new derived;
	delete[] new derived[3];
	delete[] new std::string[5];
	delete new aligned;
	delete[] new aligned[3];
	delete (base *)opaque(new base);
	::operator delete(::operator new(0), (size_t)0);
	std::make_shared<derived>();
}

int main(int argc, char **argv)
{
	right_sizes();
	if (argc > 1) {
		/* NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks) */
		base *b = (base *)opaque(new derived);

		delete b;
		say(STDOUT_FILENO, "not noticed\n");
		return 0;
	}
	say(STDOUT_FILENO, "ok\n");
	return 0;
}
