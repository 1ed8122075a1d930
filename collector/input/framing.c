/* framing.c - syslog over a stream (RFC 6587), see framing.h.
 *
 * A length of ten digits or more, a length of zero or one without a blank behind it, and
 * a control character in front (a TLS handshake begins with 0x16) are bad framing. Empty
 * lines are not: some senders end a counted frame with a line feed, too. */
#include "input/framing.h"

#include "poison.h"

enum { DIGITS_MAX = 9 };

struct framing
framing_new(void)
{
	return (struct framing){ .part = buf_new(FRAME_MAX) };
}

void
framing_free(struct framing *f)
{
	buf_free(&f->part);
}

/* Most frames are whole in one read: they are handed out where they lie. */
static bool
collect(struct framing *f, struct slice piece, bool whole, struct slice *frame)
{
	if (whole && f->part.n == 0) {
		f->cut |= piece.n > FRAME_MAX;
		*frame = slice_head(piece, FRAME_MAX);
		return true;
	}
	if (piece.n > FRAME_MAX - f->part.n) {
		f->cut = true;
		piece = slice_head(piece, FRAME_MAX - f->part.n);
	}
	buf_add(&f->part, piece);
	*frame = buf_slice(&f->part);
	f->spent = whole;
	return whole;
}

/* Without its line end; false: nothing is left. */
static bool
trim(struct slice *frame)
{
	while (frame->n > 0 && (frame->p[frame->n - 1] == '\n' || frame->p[frame->n - 1] == '\r' ||
	    frame->p[frame->n - 1] == '\0'))
		frame->n--;
	return frame->n > 0;
}

static void
begin(struct framing *f, struct slice *in)
{
	char c = in->p[0];

	f->cut = false;
	f->left = f->digits = 0;
	if (c == '\n' || c == '\r' || c == '\0')
		*in = slice_from(*in, 1);
	else if (c >= '1' && c <= '9')
		f->state = FRAMING_COUNT;
	else if (slice_is_digit(c) || ((unsigned char)c < ' ' && c != '\t'))
		f->state = FRAMING_BROKEN;
	else
		f->state = FRAMING_LF;
}

static void
count(struct framing *f, struct slice *in)
{
	char c = in->p[0];

	if (slice_is_digit(c) && f->digits < DIGITS_MAX) {
		f->left = f->left * 10 + (uint32_t)(c - '0');
		f->digits++;
	} else {
		f->state = c == ' ' ? FRAMING_OCTETS : FRAMING_BROKEN;
	}
	*in = slice_from(*in, 1);
}

static bool
octets(struct framing *f, struct slice *in, struct slice *frame)
{
	struct slice piece = slice_head(*in, f->left);

	f->left -= (uint32_t)piece.n;
	*in = slice_from(*in, piece.n);
	return collect(f, piece, f->left == 0, frame);
}

static bool
line(struct framing *f, struct slice *in, struct slice *frame)
{
	struct slice piece;

	if (slice_cut(in, '\n', &piece))
		return collect(f, piece, true, frame);
	piece = *in;
	*in = slice_from(*in, in->n);
	return collect(f, piece, false, frame);
}

enum framing_answer
framing_take(struct framing *f, struct slice *in, struct slice *frame, bool *cut)
{
	if (f->spent)	/* gives the memory back, too: most clients never need it */
		buf_free(&f->part);
	if (f->spent)
		f->part = buf_new(FRAME_MAX);
	f->spent = false;
	while (f->state != FRAMING_BROKEN && in->n > 0) {
		bool whole = false;

		if (f->state == FRAMING_BETWEEN)
			begin(f, in);
		else if (f->state == FRAMING_COUNT)
			count(f, in);
		else if (f->state == FRAMING_OCTETS)
			whole = octets(f, in, frame);
		else
			whole = line(f, in, frame);
		if (!whole)
			continue;
		f->state = FRAMING_BETWEEN;
		*cut = f->cut;
		if (trim(frame))
			return FRAMING_FRAME;
		buf_clear(&f->part);
		f->spent = false;
	}
	return f->state == FRAMING_BROKEN ? FRAMING_BAD : FRAMING_MORE;
}
