/* SPDX-License-Identifier: MIT */
/*
 * pmr_request.cc - a server's request in C++, its memory in one region.
 *
 * The words of a text are counted, in containers of std::pmr.  The region is
 * reset between requests and keeps its blocks, so that from the second request
 * on nobody asks the page source, and none of the objects is freed by itself.
 */
#include <cstdio>
#include <map>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

#include <mempool.hpp>

using Words = std::pmr::vector<std::pmr::string>;

static Words split(std::string_view text, std::pmr::memory_resource *memory)
{
	Words words(memory);

	while (!text.empty()) {
		std::size_t end = std::min(text.find(' '), text.size());

		if (end)
			words.emplace_back(text.substr(0, end));
		text.remove_prefix(std::min(end + 1, text.size()));
	}
	return words;
}

/* The word that is there most often, the first of several in the alphabet. */
static std::string answer(std::string_view text,
			  std::pmr::memory_resource *memory)
{
	std::pmr::map<std::string_view, unsigned> count(memory);
	Words words = split(text, memory);
	std::string_view best;

	for (const auto &word : words)
		count[word]++;
	for (const auto &[word, times] : count)
		if (best.empty() || times > count[best])
			best = word;
	return std::string(best);
}

int main()
{
	mempool_options options = {};
	std::string last;

	options.name = "requests";
	mempool::region_resource request(options);

	for (int i = 0; i < 1000; i++) {
		last = answer("a rather long-winded sentence about sentences "
			      "is a sentence, and is a long-winded one",
			      &request);
		request.release();
	}
	std::printf("most often: %s\n", last.c_str());
	std::printf("held between requests: %s\n",
		    mempool_region_size(request.get()) ? "something"
						       : "nothing");
}
