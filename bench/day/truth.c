/* truth.c - what really happened in the day, by the names that the collector uses.
 *
 * The report of an import of the day has to equal this, figure by figure; delays within a
 * tenth, because the collector keeps them as a histogram. */
#include <stdlib.h>
#include <string.h>

#include "day.h"
#include "poison.h"

static struct {
	int64_t n[HOSTS][FIGURE_N];
	int64_t rej[HOSTS][CLASS_N], tmp[HOSTS][CLASS_N];
	int64_t defer[HOSTS][CLASS_N], bounce[HOSTS][CLASS_N];
	int64_t zone[ZONE_N];
	int64_t on_hold;
	double *delay;
	size_t delays, cap;
} truth;

static const char *const figure_name[FIGURE_N] = {
#define X(name) #name,
	FIGURES(X)
#undef X
};

static const char *const class_name[CLASS_N] = {
#define X(name, short_) #name,
	CLASSES(X)
#undef X
};

static const char *const class_short[CLASS_N] = {
#define X(name, short_) #short_,
	CLASSES(X)
#undef X
};

void
truth_add(enum host h, enum figure f, int64_t n)
{
	truth.n[h][f] += n;
}

void
truth_refused(enum host h, unsigned code, enum class cls, unsigned zone, int64_t n)
{
	if (code < 500) {
		truth.n[h][F_tmp] += n;
		truth.tmp[h][cls] += n;
	} else {
		truth.n[h][F_rej] += n;
		truth.rej[h][cls] += n;
	}
	if (cls == C_dnsbl)
		truth.zone[zone] += n;
}

void
truth_deferred(enum host h, enum class cls)
{
	truth.n[h][F_defer]++;
	truth.defer[h][cls]++;
}

void
truth_bounced(enum host h, enum class cls)
{
	truth.n[h][F_bounce]++;
	truth.bounce[h][cls]++;
}

void
truth_delay(double seconds)
{
	if (truth.delays == truth.cap) {
		truth.cap = truth.cap > 0 ? truth.cap * 2 : 4096;
		truth.delay = realloc(truth.delay, truth.cap * sizeof truth.delay[0]);
		if (truth.delay == NULL)
			abort();
	}
	truth.delay[truth.delays++] = seconds;
}

void
truth_on_hold(int64_t n)
{
	truth.on_hold += n;
}

int64_t
truth_lines(void)
{
	int64_t n = 0;

	for (int h = 0; h < HOSTS; h++)
		n += truth.n[h][F_lines];
	return n;
}

static int64_t
sum(enum figure f)
{
	int64_t n = 0;

	for (int h = 0; h < HOSTS; h++)
		n += truth.n[h][f];
	return n;
}

/* Comma and line break before every member but the first. */
static void
member(FILE *f, bool *first, const char *prefix, const char *name)
{
	fprintf(f, "%s\n    \"%s%s\": ", *first ? "" : ",", prefix, name);
	*first = false;
}

static void
write_parts(FILE *f, bool *first, const char *prefix, const char *const names[CLASS_N],
    int64_t parts[HOSTS][CLASS_N])
{
	for (int c = 0; c < CLASS_N; c++) {
		int64_t n = 0;

		for (int h = 0; h < HOSTS; h++)
			n += parts[h][c];
		if (n == 0)
			continue;
		member(f, first, prefix, names[c]);
		fprintf(f, "%lld", (long long)n);
	}
}

static void
write_counts(FILE *f)
{
	bool first = true;

	fprintf(f, ",\n  \"counts\": {");
	for (int i = 0; i < FIGURE_N; i++) {
		member(f, &first, "", figure_name[i]);
		fprintf(f, "%lld", (long long)sum((enum figure)i));
	}
	write_parts(f, &first, "rej_", class_name, truth.rej);
	write_parts(f, &first, "tmp_", class_name, truth.tmp);
	write_parts(f, &first, "defer_", class_short, truth.defer);
	write_parts(f, &first, "bounce_", class_short, truth.bounce);
	first = true;
	fprintf(f, "\n  },\n  \"reject\": {");
	write_parts(f, &first, "", class_name, truth.rej);
	first = true;
	fprintf(f, "\n  },\n  \"tempfail\": {");
	write_parts(f, &first, "", class_name, truth.tmp);
	first = true;
	fprintf(f, "\n  },\n  \"dnsbl\": {");
	for (int z = 0; z < ZONE_N; z++)
		if (truth.zone[z] > 0) {
			member(f, &first, "", zones[z]);
			fprintf(f, "%lld", (long long)truth.zone[z]);
		}
	fprintf(f, "\n  }");
}

static void
write_hosts(FILE *f)
{
	fprintf(f, ",\n  \"hosts\": {");
	for (int h = 0; h < HOSTS; h++) {
		bool first = true;

		fprintf(f, "%s\n  \"%s\": {", h > 0 ? "," : "", host_name[h]);
		for (int i = 0; i < FIGURE_N; i++) {
			member(f, &first, "", figure_name[i]);
			fprintf(f, "%lld", (long long)truth.n[h][i]);
		}
		fprintf(f, "\n  }");
	}
	fprintf(f, "\n  }");
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
quantile(double p)
{
	size_t i = (size_t)(p * (double)truth.delays);

	if (truth.delays == 0)
		return 0;
	return truth.delay[i < truth.delays ? i : truth.delays - 1];
}

void
truth_write(FILE *f, uint64_t seed, const char *date)
{
	int64_t in = sum(F_recv_rcpt) + sum(F_local_rcpt) + sum(F_own_rcpt);
	int64_t sent = sum(F_dlv_ext) + sum(F_dlv_local);
	int64_t gone = sent + sum(F_bounce) + sum(F_expire) + sum(F_discard) + truth.on_hold;

	if (truth.delays > 0)
		qsort(truth.delay, truth.delays, sizeof truth.delay[0], by_value);
	fprintf(f, "{\n  \"seed\": %llu, \"date\": \"%s\", \"lines\": %lld",
	    (unsigned long long)seed, date, (long long)truth_lines());
	write_counts(f);
	fprintf(f, ",\n  \"delay\": {\"n\": %zu, \"p50\": %g, \"p95\": %g, \"p99\": %g, \"max\": %g}",
	    truth.delays, quantile(.5), quantile(.95), quantile(.99), quantile(1));
	fprintf(f, ",\n  \"balance\": {\"accepted\": %lld, \"delivered\": %lld, \"bounced\": %lld, "
	    "\"expired\": %lld, \"discarded\": %lld, \"held\": %lld, \"open\": %lld, "
	    "\"unaccounted\": 0}", (long long)in, (long long)sent, (long long)sum(F_bounce),
	    (long long)sum(F_expire), (long long)sum(F_discard), (long long)truth.on_hold,
	    (long long)(in - gone));
	write_hosts(f);
	fprintf(f, "\n}\n");
}
