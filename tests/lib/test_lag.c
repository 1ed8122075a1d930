/* test_lag.c - what checks remember of copies; work in processes of its own. */
#include "lag.h"

#include <math.h>
#include <signal.h>
#include <unistd.h>

#include "apart.h"
#include "clock.h"
#include "tap.h"

static const struct slice peer = { "mx2", 3 }, other = { "mx3", 3 };

static void
notes(void)
{
	struct err e = { "" };

	ok(lag_notes_read("check_x", SLICE("thing"), &e), "no notes yet: %s", e.text);
	ok(lag_since(peer, SLICE("17"), 1000) == 0, "a new value is new");
	ok(lag_since(peer, SLICE("17"), 1060) == 60, "it is still there after a minute");
	ok(lag_since(other, SLICE("17"), 1060) == 0, "keys do not mix");
	ok(lag_since(peer, SLICE("18"), 1070) == 0, "another value is new");
	ok(lag_since(peer, SLICE("18"), 900) == 0, "a clock that was set back begins anew");
	ok(lag_since(peer, SLICE("18"), 910) == 10, "and goes on from there");
	lag_keep(SLICE("never heard of"));
	ok(isnan(lag_last_well(SLICE("sick"), false, 1000)), "never well yet");
	ok(lag_last_well(SLICE("sick"), true, 1000) == 0, "well");
	ok(lag_last_well(SLICE("sick"), false, 1030) == 30, "well half a minute ago");
	ok(lag_last_well(SLICE("sick"), true, 1040) == 0, "well again");
	ok(lag_notes_write("check_x", SLICE("thing"), &e), "kept: %s", e.text);
}

/* As a later run of the check finds it. */
static void
later(void)
{
	struct err e = { "" };
	char key[16];

	ok(lag_notes_read("check_x", SLICE("thing"), &e), "read: %s", e.text);
	ok(lag_since(peer, SLICE("18"), 1000) == 100, "a later run knows since when");
	ok(lag_last_well(SLICE("sick"), false, 1100) == 60, "and when it was well");
	lag_keep(other);
	ok(lag_notes_write("check_x", SLICE("thing"), &e), "kept again");
	for (int i = 0; i < 2 * LAG_NOTES; i++) {
		(void)snprintf(key, sizeof key, "k%d", i);
		if (lag_since(slice_of(key), SLICE("1"), 2000) != 0)
			ok(0, "%s is new", key);
	}
	ok(lag_since(slice_of(key), SLICE("1"), 2001) == 0, "what is beyond the cap is not remembered");
}

static void
last(void)
{
	struct err e = { "" };

	(void)lag_notes_read("check_x", SLICE("thing"), &e);
	ok(lag_since(other, SLICE("17"), 1160) == 100, "what was kept without news is known too");
}

/* Each part is a process: the notes are the process's own. */
static int
part(const char *self, const char *name)
{
	char command[300];

	fflush(stdout);
	(void)snprintf(command, sizeof command, "%s %s", self, name);
	return system(command);
}

/* --- processes ------------------------------------------------------------------------- */

static void
says(void *arg, int to)
{
	apart_phase(to, "saying");
	apart_put(to, slice_of(arg));
}

static void
hangs(void *arg, int to)
{
	says(arg, to);
	apart_phase(to, "hanging about");
	for (;;)
		(void)pause();
}

static void
crashes(void *arg, int to)
{
	says(arg, to);
	(void)raise(SIGKILL);
}

static void
floods(void *arg, int to)
{
	for (;;)
		says(arg, to);
}

static void
large(void *arg, int to)
{
	static char bytes[APART_BYTES - 10];

	(void)arg;
	memset(bytes, 'x', sizeof bytes);
	apart_put(to, (struct slice){ bytes, sizeof bytes });
}

static void
processes(void)
{
	static char text[] = "hello", much[] = "0123456789012345678901234567890123456789";
	struct apart_job j[] = {
		{ says, text }, { hangs, text }, { crashes, text }, { floods, much }, { large, NULL },
	};
	double begun = clock_now(), took;

	apart_run(j, 5, begun + 0.7);
	took = clock_now() - begun;
	ok(took >= 0.65 && took < 5, "the one that hangs is waited for until the deadline: %.2f s", took);
	ok(j[0].end == APART_DONE && slice_eq(buf_slice(&j[0].said), SLICE("hello")), "one ends well");
	ok(j[1].end == APART_LATE && slice_eq(buf_slice(&j[1].said), SLICE("hello")), "one hangs: late, and what it had said is there");
	is_str(j[1].phase, "hanging about", "and where it hangs is known");
	ok(j[2].end == APART_DIED && slice_eq(buf_slice(&j[2].said), SLICE("hello")), "one dies");
	ok(j[3].end == APART_MUCH || j[3].end == APART_LATE, "one sends without end: cut");
	ok(j[3].said.n <= APART_BYTES, "and takes no more room than it may");
	ok(j[4].end == APART_DONE && j[4].said.n == APART_BYTES - 10, "one sends a lot");
	for (size_t i = 0; i < 5; i++) {
		ok(kill(j[i].pid, 0) != 0, "no process is left");
		buf_free(&j[i].said);
	}
}

int
main(int argc, char **argv)
{
	char dir[] = "/tmp/mx-lag.XXXXXX", remove[64];

	if (argc > 1) {
		tap_done = argv[1][0] == 'l' ? 100 : 200;
		if (argv[1][0] == 'l')
			later();
		else
			last();
		return tap_failed > 0;
	}
	ok(mkdtemp(dir) != NULL && setenv("NAGIOS_PLUGIN_STATE_DIRECTORY", dir, 1) == 0, "a folder");
	notes();
	ok(part(argv[0], "later 2>&1 | sed 's/^ok/# ok/; /^not ok/{p;q1}'") == 0, "a later run");
	ok(part(argv[0], "end 2>&1 | sed 's/^ok/# ok/; /^not ok/{p;q1}'") == 0, "and one after it");
	processes();
	(void)snprintf(remove, sizeof remove, "rm -r %s", dir);
	ok(system(remove) == 0, "cleaned up");
	return done_testing();
}
