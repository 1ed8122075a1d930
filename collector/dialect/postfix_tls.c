/* postfix_tls.c - TLS lines of smtpd, smtp, lmtp and tlsproxy.
 *
 *	Anonymous TLS connection established from mx[192.0.2.1]: TLSv1.3 with cipher
 *	    TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 ...
 *	Verified TLS connection reused to mx[192.0.2.1]:25 to SNI: ...		(3.4)
 *	TLS connection established to mx.example.org: TLSv1 with cipher ...	(before 2.5)
 *	SSL_accept error from mx[192.0.2.1]: lost connection
 *	certificate verification failed for mx[192.0.2.1]:25: self-signed certificate */
#include "dialect/postfix.h"

#include "poison.h"

/* The peer is a client or a next hop. */
static bool
take_side(struct slice *s, struct event *e)
{
	return e->outbound ? pf_relay(s, e) : pf_client(s, e);
}

static bool
take_word(struct slice *s, struct slice *word)
{
	size_t i = 0;

	while (i < s->n && s->p[i] != ' ')
		i++;
	*word = slice_head(*s, i);
	*s = slice_from(*s, i < s->n ? i + 1 : i);
	return i > 0;
}

/* After "TLS connection established from " or the like. */
static int
established(struct slice s, struct event *e)
{
	struct slice head;

	if (!take_side(&s, e)) {	/* before 2.5 */
		if (!slice_cut_at(&s, SLICE(": "), e->outbound ? &e->relay : &e->client_name))
			return -1;
	} else if (!slice_cut_at(&s, SLICE(": "), &head)) {
		return -1;	/* head: " to SNI" */
	}
	if (!take_word(&s, &e->tls_proto) || !slice_eat(&s, SLICE("with cipher ")) ||
	    !take_word(&s, &e->tls_cipher))
		return -1;
	e->text = s;
	return 1;
}

static int
handshake_failed(struct slice s, struct event *e)
{
	e->kind = EV_TLS_FAIL;
	e->cls = REASON_tls_error;
	e->sub = SLICE("handshake");
	if (take_side(&s, e))
		slice_eat(&s, SLICE(": "));
	else if (!slice_cut_at(&s, SLICE(": "), e->outbound ? &e->relay : &e->client_name))
		return -1;
	e->text = s;
	return 1;
}

/* "[server |client |CA ]certificate verification failed for PEER: why": the session may
 * go on, so this is no failure yet. */
static int
distrusted(const struct pf_line *p, struct slice s, struct event *e)
{
	e->outbound = p->service != PF_SMTPD && p->service != PF_TLSPROXY;
	e->cls = REASON_tls_error;
	e->sub = SLICE("cert");
	take_side(&s, e);
	e->text = p->text;
	return 1;
}

/* "success, domain=D, receiving_mx=H[A]", "failure, ..., failure_type=T": what the receiver's
 * domain is told (3.10). What became of the mail, the delivery says. */
static int
reported(const struct pf_line *p, struct slice s, struct event *e)
{
	struct slice status;

	e->outbound = true;
	e->text = p->text;
	if (slice_starts(s, SLICE("failure"))) {
		e->cls = REASON_tls_error;
		e->sub = SLICE("reported");
	}
	if (slice_cut_at(&s, SLICE(", receiving_mx="), &status) && !slice_starts(s, SLICE("(null)")))
		pf_relay(&s, e);
	return 1;
}

/* What higher log levels add about a session: "PEER: subject_CN=...". */
static bool
is_detail(struct slice s)
{
	static const struct slice heads[] = {
#define H(head) { head, sizeof(head) - 1 }
		H("setting up TLS connection "), H("SSL_accept:"), H("SSL_connect:"),
		H("SSL3 alert "), H("Unverified: "), H("Verified: "), H("Untrusted: "),
		H("Trusted: "), H("TLS SNI "), H("fingerprint="), H("Peer "), H("verify error:"),
		H("subject="), H("issuer="), H("cert has expired"),	/* the rest: 2.2 to 2.4 */
		H("Server certificate could not be verified"), H("Peer certificate could not be verified"),
		H("certificate peer name verification failed for "),
#undef H
	};
	static const struct slice parts[] = {
#define H(head) { head, sizeof(head) - 1 }
		H("subject_CN="), H("ingerprint="), H("depth="), H(": Matched "),
		H(": matched "), H(" session"), H(": TLS cipher list"), H(": SNI "),
		H(": TLSA "), H("TLS records unusable"),
#undef H
	};
	struct event peer = { 0 };

	if (slice_starts_any(s, heads, sizeof heads / sizeof heads[0]))
		return true;
	if (!pf_client(&s, &peer) || s.n == 0 || s.p[0] != ':')
		return false;
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		if (slice_has(s, parts[i]))
			return true;
	return false;
}

int
pf_tls(const struct pf_line *p, struct event *out)
{
	static const struct slice trusts[] = {
		{ "Anonymous ", 10 }, { "Untrusted ", 10 }, { "Trusted ", 8 }, { "Verified ", 9 },
	};
	struct event *e = pf_event(out, EV_INFO, p);
	struct slice s = p->text, head;

	for (size_t i = 0; i < sizeof trusts / sizeof trusts[0]; i++)
		if (slice_eat(&s, trusts[i])) {
			e->tls_trust = slice_head(trusts[i], trusts[i].n - 1);
			break;
		}
	if (slice_eat(&s, SLICE("TLS connection "))) {
		/* reused is the same TLS session for a further mail */
		if (!slice_eat(&s, SLICE("reused "))) {
			if (!slice_eat(&s, SLICE("established ")))
				return -1;
			e->kind = EV_TLS;
		}
		e->outbound = slice_eat(&s, SLICE("to "));
		return e->outbound || slice_eat(&s, SLICE("from ")) ? established(s, e) : -1;
	}
	if (slice_eat(&s, SLICE("TLSRPT: status=")))
		return reported(p, s, e);
	e->outbound = slice_eat(&s, SLICE("SSL_connect error to "));
	if (e->outbound || slice_eat(&s, SLICE("SSL_accept error from ")))
		return handshake_failed(s, e);
	if (slice_cut_at(&s, SLICE("certificate verification failed for "), &head) && head.n < 10)
		return distrusted(p, s, e);
	return is_detail(p->text) ? 0 : -1;
}
