/* machine.h - what this machine's mail system is, as far as files tell. */
#ifndef MX_MACHINE_H
#define MX_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "mem.h"
#include "postfix_conf.h"

struct machine_log {
	const char *path;
	unsigned lines, mail;	/* lines at its end that were looked at, and the MTA's of them */
	bool readable;		/* by who asks */
	bool chosen;		/* worth a source */
	const char *owner, *group;
	mode_t mode;
};

enum { MACHINE_LOGS = 48 };

struct machine {
	struct postfix_instance instance[POSTFIX_INSTANCES];
	size_t ninstances;
	struct machine_log log[MACHINE_LOGS];
	size_t nlogs;
	const char *other[8];	/* other MTAs, NULL ends */
	bool journal;		/* there is a systemd journal */
	unsigned journal_mail;	/* the MTA's lines in it, of the few that were looked at */
	bool journal_chosen;	/* worth a source: no log has the lines */
	struct arena arena;
};

/* Look at the files below root ("" for the machine itself). Never fails: what is
 * not there or may not be read is not found. */
void machine_look(struct machine *m, const char *root);
void machine_free(struct machine *m);

#endif
