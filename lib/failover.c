/* failover.c - things, and the reports of keepalived. See failover.h. */
#include "failover.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "json.h"

#include "poison.h"

/* Pacemaker's is in pacemaker.c. */

static struct failover_thing *
find(struct failover *f, const char *name)
{
	struct failover_thing *t;

	for (size_t i = 0; i < f->things; i++)
		if (strcmp(f->thing[i].name, name) == 0)
			return &f->thing[i];
	if (f->things == FAILOVER_THINGS) {
		f->over = true;
		return NULL;
	}
	t = &f->thing[f->things++];
	*t = (struct failover_thing){ .since_s = (double)NAN };
	(void)snprintf(t->name, sizeof t->name, "%s", name);
	return t;
}

void
failover_active(struct failover *f, const char *name, const char *place, double since_s)
{
	struct failover_thing *t = find(f, name);
	size_t n;

	if (t == NULL || place == NULL)
		return;
	n = strlen(t->place);
	(void)snprintf(t->place + n, sizeof t->place - n, "%s%s", n > 0 ? ", " : "", place);
	t->active++;
	t->since_s = since_s;
}

static bool
may_several(const struct failover *f, const char *name)
{
	for (size_t i = 0; f->several != NULL && i < f->several->n; i++)
		if (strcmp(f->several->v[i], name) == 0)
			return true;
	return false;
}

void
failover_judge(const struct failover *f, bool other_may)
{
	for (size_t i = 0; i < f->things; i++) {
		const struct failover_thing *t = &f->thing[i];

		if (t->active > 1 && !may_several(f, t->name))
			check_state(CHECK_CRITICAL, "%s is active on %u nodes: %s", check_clean(slice_of(t->name)),
			    t->active, check_clean(slice_of(t->place)));
		else if (t->active == 0 && !other_may)
			check_state(CHECK_CRITICAL, "%s is active nowhere", check_clean(slice_of(t->name)));
	}
}

/* --- keepalived ----------------------------------------------------------------------------- */

/* vrrpInstanceState of KEEPALIVED-MIB, and so in its JSON. */
enum vrrp { VRRP_INIT, VRRP_BACKUP, VRRP_MASTER, VRRP_FAULT };

static bool
is_of_keepalived(const struct json *instance)
{
	const struct json *data = json_get(instance, "data");

	return json_text(json_get(data, "iname")).n > 0 && !isnan(json_number(json_get(data, "state")));
}

static void
take_instance(struct failover *f, const char *node, const struct json *instance, int64_t now)
{
	const struct json *data = json_get(instance, "data");
	double state = json_number(json_get(data, "state")), at = json_number(json_get(data, "last_transition"));
	double since = at > 0 && at <= (double)now ? (double)now - at : (double)NAN;
	struct slice iname = slice_head(json_text(json_get(data, "iname")), FAILOVER_NAME - 1);
	char name[FAILOVER_NAME];

	(void)snprintf(name, sizeof name, "%.*s", (int)iname.n, iname.p);
	failover_active(f, name, state == VRRP_MASTER ? node : NULL, since);
	if (state == VRRP_FAULT)
		check_state(CHECK_CRITICAL, "%s is in state FAULT on %s: it cannot take over", check_clean(slice_of(name)),
		    check_clean(slice_of(node)));
	else if (state != VRRP_MASTER && state != VRRP_BACKUP)
		check_state(CHECK_WARNING, "%s does not know yet what it is on %s", check_clean(slice_of(name)),
		    check_clean(slice_of(node)));
	if (state == VRRP_MASTER && json_is(json_get(data, "vipset"), false))
		check_state(CHECK_CRITICAL, "%s is MASTER on %s, and its addresses are not set", check_clean(slice_of(name)),
		    check_clean(slice_of(node)));
}

/* An array of instances; from 2.3 on it may be a member "vrrp". */
bool
failover_keepalived(struct failover *f, const char *node, struct slice json, int64_t now, struct err *e)
{
	struct err why;
	struct json *all = json_parse(json, &why);
	const struct json *list = json_get(all, "vrrp") != NULL ? json_get(all, "vrrp") : all;
	size_t n = 0;

	if (all == NULL)
		return err_set(e, "this is no JSON: %s", why.text);
	for (size_t i = 0; i < json_count(list); i++) {
		if (!is_of_keepalived(json_at(list, i)))
			continue;
		take_instance(f, node, json_at(list, i), now);
		n++;
	}
	json_free(all);
	f->nodes++;
	f->online++;
	return n > 0 || err_set(e, "it has no VRRP instance");
}
