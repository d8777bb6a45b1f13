/* SPDX-License-Identifier: MIT */
/*
 * containers.h - what a program in C++ sees of a pool: containers of std::pmr.
 *
 * A Backing has get(), the resource, and reset(), between two requests.
 */
#ifndef CONTAINERS_H
#define CONTAINERS_H

#include <list>
#include <memory_resource>
#include <unordered_map>
#include <vector>

#include "loops.h"

#define KEYS 10000u

template <class Resource> struct Kept {
	Resource resource;

	std::pmr::memory_resource *get()
	{
		return &resource;
	}
	void reset()
	{
	}
};

/* All is free at once. */
template <class Resource> struct Released : Kept<Resource> {
	void reset()
	{
		this->resource.release();
	}
};

/* Each request builds one container, looks into it and destroys it. */
template <class Backing, class Request>
static void containers(const Row &row, unsigned elements, Request request)
{
	uint64_t rounds = bench_count(20000000) / elements / 10, start = 0;
	uint64_t warm = rounds / 10;
	Backing backing;

	for (uint64_t r = 0; r < rounds + warm; r++) {
		if (r == warm)
			start = bench_processor_ns();
		request(backing.get());
		backing.reset();
	}
	report_cpu(row, start, (rounds ? rounds : 1) * elements);
}

template <class Backing> static void pmr_unordered_map(const Row &row)
{
	containers<Backing>(row, KEYS, [](std::pmr::memory_resource *resource) {
		std::pmr::unordered_map<uint64_t, uint64_t> map(resource);
		uint64_t seed = 88172645463325252u, sum = 0;

		for (uint64_t i = 0; i < KEYS; i++)
			map[bench_random(&seed)] = i;
		for (auto &pair : map)
			sum += pair.second;
		forget(sum);
	});
}

template <class Backing> static void pmr_list(const Row &row)
{
	containers<Backing>(row, BATCH,
			    [](std::pmr::memory_resource *resource) {
				    std::pmr::list<uint64_t> list(resource);

				    for (uint64_t i = 0; i < BATCH; i++)
					    list.push_back(i);
				    forget(list.front());
			    });
}

template <class Backing> static void pmr_vectors(const Row &row)
{
	containers<Backing>(
		row, BATCH, [](std::pmr::memory_resource *resource) {
			std::pmr::vector<std::pmr::vector<int>> all(resource);

			all.reserve(BATCH / 10);
			for (unsigned i = 0; i < BATCH / 10; i++) {
				auto &one = all.emplace_back();

				for (int k = 0; k < 10; k++)
					one.push_back(k);
			}
			forget(all.front().front());
		});
}

#endif
