/* test_http.c - why a document cannot be fetched. Documents that can: tests/lab/smtp_latency.t. */
#include "http.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

int
main(void)
{
	struct buf b = buf_new(1000);
	struct err e = { "" };
	bool ours = true;

	unsetenv("ALL_PROXY");
	unsetenv("HTTPS_PROXY");
	unsetenv("https_proxy");
	unsetenv("all_proxy");
	ok(!http_get(&b, "https://127.0.0.1:1/x", NULL, NULL, 5, &ours, &e), "nobody listens");
	if (strstr(e.text, "this needs a library") == NULL && strstr(e.text, "static build") == NULL)
		is_str(e.text, "https://127.0.0.1:1/x: Connection refused", "with the cause");
	else
		ours = !ours;
	ok(!ours, "which is the server's trouble, and a missing library ours");
	buf_free(&b);
	return done_testing();
}
