/* queue.c - counting and looking, the same for all MTAs. See queue.h.
 *
 * Names that may be looked at are kept in the order of their folders: at most NAMES_MAX, of more
 * each second one, then each fourth. Files are read in STRATA passes over that list, so that
 * they come in folder order (disks like it) and what was read when the time is up is
 * still spread over all folders. */
#define _GNU_SOURCE	/* O_NOATIME, DT_DIR */
#include "queue.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"

#include "poison.h"

enum { NAMES_MAX = 1 << 18, TEXT_MAX = 1 << 23, STRATA = 64, DIRS_MAX = 1 << 14 };

const char *const queue_box_name[QUEUE_BOXES] = {
	"incoming", "active", "deferred", "hold", "maildrop", "corrupt"
};

const enum metric queue_gauge[QUEUE_BOXES] = {
	M_q_incoming, M_q_active, M_q_deferred, M_q_hold, M_q_maildrop, M_q_corrupt
};

extern const struct queue_mta queue_postfix, queue_exim, queue_sendmail, queue_qmail,
    queue_opensmtpd, queue_maildir;

const struct queue_mta *const queue_mtas[] = {
	&queue_postfix, &queue_exim, &queue_sendmail, &queue_qmail, &queue_opensmtpd, &queue_maildir,
	NULL
};

const struct queue_mta *
queue_mta(const char *name)
{
	for (const struct queue_mta *const *m = queue_mtas; *m != NULL; m++)
		if (strcmp((*m)->name, name) == 0)
			return *m;
	return NULL;
}

void
queue_init(struct queue *q, const struct queue_mta *mta, int64_t now)
{
	*q = (struct queue){ .mta = mta, .now = now, .stride = 1, .ages_of_all = true,
		.max_reasons = 2000 };
}

void
queue_free(struct queue *q)
{
	queue_table_free(&q->to);
	queue_table_free(&q->from);
	queue_table_free(&q->why);
	free(q->name);
	free(q->text);
	for (size_t i = 0; i < q->dirs; i++)
		free(q->dir[i]);
	free(q->dir);
}

bool
queue_walk(struct queue *q, const char *spool, struct err *e)
{
	return q->mta->walk(q, spool, e);
}

int64_t
queue_total(const struct queue *q)
{
	int64_t n = 0;

	for (int i = 0; i < QUEUE_BOXES; i++)
		n += q->n[i];
	return n;
}

bool
queue_sampled(const struct queue *q)
{
	return q->looked + q->vanished + q->unreadable < queue_total(q);
}

double
queue_scaled(const struct queue *q, int64_t n, double *off)
{
	double all = (double)queue_total(q), seen = (double)q->looked, p;

	*off = 0;
	if (!queue_sampled(q) || seen == 0)
		return (double)n;
	p = (double)n / seen;
	/* at neither end certain: as if one more had been of either kind */
	if (n == 0 || n == q->looked)
		*off = 3 / seen * all;
	else
		*off = 1.96 * sqrt(p * (1 - p) / seen * (all - seen) / (all > 1 ? all - 1 : 1)) * all;
	return p * all;
}

double
queue_in_box(const struct queue *q, enum queue_box box)
{
	double off;

	if (q->mta->boxed || q->looked == 0)
		return (double)q->n[box];
	return round(queue_scaled(q, q->looked_box[box], &off));
}

double
queue_age(const struct queue *q, int64_t arrived)
{
	return arrived == 0 ? 0 : q->now > arrived ? (double)(q->now - arrived) : 0;
}

bool
queue_oldest_known(const struct queue *q)
{
	return !queue_sampled(q) || (q->ages_of_all && (q->mta->boxed || q->looked == 0));
}

int64_t
queue_oldest(const struct queue *q, enum queue_box *in)
{
	static const enum queue_box waiting[] = {
		QUEUE_DEFERRED, QUEUE_ACTIVE, QUEUE_INCOMING, QUEUE_MAILDROP
	};
	int64_t t = 0;

	if (!q->mta->boxed && q->looked == 0)
		return q->all.oldest;
	for (size_t i = 0; i < sizeof waiting / sizeof *waiting; i++) {
		int64_t of = q->age[waiting[i]].oldest;

		if (of != 0 && (t == 0 || of < t)) {
			t = of;
			*in = waiting[i];
		}
	}
	return t;
}

