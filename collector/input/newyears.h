/* newyears.h - in which year does a log begin whose stamps name none, where it goes through more
 * than one?
 *
 * The file's date says of which year its last line is; how many new years lie before, samples of
 * its lines tell, as long as they are in order. Plain files alone: what is packed would have to be
 * unpacked twice. A year that a four hundredth of the file has whole, or 16 KB of it, is not seen. */
#ifndef MX_NEWYEARS_H
#define MX_NEWYEARS_H

#include <stdint.h>

/* The year of the first line, of a file that was written last at written_at; 0 where stamps have
 * years, or the file's date alone tells, or nothing does. */
int newyears_first(const char *path, int64_t written_at);

#endif
