/* test_reader.c - files of all sorts as lines, and positions in them. */
#define _POSIX_C_SOURCE 200809L
#include <bzlib.h>
#include <fcntl.h>
#include <lzma.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "buf.h"
#include "input/reader.h"
#include "mem.h"
#include "tap.h"

#include "poison.h"

static char dir[] = "/tmp/test_reader.XXXXXX";
static char path[128];

static const char *
in_dir(const char *name)
{
	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static void
put(const char *name, struct slice s, bool append)
{
	FILE *f = fopen(in_dir(name), append ? "ae" : "we");

	if (f == NULL || fwrite(s.p, 1, s.n, f) != s.n || fclose(f) != 0) {
		perror(name);
		exit(1);
	}
}

static void
put_gz(const char *name, struct slice s, bool append)
{
	gzFile f = gzopen(in_dir(name), append ? "ab" : "wb");

	if (f == NULL || gzwrite(f, s.p, (unsigned)s.n) != (int)s.n || gzclose(f) != Z_OK)
		exit(1);
}

static void
put_bz2(const char *name, struct slice s, bool append)
{
	unsigned cap = (unsigned)(s.n + s.n / 100 + 600);
	char *out = xmalloc(cap);

	/* blocks of 100 KB: what of a file is whole is read, though its end is missing */
	if (BZ2_bzBuffToBuffCompress(out, &cap, (char *)(uintptr_t)s.p, (unsigned)s.n, 1, 0, 0) != BZ_OK)
		exit(1);
	put(name, (struct slice){ out, cap }, append);
	free(out);
}

static void
put_xz(const char *name, struct slice s, bool append)
{
	size_t cap = lzma_stream_buffer_bound(s.n), n = 0;
	char *out = xmalloc(cap);

	if (lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, (const uint8_t *)s.p, s.n, (uint8_t *)out,
	    &n, cap) != LZMA_OK)
		exit(1);
	put(name, (struct slice){ out, n }, append);
	free(out);
}

static void
put_zst(const char *name, struct slice s, bool append)
{
	size_t cap = ZSTD_compressBound(s.n);
	char *out = xmalloc(cap);
	size_t n = ZSTD_compress(out, cap, s.p, s.n, 3);

	if (ZSTD_isError(n))
		exit(1);
	put(name, (struct slice){ out, n }, append);
	free(out);
}

/* "line 1\n" ... to 'to'. */
static struct slice
numbered(struct buf *b, int from, int to)
{
	buf_clear(b);
	for (int i = from; i <= to; i++)
		buf_fmt(b, "line %d of those that are read here\n", i);
	return buf_slice(b);
}

/* Several at a time are the same lines, and all of them lie still together. */
static void
test_together(void)
{
	struct buf b = buf_new(1 << 22);
	struct slice all, line[32];
	struct err e = { "" };
	int most = 0, good = 0, n;
	struct reader *r;

	(void)numbered(&b, 1, 9000);
	for (int i = 0; i < 70000; i++)		/* one that is cut */
		buf_char(&b, 'x');
	buf_str(&b, "\n\nline 9003 of those that are read here\nlast");
	put("together", buf_slice(&b), false);
	r = reader_open(in_dir("together"), &e);
	all = buf_slice(&b);
	while ((n = reader_lines(r, true, line, 32, &e)) > 0) {
		most = n > most ? n : most;
		for (int i = 0; i < n; i++) {
			struct slice want = all;

			(void)slice_cut(&all, '\n', &want);
			good += slice_eq(line[i], slice_head(want, LINE_MAX_BYTES));
			if (want.n > LINE_MAX_BYTES && i + 1 < n)
				good = -1;
		}
	}
	is_int(n, 0, "lines by many end like lines one by one");
	is_int(good, 9004, "are the same, and none comes with one that was cut");
	is_int(most, 32, "and are many");
	is_int((long)reader_cut_lines(r), 1, "which is told");
	reader_close(r);
	buf_free(&b);
	(void)unlink(in_dir("together"));
}

/* Read to the end: how many lines are as numbered() wrote them, in order. */
static int
count(struct reader *r, int from, bool final, int *last, struct err *e)
{
	struct slice line;
	char want[64];
	int rc, good = 0;

	while ((rc = reader_line(r, final, &line, e)) == 1) {
		(void)snprintf(want, sizeof want, "line %d of those that are read here",
		    from + good);
		if (!slice_eq(line, slice_of(want)))
			break;
		good++;
	}
	*last = rc;
	return good;
}

