/* tap.h - the Test Anything Protocol for C tests: ok() lines and a plan at the end. */
#ifndef MX_TAP_H
#define MX_TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_done, tap_failed;

static inline int __attribute__((format(printf, 2, 3)))
ok(int good, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", good ? "" : "not ", ++tap_done);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	if (!good)
		tap_failed++;
	fflush(stdout);
	return good;
}

static inline int
is_int(long long got, long long want, const char *what)
{
	if (!ok(got == want, "%s", what))
		printf("# got %lld, want %lld\n", got, want);
	return got == want;
}

static inline int
is_str(const char *got, const char *want, const char *what)
{
	int same = strcmp(got, want) == 0;

	if (!ok(same, "%s", what))
		printf("# got  %s\n# want %s\n", got, want);
	return same;
}

/* Call last: return done_testing(); */
static inline int
done_testing(void)
{
	printf("1..%d\n", tap_done);
	return tap_failed > 0;
}

#endif
