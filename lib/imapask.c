/* imapask.c - see imapask.h. */
#include "imapask.h"

#include "buf.h"
#include "curlload.h"

#include "poison.h"

static void
options(CURL *h, const struct imapask *q, struct buf *b, struct curlload_talk *t)
{
	curl.curl_easy_setopt(h, CURLOPT_URL, q->url);
	curl.curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "imap,imaps");
	curl.curl_easy_setopt(h, CURLOPT_USE_SSL, q->starttls ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_NONE);
	curl.curl_easy_setopt(h, CURLOPT_USERNAME, q->user);
	curl.curl_easy_setopt(h, CURLOPT_PASSWORD, q->password);
	curl.curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl.curl_easy_setopt(h, CURLOPT_PROXY, "");	/* whatever the environment says: it is this server that is looked at */
	curl.curl_easy_setopt(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curlload_listen(h, t);
	curl.curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)(q->timeout_s * 1000) + 1);
	curl.curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, curlload_collect);
	curl.curl_easy_setopt(h, CURLOPT_WRITEDATA, (void *)b);
	if (q->ca_file != NULL)
		curl.curl_easy_setopt(h, CURLOPT_CAINFO, q->ca_file);
}

static void
explain(CURL *h, const struct curlload_talk *t, CURLcode rc, const char *command, struct err *e)
{
	if (rc == CURLE_LOGIN_DENIED && t->refusal[0] != '\0')
		err_set(e, "login: %s", t->refusal);
	else if (rc == CURLE_OPERATION_TIMEDOUT)
		err_set(e, t->last[0] == '\0' ? "no answer in time" : "no whole answer in time, the last words were \"%s\"",
		    t->last);
	else if (rc == CURLE_USE_SSL_FAILED)
		err_set(e, "STARTTLS is not offered, or was refused");
	else if (rc == CURLE_QUOTE_ERROR)
		err_set(e, "the server refuses %s: %s", command, t->refusal);
	else
		err_set(e, "%s%s%s", curlload_why(h, rc, t->error), t->refusal[0] != '\0' ? ", it said: " : "", t->refusal);
}

bool
imapask(const struct imapask *q, const char *const *commands, size_t n,
    void (*answer)(void *arg, size_t i, struct slice lines), void *arg, bool *ours, struct err *e)
{
	struct buf b = buf_new(IMAPASK_BYTES);
	CURL *h = curlload(e);
	CURLcode rc = CURLE_OK;
	struct curlload_talk t;

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
