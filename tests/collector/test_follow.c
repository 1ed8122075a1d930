/* test_follow.c - log files that grow, rotate, vanish and come back. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "buf.h"
#include "input/follow.h"
#include "tap.h"

#include "poison.h"

static char dir[] = "/tmp/test_follow.XXXXXX";

static struct {
	struct follow *f;
	int64_t now;
	struct buf got, said;
	struct follow_file state[32];	/* what a daemon would have in its database */
	size_t states;
} t;

static char *
in_dir(const char *name)
{
	static char path[4][128];
	static unsigned at;

	at = (at + 1) % 4;
	(void)snprintf(path[at], sizeof path[at], "%s/%s", dir, name);
	return path[at];
}

static void
add(const char *name, const char *text)
{
	FILE *f = fopen(in_dir(name), "ae");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		exit(1);
}

static void
move(const char *from, const char *to)
{
	if (rename(in_dir(from), in_dir(to)) != 0)
		exit(1);
}

/* What logrotate does with copytruncate. */
static void
copy(const char *from, const char *to)
{
	char buf[4096];
	FILE *in = fopen(in_dir(from), "re"), *out = fopen(in_dir(to), "we");
	size_t n;

	if (in == NULL || out == NULL)
		exit(1);
	while ((n = fread(buf, 1, sizeof buf, in)) > 0)
		(void)fwrite(buf, 1, n, out);
	fclose(in);
	fclose(out);
}

static void
empty(const char *name)
{
	if (truncate(in_dir(name), 0) != 0)
		exit(1);
}

/* gzip keeps the time of the last change. */
static void
pack(const char *name, const char *packed)
{
	char buf[4096];
	FILE *in = fopen(in_dir(name), "re");
	gzFile out = gzopen(in_dir(packed), "wb");
	struct timespec times[2];
	struct stat st;
	size_t n;

	if (in == NULL || out == NULL || fstat(fileno(in), &st) != 0)
		exit(1);
	while ((n = fread(buf, 1, sizeof buf, in)) > 0)
		(void)gzwrite(out, buf, (unsigned)n);
	gzclose(out);
	fclose(in);
	times[0] = times[1] = st.st_mtim;
	if (utimensat(AT_FDCWD, in_dir(packed), times, 0) != 0 || unlink(in_dir(name)) != 0)
		exit(1);
}

/* As if it had not been written to for years. */
static void
age(const char *name)
{
	struct timespec long_ago[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

	if (utimensat(AT_FDCWD, in_dir(name), long_ago, 0) != 0)
		exit(1);
}

static void
save(void)
{
	struct follow_file moved[32];
	size_t n = follow_moved(t.f, moved, 32);

	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < t.states && t.state[k].id != moved[i].id)
			k++;
		if (k == t.states)
			t.states++;
		t.state[k] = moved[i];
		t.state[k].family = in_dir("mail.log");	/* outlives the follower */
	}
	follow_saved(t.f);
}

/* Look and read all there is: the lines, each with a blank. */
static const char *
lines(void)
{
	struct follow_line line;
	struct err e;
	int rc;

	buf_clear(&t.got);
	buf_clear(&t.said);
	buf_str(&t.got, "");
	buf_str(&t.said, "");
	follow_look(t.f, ++t.now);
	while ((rc = follow_next(t.f, &line, &e)) != 0) {
		if (rc < 0) {
			buf_str(&t.said, e.text);
			continue;
		}
		buf_add(&t.got, line.raw);
		buf_char(&t.got, ' ');
	}
	save();
	return t.got.p;
}

static void
begin(const char *pattern)
{
	static char family[128];
	struct err e;

	(void)snprintf(family, sizeof family, "%s", in_dir("mail.log"));
	for (size_t i = 0; i < t.states; i++)
		t.state[i].family = family;
	t.f = follow_new(t.state, t.states, 0);
	if (!follow_add(t.f, in_dir(pattern), &e))
		exit(1);
}

static void
end(void)
{
	follow_free(t.f);
	t.f = NULL;
}