static void
test_forms(void)
{
	static const char *const names[] = { "plain", "one.gz", "one.zst", "one.bz2", "one.xz" };
	enum { NAMES = sizeof names / sizeof names[0] };
	struct buf b = buf_new(8 << 20);
	struct slice all = numbered(&b, 1, 50000);
	struct position pos;
	struct err e;
	int rc;

	put("plain", slice_head(all, all.n / 2), false);
	put("plain", slice_from(all, all.n / 2), true);
	put_gz("one.gz", slice_head(all, all.n / 2), false);
	put_gz("one.gz", slice_from(all, all.n / 2), true);
	put_zst("one.zst", slice_head(all, all.n / 2), false);
	put_zst("one.zst", slice_from(all, all.n / 2), true);
	put_bz2("one.bz2", slice_head(all, all.n / 2), false);
	put_bz2("one.bz2", slice_from(all, all.n / 2), true);
	put_xz("one.xz", slice_head(all, all.n / 2), false);
	put_xz("one.xz", slice_from(all, all.n / 2), true);
	for (int i = 0; i < NAMES; i++) {
		struct reader *r = reader_open(in_dir(names[i]), &e);
		uint64_t done, total;
		struct slice line;

		is_int(count(r, 1, false, &rc, &e), 50000, names[i]);
		is_int(rc, 0, "and then no more");
		reader_progress(r, &done, &total);
		ok(done == total && total > 0, "%s: all of it was read", names[i]);
		ok(reader_seek(r, NULL, &e), "back to the start");
		for (int n = 0; n < 1234; n++)
			(void)reader_line(r, false, &line, &e);
		reader_position(r, &pos);
		reader_close(r);
		/* a position in one form is one in every form: logs get compressed */
		for (int k = 0; k < NAMES; k++) {
			r = reader_open(in_dir(names[k]), &e);
			ok(reader_matches(r, &pos), "%s goes on where %s was left", names[k], names[i]);
			ok(reader_seek(r, &pos, &e), "seek");
			is_int(count(r, 1235, false, &rc, &e), 50000 - 1234, "the rest");
			reader_close(r);
		}
	}
	buf_free(&b);
}

static void
test_damage(void)
{
	struct buf b = buf_new(8 << 20);
	struct slice all = numbered(&b, 1, 20000);
	static const char *const names[] = { "half.gz", "half.zst", "half.bz2", "half.xz" };
	struct stat st;
	struct err e;
	int rc, n;

	put_gz("half.gz", all, false);
	put_zst("half.zst", all, false);
	put_bz2("half.bz2", all, false);
	put_xz("half.xz", all, false);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct reader *r;

		if (stat(in_dir(names[i]), &st) != 0 || truncate(path, st.st_size * 3 / 4) != 0)
			exit(1);
		r = reader_open(in_dir(names[i]), &e);
		n = count(r, 1, true, &rc, &e);
		ok(n > 5000 && n < 20000, "%s: %d lines before the end that is missing", names[i], n);
		is_int(rc, -1, "then a failure");
		ok(strstr(e.text, "ends in the middle") != NULL && strstr(e.text, names[i]) != NULL,
		    "which says so: %s", e.text);
		reader_close(r);
	}
	put("bad.gz", SLICE("\x1f\x8b and then rubbish that is no deflate at all"), false);
	ok(reader_open(in_dir("bad.gz"), &e) == NULL && strstr(e.text, "damaged") != NULL,
	    "damaged from the start: %s", e.text);
	put("bad.bz2", SLICE("BZh9 and then rubbish that no bzip2 ever wrote"), false);
	ok(reader_open(in_dir("bad.bz2"), &e) == NULL && strstr(e.text, "damaged") != NULL, "%s", e.text);
	put("bad.xz", SLICE("\xfd" "7zXZ\0 and then rubbish that no xz ever wrote"), false);
	ok(reader_open(in_dir("bad.xz"), &e) == NULL && strstr(e.text, "damaged") != NULL, "%s", e.text);
	put_gz("trail.gz", SLICE("line 1 of those that are read here\n"), false);
	put("trail.gz", SLICE("\0\0\0\0"), true);
	struct reader *r = reader_open(in_dir("trail.gz"), &e);
	is_int(count(r, 1, true, &rc, &e), 1, "padding after a gzip member");
	is_int(rc, 0, "is no damage");
	reader_close(r);
	buf_free(&b);
}

