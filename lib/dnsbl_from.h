/* dnsbl_from.h - which block lists this machine's mail programs ask, as their configuration says.
 *
 * Configurations are understood as far as lists stand in them by name: zones that are put together
 * at run time are counted in *unclear, with the first of them in *example. */
#ifndef MX_DNSBL_FROM_H
#define MX_DNSBL_FROM_H

#include "dnsbl_ask.h"

struct dnsbl_from {
	struct dnsbl_run *run;
	const struct dnsbl_table *table;
	size_t found, unclear;
	char example[100];
};

/* Ask the program, or read the file, that place names; "": where Debian has it. False and *e: it cannot
 * be read, or a list in it has a name that is none. place is a folder of postconf's -c, a configuration file
 * of Exim, sendmail.cf, a folder of SpamAssassin's rules. */
bool dnsbl_from_postfix(struct dnsbl_from *f, const char *place, struct err *e);
bool dnsbl_from_exim(struct dnsbl_from *f, const char *place, struct err *e);
bool dnsbl_from_sendmail(struct dnsbl_from *f, const char *place, struct err *e);
bool dnsbl_from_spamassassin(struct dnsbl_from *f, const char *place, struct err *e);

/* The same of text: what postconf prints, Exim's configuration, sendmail.cf, one file of rules. */
bool dnsbl_text_postfix(struct dnsbl_from *f, struct slice text, struct err *e);
bool dnsbl_text_exim(struct dnsbl_from *f, struct slice text, struct err *e);
bool dnsbl_text_sendmail(struct dnsbl_from *f, struct slice text, struct err *e);
bool dnsbl_text_spamassassin(struct dnsbl_from *f, struct slice text, struct err *e);

#endif