bool
queue_age_known(const struct queue *q)
{
	enum queue_box in;

	return queue_oldest(q, &in) != 0 || q->ages_of_all || queue_total(q) == 0 || q->looked > 0;
}

double
queue_bytes(const struct queue *q)
{
	if (queue_total(q) == 0)
		return 0;
	return q->sized == 0 ? (double)NAN :
	    round(q->bytes / (double)q->sized * (double)queue_total(q));
}

/* --- counting ------------------------------------------------------------------------------ */

uint16_t
queue_dir(struct queue *q, const char *path)
{
	if (q->dirs == DIRS_MAX)
		return DIRS_MAX;	/* counted, and never looked at */
	if ((q->dirs & (q->dirs - 1)) == 0)
		q->dir = xreallocarray(q->dir, q->dirs > 0 ? q->dirs * 2 : 1, sizeof *q->dir);
	q->dir[q->dirs] = xstrdup(path);
	return (uint16_t)q->dirs++;
}

bool
queue_path(char path[QUEUE_PATH_BYTES], const char *dir, const char *name, struct err *e)
{
	if (snprintf(path, QUEUE_PATH_BYTES, "%s/%s", dir, name) < QUEUE_PATH_BYTES)
		return true;
	return err_set(e, "the name of the folder %.100s... is too long", dir);
}

/* Of all that are kept the second goes. */
static void
thin_out(struct queue *q)
{
	size_t n = 0, text = 0;

	for (size_t i = 0; i < q->names; i += 2) {
		struct queue_name k = q->name[i];
		size_t len = strlen(q->text + k.at) + 1;

		memmove(q->text + text, q->text + k.at, len);
		k.at = (uint32_t)text;
		text += len;
		q->name[n++] = k;
	}
	q->skip = q->names % 2 == 0 ? 0 : q->stride;
	q->names = n;
	q->text_n = text;
	q->stride *= 2;
}

static void
keep(struct queue *q, uint16_t dir, enum queue_box box, const char *name)
{
	size_t len = strlen(name) + 1;

	if (q->skip > 0) {
		q->skip--;
		return;
	}
	if (q->names == NAMES_MAX || q->text_n + len > TEXT_MAX) {
		thin_out(q);
		if (q->skip > 0) {
			q->skip--;
			return;
		}
	}
	q->skip = q->stride - 1;
	if (q->names == q->cap) {
		q->cap = q->cap > 0 ? q->cap * 2 : 1024;
		q->name = xreallocarray(q->name, q->cap, sizeof *q->name);
	}
	if (q->text_cap - q->text_n < len) {
		q->text_cap = q->text_cap > 0 ? q->text_cap * 2 : 32768;
		q->text = xrealloc(q->text, q->text_cap);
	}
	memcpy(q->text + q->text_n, name, len);
	q->name[q->names++] = (struct queue_name){ (uint32_t)q->text_n, dir, (uint8_t)box };
	q->text_n += len;
}

static void
add_age(const struct queue *q, struct queue_ages *a, int64_t arrived)
{
	int64_t age = q->now - arrived;

	a->hist.n[hist_bucket(age > 0 ? (uint64_t)age : 0)]++;
	a->n++;
	if (a->oldest == 0 || arrived < a->oldest)
		a->oldest = arrived;
}

void
queue_found(struct queue *q, uint16_t dir, enum queue_box box, const char *name, int64_t arrived)
{
	q->n[box]++;
	if (arrived == 0)
		q->ages_of_all = false;
	else
		add_age(q, &q->all, arrived);
	if (arrived > 0 && q->mta->boxed)
		add_age(q, &q->age[box], arrived);
	if (dir < DIRS_MAX)
		keep(q, dir, box, name);
}

