/* serial.h - the serial numbers of zones, which go round (RFC 1982), and when each was first seen. */
#ifndef MX_SERIAL_H
#define MX_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "slice.h"

/* Is a newer than b? Where they are half the way round apart neither is, and serial_apart(). */
static inline bool
serial_newer(uint32_t a, uint32_t b)
{
	return a != b && a - b < UINT32_C(0x80000000);
}

static inline bool
serial_apart(uint32_t a, uint32_t b)
{
	return a - b == UINT32_C(0x80000000);
}

/* What a zone's serial was, each with the moment at which it was first seen; the newest last. */
enum { SERIALS_KEPT = 64 };

struct serials {
	uint32_t serial[SERIALS_KEPT];
	int64_t at[SERIALS_KEPT];
	size_t n;
};

/* As they were kept: "SERIAL TIME" lines. What is damaged ends them. */
void serials_read(struct serials *s, struct slice kept);
void serials_write(const struct serials *s, struct buf *b);

/* This is the zone's serial now. One that is not newer than the last begins anew: it was set back. */
void serials_see(struct serials *s, uint32_t serial, int64_t now);

/* For how many seconds a server with that serial lacks something: since the first newer one was
 * seen. 0 if there is none. */
double serials_lag(const struct serials *s, uint32_t serial, int64_t now);

#endif
