/* pacemaker.c - what crm_mon says of a cluster, from 1.1 (--as-xml) to 2.1. See failover.h.
 *
 *	<nodes><node name="mx1" online="true" standby="false" .../>
 *	<resources><resource id="vip" role="Started" failed="false" ...><node name="mx1"/></resource>
 *	<clone id="drbd-clone" multi_state="true"> <resource ... role="Promoted">
 *	<failures><failure op_key="vip_monitor_10000" node="mx1" exitreason="..."/> */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "failover.h"
#include "xml.h"

#include "poison.h"

enum { REASON = 200, CODE = 16 };

struct reading {
	struct failover *f;
	bool in_resource, in_bundle, in_clone, promotes;
	unsigned active;		/* instances of the clone */
	char clone[FAILOVER_NAME];
	char resource[FAILOVER_NAME], role[CODE];
	bool wants_place;		/* the resource's nodes are where the thing is active */
	bool any;
};

static const char *
clean(const char *s)
{
	return check_clean(slice_of(s));
}

#define GET(tag, name, to) xml_attribute(tag, name, to, sizeof(to))

static void
take_node(struct failover *f, const struct xml_tag *t)
{
	static const struct {
		const char *attribute, *words;
	} odd[] = {
		{ "standby", "is in standby" }, { "maintenance", "is in maintenance" }, { "pending", "is joining" },
		{ "shutdown", "is shutting down" },
	};
	char name[FAILOVER_NAME];

	GET(t, "name", name);
	f->nodes++;
	if (xml_says(t, "online", "true"))
		f->online++;
	if (xml_says(t, "unclean", "true"))
		check_state(CHECK_CRITICAL, "node %s is unclean: nobody knows what it does, and it waits for fencing",
		    clean(name));
	else if (!xml_says(t, "online", "true"))
		check_state(CHECK_CRITICAL, "node %s is offline", clean(name));
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
		if (xml_says(t, odd[i].attribute, "true"))
			check_state(CHECK_WARNING, "node %s %s", clean(name), odd[i].words);
}

static bool
is_promoted(const char *role)
{
	return strcmp(role, "Promoted") == 0 || strcmp(role, "Master") == 0;
}

static void
judge_resource(const struct reading *r, const struct xml_tag *t)
{
	if (xml_says(t, "blocked", "true"))
		check_state(CHECK_CRITICAL, "%s is blocked: the cluster cannot go on with it", clean(r->resource));
	else if (xml_says(t, "failed", "true"))
		check_state(xml_says(t, "failure_ignored", "true") ? CHECK_WARNING : CHECK_CRITICAL, "%s has failed",
		    clean(r->resource));
	if (xml_says(t, "managed", "false"))
		check_state(CHECK_WARNING, "%s is not managed: it stays where it is whatever happens", clean(r->resource));
	if (xml_says(t, "orphaned", "true"))
		check_state(CHECK_WARNING, "%s is configured no more, and still there", clean(r->resource));
	if (strcmp(r->role, "Starting") == 0 || strcmp(r->role, "Stopping") == 0 ||
	    strncmp(r->role, "Migrating", 9) == 0)
		check_state(CHECK_WARNING, "%s is %s", clean(r->resource), clean(r->role));
}

/* Of a clone that promotes, the promoted instance is what may be active once; other clones and
 * bundles are to be active everywhere. */
static void
begin_resource(struct reading *r, const struct xml_tag *t)
{
	bool by_will = xml_says(t, "target_role", "Stopped") || xml_says(t, "target_role", "stopped") ||
	    xml_says(t, "disabled", "true");

	GET(t, "id", r->resource);
	GET(t, "role", r->role);
	r->any = true;
	r->in_resource = !t->empty;
	judge_resource(r, t);
	if (strcmp(r->role, "Stopped") != 0)
		r->active++;
	r->wants_place = r->in_clone ? r->promotes && is_promoted(r->role) : !r->in_bundle;
	if (r->in_clone || r->in_bundle)
		return;
	if (by_will && strcmp(r->role, "Stopped") == 0)
		check_detail("%s is stopped on purpose", clean(r->resource));
	else
		failover_active(r->f, r->resource, NULL, (double)NAN);
}

static void
take_place(struct reading *r, const struct xml_tag *t)
{
	char name[FAILOVER_NAME];

	GET(t, "name", name);
	if (r->wants_place && strcmp(r->role, "Stopped") != 0)
		failover_active(r->f, r->in_clone ? r->clone : r->resource, name, (double)NAN);
}

