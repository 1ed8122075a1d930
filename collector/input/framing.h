/* framing.h - syslog over a stream: where one message ends and the next begins.
 *
 * RFC 6587 knows two ways, and senders mix them: "LENGTH MESSAGE" (octet counting) and
 * a message that ends with a line feed. Which one it is the first byte of each frame
 * tells: a message begins with '<', a length with a digit. A pure state machine: bytes
 * in, frames out, however they were cut on the way. */
#ifndef MX_FRAMING_H
#define MX_FRAMING_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "slice.h"

enum { FRAME_MAX = 1 << 16 };	/* LINE_MAX_BYTES: what lies behind is skipped */

struct framing {
	enum { FRAMING_BETWEEN, FRAMING_COUNT, FRAMING_OCTETS, FRAMING_LF, FRAMING_BROKEN } state;
	uint32_t left;		/* bytes of this frame that are still to come */
	unsigned digits;	/* of its length */
	bool cut;		/* it is longer than FRAME_MAX */
	struct buf part;	/* what came of it in earlier calls */
	bool spent;		/* part was handed out */
};

enum framing_answer {
	FRAMING_MORE,	/* *in is used up */
	FRAMING_FRAME,	/* *frame is a message; call again for the next */
	FRAMING_BAD	/* neither way: nothing that follows can be told apart any more */
};

struct framing framing_new(void);
void framing_free(struct framing *f);

/* Take from the front of *in as far as to the end of one frame, which is not empty, has
 * no line end, and lives until the next call or *in goes; *cut: it was longer than
 * FRAME_MAX, and this is its beginning. What is not whole when the connection ends was
 * cut off, and is not to be taken. Memory: at most FRAME_MAX bytes. */
enum framing_answer framing_take(struct framing *f, struct slice *in, struct slice *frame,
    bool *cut);

/* Does what came so far end with a frame's end? */
static inline bool
framing_is_between(const struct framing *f)
{
	return f->state == FRAMING_BETWEEN;
}

#endif