static bool
is_dir(int fd, const struct dirent *d)
{
	struct stat st;

	if (d->d_type != DT_UNKNOWN)
		return d->d_type == DT_DIR;
	return fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

bool
queue_list(const char *path, bool may_miss, queue_entry fn, void *arg, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;
	bool good = true;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		if (may_miss && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
			return true;
		return err_set(e, "cannot list %s: %s", path, strerror(errno));
	}
	for (errno = 0; good && (d = readdir(dir)) != NULL; errno = 0)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			good = fn(arg, d->d_name, is_dir(fd, d), e);
	if (good && errno != 0)
		good = err_set(e, "cannot list %s: %s", path, strerror(errno));
	closedir(dir);
	return good;
}

/* --- looking ------------------------------------------------------------------------------- */

void
queue_mail_rcpt(struct queue_mail *m, struct slice address)
{
	ptrdiff_t at = slice_rfind(address, SLICE("@"));
	struct slice domain = slice_from(address, at < 0 ? address.n : (size_t)at + 1);

	for (unsigned i = 0; i < m->domains; i++)
		if (slice_eq_nocase(m->domain[i], domain))
			return;
	if (m->domains < QUEUE_DOMAINS_MAX)
		m->domain[m->domains++] = domain;
}

/* Not to be seen in the access time is for the owner and root alone. */
static int
open_quietly(int dirfd, const char *name)
{
	int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int fd = openat(dirfd, name, flags | O_NOATIME);

	if (fd < 0 && errno == EPERM)
		fd = openat(dirfd, name, flags);
	return fd;
}

static void
note_trouble(struct queue_look *l, const char *name)
{
	if (errno == ENOENT)
		return;		/* delivered while we looked */
	if (l->q->trouble.text[0] == '\0')
		err_set(&l->q->trouble, "cannot read %s/%s: %s", l->q->dir[l->dir], name,
		    strerror(errno));
	l->q->unreadable++;
}

struct slice
queue_read(struct queue_look *l, int dirfd, const char *name, int64_t from, char *to, size_t size)
{
	int fd = open_quietly(dirfd, name);
	struct stat st;
	ssize_t n = -1;

	if (fd < 0) {
		note_trouble(l, name);
		return (struct slice){ to, 0 };
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		l->file_size = st.st_size;
		l->mtime = st.st_mtime;
		n = pread(fd, to, size, from);
	}
	close(fd);
	return (struct slice){ to, n > 0 ? (size_t)n : 0 };
}

bool
queue_line(struct slice bytes, struct slice head, struct slice *value)
{
	struct slice line;

	while (slice_next(&bytes, '\n', &line)) {
		if (slice_eat(&line, head)) {
			*value = slice_trim(line);
			return true;
		}
	}
	return false;
}

/* "connect to mx.example.net[192.0.2.1]:25: Connection refused" */
static void
drop_host(struct slice *s)
{
	static const struct slice before[] = {
		{ "connect to ", 11 }, { "host ", 5 }, { "TLS is required, ", 17 }
	};
	struct slice rest = *s, head;

	for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
		if (!slice_eat(&rest, before[i]))
			continue;
		if (slice_cut_at(&rest, SLICE("] said: "), &head) ||
		    slice_cut_at(&rest, SLICE("] refused to talk to me: "), &head) ||
		    (slice_cut_at(&rest, SLICE("]"), &head) && slice_cut_at(&rest, SLICE(": "), &head)))
			*s = rest;
		return;
	}
}

struct slice
queue_reason(struct slice text)
{
	struct slice head;

	(void)slice_eat(&text, SLICE("Deferred: "));
	(void)slice_eat(&text, SLICE("delivery temporarily suspended: "));
	drop_host(&text);
	if (slice_cut_at(&text, SLICE(" (in reply to "), &head) ||
	    slice_cut_at(&text, SLICE(". Name service error "), &head) ||
	    slice_cut_at(&text, SLICE(" by ["), &head) ||
	    (slice_starts(text, SLICE("lost connection with ")) &&
	    slice_cut_at(&text, SLICE("["), &head)))
		text = head;
	return slice_head(slice_trim(text), 160);
}

