/* logtime.h - civil time and epoch, for several time zones in one process.
 *
 * A zone is read once into a table of its changes; after that no call touches
 * TZ, localtime or any lock. Changes from 1990 to 2070 are known, before and
 * after them the nearest offset holds. Loading a zone sets TZ for a moment, so
 * zone_get is for the start of a single-threaded program. */
#ifndef MX_LOGTIME_H
#define MX_LOGTIME_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400 };

struct zone;

/* The zone of that name in the zone database ("Europe/Berlin", "UTC"), the
 * machine's own with NULL. It lives as long as the program and is shared.
 * NULL and *e if there is no such zone. */
const struct zone *zone_get(const char *name, struct err *e);

/* Seconds to add to UTC there and then. */
int32_t zone_offset(const struct zone *z, int64_t utc);

/* The moments at which clocks there show civil (seconds since 1970 as if it were
 * UTC): 1 or, in a repeated hour, 2 with the earlier one first. A time that was
 * skipped in spring counts as if the clocks had not been moved yet. */
int zone_utc(const struct zone *z, int64_t civil, int64_t utc[2]);

/* Days since 1970-01-01 of a date, month from 1; and back. */
int64_t civil_days(int year, int month, int day);
int civil_year(int64_t days);
bool civil_leap(int year);
/* Is there such a day? */
bool civil_valid(int year, int month, int day);

#endif
