/* queue_find.c - see queue_find.h. No program is run, nothing but main.cf is read. */
#include "queue_find.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "postfix_conf.h"

#include "poison.h"

/* What we may not see may be there. */
static bool
is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

static bool
any_there(const char *const *paths)
{
	for (; *paths != NULL; paths++)
		if (is_there(*paths))
			return true;
	return false;
}

static size_t
instances(const struct queue_mta *mta, struct arena *a, struct queue_place *out, size_t max)
{
	struct postfix_instance in[POSTFIX_INSTANCES];
	size_t all = postfix_instances("", a, in, POSTFIX_INSTANCES), n = 0;

	for (size_t i = 0; i < all && n < max; i++)
		if (is_there(in[i].queue))
			out[n++] = (struct queue_place){ mta, in[i].queue, in[i].tag, in[i].dir };
	if (n == 1)
		out[0].name = NULL;
	return n;
}

size_t
queue_places(const struct queue_mta *mta, struct arena *a, struct queue_place *out, size_t max)
{
	size_t n = strcmp(mta->name, "postfix") == 0 ? instances(mta, a, out, max) : 0;

	if (n > 0)
		return n;
	for (const char *const *p = mta->spools; *p != NULL && n < max; p++)
		if (is_there(*p))
			out[n++] = (struct queue_place){ .mta = mta, .spool = *p };
	return n;
}

size_t
queue_find(struct arena *a, struct queue_place *out, size_t max)
{
	size_t n = 0;

	for (const struct queue_mta *const *m = queue_mtas; *m != NULL; m++)
		if (any_there((*m)->signs))
			n += queue_places(*m, a, out + n, max - n);
	return n;
}

bool
queue_place_parse(const char *text, struct queue_place *p, struct err *e)
{
	struct slice rest = slice_of(text), name = rest;
	bool folder = slice_cut(&rest, ':', &name);
	char word[16];

	*p = (struct queue_place){ 0 };
	if (strcmp(text, "auto") == 0)
		return true;
	(void)snprintf(word, sizeof word, "%.*s", (int)(name.n < 16 ? name.n : 15), name.p);
	p->mta = queue_mta(word);
	if (p->mta == NULL)
		return err_set(e, "must be auto, postfix, exim, sendmail, qmail, opensmtpd or maildir, and "
		    "may have a folder behind it, MTA:/FOLDER");
	if ((folder && (rest.n == 0 || rest.p[0] != '/')) || (!folder && p->mta->spools[0] == NULL))
		return err_set(e, "must have a folder from the root behind it, %s:/FOLDER", p->mta->name);
	p->spool = folder ? rest.p : NULL;
	return true;
}