/* Can an ordinary user not open it? Root may read everything, so ask as nobody. */
static bool
refused_to_others(const char *name)
{
	pid_t child = fork();
	struct err e;
	int status;

	if (child == 0) {
		bool asked = geteuid() != 0 || (setgid(65534) == 0 && setuid(65534) == 0);

		_exit(asked && reader_open(name, &e) == NULL &&
		    strstr(e.text, "ermission") != NULL ? 0 : 1);
	}
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	    WEXITSTATUS(status) == 0;
}

static void
test_bad_files(void)
{
	struct err e;

	ok(reader_open(dir, &e) == NULL && strstr(e.text, "directory") != NULL, "%s", e.text);
	ok(reader_open(in_dir("absent"), &e) == NULL && strstr(e.text, "absent") != NULL, "%s",
	    e.text);
	put("secret", SLICE("x\n"), false);
	(void)chmod(path, 0);
	ok(refused_to_others(path), "no permission");
}

static void
test_growing(void)
{
	struct err e;
	struct slice line;
	struct position pos, at0;
	struct reader *r;

	put("grow", SLICE(""), false);
	r = reader_open(in_dir("grow"), &e);
	is_int(reader_line(r, false, &line, &e), 0, "an empty file");
	put("grow", SLICE("one\ntw"), true);
	ok(reader_line(r, false, &line, &e) == 1 && slice_eq(line, SLICE("one")), "it grew");
	is_int(reader_line(r, false, &line, &e), 0, "an unfinished line waits");
	reader_position(r, &pos);
	is_int((long long)pos.offset, 4, "and is not in the position");
	put("grow", SLICE("o\nthree"), true);
	ok(reader_line(r, false, &line, &e) == 1 && slice_eq(line, SLICE("two")), "it is finished");
	is_int(reader_line(r, false, &line, &e), 0, "the next one waits");
	ok(reader_line(r, true, &line, &e) == 1 && slice_eq(line, SLICE("three")),
	    "unless this was the end");
	ok(reader_matches(r, &pos), "the position still matches");
	ok(reader_seek(r, &pos, &e) && reader_line(r, false, &line, &e) == 1 &&
	    slice_eq(line, SLICE("two")), "and leads to the second line");
	ok(reader_seek(r, NULL, &e), "to the start");
	reader_position(r, &at0);
	ok(reader_matches(r, &at0), "offset 0 matches");
	reader_close(r);

	put("grow", SLICE("uno\ntwo\nthree"), false);
	r = reader_open(in_dir("grow"), &e);
	ok(!reader_matches(r, &pos), "another head is another file");
	reader_close(r);
	put("grow", SLICE("on"), false);
	r = reader_open(in_dir("grow"), &e);
	ok(!reader_matches(r, &pos), "a shorter file is another file");
	reader_close(r);
}

/* Files that agree in one end only are others. */
static void
test_matches(void)
{
	struct buf b = buf_new(1 << 20);
	struct slice all = numbered(&b, 1, 200), line;
	struct position pos;
	struct reader *r;
	struct err e;
	char *p = (char *)(uintptr_t)all.p;

	put("long", all, false);
	r = reader_open(in_dir("long"), &e);
	for (int i = 0; i < 150; i++)
		(void)reader_line(r, false, &line, &e);
	reader_position(r, &pos);
	ok(reader_unchanged(r), "unchanged");
	reader_close(r);
	p[10] = 'X';
	put("long", all, false);
	r = reader_open(in_dir("long"), &e);
	ok(!reader_matches(r, &pos), "another head");
	reader_close(r);
	p[10] = 't';
	p[pos.offset - 3] = 'X';
	put("long", all, false);
	r = reader_open(in_dir("long"), &e);
	ok(!reader_matches(r, &pos), "another place where it was left");
	ok(reader_seek(r, NULL, &e) && reader_line(r, false, &line, &e) == 1 &&
	    line.n == 34, "such a file is read from its start");
	p[pos.offset - 3] = 'Y';
	put("long", all, false);
	ok(reader_unchanged(r), "a change behind the place is none");
	put("long", slice_head(all, 3000), false);
	ok(!reader_unchanged(r), "a file that became shorter than what was read ahead");
	reader_close(r);
	buf_free(&b);
}

