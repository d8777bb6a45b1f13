/* SPDX-License-Identifier: MIT */
/*
 * dpdk.cc - DPDK's mempool over its ring, with the largest cache, in ordinary
 * pages: no huge ones, no devices.
 */
#include <rte_eal.h>
#include <rte_mempool.h>

#include "bulk.h"

struct Dpdk {
	struct rte_mempool *pool = nullptr;

	Dpdk(unsigned objects)
	{
		/* What it says of itself, on stdout as well, is no figure. */
		static const char *arguments[] = {
			"dpdk",
			"--no-huge",
			"--no-pci",
			"--no-telemetry",
			"-m",
			"256",
			"--no-shconf",
			"-l",
			"0",
			"--log-level",
			"1",
			"-d",
			"librte_mempool_ring.so.23"
		};
		const int n = sizeof(arguments) / sizeof(arguments[0]);

		if (rte_eal_init(n, (char **)arguments) < 0)
			give_up("rte_eal_init");
		pool = rte_mempool_create(
			"bench", objects - 1, 64, RTE_MEMPOOL_CACHE_MAX_SIZE, 0,
			nullptr, nullptr, nullptr, nullptr, SOCKET_ID_ANY, 0);
		if (!pool)
			give_up("rte_mempool_create");
	}
	void take(void **objects, unsigned n)
	{
		if (rte_mempool_get_bulk(pool, objects, n))
			give_up("rte_mempool_get_bulk");
	}
	void give(void **objects, unsigned n)
	{
		rte_mempool_put_bulk(pool, objects, n);
	}
};

static const Row rows[] = { MATRIX("dpdk", Dpdk) };

POOLS_MAIN(rows)