/* Nothing of the test before. */
static void
clean(void)
{
	static const char *const names[] = { "mail.log", "mail.log.1", "mail.log.2", "mail.log.3",
		"mail.log.1.gz", "mail.log.2.gz", "mail.log.3.gz", "mail.log.4.gz", "target",
		"mail.log.2.lz4", "a.log", "b.log", "b.log.1", "c.log", "d-20261119.log",
		"d-20261120.log", "mail.log-20261119", "mail.log-20261120" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		(void)unlink(in_dir(names[i]));
	t.states = 0;
}

static void
test_rename(void)
{
	begin("mail.log");
	is_str(lines(), "", "no file yet");
	ok(strstr(t.said.p, "not there yet") != NULL, "which is told");
	is_str(lines(), "", "still none");
	is_str(t.said.p, "", "which is not told again");
	add("mail.log", "a1\na2\na");
	is_str(lines(), "a1 a2 ", "it appeared");
	add("mail.log", "3\n");
	is_str(lines(), "a3 ", "the line that was unfinished");
	add("mail.log", "a4\n");
	move("mail.log", "mail.log.1");
	is_str(lines(), "a4 ", "renamed: what was left");
	add("mail.log.1", "a5\n");
	add("mail.log", "b1\n");
	add("mail.log.1", "a6\n");
	is_str(lines(), "a5 a6 b1 ", "the old file to its end, then the new one");
	add("mail.log.1", "a7\na8");
	add("mail.log", "b2\n");
	is_str(lines(), "a7 b2 ", "the log daemon was slow to reopen");
	t.now += 100;
	is_str(lines(), "a8 ", "its unfinished end after a while");
	add("mail.log.1", "a9\n");
	is_str(lines(), "", "then it is done with");
	end();

	begin("mail.log");
	is_str(lines(), "a9 ", "until the next start, which reads nothing twice");
	add("mail.log", "b3\n");
	is_str(lines(), "b3 ", "and nothing is missed");
	/* twice between two looks */
	add("mail.log", "b4\n");
	move("mail.log.1", "mail.log.3");
	move("mail.log", "mail.log.2");
	add("mail.log.1", "c1\n");
	add("mail.log", "d1\n");
	is_str(lines(), "b4 c1 d1 ", "rotated twice at once");
	end();
	clean();
}

static void
test_truncate(void)
{
	add("mail.log.4", "history\n");
	age("mail.log.4");
	pack("mail.log.4", "mail.log.4.gz");
	add("mail.log", "a1 is a line that is long enough\na2\n");
	begin("mail.log");
	(void)lines();
	add("mail.log", "a3\n");
	copy("mail.log", "mail.log.1");
	empty("mail.log");
	is_str(lines(), "a3 ", "copytruncate: the rest comes from the copy");
	ok(strstr(t.said.p, "truncated") != NULL, "it is told: %s", t.said.p);
	add("mail.log", "b1\n");
	is_str(lines(), "b1 ", "then the new lines");
	copy("mail.log", "mail.log.2");
	move("mail.log.1", "mail.log.3");
	move("mail.log.2", "mail.log.1");
	empty("mail.log");
	add("mail.log", "c1 longer than everything that was in the file before\n");
	is_str(lines(), "c1 longer than everything that was in the file before ",
	    "truncated and grown past the old end");
	ok(strstr(t.said.p, "truncated") != NULL, "told again");
	(void)unlink(in_dir("mail.log.1"));
	(void)unlink(in_dir("mail.log.3"));
	empty("mail.log");
	is_str(lines(), "", "without a copy");
	ok(strstr(t.said.p, "truncated") != NULL, "told again");
	add("mail.log", "d1\n");
	is_str(lines(), "d1 ", "there is nothing to catch up");
	end();
	begin("mail.log");
	add("mail.log", "d2\n");
	copy("mail.log", "mail.log.2");
	empty("mail.log");
	add("mail.log", "e1\n");
	is_str(lines(), "d2 e1 ", "copytruncate while we were away");
	end();
	clean();
}

/* n lines, each of its own, in one go. */
static void
add_many(const char *name, char mark, int n)
{
	struct buf b = buf_new(1 << 24);

	for (int i = 0; i < n; i++)
		buf_fmt(&b, "%c%05d of a line that is somewhat longer\n", mark, i);
	add(name, b.p);
	buf_free(&b);
}

/* Begun between copying and truncating; and truncated, and written beyond the place where
 * it was left, while much was still to be read. again: killed with what was saved then. */
static void
test_truncate_meanwhile(bool again)
{
	enum { MANY = 9000 };	/* more than a reader takes at once */
	struct follow_line line;
	struct err e;
	int n = 0, b = 0;

	add("mail.log", "a1 is the first line\n");
	begin("mail.log");
	(void)lines();
	end();
	add("mail.log", "a2\n");
	copy("mail.log", "mail.log.1");
	begin("mail.log");
	is_str(lines(), "a2 ", "begun between copying and truncating: once");
	empty("mail.log");
	is_str(lines(), "", "truncated then: nothing twice");

	add_many("mail.log", 'n', MANY);
	follow_look(t.f, ++t.now);
	while (n < MANY / 2 && follow_next(t.f, &line, &e) > 0)
		n++;
	move("mail.log.1", "mail.log.2");
	copy("mail.log", "mail.log.1");
	empty("mail.log");
	add_many("mail.log", 'b', MANY);
	save();
	if (again) {
		end();
		begin("mail.log");
	}
	for (int k = 0; k < 5; k++) {
		follow_look(t.f, ++t.now);
		for (int rc; (rc = follow_next(t.f, &line, &e)) != 0; ) {
			n += rc > 0 && line.raw.p[0] == 'n';
			b += rc > 0 && line.raw.p[0] == 'b';
		}
		save();
	}
	ok(n == MANY, "%s: %d of %d old lines", again ? "killed" : "truncated", n, MANY);
	ok(b == MANY, "and %d of %d new ones", b, MANY);
	end();
	clean();
}

static void
test_missed(void)
{
	add("mail.log", "x1\n");
	move("mail.log", "mail.log.1");
	add("mail.log", "a1\na2\n");
	begin("mail.log");
	is_str(lines(), "a1 a2 ", "a first start reads no history");
	end();
	/* three rotations while we were away, with delayed compression */
	add("mail.log", "a3\n");
	move("mail.log.1", "mail.log.4");
	pack("mail.log.4", "mail.log.4.gz");
	move("mail.log", "mail.log.3");
	pack("mail.log.3", "mail.log.3.gz");
	add("mail.log.2", "b1\n");
	pack("mail.log.2", "mail.log.2.gz");
	add("mail.log.1", "c1\n");
	add("mail.log", "d1\n");
	begin("mail.log");
	is_str(lines(), "a3 b1 c1 d1 ", "missed rotations, the oldest first");
	is_str(lines(), "", "once");
	end();
	begin("mail.log");
	is_str(lines(), "", "also after another restart");
	end();
	/* gzip at work: both files are there */
	copy("mail.log.1", "mail.log.3");
	pack("mail.log.3", "mail.log.1.gz");
	add("mail.log.1", "c2\n");
	add("mail.log", "d2\n");
	begin("mail.log");
	add("mail.log.3", "z1 is of a file that is not complete\n");
	pack("mail.log.3", "mail.log.1.gz");
	is_str(lines(), "c2 d2 ", "a file that is being packed counts once");
	end();
	clean();

	/* interrupted between the old file's end and the new one's */
	add("mail.log", "a1\n");
	begin("mail.log");
	(void)lines();
	move("mail.log", "mail.log.1");
	add("mail.log", "b1\n");
	(void)lines();
	end();
	add("mail.log.1", "a2\n");
	begin("mail.log");
	is_str(lines(), "a2 ", "the old file had grown");
	end();
	/* what is packed by a stranger cannot be read, and that is told */
	add("mail.log", "b2\n");
	age("mail.log.1");
	move("mail.log", "mail.log.2.lz4");
	add("mail.log", "c1\n");
	begin("mail.log");
	is_str(lines(), "c1 ", "a packer that we do not know");
	ok(strstr(t.said.p, "mail.log.2.lz4") != NULL, "%s", t.said.p);
	end();
	clean();
}

static void
test_dates(void)
{
	add("mail.log", "a1\n");
	begin("mail.log*");
	is_str(lines(), "a1 ", "a pattern that also finds what was rotated");
	move("mail.log", "mail.log-20261119");
	is_str(lines(), "", "between renaming and creating");
	add("mail.log", "b1\n");
	is_str(lines(), "b1 ", "the new file");
	end();
	move("mail.log", "mail.log-20261120");
	add("mail.log-20261120", "b2\n");
	add("mail.log", "c1\n");
	begin("mail.log*");
	is_str(lines(), "b2 c1 ", "dates instead of numbers");
	end();
	clean();

	add("d-20261119.log", "a1\n");
	begin("d-*.log");
	is_str(lines(), "a1 ", "a file for each day");
	add("d-20261120.log", "b1\n");
	add("d-20261119.log", "a2\n");
	is_str(lines(), "a2 b1 ", "the next day");
	end();
	clean();
}

static void
test_many(void)
{
	struct follow_line line;
	struct err e;
	struct buf big = buf_new(1 << 20);
	int fd, n = 0;

	add("a.log", "a1\n");
	add("b.log.1", "old\n");
	begin("?.log");
	is_str(lines(), "a1 ", "a pattern");
	add("b.log", "b1\n");
	is_str(lines(), "b1 ", "that finds another file later");
	ok(follow_behind(t.f) == 0, "nothing waits");
	fd = follow_fd(t.f);
	if (fd >= 0) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		is_int(poll(&p, 1, 0), 0, "nothing happens");
		add("b.log", "b2\n");
		is_int(poll(&p, 1, 0), 1, "a line wakes");
		is_str(lines(), "b2 ", "and is there");
		add("c.log", "");
		is_int(poll(&p, 1, 0), 1, "so does a new file");
		is_str(lines(), "", "which is empty");
	} else {
		ok(1, "being woken # SKIP no inotify");
	}
	for (int i = 0; i < 20000; i++)
		buf_fmt(&big, "a line of a burst\n");
	add("a.log", big.p);
	add("c.log", "c1\n");
	follow_look(t.f, ++t.now);
	is_int((long long)follow_behind(t.f), (long long)big.n + 3, "what waits");
	while (follow_next(t.f, &line, &e) == 1 && line.raw.p[0] != 'c')
		n++;
	ok(n < 5000, "a burst of one does not make others wait: %d lines", n);
	while (follow_next(t.f, &line, &e) == 1)
		n++;
	is_int(n, 20000, "and comes whole");
	buf_free(&big);
	end();
	clean();
}

