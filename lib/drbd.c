/* drbd.c - see drbd.h. */
#include "drbd.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "json.h"

#include "poison.h"

static void
copy(char *to, size_t size, struct slice s)
{
	s = slice_head(s, size - 1);
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	to[s.n] = '\0';
}

#define COPY(to, s) copy(to, sizeof(to), s)

static struct drbd_row *
new_row(struct drbd *d)
{
	struct drbd_row *r = &d->row[d->rows];

	if (d->rows == DRBD_ROWS) {
		d->over = true;
		return NULL;
	}
	d->rows++;
	*r = (struct drbd_row){ .out_of_sync_bytes = (double)NAN, .done_percent = (double)NAN,
		.left_s = (double)NAN };
	return r;
}

bool
drbd_syncs(const struct drbd_row *r)
{
	static const char *const words[] = { "SyncSource", "SyncTarget", "PausedSyncS", "PausedSyncT",
		"StartingSyncS", "StartingSyncT", "WFBitMapS", "WFBitMapT", "WFSyncUUID" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(r->replication, words[i]) == 0)
			return true;
	return false;
}

bool
drbd_is_well(const struct drbd_row *r)
{
	return strcmp(r->connection, "Connected") == 0 && !drbd_syncs(r) &&
	    strcmp(r->replication, "Ahead") != 0 && strcmp(r->replication, "Behind") != 0 &&
	    (r->client || strcmp(r->disk, "UpToDate") == 0) &&
	    (r->peer_client || strcmp(r->peer_disk, "UpToDate") == 0);
}

/* --- /proc/drbd -------------------------------------------------------------------------- */

/* The words of cs: that speak of replication over a connection that stands. */
static bool
is_replication(struct slice word)
{
	struct drbd_row r = { .connection = "" };

	COPY(r.replication, word);
	return drbd_syncs(&r) || slice_eq(word, SLICE("Ahead")) || slice_eq(word, SLICE("Behind")) ||
	    slice_eq(word, SLICE("VerifyS")) || slice_eq(word, SLICE("VerifyT"));
}

/* "Primary/Secondary" */
static void
pair(struct slice both, char *own, char *peer)
{
	struct slice head;

	if (!slice_cut(&both, '/', &head))
		return;
	copy(own, DRBD_WORD, head);
	copy(peer, DRBD_WORD, both);
}

static bool
next_word(struct slice *s, struct slice *word)
{
	while (slice_eat_char(s, ' ') || slice_eat_char(s, '\t'))
		;
	return slice_next(s, ' ', word);
}

static void
volume_word(struct drbd_row *r, struct slice word)
{
	if (slice_eat(&word, SLICE("cs:"))) {
		if (is_replication(word)) {
			COPY(r->connection, SLICE("Connected"));
			COPY(r->replication, word);
		} else {
			COPY(r->connection, slice_eq(word, SLICE("WFConnection")) ? SLICE("Connecting") : word);
		}
	} else if (slice_eat(&word, SLICE("ro:")) || slice_eat(&word, SLICE("st:"))) {
		pair(word, r->role, r->peer_role);
	} else if (slice_eat(&word, SLICE("ds:"))) {
		pair(word, r->disk, r->peer_disk);
	} else if (word.n >= 4 && (word.p[0] == 's' || word.p[0] == 'r') && word.p[1] != ':') {
		r->suspended = word.p[0] == 's';	/* flags of I/O: "r-----" */
	}
}

/* "0:03:42" */
static double
clock_time(struct slice s)
{
	uint64_t part;
	double v = 0;

	for (int i = 0; i < 3; i++) {
		if (!slice_u64(&s, &part) || (i < 2 && !slice_eat_char(&s, ':')))
			return (double)NAN;
		v = v * 60 + (double)part;
	}
	return v;
}

/* Lines below that of a volume. */
static void
more_words(struct drbd_row *r, struct slice line)
{
	struct slice word;
	uint64_t kib;

	while (next_word(&line, &word)) {
		if (slice_eat(&word, SLICE("oos:")) && slice_u64(&word, &kib))
			r->out_of_sync_bytes = (double)kib * 1024;
		else if (slice_eq(word, SLICE("sync'ed:")) && next_word(&line, &word))
			(void)slice_decimal(&word, &r->done_percent);
		else if (slice_eq(word, SLICE("finish:")) && next_word(&line, &word))
			r->left_s = clock_time(word);
	}
}

