/* curlload.c - find libcurl's functions. See curlload.h. */
#include "curlload.h"

#include <string.h>

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

	if (!lateload("libcurl.so.4", "libcurl4", names, &curl, e))
		return NULL;
	h = curl.curl_easy_init();
	if (h == NULL)
		err_set(e, "libcurl does not start");
	return h;
#endif
}

static void
put(char to[CURLLOAD_LINE], struct slice line)
{
	memcpy(to, line.p, line.n);
	to[line.n] = '\0';
}

static size_t
on_line(char *p, size_t size, size_t n, void *arg)
{
	struct curlload_talk *t = arg;
	struct slice line = slice_head((struct slice){ p, size * n }, CURLLOAD_LINE - 1), tag;

	while (line.n > 0 && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == '\n'))
		line.n--;
	if (line.n > 0)
		put(t->last, line);
	(void)slice_cut(&line, ' ', &tag);
	if (slice_starts(line, SLICE("NO ")) || slice_starts(line, SLICE("BAD ")) ||
	    (t->refusal[0] == '\0' && slice_starts(line, SLICE("BYE"))))
		put(t->refusal, line);
	return size * n;
}

void
curlload_listen(CURL *h, struct curlload_talk *t)
{
	*t = (struct curlload_talk){ .last = "" };
	curl.curl_easy_setopt(h, CURLOPT_ERRORBUFFER, t->error);
	curl.curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_line);
	curl.curl_easy_setopt(h, CURLOPT_HEADERDATA, (void *)t);
}

const char *
curlload_why(CURL *h, CURLcode rc, const char *error)
{
	long number = 0;

	if (rc == CURLE_COULDNT_CONNECT && curl.curl_easy_getinfo(h, CURLINFO_OS_ERRNO, &number) == CURLE_OK &&
	    number != 0)
		return strerror((int)number);
	if (rc == CURLE_RECV_ERROR)
		return "the server closed the connection";	/* its own words: "reading failed (errno: 115)" */
	if (strstr(error, "SSL_ERROR_SYSCALL") != NULL)		/* OpenSSL: the connection ended */
		return "the server closed the connection in the TLS handshake";
	if (strstr(error, ":0A00010B:") != NULL)	/* OpenSSL: "wrong version number", or less */
		return "the server speaks no TLS there";
	return error[0] != '\0' ? error : curl.curl_easy_strerror(rc);
}

bool
curlload_is_ours(CURLcode rc)
{
	return rc == CURLE_FAILED_INIT || rc == CURLE_OUT_OF_MEMORY || rc == CURLE_URL_MALFORMAT ||
	    rc == CURLE_UNSUPPORTED_PROTOCOL || rc == CURLE_SSL_CACERT_BADFILE || rc == CURLE_NOT_BUILT_IN ||
	    rc == CURLE_UNKNOWN_OPTION;
}

size_t
curlload_collect(char *p, size_t size, size_t n, void *b)
{
	struct buf *to = b;

	buf_add(to, (struct slice){ p, size * n });
	return to->full ? 0 : size * n;
}