static void
test_odd(void)
{
	add("target", "a1\n");
	if (symlink(in_dir("target"), in_dir("mail.log")) != 0)
		exit(1);
	begin("mail.log");
	is_str(lines(), "a1 ", "a symbolic link");
	add("target", "a2\n");
	is_str(lines(), "a2 ", "whose target grows");
	(void)unlink(in_dir("mail.log"));
	add("target", "a3\n");
	is_str(lines(), "a3 ", "removed: the open file is read on");
	is_str(t.said.p, "", "in a moment it may be there again");
	t.now += 10;
	(void)lines();
	ok(strstr(t.said.p, "removed") != NULL, "it is not: %s", t.said.p);
	copy("target", "mail.log");
	add("mail.log", "a4\n");
	is_str(lines(), "a4 ", "the same content in a new file goes on");
	add("mail.log.1", "only a file put there\n");
	(void)unlink(in_dir("mail.log"));
	if (mkdir(in_dir("mail.log"), 0700) != 0)
		exit(1);
	is_str(lines(), "", "a directory of that name");
	ok(strstr(t.said.p, "not a file") != NULL, "%s", t.said.p);
	(void)rmdir(in_dir("mail.log"));
	end();
	clean();
}

/* Shift mail.log.N up and make room for mail.log.1; some get packed. */
static void
shift(int rotations, unsigned dice)
{
	char from[32], to[32];

	for (int i = rotations; i >= 1; i--) {
		struct stat st;

		(void)snprintf(from, sizeof from, "mail.log.%d.gz", i);
		(void)snprintf(to, sizeof to, "mail.log.%d.gz", i + 1);
		if (stat(in_dir(from), &st) == 0) {
			move(from, to);
			continue;
		}
		from[strlen(from) - 3] = to[strlen(to) - 3] = '\0';
		move(from, to);
		if (dice % 2 == 0) {
			(void)snprintf(from, sizeof from, "mail.log.%d.gz", i + 1);
			pack(to, from);
		}
	}
}