/* The end of a long line comes in small pieces: the position has to know it. */
static void
test_long_line_grows(void)
{
	struct buf b = buf_new(1 << 20);
	struct position pos;
	struct slice line;
	struct reader *r;
	struct err e;

	for (int i = 0; i < 40000; i++)
		buf_fmt(&b, "%d,", i);
	put("long", buf_slice(&b), false);
	r = reader_open(in_dir("long"), &e);
	for (int i = 0; i < 100; i++) {
		is_int(reader_line(r, false, &line, &e), 0, "no end yet");
		put("long", SLICE("abcdefghijklmnopqrstuvwxyz"), true);
	}
	put("long", SLICE("end\nnext\n"), true);
	is_int(reader_line(r, false, &line, &e), 1, "the end");
	ok(line.n == LINE_MAX_BYTES && memcmp(line.p, b.p, line.n) == 0, "its first 64 KiB");
	reader_position(r, &pos);
	is_int((long long)pos.offset, (long long)b.n + 2604, "the place after it");
	reader_close(r);
	r = reader_open(in_dir("long"), &e);
	ok(reader_matches(r, &pos) && reader_seek(r, &pos, &e) &&
	    reader_line(r, false, &line, &e) == 1 && slice_eq(line, SLICE("next")), "is found again");
	reader_close(r);
	buf_free(&b);
}

static void
test_long_lines(void)
{
	static const size_t sizes[] = { 65535, 65536, 65537, 65600, 65601, 130000, 400000, 3000000 };
	struct err e;
	struct slice line;
	struct position pos;

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		size_t n = sizes[i], want = n < LINE_MAX_BYTES ? n : LINE_MAX_BYTES;
		char *p = xmalloc(n + 8);
		struct reader *r;

		memset(p, 'x', n);
		memcpy(p, "a\n", 2);
		memcpy(p + n, "\nafter\n", 7);
		p[n - 1] = 'y';
		put("long", (struct slice){ p, n + 7 }, false);
		r = reader_open(in_dir("long"), &e);
		n -= 2;	/* the first line and its newline */
		want = n < LINE_MAX_BYTES ? n : LINE_MAX_BYTES;
		(void)reader_line(r, false, &line, &e);
		ok(reader_line(r, false, &line, &e) == 1 && line.n == want,
		    "of a line of %zu bytes %zu", n, line.n);
		is_int((long long)reader_cut_lines(r), n > LINE_MAX_BYTES, "cut lines");
		reader_position(r, &pos);
		is_int((long long)pos.offset, (long long)n + 3, "the position is after all of it");
		ok(reader_line(r, false, &line, &e) == 1 && slice_eq(line, SLICE("after")),
		    "the next line is whole");
		ok(reader_matches(r, &pos) && reader_seek(r, &pos, &e) &&
		    reader_line(r, false, &line, &e) == 1 && slice_eq(line, SLICE("after")),
		    "and is found again");
		reader_close(r);
		free(p);
	}
}

/* After a crash a file may have a hole: NUL bytes belong to the line they are in. */
static void
test_hole(void)
{
	struct err e;
	struct slice line;
	struct reader *r;

	put("hole", SLICE("one\n\0\0\0\0two\n\nend\n"), false);
	r = reader_open(in_dir("hole"), &e);
	ok(reader_line(r, false, &line, &e) == 1 && line.n == 3, "before the hole");
	ok(reader_line(r, false, &line, &e) == 1 && slice_eq(line, SLICE("\0\0\0\0two")), "the hole");
	ok(reader_line(r, false, &line, &e) == 1 && line.n == 0, "an empty line");
	ok(reader_line(r, false, &line, &e) == 1 && slice_eq(line, SLICE("end")), "the end");
	reader_close(r);
	put("hole", SLICE("one\n"), false);
	if (truncate(in_dir("hole"), 50000000) != 0)
		exit(1);
	put("hole", SLICE("\nend\n"), true);
	r = reader_open(in_dir("hole"), &e);
	(void)reader_line(r, false, &line, &e);
	ok(reader_line(r, false, &line, &e) == 1 && line.n == LINE_MAX_BYTES, "a hole of 50 MB");
	ok(reader_line(r, false, &line, &e) == 1 && slice_eq(line, SLICE("end")), "and the end");
	reader_close(r);
}

