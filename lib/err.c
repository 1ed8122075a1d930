/* err.c - see err.h. */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>

#include "poison.h"

bool
err_set(struct err *e, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return false;
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	for (char *c = e->text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
	return false;
}