/* Whatever happens in whatever order: each line once, in the order of its file. */
static void
test_random(void)
{
	uint32_t seed = 1;
	bool good = true;

	for (int round = 0; round < 30; round++) {
		int written = 0, read = 0, rotations = 0;

		add("mail.log", "the first line of this round is long, as lines are\n");
		begin("mail.log");
		(void)lines();
		for (int step = 0; step < 60; step++) {
			char text[32];
			unsigned dice;

			seed = seed * 1664525 + 1013904223;
			dice = seed >> 20;
			(void)snprintf(text, sizeof text, "%d\n", written);
			switch (dice % 8) {
			case 0:
				if (rotations == 8)
					break;
				shift(rotations++, dice / 8);
				move("mail.log", "mail.log.1");
				add("mail.log", "");
				break;
			case 1:
				if (rotations == 8)
					break;
				shift(rotations++, dice / 8);
				copy("mail.log", "mail.log.1");
				empty("mail.log");
				break;
			case 2:
				end();
				begin("mail.log");
				break;
			case 3: case 4:
				for (const char *p = lines(); *p != '\0'; p = strchr(p, ' ') + 1)
					good = good && strtol(p, NULL, 10) == read++;
				break;
			default:
				add("mail.log", text);
				written++;
			}
		}
		for (const char *p = lines(); *p != '\0'; p = strchr(p, ' ') + 1)
			good = good && strtol(p, NULL, 10) == read++;
		if (!ok(good && read == written, "round %d: %d lines over %d rotations", round, read,
		    rotations))
			printf("# written %d, read %d\n", written, read);
		end();
		for (int i = 1; i < 10; i++) {
			char name[32];

			(void)snprintf(name, sizeof name, "mail.log.%d.gz", i);
			(void)unlink(in_dir(name));
			name[strlen(name) - 3] = '\0';
			(void)unlink(in_dir(name));
		}
		clean();
		good = true;
	}
}

