/* SPDX-License-Identifier: MIT */
/*
 * list.h - a list of whatever has a link in it.
 *
 * All zeros is an empty list, and a link that is in none: nothing needs to be
 * started, and a list that is forgotten, as in a child of fork, is zeros again.
 * Both ends are NULL, so that a list may move, and who reads it from outside
 * the process knows where it ends.  No locks: the owner of the list has one.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/common.h"

struct link {
	struct link *next, *prev;
};

struct list {
	struct link *first, *last;
};

static inline bool list_empty(const struct list *list)
{
	return !list->first;
}

/* To the beginning.  The link is in no list. */
static inline void list_add(struct list *list, struct link *link)
{
	link->prev = NULL;
	link->next = list->first;
	*(link->next ? &link->next->prev : &list->last) = link;
	list->first = link;
}

static inline void list_add_tail(struct list *list, struct link *link)
{
	link->next = NULL;
	link->prev = list->last;
	*(link->prev ? &link->prev->next : &list->first) = link;
	list->last = link;
}

static inline void list_del(struct list *list, struct link *link)
{
	*(link->prev ? &link->prev->next : &list->first) = link->next;
	*(link->next ? &link->next->prev : &list->last) = link->prev;
	link->prev = NULL;
}

/* Whether the link is in this list, and not in none. */
static inline bool list_has(const struct list *list, const struct link *link)
{
	return link->prev || list->first == link;
}

/* What is wrong with the links, NULL: nothing.  `count` are in the list. */
static inline const char *list_check(const struct list *list, size_t count)
{
	const struct link *before = NULL;

	for (const struct link *l = list->first; l; before = l, l = l->next)
		if (l->prev != before || !count--)
			return "the links of a list do not match";
	return before != list->last || count ? "a list ends too soon" : NULL;
}

/* What a link is the `member` of; that of NULL ends a walk. */
#define list_entry(link, type, member)                                         \
	((type *)((uintptr_t)(link)-offsetof(type, member)))

/* The same, but NULL for NULL. */
#define list_entry_or_null(link, type, member)                                 \
	((type *)list_owner((link), offsetof(type, member)))

static inline void *list_owner(const struct link *link, size_t offset)
{
	return link ? (char *)(uintptr_t)link - offset : NULL;
}

#define list_first(list, type, member)                                         \
	list_entry_or_null((list)->first, type, member)
#define list_next(entry, type, member)                                         \
	list_entry_or_null((entry)->member.next, type, member)

/* The entry that is visited may leave the list, and be gone. */
#define list_for_each_safe(type, entry, list, member)                          \
	for (type *entry = list_entry((list)->first, type, member),            \
		  *entry##_next;                                               \
	     entry != list_entry(NULL, type, member) &&                        \
	     (entry##_next = list_entry(entry->member.next, type, member),     \
	     true);                                                            \
	     entry = entry##_next)

#endif
