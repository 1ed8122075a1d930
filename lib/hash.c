/* hash.c - where hash keys come from. */
#include "hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "poison.h"

struct hash_key
hash_key_random(void)
{
	struct hash_key key;

	if (getrandom(&key, sizeof key, 0) != (ssize_t)sizeof key) {
		fprintf(stderr, "the kernel gave no random bytes\n");
		_Exit(3);
	}
	for (int i = 0; i < 4; i++)
		key.k[i] |= 1;	/* a zero factor would swallow its partner */
	return key;
}