/* Killed after a log was opened, and before anything of it was read for good. */
static void
test_begun(void)
{
	add("mail.log.1", "never\n");
	age("mail.log.1");
	add("mail.log", "a1\n");
	begin("mail.log");
	ok(!follow_opened(t.f), "nothing is open yet");
	follow_look(t.f, ++t.now);
	ok(follow_opened(t.f), "a new log is told before it is read");
	save();
	ok(!follow_opened(t.f) && t.states == 1, "once");
	end();
	add("mail.log", "a2\n");
	move("mail.log.1", "mail.log.3");
	pack("mail.log", "mail.log.2.gz");
	add("mail.log.1", "b1\n");
	add("mail.log", "c1\n");
	begin("mail.log");
	is_str(lines(), "a1 a2 b1 c1 ", "what was rotated meanwhile is read, and nothing that was before");
	is_int((int)t.states, 3, "each file has one place");
	end();
	begin("mail.log");
	is_str(lines(), "", "and nothing is read twice");
	end();
	clean();
}

/* More logs than are followed: that is said, once. */
static void
test_too_many(void)
{
	enum { LOGS = 1030 };
	char name[32];

	for (int i = 0; i < LOGS; i++) {
		(void)snprintf(name, sizeof name, "many%d.log", i);
		add(name, "");
	}
	begin("many*.log");
	(void)lines();
	ok(strstr(t.said.p, "more than 1024 logs are too many") != NULL, "too many logs are told");
	is_int((int)follow_left_out(t.f), LOGS - 1024, "and how many are left out");
	(void)lines();
	ok(strstr(t.said.p, "too many for one daemon") == NULL, "once");
	end();
	for (int i = 0; i < LOGS; i++) {
		(void)snprintf(name, sizeof name, "many%d.log", i);
		(void)unlink(in_dir(name));
	}
	clean();
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		return 1;
	t.got = buf_new(1 << 20);
	t.said = buf_new(1 << 20);
	test_rename();
	test_truncate();
	test_truncate_meanwhile(false);
	test_truncate_meanwhile(true);
	test_missed();
	test_dates();
	test_many();
	test_odd();
	test_begun();
	test_random();
	test_too_many();
	buf_free(&t.got);
	buf_free(&t.said);
	ok(rmdir(dir) == 0, "nothing is left behind");
	return done_testing();
}
