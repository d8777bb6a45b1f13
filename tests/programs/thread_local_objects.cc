/* SPDX-License-Identifier: MIT */
/*
 * thread_local_objects.cc - C++ objects of threads are destroyed when the
 * thread ends, and may allocate and free then; so may exit handlers.
 */
#include "check.h"

#include <map>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

struct diary {
	std::map<int, std::string> pages;
	std::vector<std::unique_ptr<char[]>> notes;

	~diary()
	{
		for (auto &page : pages)
			CHECK(page.second.size() == (size_t)page.first % 120);
		for (int i = 0; i < 300; i++)
			notes.emplace_back(new char[(size_t)i % 140 + 1]);
		pages.clear();
	}
};

static thread_local diary mine;
static diary of_the_program;

static void write_pages(diary &d)
{
	for (int i = 0; i < 500; i++)
		d.pages[i] = std::string((size_t)i % 120, 'x');
}

/* A new handler must be asked before bad_alloc: operator new is libstdc++'s. */
static void the_new_handler_is_asked()
{
	static int asked;
	size_t absurd = opaque_size(SIZE_MAX / 2 - 1000);
	bool thrown = false;

	asked = 0;
	std::set_new_handler([] {
		if (++asked == 3)
			throw std::bad_alloc();
	});
	try {
		::operator delete(::operator new(absurd));
	} catch (const std::bad_alloc &) {
		thrown = true;
	}
	std::set_new_handler(nullptr);
	CHECK(thrown);
	CHECK(asked == 3);
}

/* Aligned operator new asks for aligned_alloc (C++17). */
static void aligned_objects_are_aligned()
{
#ifdef __cpp_aligned_new
	for (size_t size = 1; size < 300; size++) {
		auto align = std::align_val_t(64);
		void *one = ::operator new(size, align);

		CHECK((uintptr_t)one % 64 == 0);
		fill(one, size, 1);
		::operator delete(one, align);
	}
#endif
}

int main()
{
	for (int round = 0; round < 100; round++) {
		std::thread a([] { write_pages(mine); });
		std::thread b([] { write_pages(mine); });

		a.join();
		b.join();
	}
	the_new_handler_is_asked();
	aligned_objects_are_aligned();
	write_pages(mine);
	write_pages(of_the_program);
	return all_held();
}
