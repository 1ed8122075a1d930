/* host.c - see host.h. */
#include "host.h"

#include "poison.h"

struct slice
host_label(struct slice name)
{
	struct slice label, rest = name;
	bool address = true;

	for (size_t i = 0; i < name.n && address; i++)
		address = (name.p[i] >= '0' && name.p[i] <= '9') || name.p[i] == '.' ||
		    name.p[i] == ':';
	if (!address && !slice_has(name, SLICE(":")) && slice_cut(&rest, '.', &label) && label.n > 0)
		return label;
	return name;
}

bool
host_meant(struct slice asked, struct slice name)
{
	return slice_eq_nocase(asked, name) || slice_eq_nocase(host_label(asked), name) ||
	    slice_eq_nocase(asked, host_label(name));
}
