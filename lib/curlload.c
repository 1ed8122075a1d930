/* curlload.c - find libcurl's functions. See curlload.h. */
#include "curlload.h"

#include "poison.h"

struct curlload curl;

CURL *
curlload(struct err *e)
{
#ifdef MX_STATIC
	err_set(e, "a static build has neither HTTPS nor IMAP nor POP3");
	return NULL;
#else
	static const char *const names[] = { CURL_FUNCTIONS(LATELOAD_NAME) NULL };
	CURL *h;

	if (!lateload("libcurl.so.4", names, &curl, e))
		return NULL;
	h = curl.curl_easy_init();
	if (h == NULL)
		err_set(e, "libcurl does not start");
	return h;
#endif
}

size_t
curlload_collect(char *p, size_t size, size_t n, void *b)
{
	struct buf *to = b;

	buf_add(to, (struct slice){ p, size * n });
	return to->full ? 0 : size * n;
}
