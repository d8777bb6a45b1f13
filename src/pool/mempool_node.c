/* SPDX-License-Identifier: MIT */
/*
 * mempool_node.c - memory from a NUMA node: a hint, so failure is silence.
 *
 * The system calls are made directly, for libnuma would be a dependency.
 */
#include "pool/mempool_node.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WORD_BITS = 8 * sizeof(unsigned long) };

void node_prefer(struct node_policy *before, int node)
{
	struct node_policy wanted = { 0 };
	int saved = errno;

	before->changed = false;
	if (node < 0 || node >= NODES_MOST)
		return;
	wanted.nodes[node / WORD_BITS] = 1ul << node % WORD_BITS;
	before->changed = syscall(SYS_get_mempolicy, &before->mode,
				  before->nodes, NODES_MOST, NULL, 0) == 0 &&
			  syscall(SYS_set_mempolicy, MPOL_PREFERRED,
				  wanted.nodes, NODES_MOST) == 0;
	errno = saved;
}

void node_restore(const struct node_policy *before)
{
	int saved = errno;

	if (before->changed)
		syscall(SYS_set_mempolicy, before->mode, before->nodes,
			NODES_MOST);
	errno = saved;
}
