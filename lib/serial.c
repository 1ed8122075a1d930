/* serial.c - see serial.h. */
#include "serial.h"

#include <string.h>

#include "poison.h"

void
serials_read(struct serials *s, struct slice kept)
{
	struct slice line;
	uint64_t serial, at;

	for (s->n = 0; s->n < SERIALS_KEPT && slice_cut(&kept, '\n', &line); s->n++) {
		if (!slice_u64(&line, &serial) || !slice_eat_char(&line, ' ') || !slice_u64(&line, &at) ||
		    line.n > 0 || serial > UINT32_MAX || at > INT64_MAX)
			return;
		s->serial[s->n] = (uint32_t)serial;
		s->at[s->n] = (int64_t)at;
	}
}

void
serials_write(const struct serials *s, struct buf *b)
{
	for (size_t i = 0; i < s->n; i++)
		buf_fmt(b, "%u %lld\n", (unsigned)s->serial[i], (long long)s->at[i]);
}

void
serials_see(struct serials *s, uint32_t serial, int64_t now)
{
	uint32_t last = s->n > 0 ? s->serial[s->n - 1] : 0;

	if (s->n > 0 && serial == last)
		return;
	if (s->n > 0 && !serial_newer(serial, last))
		s->n = 0;
	if (s->n == SERIALS_KEPT) {
		s->n--;
		memmove(s->serial, s->serial + 1, s->n * sizeof *s->serial);
		memmove(s->at, s->at + 1, s->n * sizeof *s->at);
	}
	s->serial[s->n] = serial;
	s->at[s->n++] = now;
}

double
serials_lag(const struct serials *s, uint32_t serial, int64_t now)
{
	size_t i = s->n;

	/* From the newest back: after large steps the oldest may be half the way round. */
	while (i > 0 && serial_newer(s->serial[i - 1], serial))
		i--;
	return i < s->n && s->at[i] < now ? (double)(now - s->at[i]) : 0;
}
