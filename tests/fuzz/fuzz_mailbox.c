/* fuzz_mailbox.c - a mailbox server that says anything, over IMAP or POP3: the look ends, what it finds
 * is ours, and commands stay one line each.
 *
 * The first byte chooses: the protocol, and in what pieces the rest of the input is read. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "mailbox_priv.h"

#include "poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	struct slice left;
	size_t step, links;
} world;

static const char sign[] = "0123456789abcdef";

static bool
on_write(struct boxlink *l, struct slice s, struct err *e)
{
	(void)l;
	assert(s.n >= 2 && slice_ends(s, SLICE("\r\n")));
	s.n -= 2;
	for (size_t i = 0; i < s.n; i++)
		assert(s.p[i] >= ' ' && s.p[i] <= '~');
	return s.n < 8192 || err_set(e, "too long");
}

static bool
on_read(struct boxlink *l, char *p, size_t n, size_t *got, struct err *e)
{
	struct slice piece = slice_head(slice_head(world.left, world.step), n);

	(void)l;
	if (piece.n == 0)
		return err_set(e, "closed");
	memcpy(p, piece.p, piece.n);
	world.left = slice_from(world.left, piece.n);
	*got = piece.n;
	return true;
}

static void
on_hang_up(struct boxlink *l)
{
	(void)l;
	world.links--;
}

static struct boxlink *
dial(const struct boxlink_plan *p, double deadline, bool *ours, struct err *e)
{
	struct boxlink *l = calloc(1, sizeof *l);

	(void)p, (void)ours, (void)e;
	assert(l != NULL);
	*l = (struct boxlink){ .write = on_write, .read = on_read, .hang_up = on_hang_up,
		.deadline = deadline };
	world.links++;
	return l;
}

static void
on_found(void *arg, const struct mailbox_found *f)
{
	size_t *n = arg;

	assert(strlen(f->token) == SMTP_TOKEN - 1 && strncmp(f->token, sign, MAILBOX_SIGN) == 0);
	assert(f->way.hops <= MAILHEAD_HOPS_MAX && f->folder->name[0] != '\0');
	assert(isnan(f->arrived) || f->arrived < 1e12);
	++*n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mailbox m;
	size_t found = 0;
	struct err e = { "" };

	if (size == 0)
		return 0;
	world.left = (struct slice){ (const char *)data + 1, size - 1 };
	world.step = (data[0] >> 1 & 63) == 0 ? size : data[0] >> 1 & 63;
	m = (struct mailbox){ .kind = mailbox_kind((data[0] & 1) != 0 ? "imap://" : "pop3://"), .dial = dial,
		.found = on_found, .arg = &found, .deadline = 1e12 };
	memcpy(m.sign, sign, MAILBOX_SIGN);
	(void)mailbox_folder(&m, "INBOX", false, true);
	if ((data[0] & 128) != 0)
		mailbox_usual_junk(&m);
	for (int i = 0; i < 3 && mailbox_look(&m, &e); i++)
		for (size_t f = 0; f < m.folders; f++)
			for (const char *c = m.folder[f].mark; *c != '\0'; c++)
				assert(*c > ' ' && *c <= '~');
	mailbox_close(&m);
	assert(world.links == 0 && m.folders <= MAILBOX_FOLDERS_MAX);
	assert(m.deleted <= found);
	return 0;
}
