/* stateread_own.c - what the collector says of itself: its sources, its limits, how it is. See stateread.h. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stateread_priv.h"

#include "poison.h"

bool
stateread_sources(struct stateread *r, const struct stateread_source **s, size_t *n, struct err *e)
{
	sqlite3_stmt *st = stateread_prepare(r, "SELECT name, offset, lines, size, newest, read_at,"
	    " behind_since FROM source"
	    " ORDER BY name, id", e);
	size_t count = 0;
	int rc;

	if (st == NULL)
		return false;
	free(r->source);
	r->source = NULL;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct stateread_source *src;

		r->source = xreallocarray(r->source, count + 1, sizeof *r->source);
		src = &r->source[count++];
		*src = (struct stateread_source){ .offset = (uint64_t)sqlite3_column_int64(st, 1),
			.lines = (uint64_t)sqlite3_column_int64(st, 2),
			.size = (uint64_t)sqlite3_column_int64(st, 3),
			.newest = sqlite3_column_int64(st, 4), .read_at = sqlite3_column_int64(st, 5),
			.behind_since = sqlite3_column_int64(st, 6) };
		(void)snprintf(src->name, sizeof src->name, "%s", sqlite3_column_text(st, 0));
	}
	sqlite3_finalize(st);
	*s = r->source;
	*n = count;
	return rc == SQLITE_DONE || stateread_fail(r, e);
}

pid_t
stateread_writer(const char *dir)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[4096];
	pid_t pid = 0;
	int fd;

	if (snprintf(path, sizeof path, "%s/lock", dir) >= (int)sizeof path)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (fcntl(fd, F_GETLK, &l) == 0 && l.l_type != F_UNLCK)
		pid = l.l_pid;
	close(fd);
	return pid;
}

bool
stateread_run(struct stateread *r, struct stateread_run *run, struct err *e)
{
	const struct { const char *key; int64_t *to; } numbers[] = {
		{ "started_at", &run->started_at }, { "beat_at", &run->beat_at },
		{ "rrd_written_at", &run->rrd_written_at },
		{ "rrd_failed_since", &run->rrd_failed_since }, { "queue_wanted", &run->queue_wanted },
		{ "queue_counted_at", &run->queue_counted_at },
		{ "queue_failed_since", &run->queue_failed_since },
		{ "log_unread_since", &run->log_unread_since }, { "clock_sure", &run->clock_sure },
		{ "clock_jumped", &run->clock_jumped }, { "clock_jump_s", &run->clock_jump_s }
	};
	const struct { const char *key; char *to; size_t size; } texts[] = {
		{ "version", run->version, sizeof run->version },
		{ "graph_url", run->graph_url, sizeof run->graph_url },
		{ "log_unread", run->log_unread, sizeof run->log_unread },
		{ "queue_said", run->queue_said, sizeof run->queue_said }
	};
	sqlite3_stmt *st = stateread_prepare(r, "SELECT key, value FROM run", e);
	int rc;

	*run = (struct stateread_run){ 0 };
	if (st == NULL)
		return false;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct slice key = stateread_blob(st, 0);

		for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
			if (slice_eq(key, slice_of(numbers[i].key)))
				*numbers[i].to = sqlite3_column_int64(st, 1);
		for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
			if (slice_eq(key, slice_of(texts[i].key)))
				(void)snprintf(texts[i].to, texts[i].size, "%s",
				    (const char *)sqlite3_column_text(st, 1));
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE || stateread_fail(r, e);
}

bool
stateread_limits(struct stateread *r, const struct stateread_limit **limits, size_t *n, struct err *e)
{
	sqlite3_stmt *st = stateread_prepare(r, "SELECT name, used, cap, hits, hit_at FROM capacity ORDER BY name",
	    e);
	int rc = SQLITE_DONE;

	*n = 0;
	*limits = r->limit;
	if (st == NULL)
		return false;
	while (*n < LIMITS_MAX && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct stateread_limit *l = &r->limit[(*n)++];

		*l = (struct stateread_limit){ .used = sqlite3_column_int64(st, 1),
			.cap = sqlite3_column_int64(st, 2), .hits = sqlite3_column_int64(st, 3),
			.hit_at = sqlite3_column_int64(st, 4) };
		(void)snprintf(l->name, sizeof l->name, "%.*s", sqlite3_column_bytes(st, 0),
		    (const char *)stateread_blob(st, 0).p);
	}
	sqlite3_finalize(st);
	return *n == LIMITS_MAX || rc == SQLITE_DONE || stateread_fail(r, e);
}
