/* fuzz_dnsbl_reply.c - any packet as the answer of a block list: what is kept stays in its bounds, and a listing
 * needs an address inside 127/8 of the name that was asked.
 *
 * The first byte chooses list and fault; the rest is the packet. */
#include <assert.h>
#include <stdlib.h>

#include "dnsbl_judge.h"

#include "poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct dnsbl_row *
make_rows(void)
{
	static struct dnsbl_code bits[] = { { DNSBL_BLOCKED, 1, "127.0.0.[0..255]", 1, "" },
		{ DNSBL_LISTED, 64, "127.0.0.[0..255]", 1, "abuse" }, { DNSBL_LISTED, 8, "127.0.0.[0..255]", 0.5, "" } };
	static struct dnsbl_code plain[] = { { DNSBL_BLOCKED, 0, "127.255.255.[0..255]", 1, "" },
		{ DNSBL_NOTHING, 0, "127.0.0.9", 1, "" }, { DNSBL_LISTED, 0, "127.0.0.[2..11]", 1, "listed" } };
	static struct dnsbl_row rows[] = { { .zone = "*", .code = bits, .codes = 3 },
		{ .zone = "*", .code = plain, .codes = 3 }, { .zone = "*", .dead = "2020", .dead_words = "x" } };

	return rows;
}

static void
take(struct dnsbl_reply *reply, const uint8_t *data, size_t size, enum dns_fault fault)
{
	struct dns_answer a = { .state = fault == DNS_WELL ? DNS_FOUND : DNS_NONE, .fault = fault, .why = "",
		.packet = { (const char *)data, size } };

	reply->asked = true;
	dnsbl_take(reply, "2.0.0.127.bl.example.org", &a);
	assert(reply->n <= DNSBL_ADDRS);
	assert(reply->text == NULL || strlen(reply->text) <= DNSBL_TEXT_BYTES);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns *dns;
	struct dnsbl_list l = { .zone = NULL };
	struct dnsbl_reply of[2] = { { .asked = false } }, again = { .asked = false };
	struct dnsbl_target target[2] = { { .text = NULL } };
	struct dnsbl_run r = { .list = &l, .lists = 1, .target = target, .targets = 2, .again = &again };
	uint8_t choice;

	if (dns == NULL)	/* loads the library */
		dns = dns_open("127.0.0.1:9", NULL);
	if (size < 2 || dns == NULL)
		return 0;
	choice = data[0];
	l.row = &make_rows()[choice % 3];
	l.kinds = DNSBL_IP4;
	l.of = of;
	take(&of[0], data + 1, size - 1, DNS_WELL);
	take(&of[1], data + 1, size / 2, (choice & 4) != 0 ? DNS_NO_NAME : DNS_WELL);
	if ((choice & 8) != 0)
		take(&l.test, data + 1, size - 1, DNS_WELL);
	if ((choice & 16) != 0)
		take(&l.random, data + 1, size - 1, (enum dns_fault)(choice >> 5));
	dnsbl_judge(&r);
	assert(strlen(l.why) < sizeof l.why);
	for (size_t t = 0; t < 2; t++) {
		struct dnsbl_found f;
		bool inside = of[t].n > 0;

		dnsbl_find(&l, t, &f);
		for (unsigned i = 0; i < of[t].n; i++)
			inside = inside && of[t].addr[i][0] == 127;
		assert(f.verdict != DNSBL_IS_LISTED || (inside && f.weight > 0 && l.row->dead == NULL));
		free(of[t].text);
	}
	free(l.test.text);
	free(l.random.text);
	return 0;
}