/* Make standard input that file, or what a pipe would give. */
static void
test_stdin(void)
{
	struct buf b = buf_new(8 << 20);
	struct slice all = numbered(&b, 1, 3000);
	struct position pos;
	struct err e;
	struct reader *r;
	int fd[2], rc, was = dup(STDIN_FILENO), file;

	put_gz("in.gz", all, false);
	file = open(path, O_RDONLY | O_CLOEXEC);
	(void)dup2(file, STDIN_FILENO);
	r = reader_open("-", &e);
	is_int(count(r, 1, true, &rc, &e), 3000, "a compressed file on standard input");
	reader_close(r);

	all = slice_head(all, 60000);	/* fits a pipe */
	if (pipe(fd) != 0 || write(fd[1], all.p, all.n) != (ssize_t)all.n)
		exit(1);
	(void)close(fd[1]);
	(void)dup2(fd[0], STDIN_FILENO);
	r = reader_open("-", &e);
	rc = count(r, 1, true, &(int){ 0 }, &e);
	ok(rc > 1000, "a pipe: %d lines", rc);
	reader_position(r, &pos);
	ok(!reader_matches(r, &pos), "one cannot go back in a pipe");
	reader_close(r);
	(void)dup2(was, STDIN_FILENO);
	(void)close(was);
	(void)close(file);
	(void)close(fd[0]);
	buf_free(&b);
}

static void
test_family(void)
{
	static const char *const cases[][2] = {
		{ "/var/log/mail.log", "/var/log/mail.log" },
		{ "/var/log/mail.log.1", "/var/log/mail.log" },
		{ "/var/log/mail.log.2.gz", "/var/log/mail.log" },
		{ "/var/log/mail.log-20261120.zst", "/var/log/mail.log" },
		{ "/var/log/maillog-2026112010", "/var/log/maillog" },
		{ "/var/log/maillog-1795208012.xz", "/var/log/maillog" },
		{ "/var/log/maillog.20261120-101112", "/var/log/maillog" },
		{ "/var/log/mail.log-20261120-1795208012.gz", "/var/log/mail.log" },
		{ "/var/log/mail.log-20261120101112", "/var/log/mail.log" },
		{ "/var/log/mail.log-202611201011", "/var/log/mail.log" },
		{ "/var/log/mail.log-20261120-10", "/var/log/mail.log" },
		{ "/var/log/mail.log_20261120.xz", "/var/log/mail.log" },
		{ "/var/log/mail.log-2026-11-20_10-11-12", "/var/log/mail.log" },
		{ "/var/log/mail-20261120-1795208012.log", "/var/log/mail.log" },
		{ "/var/log/mx-192.0.2.10-20261120-1795208012", "/var/log/mx-192.0.2.10" },
		{ "/var/log/mx1-20261320-10", "/var/log/mx1-20261320-10" },
		{ "/var/log/20261120/mail.log", "/var/log/20261120/mail.log" },
		{ "/var/log/-20261120-10", "/var/log/-20261120-10" },
		{ "/var/log/maillog.0.bz2", "/var/log/maillog" },
		{ "mail-20261120.log", "mail.log" },
		{ "mail-2026-11-20.log.gz", "mail.log" },
		{ "mail.log.old", "mail.log" },
		{ "/log/192.0.2.10", "/log/192.0.2.10" },
		{ "/log/192.0.2.10.1", "/log/192.0.2.10" },
		{ "/log/192.0.2.10.log", "/log/192.0.2.10.log" },
		{ "/log/mx-192.0.2.10", "/log/mx-192.0.2.10" },
		{ "/log/mx1", "/log/mx1" },
		{ "/log/mx-10", "/log/mx-10" },
		{ "/log/.1", "/log/.1" },
		{ "/log/3.gz", "/log/3" },
		{ "a", "a" },
		{ "", "" },
	};
	char out[64];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		reader_family(cases[i][0], out, sizeof out);
		is_str(out, cases[i][1], cases[i][0]);
	}
}

int
main(void)
{
	static const char *const made[] = { "plain", "one.gz", "one.zst", "half.gz", "half.zst", "one.bz2", "one.xz", "half.bz2",
		"half.xz", "bad.bz2", "bad.xz",
		"bad.gz", "trail.gz", "secret", "grow", "long", "hole", "in.gz" };

	if (mkdtemp(dir) == NULL)
		return 1;
	test_together();
	test_forms();
	test_damage();
	test_bad_files();
	test_growing();
	test_matches();
	test_long_line_grows();
	test_long_lines();
	test_hole();
	test_stdin();
	test_family();
	for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
		(void)unlink(in_dir(made[i]));
	ok(rmdir(dir) == 0, "nothing is left behind");
	return done_testing();
}
