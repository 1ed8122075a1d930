/* page.c - see page.h.
 *
 * Names of hosts come from log lines: everything passes html() or url(). */
#include "view/page.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "hist.h"
#include "host.h"
#include "metric.h"
#include "poison.h"

static const char style[] =
	":root{color-scheme:light dark}"
	"body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;padding:1rem;max-width:64rem}"
	"h1{margin:0}h2{margin-top:3rem;border-bottom:2px solid}h3{margin:2rem 0 .5rem}"
	"nav a{margin-right:1rem;white-space:nowrap}"
	".wide{overflow-x:auto}"
	"table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem;margin:1rem 0}"
	"th,td{padding:.25rem .5rem;text-align:right;border-bottom:1px solid #8886}"
	"td,tbody th{white-space:nowrap}"
	"th:first-child{text-align:left}"
	"figure{margin:1rem 0}img{max-width:100%;height:auto;background:#fff}"
	"summary{cursor:pointer;padding:.25rem 0}footer{margin-top:3rem;font-size:.9rem}";

/* Text between tags or in an attribute. */
static void
html(struct buf *b, const char *text)
{
	struct buf clean = buf_new(4096);

	buf_clean(&clean, slice_of(text), 2000);
	for (size_t i = 0; i < clean.n; i++) {
		switch (clean.p[i]) {
		case '<':
			buf_str(b, "&lt;");
			break;
		case '>':
			buf_str(b, "&gt;");
			break;
		case '&':
			buf_str(b, "&amp;");
			break;
		case '"':
			buf_str(b, "&quot;");
			break;
		case '\'':
			buf_str(b, "&#39;");
			break;
		default:
			buf_char(b, clean.p[i]);
		}
	}
	buf_free(&clean);
}

/* Names of files are of harmless letters, and of percent signs. */
static void
url(struct buf *b, const char *file)
{
	for (; *file != '\0'; file++)
		if (*file == '%')
			buf_str(b, "%25");
		else
			buf_char(b, *file);
}

static const char *
shown(const struct page_host *h)
{
	return strcmp(h->name, HOST_FARM) == 0 ? "The farm" : h->name[0] != '\0' ? h->name :
	    "(no name)";
}

/* 1234567 as 1,234,567 */
static void
number(struct buf *b, int64_t n)
{
	char t[32];
	int len = snprintf(t, sizeof t, "%lld", (long long)(n < 0 ? -n : n));

	if (n < 0)
		buf_str(b, "&minus;");
	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			buf_char(b, ',');
		buf_char(b, t[i]);
	}
}

static void
when(struct buf *b, int64_t t)
{
	time_t at = (time_t)t;
	struct tm tm;
	char text[64];

	if (localtime_r(&at, &tm) != NULL && strftime(text, sizeof text, "%Y-%m-%d %H:%M %Z", &tm) > 0)
		html(b, text);
}

static int64_t
count(const struct cell *c, enum metric m)
{
	return cell_get(c, CELL_METRIC + (uint32_t)m);
}

static void
delay(struct buf *b, const struct hist *h, double q)
{
	double s = hist_quantile(h, q);

	if (isnan(s))
		buf_str(b, "<td>&ndash;</td>");
	else
		buf_fmt(b, "<td>%.*f s</td>", s < 10 ? 2 : 0, s);
}

static void
day_row(struct buf *b, const struct page_host *h, size_t i)
{
	const struct cell *c = &h->sum[0];
	const int64_t columns[] = {
		count(c, M_recv_rcpt) + count(c, M_local_rcpt), count(c, M_rej), count(c, M_tmp),
		count(c, M_dlv_ext) + count(c, M_dlv_local), count(c, M_defer),
		count(c, M_bounce) + count(c, M_expire), count(c, M_spam), count(c, M_virus),
		count(c, M_unknown)
	};
	struct hist hist;

	buf_fmt(b, "<tr><th scope=\"row\"><a href=\"#host%zu\">", i);
	html(b, shown(h));
	buf_str(b, "</a></th>");
	for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++) {
		buf_str(b, "<td>");
		number(b, columns[k]);
		buf_str(b, "</td>");
	}
	cell_hist(c, CELL_DELAY, &hist);
	delay(b, &hist, 0.5);
	delay(b, &hist, 0.95);
	buf_str(b, "</tr>\n");
}

