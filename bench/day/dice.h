/* dice.h - the chance of a made-up day: one seed, one day.
 *
 * splitmix64: small, fast, good enough for names and waiting times. Days of two compilers
 * differ (the order in which arguments are evaluated is theirs), each with its own truth. The
 * day's dice are never thrown for how it is written (shuffling, leaving lines out), so that every form
 * of one day holds the same events. */
#ifndef DAY_DICE_H
#define DAY_DICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dice {
	uint64_t state;
};

extern struct dice day_dice;

static inline uint64_t
dice_mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline uint64_t
dice_next(struct dice *d)
{
	d->state += UINT64_C(0x9e3779b97f4a7c15);
	return dice_mix(d->state);
}

/* 0 to n - 1, n > 0. */
static inline uint32_t
dice_below(struct dice *d, uint32_t n)
{
	return (uint32_t)(((dice_next(d) >> 32) * n) >> 32);
}

static inline uint32_t
below(uint32_t n)
{
	return dice_below(&day_dice, n);
}

/* True in so many of 10,000 cases. */
static inline bool
chance(uint32_t of_10000)
{
	return below(10000) < of_10000;
}

/* 0 to n - 1, the small ones much more often: as mail spreads over domains. */
static inline uint32_t
below_skewed(uint32_t n)
{
	uint64_t a = below(1u << 16), b = below(1u << 16);

	return (uint32_t)(((a * b >> 16) * n) >> 16);
}

#endif
