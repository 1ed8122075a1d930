/* stateread_mem.h - memory for SQLite in programs that end soon.
 *
 * A check makes some seven hundred small blocks while SQLite reads the tables' definitions, and malloc() was a
 * tenth of all that it did. Here a block is taken from the end of a chunk or from those of its size that were given
 * back; what is large goes to malloc(). Nothing returns to the system before the end, and one thread may use it. */
#ifndef MX_STATEREAD_MEM_H
#define MX_STATEREAD_MEM_H

/* Before SQLite is used for the first time. */
void stateread_mem_begin(void);

#endif
