/* ossl.c - find OpenSSL's functions. See ossl.h. */
#include "ossl.h"

#include "poison.h"

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

struct ossl ossl LATELOAD_LINKED(OSSL_FUNCTIONS);

bool
ossl_load(struct err *e)
{
	static const char *const names[] = { OSSL_FUNCTIONS(LATELOAD_NAME) NULL };

	/* it brings libcrypto along */
	return lateload("libssl.so." TEXT(OPENSSL_SHLIB_VERSION), "libssl" TEXT(OPENSSL_SHLIB_VERSION), names, &ossl, e);
}
