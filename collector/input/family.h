/* family.h - a log and the files that rotation made of it. */
#ifndef MX_FAMILY_H
#define MX_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

enum { FAMILY_MAX = 4096, PATH_BYTES = 4096 };

struct family_file {
	char *path;
	struct stat st;
	unsigned number;	/* 1 + that of "mail.log.3.gz"; 0 where a date says the age */
	bool packed;	/* by its name: nothing is appended to it any more */
	bool foreign;	/* packed by a program whose files we cannot read */
};

/* Is this log named by a day ("mail-20261120.log"), and not packed? */
bool family_by_day(const char *path);

/* The regular files of a family that rotation has put aside, the one written last
 * first: at most FAMILY_MAX, all but the file called path. What is being packed
 * right now counts once, as the file that it was. For family_free. */
size_t family_list(const char *family, const char *path, struct family_file **out);
void family_free(struct family_file *files, size_t n);

#endif