bool
drbd_proc(struct drbd *d, struct slice text, bool *none, struct err *e)
{
	struct drbd_row *r = NULL;
	struct slice line, rest;
	uint64_t minor, version = 0;

	*none = false;
	if (!slice_starts(text, SLICE("version: ")))
		return err_set(e, "this does not begin with \"version:\"");
	while (slice_next(&text, '\n', &line)) {
		rest = line = slice_trim(line);
		if (slice_eat(&rest, SLICE("version: ")))
			(void)slice_u64(&rest, &version);
		if (slice_u64(&rest, &minor) && slice_eat(&rest, SLICE(": cs:"))) {
			r = slice_starts(rest, SLICE("Unconfigured")) ? NULL : new_row(d);
			if (r == NULL)
				continue;
			(void)snprintf(r->name, sizeof r->name, "drbd%llu", (unsigned long long)minor);
			rest = slice_from(line, (size_t)(rest.p - line.p) - 3);
			while (next_word(&rest, &line))
				volume_word(r, line);
		} else if (r != NULL) {
			more_words(r, line);
		}
	}
	*none = d->rows == 0 && version >= 9;
	return true;
}

/* --- drbdsetup status --json ------------------------------------------------------------- */

static void
own_side(struct drbd_row *r, const struct json *resource, const struct json *device, bool named)
{
	double volume = json_number(json_get(device, "volume"));
	struct slice name = json_text(json_get(resource, "name"));

	if (named || volume > 0)
		(void)snprintf(r->name, sizeof r->name, "%.*s/%.0f", (int)slice_head(name, 60).n, name.p, volume);
	else
		COPY(r->name, name);
	COPY(r->role, json_text(json_get(resource, "role")));
	COPY(r->disk, json_text(json_get(device, "disk-state")));
	r->client = json_is(json_get(device, "client"), true);
	r->no_quorum = json_is(json_get(device, "quorum"), false);
	r->suspended = json_is(json_get(resource, "suspended"), true);
}

static void
other_side(struct drbd_row *r, const struct json *connection, const struct json *device)
{
	double kib = json_number(json_get(device, "out-of-sync"));

	COPY(r->peer, json_text(json_get(connection, "name")));
	COPY(r->peer_role, json_text(json_get(connection, "peer-role")));
	COPY(r->connection, json_text(json_get(connection, "connection-state")));
	COPY(r->replication, json_text(json_get(device, "replication-state")));
	COPY(r->peer_disk, json_text(json_get(device, "peer-disk-state")));
	r->peer_client = json_is(json_get(device, "peer-client"), true);
	if (kib >= 0 && kib < 1e15)
		r->out_of_sync_bytes = kib * 1024;
	r->done_percent = json_number(json_get(device, "percent-in-sync"));
	if (isnan(r->done_percent))
		r->done_percent = json_number(json_get(device, "done"));
	r->left_s = json_number(json_get(device, "estimated-seconds-to-finish"));
}

/* The volume of that number among the peer's; NULL: not said, as while it is away. */
static const struct json *
peer_device(const struct json *connection, double volume)
{
	const struct json *all = json_get(connection, "peer_devices");

	for (size_t i = 0; i < json_count(all); i++)
		if (json_number(json_get(json_at(all, i), "volume")) == volume)
			return json_at(all, i);
	return NULL;
}

static void
take_resource(struct drbd *d, const struct json *resource)
{
	const struct json *devices = json_get(resource, "devices"), *peers = json_get(resource, "connections");

	for (size_t i = 0; i < json_count(devices); i++) {
		const struct json *device = json_at(devices, i);
		double volume = json_number(json_get(device, "volume"));
		struct drbd_row *r;

		for (size_t k = 0; k < json_count(peers) || k == 0; k++) {
			if ((r = new_row(d)) == NULL)
				return;
			own_side(r, resource, device, json_count(devices) > 1);
			if (json_count(peers) > 0)
				other_side(r, json_at(peers, k), peer_device(json_at(peers, k), volume));
		}
	}
}

bool
drbd_json(struct drbd *d, struct slice text, struct err *e)
{
	struct err why;
	struct json *all = json_parse(text, &why);

	if (all == NULL)
		return err_set(e, "what it says is no JSON: %s", why.text);
	for (size_t i = 0; i < json_count(all); i++)
		take_resource(d, json_at(all, i));
	json_free(all);
	return true;
}
