/* SPDX-License-Identifier: MIT */
/*
 * early.h - looks at what a thread has freed last, before a magazine is full.
 */
#ifndef HEAP_EARLY_H
#define HEAP_EARLY_H

/*
 * Of each class, the object that the caller freed last is no object, or free
 * already, or in its magazines twice: then the program ends.  Takes no lock;
 * some hundred instructions, more where much is in the magazines.
 */
void early_look(void);

#endif
