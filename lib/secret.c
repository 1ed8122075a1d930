/* secret.c - passwords. See secret.h. */
#include "secret.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mem.h"

#include "poison.h"

enum { SECRET_MAX = 1024 };

static char *
first_line(const char *file, struct err *e)
{
	char line[SECRET_MAX + 2];
	FILE *f = fopen(file, "r");
	char *got;

	if (f == NULL) {
		err_set(e, "password in %s: %s", file, strerror(errno));
		return NULL;
	}
	got = fgets(line, sizeof line, f);
	fclose(f);
	if (got != NULL)
		line[strcspn(line, "\r\n")] = '\0';
	if (got == NULL || line[0] == '\0' || strlen(line) > SECRET_MAX) {
		err_set(e, "password in %s: its first line has to have 1 to %d bytes", file, SECRET_MAX);
		return NULL;
	}
	return xstrdup(line);
}

char *
secret_read(const char *option, const char *file, const char *variable, struct err *e)
{
	const char *value;

	if (file != NULL)
		return first_line(file, e);
	value = getenv(variable);
	if (value != NULL && value[0] != '\0' && strlen(value) <= SECRET_MAX)
		return xstrdup(value);
	err_set(e, "there is no password: %s, or the environment variable %s", option, variable);
	return NULL;
}

bool
secret_is_private(const char *file, struct err *e)
{
	struct stat st;

	if (stat(file, &st) != 0)
		return err_set(e, "password in %s: %s", file, strerror(errno));
	return (st.st_mode & S_IRWXO) == 0 ||
	    err_set(e, "password in %s: everybody can get at it (mode %03o); chmod o= %s", file,
	    (unsigned)st.st_mode & 0777, file);
}
