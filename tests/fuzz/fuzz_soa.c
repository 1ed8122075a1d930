/* fuzz_soa.c - any packet as a name server's answer: serials, owners and names; any text as serials that
 * were kept.
 *
 * Data of records stay in the packet; what is kept stays below its cap and never lies in the future. */
#include <assert.h>

#include "dns.h"
#include "serial.h"

#include "poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_packet(struct slice packet)
{
	struct dns_answer a = { .state = DNS_FOUND, .why = "", .packet = packet };
	struct dns_cursor c = { 0 };
	struct dns_record r;
	unsigned n = 0;

	while (dns_next(&a, &c, &r)) {
		struct buf owner = buf_new(2000), name = buf_new(2000);
		uint32_t serial = 0;

		assert(r.data.p >= packet.p && r.data.p + r.data.n <= packet.p + packet.n);
		(void)dns_owner(&r, &owner);
		if (dns_soa(&r, &serial))
			assert(r.type == DNS_SOA && r.data.n >= 22);
		(void)dns_name(&r, &name);
		buf_free(&owner);
		buf_free(&name);
		assert(++n <= 65535);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns *dns;
	struct slice s = { (const char *)data, size };
	struct serials seen;

	if (dns == NULL)	/* loads the library */
		dns = dns_open("127.0.0.1:9", NULL);
	if (dns == NULL)
		return 0;
	read_packet(s);
	serials_read(&seen, s);
	assert(seen.n <= SERIALS_KEPT);
	serials_see(&seen, 7, 1795176000);
	assert(seen.n > 0 && seen.n <= SERIALS_KEPT && seen.serial[seen.n - 1] == 7);
	assert(serials_lag(&seen, 6, 1795176000) >= 0 && serials_lag(&seen, 7, 1795176000) == 0);
	return 0;
}
