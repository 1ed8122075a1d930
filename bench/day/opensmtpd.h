/* opensmtpd.h - the OpenSMTPD of genday: mxa runs 7.x, mxb 6.2, mxc 5.7, which all write
 * differently. In opensmtpd_say.c each line exists three times, so that the rest need not know. */
#ifndef DAY_OPENSMTPD_H
#define DAY_OPENSMTPD_H

#include "day.h"

enum { SESSION = 20, OS_PID = 92 };

struct os_session {
	enum host h;
	struct client client;	/* address "local": the machine's own socket */
	char id[SESSION];
};

/* A mail and how it came: who counts its recipients as what. */
struct os_mail {
	struct mail m;
	bool local, authenticated, linked;	/* linked: comes back from a filter */
	bool heard[RCPT_MAX];
	uint32_t envelope[RCPT_MAX];
};

/* What one delivery came to. */
struct os_end {
	const char *result;	/* "Ok", "TempFail", "PermFail" */
	const char *stat;
	const char *relay, *relay_ip;	/* of mta; NULL: mda */
};

extern const struct visit opensmtpd_visits[];

/* opensmtpd_say.c: a line each; false if the day was over */
void os_begin(struct os_session *s, enum host h);
bool os_connect(const struct os_session *s, int64_t t);
bool os_starttls(const struct os_session *s, int64_t t);
bool os_login(const struct os_session *s, int64_t t, const char *user, const char *result);
bool os_refuse(const struct os_session *s, int64_t t, const char *command, const char *reply);
/* how: "quit", "timeout", "disconnect", "io-error: ..." */
bool os_close(const struct os_session *s, int64_t t, const char *how);
bool os_accept(const struct os_session *s, int64_t t, const struct os_mail *o);
/* Returns the delay as printed, in seconds; -1 past the day's end. */
int64_t os_outcome(const struct os_mail *o, unsigned rcpt, int64_t t, const struct os_end *e);
bool os_outbound_tls(const struct os_mail *o, int64_t t, const char *ip, const char *name);
/* "Expire" or "Remove" of an envelope. */
bool os_given_up(const struct os_mail *o, unsigned rcpt, int64_t t, const char *verb);
void os_id(char out[SESSION]);

/* opensmtpd_mail.c */
void os_mail_inbound(enum host h, int64_t t);
void os_mail_submitted(enum host h, int64_t t);
void os_mail_local(enum host h, int64_t t);

#endif
