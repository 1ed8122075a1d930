/* deliver_web.c - see deliver_web.h. Answers are strangers' text. */
#include "deliver_web.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "secret.h"

#include "poison.h"

char *
web_secret(const char *file, const struct deliver_to *to)
{
	struct err e;
	char *secret = secret_is_private(file, &e) ? secret_read(NULL, file, NULL, &e) : NULL;

	if (secret == NULL)
		deliver_failed(to, "%s", e.text);
	return secret;
}

struct webpost *
web_open(const struct config_monitor *m, const char *url, const struct deliver_to *to,
    const char *const headers[2])
{
	struct webpost_rules rules = { .url = url, .user = m->user, .ca_file = m->ca_file,
		.certificate = m->certificate, .key = m->key, .headers = { headers[0], headers[1] } };
	struct webpost *w;
	struct err e;

	if (m->password_file[0] != '\0' && (rules.password = web_secret(m->password_file, to)) == NULL)
		return NULL;
	if ((w = webpost_open(&rules, &e)) == NULL)
		deliver_failed(to, "%s", e.text);
	return w;	/* the process ends soon, and the password with it */
}

/* --- NRDP ------------------------------------------------------------------------------- */

/* "<status>0</status>": what is between the tags. */
static struct slice
xml_field(struct slice s, const char *open, const char *close)
{
	struct slice head;

	if (!slice_cut_at(&s, slice_of(open), &head) || !slice_cut_at(&s, slice_of(close), &head))
		return (struct slice){ "", 0 };
	return slice_trim(head);
}

static bool
nrdp_said(bool good, struct slice message, struct err *e)
{
	if (message.n == 0)
		message = SLICE("nothing that NRDP says");
	return good || err_set(e, "it answers: %.*s", (int)(message.n < 100 ? message.n : 100), message.p);
}

bool
web_nrdp_took(long status, struct slice reply, struct err *e)
{
	struct slice s = slice_trim(reply);
	const struct json *result;
	struct json *j;
	bool good;

	if (status != 200)
		return err_set(e, "NRDP's web server answers with status %ld", status);
	if (s.n == 0 || s.p[0] != '{')
		return nrdp_said(slice_eq(xml_field(s, "<status>", "</status>"), SLICE("0")),
		    xml_field(s, "<message>", "</message>"), e);
	if ((j = json_parse(s, e)) == NULL)
		return err_set(e, "NRDP's answer is no JSON");
	result = json_get(j, "result");
	good = json_number(json_get(result, "status")) == 0 ||
	    slice_eq(json_text(json_get(result, "status")), SLICE("0"));
	good = nrdp_said(good, json_text(json_get(result, "message")), e);
	json_free(j);
	return good;
}

static void
put_form(struct buf *b, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (slice_is_alnum(s.p[i]) || s.p[i] == '-' || s.p[i] == '.' || s.p[i] == '_')
			buf_char(b, s.p[i]);
		else
			buf_fmt(b, "%%%02X", (unsigned char)s.p[i]);
	}
}

static void
nrdp_result(struct buf *j, const struct config_monitor *m, const struct spooled *one)
{
	const struct result *r = &one->r;
	struct buf text = buf_new(RESULT_TEXT_MAX);

	result_fit(&text, slice_of(r->text), deliver_text_bytes(m, RESULT_TEXT_MAX), RESULT_LINES);
	buf_fmt(j, "{\"checkresult\":{\"type\":\"%s\",\"checktype\":\"1\"},\"hostname\":",
	    r->service[0] != '\0' ? "service" : "host");
	buf_json(j, slice_of(r->host));
	if (r->service[0] != '\0') {
		buf_str(j, ",\"servicename\":");
		buf_json(j, slice_of(r->service));
	}
	/* A server with allow_old_results writes what has a time into its history and rings no bell: so only
	 * what a newer result follows has one. */
	if (!one->newest)
		buf_fmt(j, ",\"time\":\"%lld\"", (long long)r->at);
	buf_fmt(j, ",\"state\":\"%d\",\"output\":", r->state);
	buf_json(j, text.p != NULL ? buf_slice(&text) : SLICE(""));
	buf_char(j, '}');
	buf_free(&text);
}

