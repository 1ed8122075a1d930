/* relp.c - the server's side of RELP, see relp.h.
 *
 * Commands: open, syslog, close. Numbers must follow each other (999999999 is followed
 * by 1), as librelp's do; a new connection begins with 1 for open, and what is sent again has
 * numbers from 2 (librelp 1.11, seen on the wire). */
#include "input/relp.h"

#include "poison.h"

enum {
	TXNR_MAX = 999999999, DIGITS_MAX = 9,
	ANSWER_MAX = 32		/* bytes of "999999999 rsp 6 200 OK\n", rounded up */
};

struct relp
relp_new(void)
{
	return (struct relp){ .next = 1, .data = buf_new(RELP_DATA_MAX) };
}

void
relp_free(struct relp *r)
{
	buf_free(&r->data);
}

static uint32_t
after(uint32_t txnr, uint32_t n)
{
	return (uint32_t)(((uint64_t)txnr - 1 + n) % TXNR_MAX) + 1;
}

static enum relp_answer
refuse(struct relp *r, const char *why, struct buf *out)
{
	if (!r->broken)
		buf_fmt(out, "%u rsp %zu 500 %s\n", (unsigned)r->txnr, strlen(why) + 4, why);
	r->broken = true;
	return RELP_BAD;
}

/* A decimal number ends at its blank; a length may end with the frame. */
static bool
digit(struct relp *r, uint32_t *v, char c)
{
	if (!slice_is_digit(c) || r->n >= DIGITS_MAX)
		return false;
	*v = *v * 10 + (uint32_t)(c - '0');
	r->n++;
	return true;
}

/* One byte of the header; false: that is none. */
static bool
header(struct relp *r, char c)
{
	switch (r->state) {
	case RELP_TXNR:
		if (digit(r, &r->txnr, c))
			return true;
		r->state = RELP_COMMAND;
		break;
	case RELP_COMMAND:
		if (slice_lower(c) >= 'a' && slice_lower(c) <= 'z' && r->n < sizeof r->command - 1) {
			r->command[r->n++] = c;
			return true;
		}
		r->command[r->n] = '\0';
		r->state = RELP_LENGTH;
		break;
	default:
		if (digit(r, &r->length, c))
			return true;
		r->left = r->length;
		r->state = r->length > 0 ? RELP_DATA : RELP_TRAILER;
		if (r->length == 0 && c == '\n' && r->n > 0)
			return true;	/* the trailer itself: relp_take() sees it */
	}
	if (c != ' ' || r->n == 0)
		return false;
	r->n = 0;
	return true;
}

static void
data(struct relp *r, struct slice *in)
{
	struct slice piece = slice_head(*in, r->left);

	r->left -= (uint32_t)piece.n;
	*in = slice_from(*in, piece.n);
	if (piece.n > RELP_DATA_MAX - r->data.n) {
		r->cut = true;
		piece = slice_head(piece, RELP_DATA_MAX - r->data.n);
	}
	buf_add(&r->data, piece);
	if (r->left == 0)
		r->state = RELP_TRAILER;
}

static bool
is(const struct relp *r, const char *name)
{
	return strcmp(r->command, name) == 0;
}

static enum relp_answer
open_session(struct relp *r, struct buf *out)
{
	static const char offers[] = "200 OK\nrelp_version=0\nrelp_software=mxgauge\ncommands=syslog";

	if (r->open)
		return refuse(r, "the session is open", out);
	if (!slice_has(buf_slice(&r->data), SLICE("relp_version=")) ||
	    !slice_has(buf_slice(&r->data), SLICE("syslog")))
		return refuse(r, "relp_version and commands=syslog are needed", out);
	r->open = true;
	buf_fmt(out, "%u rsp %zu %s\n", (unsigned)r->txnr, sizeof offers - 1, offers);
	return RELP_MORE;
}

/* A frame is whole. */
static enum relp_answer
act(struct relp *r, struct slice *line, bool *cut, struct buf *out)
{
	if (r->txnr != r->next)
		return refuse(r, "transaction out of order", out);
	r->next = after(r->next, 1);
	if (is(r, "open"))
		return open_session(r, out);
	if (!r->open)
		return refuse(r, "open first", out);
	if (is(r, "close")) {
		r->closing = true;
		r->close_txnr = r->txnr;
		return RELP_CLOSING;
	}
	if (!is(r, "syslog"))
		return refuse(r, "unknown command", out);
	if (r->waiting++ == 0)
		r->first = r->txnr;
	*line = buf_slice(&r->data);
	*cut = r->cut;
	while (line->n > 0 && (line->p[line->n - 1] == '\n' || line->p[line->n - 1] == '\0'))
		line->n--;
	return RELP_LINE;
}

static void
begin(struct relp *r)
{
	r->state = RELP_TXNR;
	r->txnr = r->length = r->left = r->n = 0;
	r->cut = false;
	if (r->data.n > 4096) {		/* few are that long: do not keep it for each client */
		buf_free(&r->data);
		r->data = buf_new(RELP_DATA_MAX);
	}
	buf_clear(&r->data);
}

enum relp_answer
relp_take(struct relp *r, struct slice *in, struct slice *line, bool *cut, struct buf *out)
{
	while (!r->broken && !r->closing && in->n > 0) {
		char c = in->p[0];
		enum relp_answer a;

		if (r->state == RELP_TXNR && r->n == 0)
			begin(r);
		if (r->state == RELP_DATA) {
			data(r, in);
			continue;
		}
		if (r->state != RELP_TRAILER) {
			if (!header(r, c))
				return refuse(r, "bad frame", out);
			if (r->state != RELP_TRAILER || c != '\n')
				*in = slice_from(*in, 1);
			continue;
		}
		if (c != '\n')
			return refuse(r, "bad frame", out);
		*in = slice_from(*in, 1);
		r->state = RELP_TXNR;
		r->n = 0;
		a = act(r, line, cut, out);
		if (a != RELP_MORE)
			return a;
	}
	return r->broken ? RELP_BAD : r->closing ? RELP_CLOSING : RELP_MORE;
}

void
relp_committed(struct relp *r, uint32_t held, struct buf *out)
{
	while (r->waiting > held && !r->broken && out->max - out->n >= ANSWER_MAX) {
		buf_fmt(out, "%u rsp 6 200 OK\n", (unsigned)r->first);
		r->first = after(r->first, 1);
		r->waiting--;
	}
	if (r->closing && r->waiting == 0 && r->close_txnr != 0 &&
	    out->max - out->n >= 2 * ANSWER_MAX) {
		buf_fmt(out, "%u rsp 0\n0 serverclose 0\n", (unsigned)r->close_txnr);
		r->close_txnr = 0;
	}
}

bool
relp_done(const struct relp *r)
{
	return r->closing && r->close_txnr == 0;
}