static void
day_table(struct buf *b, const struct page *p)
{
	static const char *const heads[] = { "accepted", "refused 5xx", "refused 4xx", "delivered",
		"deferrals", "bounced", "spam", "virus", "lines unknown", "delay 50&nbsp;%",
		"delay 95&nbsp;%" };

	buf_str(b, "<h2 id=\"day\">The last 24 hours in numbers</h2>\n<div class=\"wide\"><table>"
	    "<thead><tr><th scope=\"col\">host</th>");
	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
		buf_fmt(b, "<th scope=\"col\">%s</th>", heads[i]);
	buf_str(b, "</tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < p->n; i++)
		day_row(b, &p->host[i], i);
	buf_str(b, "</tbody></table></div>\n<p>Recipients; spam and virus are messages, deferrals "
	    "are attempts.</p>\n");
}

static void
image(struct buf *b, const struct page_host *h, const struct page_picture *pic)
{
	char file[GRAPH_FILE_BYTES];

	graph_file(&pic->g, file);
	buf_str(b, "<img loading=\"lazy\" src=\"");
	url(b, file);
	buf_fmt(b, "\" width=\"%d\" height=\"%d\" alt=\"", pic->size.width, pic->size.height);
	html(b, shown(h));
	buf_str(b, ": ");
	html(b, pic->g.graph->title);
	buf_fmt(b, " in ");
	html(b, pic->g.graph->unit);
	buf_fmt(b, ", last %s\">\n", pic->g.span->name);
}

/* The first span of a graph is shown, the others unfold. Returns how many there were. */
static size_t
figure(struct buf *b, const struct page_host *h, size_t first)
{
	const struct page_picture *pic = &h->picture[first];
	size_t n = 1;

	while (first + n < h->n && h->picture[first + n].g.graph == pic->g.graph)
		n++;
	buf_str(b, "<figure>\n");
	image(b, h, pic);
	if (n > 1) {
		buf_str(b, "<details><summary>");
		for (size_t i = 1; i < n; i++)
			buf_fmt(b, "%s%s", i > 1 ? ", " : "", pic[i].g.span->name);
		buf_str(b, "</summary>\n");
		for (size_t i = 1; i < n; i++)
			image(b, h, &pic[i]);
		buf_str(b, "</details>\n");
	}
	buf_str(b, "</figure>\n");
	return n;
}

static void
host_section(struct buf *b, const struct page_host *h, size_t at)
{
	const struct template *t = NULL;

	/* the name as it is, too: monitors link to it (action_url) */
	buf_str(b, "<section id=\"");
	html(b, h->name);
	buf_fmt(b, "\">\n<h2 id=\"host%zu\">", at);
	html(b, shown(h));
	buf_str(b, "</h2>\n");
	for (size_t i = 0; i < h->n; ) {
		if (h->picture[i].g.template != t) {
			t = h->picture[i].g.template;
			buf_str(b, "<h3>");
			html(b, t->title);
			buf_str(b, "</h3>\n");
		}
		i += figure(b, h, i);
	}
	buf_str(b, "</section>\n");
}

static void
page(struct buf *b, const struct page *p)
{
	buf_fmt(b, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	    "<meta name=\"viewport\" content=\"width=device-width\"><title>mxgauge</title>"
	    "<style>%s</style></head>\n<body>\n<header><h1>mxgauge</h1>\n<p>Pictures up to ", style);
	when(b, p->end);
	buf_str(b, ", drawn ");
	when(b, p->drawn_at);
	buf_str(b, "</p>\n<nav aria-label=\"Hosts\"><a href=\"#day\">Numbers</a>");
	for (size_t i = 0; i < p->n; i++) {
		buf_fmt(b, " <a href=\"#host%zu\">", i);
		html(b, shown(&p->host[i]));
		buf_str(b, "</a>");
	}
	buf_str(b, "</nav></header>\n<main>\n");
	day_table(b, p);
	for (size_t i = 0; i < p->n; i++)
		host_section(b, &p->host[i], i);
	buf_fmt(b, "</main>\n<footer>mxgauge %s</footer>\n</body></html>\n", MX_VERSION);
}

bool
page_write(const struct page *p, const char *path, struct err *e)
{
	struct buf text = buf_new((size_t)256 << 20), new = buf_new(4096);
	bool good;
	FILE *f;

	buf_fmt(&new, "%s.new", path);
	page(&text, p);
	f = new.full ? NULL : fopen(new.p, "w");
	good = f != NULL && fwrite(text.p, 1, text.n, f) == text.n;
	if (f != NULL && fclose(f) != 0)
		good = false;
	good = good && rename(new.p, path) == 0;
	if (!good) {
		err_set(e, "write %s: %s", path, strerror(errno));
		if (f != NULL)
			(void)unlink(new.p);
	}
	buf_free(&text);
	buf_free(&new);
	return good;
}