void
web_nrdp_body(struct buf *b, const struct config_monitor *m, const struct spooled *batch, size_t n,
    const char *token)
{
	struct buf j = buf_new(b->max);

	buf_str(&j, "{\"checkresults\":[");
	for (size_t i = 0; i < n; i++) {
		buf_str(&j, i > 0 ? "," : "");
		nrdp_result(&j, m, &batch[i]);
	}
	buf_str(&j, "]}");
	buf_str(b, "token=");
	put_form(b, slice_of(token));
	buf_str(b, "&cmd=submitcheck&JSONDATA=");
	put_form(b, buf_slice(&j));
	buf_free(&j);
}

/* --- Icinga 2 --------------------------------------------------------------------------- */

enum web_verdict
web_icinga2_verdict(long status, struct slice reply, struct err *e)
{
	struct json *j = json_parse(reply, NULL);
	const struct json *first = json_at(json_get(j, "results"), 0);
	double code = json_number(json_get(first, "code"));
	struct slice why = json_text(json_get(first != NULL ? first : j, "status"));
	enum web_verdict verdict = WEB_FAILED;

	/* 409: it has a newer one already */
	if (first != NULL && ((code >= 200 && code < 300) || code == 409))
		verdict = WEB_TAKEN;
	else if (j != NULL && (status == 404 || code == 404))
		verdict = WEB_REFUSED;	/* a 404 that is not the API's is a wrong url */
	if (verdict != WEB_TAKEN)
		(void)err_set(e, "%s%ld%s%.*s", verdict == WEB_FAILED ? "Icinga 2 answers with status " : "",
		    status, why.n > 0 ? ": " : "", (int)(why.n < 120 ? why.n : 120), why.n > 0 ? why.p : "");
	json_free(j);
	return verdict;
}

/* Move the next value to *value; a label in quotes may have blanks. */
static bool
next_value(struct slice *rest, struct slice *value)
{
	bool quoted = false;
	size_t n = 0;

	*rest = slice_trim(*rest);
	while (n < rest->n && (quoted || rest->p[n] != ' '))
		quoted ^= rest->p[n++] == '\'';
	*value = slice_head(*rest, n);
	*rest = slice_from(*rest, n);
	return n > 0;
}

void
web_icinga2_body(struct buf *b, const struct config_monitor *m, const struct result *r, const char *source)
{
	struct buf text = buf_new(RESULT_TEXT_MAX), says = buf_new(RESULT_TEXT_MAX);
	struct buf values = buf_new(RESULT_TEXT_MAX), name = buf_new(400);
	struct slice rest, value;
	bool any = false;

	result_fit(&text, slice_of(r->text), deliver_text_bytes(m, RESULT_TEXT_MAX), RESULT_LINES);
	result_split(buf_slice(&text), &says, &values);
	buf_fmt(&name, "%s%s%s", r->host, r->service[0] != '\0' ? "!" : "", r->service);
	buf_fmt(b, "{\"type\":\"%s\",\"%s\":", r->service[0] != '\0' ? "Service" : "Host",
	    r->service[0] != '\0' ? "service" : "host");
	buf_json(b, buf_slice(&name));
	buf_fmt(b, ",\"exit_status\":%d,\"execution_start\":%lld,\"execution_end\":%lld,\"plugin_output\":",
	    r->state, (long long)r->begun, (long long)r->at);
	buf_json(b, says.p != NULL ? buf_slice(&says) : SLICE(""));
	buf_str(b, ",\"check_source\":");
	buf_json(b, slice_of(source));
	buf_str(b, ",\"performance_data\":[");
	for (rest = buf_slice(&values); next_value(&rest, &value); any = true) {
		buf_str(b, any ? "," : "");
		buf_json(b, value);
	}
	buf_str(b, "]}");
	buf_free(&text);
	buf_free(&says);
	buf_free(&values);
	buf_free(&name);
}
