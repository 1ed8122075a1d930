/* fuzz_rir.c - any bytes as a registry's file: what is taken is plain text within its bounds, and names the
 * networks that were asked for. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "rir.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
plain(const char *s, size_t room, const char *signs)
{
	size_t n = strlen(s);

	assert(n < room);
	for (size_t i = 0; i < n; i++)
		assert(slice_is_alnum(s[i]) || strchr(signs, s[i]) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const nets[] = {
		"192.0.2.0/24", "198.51.100.0/24", "0.0.0.0/24", "2001:db8::/64", "2001:db8:1::/48", "255.255.255.0/24"
	};
	enum { NETS = sizeof nets / sizeof *nets };
	struct rir_want want[NETS] = { 0 };

	for (size_t i = 0; i < NETS; i++)
		assert(network_parse(slice_of(nets[i]), &want[i].net));
	if (!rir_find_text((struct slice){ (const char *)p, n }, want, NETS, NULL))
		return 0;
	for (size_t i = 0; i < NETS; i++) {
		plain(want[i].mail, sizeof want[i].mail, "@._%+-=");
		plain(want[i].registry, sizeof want[i].registry, "-_");
		plain(want[i].country, sizeof want[i].country, "");
		assert(want[i].mail[0] == '\0' || strchr(want[i].mail, '@') != NULL);
		assert(i == 0 || network_compare(&want[i - 1].net, &want[i].net) < 0);
	}
	return 0;
}
