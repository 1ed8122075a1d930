/* lateload.c - see lateload.h. POSIX: pointers to data and to functions are alike. */
#include "lateload.h"

#include <dlfcn.h>
#include <string.h>

#include "poison.h"

#ifdef MX_STATIC

bool
lateload(const char *library, const char *package, const char *const *names, void *to, struct err *e)
{
	(void)library, (void)package, (void)names, (void)to, (void)e;
	return true;	/* LATELOAD_LINKED has filled it */
}

#else

bool
lateload(const char *library, const char *package, const char *const *names, void *to, struct err *e)
{
	char *slot = to;
	void *at, *lib;

	memcpy(&at, slot, sizeof at);
	if (at != NULL)
		return true;
	lib = dlopen(library, RTLD_LAZY | RTLD_LOCAL);
	if (lib == NULL)
		return err_set(e, "this needs a library (in Debian the package %s): %s", package, dlerror());
	for (; *names != NULL; names++, slot += sizeof at) {
		at = dlsym(lib, *names);
		if (at == NULL)
			return err_set(e, "%s has no %s: it is too old, or too new (in Debian the package %s)", library, *names,
			    package);
		memcpy(slot, &at, sizeof at);
	}
	return true;
}

#endif
