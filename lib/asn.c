/* asn.c - see asn.h. */
#include "asn.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "lateload.h"
#include "mem.h"
#include "slice.h"

#if defined(__has_include)
#if __has_include(<maxminddb.h>) && !defined(MX_STATIC)
#define HAVE_MAXMINDDB
#endif
#endif

#ifdef HAVE_MAXMINDDB
#include <maxminddb.h>

#include "poison.h"

#define FUNCTIONS(F) \
	F(MMDB_open) F(MMDB_lookup_sockaddr) F(MMDB_aget_value) F(MMDB_strerror)

static struct {
	FUNCTIONS(LATELOAD_MEMBER)
} mmdb;

struct asn {
	MMDB_s db;
	char *path;
	unsigned found, numbered;
	int failed;		/* what the library said of the last entry it could not read; 0: nothing */
};

struct asn *
asn_open(const char *path, struct err *e)
{
	static const char *const names[] = { FUNCTIONS(LATELOAD_NAME) NULL };
	struct asn *a;
	struct stat st;
	int rc;

	if (!lateload("libmaxminddb.so.0", "libmaxminddb0", names, &mmdb, e))
		return NULL;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {	/* to open a pipe would wait */
		err_set(e, "%s is no file", path);
		return NULL;
	}
	a = xcalloc(1, sizeof *a);
	rc = mmdb.MMDB_open(path, MMDB_MODE_MMAP, &a->db);
	if (rc != MMDB_SUCCESS) {
		err_set(e, "cannot use %s as a database of networks in MaxMind's format: %s", path,
		    mmdb.MMDB_strerror(rc));
		free(a);
		return NULL;
	}
	a->path = xstrdup(path);
	return a;
}

static bool
value_of(MMDB_entry_s *entry, const char *const *path, MMDB_entry_data_s *v)
{
	return mmdb.MMDB_aget_value(entry, v, path) == MMDB_SUCCESS && v->has_data;
}

/* MaxMind and DB-IP have a number, ipinfo the text "AS64500". */
static uint32_t
number_of(MMDB_entry_s *entry)
{
	static const char *const numbers[][3] = {
		{ "autonomous_system_number", NULL }, { "traits", "autonomous_system_number", NULL }
	};
	static const char *const text[] = { "asn", NULL };
	MMDB_entry_data_s v;

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (value_of(entry, numbers[i], &v) && v.type == MMDB_DATA_TYPE_UINT32)
			return v.uint32;
	if (value_of(entry, text, &v) && v.type == MMDB_DATA_TYPE_UTF8_STRING) {
		struct slice s = { v.utf8_string, v.data_size };
		uint64_t n;

		if (slice_eat(&s, SLICE("AS")) && slice_u64(&s, &n) && n <= UINT32_MAX)
			return (uint32_t)n;
	}
	return 0;
}

static void
name_of(MMDB_entry_s *entry, char name[ASN_NAME])
{
	static const char *const names[][3] = {
		{ "autonomous_system_organization", NULL },
		{ "traits", "autonomous_system_organization", NULL }, { "as_name", NULL }, { "name", NULL }
	};
	MMDB_entry_data_s v;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (value_of(entry, names[i], &v) && v.type == MMDB_DATA_TYPE_UTF8_STRING) {
			size_t n = v.data_size < ASN_NAME - 1 ? v.data_size : ASN_NAME - 1;

			memcpy(name, v.utf8_string, n);
			name[n] = '\0';
			return;
		}
}

uint32_t
asn_of(struct asn *a, const struct network *n, char name[ASN_NAME])
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	const struct sockaddr *sa = n->family == 4 ? (const struct sockaddr *)&v4 :
	    (const struct sockaddr *)&v6;
	MMDB_lookup_result_s r;
	uint32_t number;
	int rc = MMDB_SUCCESS;

	name[0] = '\0';
	memcpy(&v4.sin_addr, n->a, sizeof v4.sin_addr);
	memcpy(&v6.sin6_addr, n->a, sizeof v6.sin6_addr);
	r = mmdb.MMDB_lookup_sockaddr(&a->db, sa, &rc);
	if (rc != MMDB_SUCCESS && rc != MMDB_IPV6_LOOKUP_IN_IPV4_DATABASE_ERROR)
		a->failed = rc;
	if (rc != MMDB_SUCCESS || !r.found_entry)
		return 0;
	a->found++;
	number = number_of(&r.entry);
	if (number == 0)
		return 0;
	a->numbered++;
	name_of(&r.entry, name);
	return number;
}

bool
asn_useful(const struct asn *a, struct err *e)
{
	if (a->failed != 0)
		return err_set(e, "%s is damaged: %s", a->path, mmdb.MMDB_strerror(a->failed));
	if (a->found > 0 && a->numbered == 0)
		return err_set(e, "%s knows the networks, but no autonomous system of theirs: it is a database "
		    "of another sort (%s)", a->path, a->db.metadata.database_type);
	return true;
}

#else

#include "poison.h"

struct asn *
asn_open(const char *path, struct err *e)
{
	err_set(e, "%s cannot be read: this build has no libmaxminddb", path);
	return NULL;
}

uint32_t
asn_of(struct asn *a, const struct network *n, char name[ASN_NAME])
{
	(void)a, (void)n;
	name[0] = '\0';
	return 0;
}

bool
asn_useful(const struct asn *a, struct err *e)
{
	(void)a, (void)e;
	return true;
}

#endif
