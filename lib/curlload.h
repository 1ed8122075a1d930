/* curlload.h - libcurl, loaded when it is needed: its only home.
 *
 * It brings 30 libraries and 4 ms along, so no program is linked with it. Its functions are called
 * through curl.NAME; each that is used has a row here. A static build has none of it: there
 * the types stand for themselves, and nothing is ever opened. */
#ifndef MX_CURLLOAD_H
#define MX_CURLLOAD_H

#define CURL_DISABLE_TYPECHECK	/* its macros would hide the functions */
#include <curl/curl.h>

#include "buf.h"
#include "err.h"
#include "lateload.h"

#define CURL_FUNCTIONS(F) \
	F(curl_easy_init) F(curl_easy_setopt) F(curl_easy_perform) F(curl_easy_getinfo) \
	F(curl_easy_cleanup) F(curl_easy_strerror) F(curl_easy_send) F(curl_easy_recv) \
	F(curl_slist_append) F(curl_slist_free_all)

struct curlload {
	CURL_FUNCTIONS(LATELOAD_MEMBER)
};
extern struct curlload curl;

/* A fresh handle; the caller ends it with curl.curl_easy_cleanup(). NULL and *e: this machine has
 * no libcurl. */
CURL *curlload(struct err *e);

/* What is needed to tell why a mail server's answer was none. */
enum { CURLLOAD_LINE = 400 };
struct curlload_talk {
	char last[CURLLOAD_LINE];	/* the server's last line */
	char refusal[CURLLOAD_LINE];	/* IMAP: its last NO or BAD, without the tag; or its first BYE */
	char error[CURL_ERROR_SIZE];	/* libcurl's own words */
};
/* Have h keep them in t, which has to outlive it. */
void curlload_listen(CURL *h, struct curlload_talk *t);

/* Why it failed, in words: those of the system where there was no connection, else error, what CURLOPT_ERRORBUFFER got. */
const char *curlload_why(CURL *h, CURLcode rc, const char *error);

/* Is it this machine's trouble, and not the server's: the library, a file of authorities, memory? */
bool curlload_is_ours(CURLcode rc);

/* For CURLOPT_WRITEFUNCTION: all that comes goes to the struct buf b; what does not fit ends it. */
size_t curlload_collect(char *p, size_t size, size_t n, void *b);

#endif