static void
begin_clone(struct reading *r, const struct xml_tag *t)
{
	GET(t, "id", r->clone);
	r->in_clone = !t->empty;
	r->promotes = xml_says(t, "multi_state", "true");
	r->active = 0;
	if (r->promotes && !xml_says(t, "disabled", "true"))
		failover_active(r->f, r->clone, NULL, (double)NAN);
}

static void
end_of(struct reading *r, struct slice name)
{
	if (slice_eq(name, SLICE("resource"))) {
		r->in_resource = false;
	} else if (slice_eq(name, SLICE("clone"))) {
		if (r->active == 0 && !r->promotes)
			check_state(CHECK_CRITICAL, "%s runs on no node", clean(r->clone));
		r->in_clone = false;
	} else if (slice_eq(name, SLICE("bundle"))) {
		r->in_bundle = false;
	}
}

static void
take_failure(const struct xml_tag *t)
{
	char key[FAILOVER_NAME], node[FAILOVER_NAME], status[REASON], reason[REASON];

	GET(t, "op_key", key);
	GET(t, "node", node);
	GET(t, "exitstatus", status);
	GET(t, "exitreason", reason);
	check_state(CHECK_WARNING, "%s on %s: %s%s%s", clean(key), clean(node), clean(status),
	    reason[0] != '\0' && strcmp(reason, "none") != 0 ? ", " : "",
	    strcmp(reason, "none") != 0 ? clean(reason) : "");
}

static void
take_cluster(const struct xml_tag *t)
{
	char node[FAILOVER_NAME];

	if (xml_is(t, "current_dc") && xml_says(t, "present", "false"))
		check_state(CHECK_CRITICAL, "the cluster has no coordinator (DC)");
	else if (xml_is(t, "current_dc") && xml_says(t, "with_quorum", "false"))
		check_state(CHECK_CRITICAL, "the cluster has no quorum");
	if (xml_is(t, "cluster_options") && xml_says(t, "maintenance-mode", "true"))
		check_state(CHECK_WARNING, "the cluster is in maintenance: nothing fails over");
	if (xml_is(t, "cluster_options") && xml_says(t, "stop-all-resources", "true"))
		check_state(CHECK_WARNING, "the cluster stops all resources (stop-all-resources)");
	if (xml_is(t, "cluster_options") && xml_says(t, "stonith-enabled", "false"))
		check_verbose(1, "fencing is switched off (stonith-enabled)");
	GET(t, "target", node);
	if (xml_is(t, "fence_event") && xml_says(t, "status", "failed"))
		check_state(CHECK_WARNING, "fencing %s failed", clean(node));
	else if (xml_is(t, "fence_event") && xml_says(t, "status", "pending"))
		check_state(CHECK_WARNING, "%s is being fenced", clean(node));
}

/* crm_mon's own state: false and *e if it could not ask. */
static bool
take_status(const struct xml_tag *t, struct err *e)
{
	char code[CODE], message[REASON];

	GET(t, "code", code);
	GET(t, "message", message);
	if (code[0] == '\0' || strcmp(code, "0") == 0)
		return true;
	return err_set(e, "%s", message[0] != '\0' ? message : code);
}

static bool
take(struct reading *r, const struct xml_tag *t, struct err *e)
{
	if (t->end)
		end_of(r, t->name);
	else if (xml_is(t, "status"))
		return take_status(t, e);
	else if (xml_is(t, "resource"))
		begin_resource(r, t);
	else if (xml_is(t, "node") && r->in_resource)
		take_place(r, t);
	else if (xml_is(t, "node") && (xml_says(t, "online", "true") || xml_says(t, "online", "false")))
		take_node(r->f, t);
	else if (xml_is(t, "clone"))
		begin_clone(r, t);
	else if (xml_is(t, "bundle"))
		r->in_bundle = !t->empty;
	else if (xml_is(t, "failure"))
		take_failure(t);
	else
		take_cluster(t);
	return true;
}

bool
failover_pacemaker(struct failover *f, struct slice xml, struct err *e)
{
	struct reading r = { .f = f };
	struct xml_tag t;
	bool whole = false;

	while (xml_next(&xml, &t)) {
		if (!take(&r, &t, e))
			return false;
		whole = whole || (t.end && (slice_eq(t.name, SLICE("pacemaker-result")) || slice_eq(t.name, SLICE("crm_mon"))));
	}
	if (!whole)
		return err_set(e, "what it says is no whole report in XML");
	return r.any || f->nodes > 0 || err_set(e, "it names neither nodes nor resources");
}
