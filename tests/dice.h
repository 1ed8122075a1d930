/* dice.h - chance for tests that is the same each time: what came out once can be looked at again. */
#ifndef MX_DICE_H
#define MX_DICE_H

#include <stdint.h>

/* Set it to a seed. */
static uint64_t dice = 1;

/* 0 to n - 1. */
static uint32_t
roll(uint32_t n)
{
	dice = dice * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((dice >> 33) % n);
}

#endif