static void
count_domain(struct queue *q, const struct queue_mail *m, struct slice domain)
{
	char lower[QUEUE_TEXT_MAX];
	size_t n = domain.n < 120 ? domain.n : 120;	/* no name in the DNS is longer than 253 */
	struct slice reason = slice_head(m->reason, sizeof lower - n - 1);

	for (size_t i = 0; i < n; i++)
		lower[i] = slice_lower(domain.p[i]);
	queue_table_add(&q->to, (struct slice){ lower, n }, m->arrived);
	if (reason.n == 0)
		return;
	lower[n] = '\0';
	memcpy(lower + n + 1, reason.p, reason.n);
	queue_table_add(&q->why, (struct slice){ lower, n + 1 + reason.n }, m->arrived);
}

static void
take(struct queue *q, const struct queue_mail *m)
{
	q->looked++;
	q->looked_box[m->box]++;
	q->frozen += m->frozen;
	if (m->size >= 0) {
		q->sized++;
		q->bytes += (double)m->size;
	}
	if (!q->ages_of_all)
		add_age(q, &q->all, m->arrived);
	if (!q->ages_of_all || !q->mta->boxed)
		add_age(q, &q->age[m->box], m->arrived);
	q->reasons += m->reason.n > 0;
	for (unsigned i = 0; i < m->domains; i++)
		count_domain(q, m, m->domain[i]);
	if (m->any_sender && m->sender.n == 0)
		q->null_sender++;
	if (m->any_sender) {
		ptrdiff_t at = slice_rfind(m->sender, SLICE("@"));

		queue_table_add(&q->from, slice_from(m->sender, at < 0 ? 0 : (size_t)at + 1), m->arrived);
	}
}

void
queue_told(struct queue *q, const struct queue_mail *m)
{
	q->n[m->box]++;
	q->ages_of_all = false;	/* take() adds them */
	take(q, m);
}

static bool
enter(struct queue_look *l, uint16_t dir)
{
	if (l->dirfd >= 0 && l->dir == dir)
		return true;
	if (l->dirfd >= 0)
		close(l->dirfd);
	l->dir = dir;
	l->dirfd = open(l->q->dir[dir], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return l->dirfd >= 0;
}

static void
look_at(struct queue_look *l, const struct queue_name *k, bool wants_reason)
{
	struct queue *q = l->q;
	struct queue_mail m = { .size = -1, .box = (enum queue_box)k->box };
	int64_t unreadable = q->unreadable;

	l->wants_reason = wants_reason;
	if (enter(l, k->dir) && q->mta->look(l, q->text + k->at, &m))
		take(q, &m);
	else if (q->unreadable == unreadable)
		q->vanished++;
}

void
queue_look(struct queue *q, size_t max, double seconds)
{
	struct queue_look *l = xcalloc(1, sizeof *l);
	size_t want = max == 0 || max > q->names ? q->names : max, done = 0;
	size_t most = q->max_reasons;
	double until = clock_now() + seconds;

	l->q = q;
	l->dirfd = -1;
	if (!q->ages_of_all) {	/* where only some names told it they are no sample of all */
		memset(&q->all, 0, sizeof q->all);
		memset(q->age, 0, sizeof q->age);
	}
	for (size_t pass = 0; pass < STRATA && !q->out_of_time; pass++) {
		for (size_t i = pass; i < want; i += STRATA) {
			/* evenly over all that are kept; reasons evenly over those that are read */
			size_t at = (size_t)((double)i * (double)q->names / (double)want);

			look_at(l, &q->name[at], (size_t)q->reasons < most &&
			    (want <= most || done % (want / most) == 0));
			if (++done % 16 == 0 && clock_now() > until && done < want) {
				q->out_of_time = true;
				break;
			}
		}
	}
	if (l->dirfd >= 0)
		close(l->dirfd);
	free(l);
}
