/* SPDX-License-Identifier: MIT */
/*
 * mempool_node.h - memory from a NUMA node, if the kernel can.
 */
#ifndef POOL_MEMPOOL_NODE_H
#define POOL_MEMPOOL_NODE_H

#include "base/common.h"

enum { NODES_MOST = 1024 };

/* The calling thread's policy as it was. */
struct node_policy {
	bool changed;
	int mode;
	unsigned long nodes[NODES_MOST / 8 / sizeof(unsigned long)];
};

/* From now on this thread's new pages come from `node`; -1: no change. */
void node_prefer(struct node_policy *before, int node);

void node_restore(const struct node_policy *before);

#endif
