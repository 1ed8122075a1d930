/* queue_find.h - whose mail queues this machine has, and where: by the files that lie there. */
#ifndef MX_QUEUE_FIND_H
#define MX_QUEUE_FIND_H

#include <stdbool.h>
#include <stddef.h>

#include "mem.h"
#include "queue.h"

struct queue_place {
	const struct queue_mta *mta;
	const char *spool;
	const char *name;	/* "postfix-out" of several instances; else NULL */
	const char *conf;	/* of Postfix: the instance's folder, NULL if that is not known */
};

enum { QUEUE_PLACES_MAX = 64 };

/* The queues of one MTA: all its instances that main.cf names, else the usual places that are
 * there. How many, at most max. They live in a. */
size_t queue_places(const struct queue_mta *mta, struct arena *a, struct queue_place *out,
    size_t max);

/* The same of each MTA that is installed here. */
size_t queue_find(struct arena *a, struct queue_place *out, size_t max);

/* "auto", "MTA" or "MTA:/FOLDER": mta is NULL for the first, spool for the first two, else a part of
 * text. False and *e: it is none of them. */
bool queue_place_parse(const char *text, struct queue_place *p, struct err *e);

#endif
