/* imapask.c - see imapask.h. */
#include "imapask.h"

#include <string.h>

#include "buf.h"
#include "curlload.h"

#include "poison.h"

enum { WORDS_BYTES = 400 };

/* What tells why it failed. */
struct trouble {
	char said[WORDS_BYTES];		/* the server's last NO or BAD, without its tag; or its first BYE */
	char error[CURL_ERROR_SIZE];
};

static size_t
on_words(char *p, size_t size, size_t n, void *arg)
{
	struct trouble *t = arg;
	struct slice line = slice_head((struct slice){ p, size * n }, sizeof t->said - 1), tag;

	while (line.n > 0 && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == '\n'))
		line.n--;
	(void)slice_cut(&line, ' ', &tag);
	if (slice_starts(line, SLICE("NO ")) || slice_starts(line, SLICE("BAD ")) ||
	    (t->said[0] == '\0' && slice_starts(line, SLICE("BYE")))) {
		memcpy(t->said, line.p, line.n);
		t->said[line.n] = '\0';
	}
	return size * n;
}

static void
options(CURL *h, const struct imapask *q, struct buf *b, struct trouble *t)
{
	curl.curl_easy_setopt(h, CURLOPT_URL, q->url);
	curl.curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "imap,imaps");
	curl.curl_easy_setopt(h, CURLOPT_USE_SSL, q->starttls ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_NONE);
	curl.curl_easy_setopt(h, CURLOPT_USERNAME, q->user);
	curl.curl_easy_setopt(h, CURLOPT_PASSWORD, q->password);
	curl.curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl.curl_easy_setopt(h, CURLOPT_PROXY, "");	/* whatever the environment says: it is this server that is looked at */
	curl.curl_easy_setopt(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl.curl_easy_setopt(h, CURLOPT_ERRORBUFFER, t->error);
	curl.curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_words);
	curl.curl_easy_setopt(h, CURLOPT_HEADERDATA, (void *)t);
	curl.curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)(q->timeout_s * 1000) + 1);
	curl.curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, curlload_collect);
	curl.curl_easy_setopt(h, CURLOPT_WRITEDATA, (void *)b);
	if (q->ca_file != NULL)
		curl.curl_easy_setopt(h, CURLOPT_CAINFO, q->ca_file);
}

static void
explain(CURL *h, const struct trouble *t, CURLcode rc, const char *command, struct err *e)
{
	if (rc == CURLE_LOGIN_DENIED && t->said[0] != '\0')
		err_set(e, "login: %s", t->said);
	else if (rc == CURLE_USE_SSL_FAILED)
		err_set(e, "STARTTLS is not offered, or was refused");
	else if (rc == CURLE_QUOTE_ERROR)
		err_set(e, "the server refuses %s: %s", command, t->said);
	else
		err_set(e, "%s%s%s", curlload_why(h, rc, t->error), t->said[0] != '\0' ? ", it said: " : "", t->said);
}

bool
imapask(const struct imapask *q, const char *const *commands, size_t n,
    void (*answer)(void *arg, size_t i, struct slice lines), void *arg, bool *ours, struct err *e)
{
	struct buf b = buf_new(IMAPASK_BYTES);
	CURL *h = curlload(e);
	CURLcode rc = CURLE_OK;
	struct trouble t = { "", "" };

	*ours = h == NULL;
	if (h == NULL)
		return false;
	options(h, q, &b, &t);
	for (size_t i = 0; i < n && rc == CURLE_OK; i++) {
		buf_clear(&b);
		curl.curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, commands[i]);
		rc = curl.curl_easy_perform(h);
		if (rc == CURLE_OK)
			answer(arg, i, b.n > 0 ? buf_slice(&b) : SLICE(""));
		else if (b.full)
			err_set(e, "the answer is too long");
		else
			explain(h, &t, rc, commands[i], e);
	}
	*ours = curlload_is_ours(rc);
	curl.curl_easy_cleanup(h);
	buf_free(&b);
	return rc == CURLE_OK;
}
