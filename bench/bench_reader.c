/* bench_reader.c - what handing out the lines of a file costs.
 *
 * bench_reader FILE...: counts the lines of each with reader_line. For a ratio,
 * time it beside wc -l on the same file. */
#include <stdio.h>

#include "input/reader.h"

#include "poison.h"

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct err e = { "" };
		struct reader *r = reader_open(argv[i], &e);
		struct slice line;
		size_t lines = 0, bytes = 0;

		while (r != NULL && reader_line(r, true, &line, &e) == 1) {
			lines++;
			bytes += line.n + 1;
		}
		if (e.text[0] != '\0')
			fprintf(stderr, "%s\n", e.text);
		printf("%zu lines, %zu bytes, %s\n", lines, bytes, argv[i]);
		reader_close(r);
	}
	return 0;
}
