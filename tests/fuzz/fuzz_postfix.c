/* fuzz_postfix.c - any text from any Postfix daemon: the first byte chooses the tag. */
#include <stddef.h>
#include <stdint.h>

#include "dialect_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct dialect dialect_postfix;

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const tags[] = {
		"postfix/smtpd", "postfix/smtp", "postfix/qmgr", "postfix/cleanup",
		"postfix/postscreen", "postfix/local", "postfix/lmtp", "postfix/pipe",
		"postfix/bounce", "postfix/pickup", "postfix/anvil", "postfix/dnsblog",
		"postfix/tlsproxy", "postfix/postsuper", "postfix/master", "postfix/verify",
		"postfix", "postfix/new", "mx/relay/smtp", "/",
	};
	struct line l = { .repeat = 1 };

	if (size == 0)
		return 0;
	l.tag = slice_of(tags[data[0] % (sizeof tags / sizeof tags[0])]);
	l.text = (struct slice){ (const char *)data + 1, size - 1 };
	check_line(&dialect_postfix, &l);
	return 0;
}
