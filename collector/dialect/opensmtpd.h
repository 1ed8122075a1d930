/* opensmtpd.h - what the files of the OpenSMTPD dialect share.
 *
 * opensmtpd.c takes the session off a line and hands the rest to the file of that part of
 * the daemon. Takers work from the front of *s; false leaves *s as it was. */
#ifndef MX_OPENSMTPD_H
#define MX_OPENSMTPD_H

#include <stdbool.h>

#include "dialect/dialect.h"

enum { OS_MSGID = 8, OS_EVPID = 16, OS_SESSION = 16 };	/* hex digits */

/* What follows "SESSION smtp [event=]WORD ", and so on; they answer as parse() does. */
int os_smtp(struct slice sess, struct slice word, struct slice s, struct event *out);
int os_mta(struct slice sess, struct slice word, struct slice s, struct event *out);
int os_mda(struct slice sess, struct slice word, struct slice s, struct event *out);

/* After "smtp-in: " and "smtp-out: ": all of 5.x, and what later releases kept of it. */
int os_smtp_in(struct slice s, struct event *out);
int os_smtp_out(struct slice s, struct event *out);
/* After "relay: " and "delivery: ": "Ok for EVPID: ..." of 5.x, "Expire for EVPID: ...". */
int os_outcome(struct slice s, bool local, struct event *out);

/* n small hex digits and no more. */
bool os_hex(struct slice *s, size_t n, struct slice *hex);
/* What stands before the next blank, and that blank. */
bool os_word(struct slice *s, struct slice *word);
/* "KEY<ADDRESS>": the address ends at the first '>', for OpenSMTPD lets none into one. */
bool os_address(struct slice *s, struct slice key, struct slice *address);
/* "local", "192.0.2.1", "[2001:db8::1]", "IPv6:2001:db8::1" into client_*. */
bool os_client(struct slice address, struct slice name, struct event *e);
/* "TLSv1.3:CIPHER:256", "version=TLSv1.2, cipher=CIPHER, bits=256", in quotes or not. */
void os_tls(struct slice s, struct event *e);
/* "550 5.1.1 TEXT", and "550 5.1.1: TEXT" as before 6.4. */
void os_reply(struct slice s, struct event *e);

/* Why a command failed, why a delivery did: cls and sub, by code, dsn and text. */
void os_command_reason(struct event *e);
void os_delivery_reason(struct event *e);
/* Of a connection to the next hop that broke: cls and sub. False if the text says no such. */
bool os_connection_reason(struct slice s, struct event *e);
/* Is the trouble that of a TLS handshake? */
bool os_is_tls_error(struct slice s);

#endif
