#!/usr/bin/env python3
"""compare.py EXPORT RRDS TEMPLATES STATE MXGAUGE DEVICE,DEVICE... - hold what Cacti draws against the RRD templates.

Each graph of each device: title, unit, legends, colours, lines, areas and stacks as the template says;
each minute of each curve as the collector's RRD has it; the counts of the day as the state has them;
the maximum of the legend that of the busiest minute. Prints what is wrong, a line each, and at the
end on standard error how much was compared."""
import functools
import glob
import json
import math
import os
import re
import subprocess
import sys

export, rrds, templates, state, mxgauge, devices = sys.argv[1:7]
SIZES = {"graphs": 0, "curves": 0, "minutes": 0, "counts": 0, "maxima": 0}
LISTS = ["0072B2", "E69F00", "009E73", "D55E00", "CC79A7", "56B4E9", "F0E442", "999999"]


def wrong(*words):
    print(*words)


def load(path):
    """A template: its graphs by title. What has the axis on the right is a graph of its own in Cacti."""
    text = re.sub(r"(?m)^\s*#.*", "", open(path).read())
    graphs = {}
    for body in re.findall(r'(?ms)^graph "[^"]*" \{(.*?)^\}', text):
        one = dict(re.findall(r'(?m)^\t(title|unit|right|per|divide|log) = "?([^"\n]*)"?$', body))
        sides = {"left": [], "right": []}
        for legend, draw in re.findall(r'(?s)draw "([^"]*)" \{(.*?as = .*?)\}', body):
            of = re.search(r"of = \{([^}]*)", draw).group(1)
            width = re.search(r"width = (\d)", draw)
            colour = re.search(r'colour = "#(\w+)"', draw)
            sides["right" if "axis = right" in draw else "left"].append({
                "legend": legend, "of": re.findall(r"\w+", of), "as": re.search(r"as = (\w+)", draw).group(1),
                "width": width.group(1) if width else "1", "colour": colour.group(1) if colour else "000000"})
        if sides["left"]:
            graphs[one["title"]] = dict(one, draws=sides["left"])
        if sides["right"]:
            title = f"{one['title']} ({sides['right'][0]['legend']})"
            graphs[title] = dict(one, draws=sides["right"], unit=sides["right"][0]["legend"], divide=1, title=title)
    return graphs, 'each = "' in text


@functools.lru_cache(None)
def fetch(rrd, start, end):
    """The minutes of an RRD by data source."""
    out = subprocess.run(["rrdtool", "fetch", rrd, "AVERAGE", "-r", "60", "-s", str(start), "-e", str(end)],
                         check=True, capture_output=True, text=True).stdout.splitlines()
    names = out[0].split()
    rows = [[float(v) for v in line.split(":")[1].split()] for line in out[2:]]
    info = subprocess.run(["rrdtool", "info", rrd], check=True, capture_output=True, text=True).stdout
    counts = set(re.findall(r'ds\[(\w+)\]\.type = "ABSOLUTE"', info))
    return {n: [r[i] for r in rows] for i, n in enumerate(names)}, counts


def added(series):
    """Minute by minute; unknown only where all are."""
    return [math.nan if all(map(math.isnan, v)) else sum(x for x in v if not math.isnan(x)) for v in zip(*series)]


def same(a, b):
    return math.isnan(a) and math.isnan(b) or abs(a - b) <= 1e-6 * max(1, abs(b))


def maxima(picture):
    """The maximum of each curve, by its legend."""
    found, legend = {}, None
    for text in re.findall(r'legend\[\d+\] = "(.*)"', picture):
        m = re.match(r"maximum\s+(\S+)$", text)
        if m and legend is not None:
            found[legend] = float(m.group(1))
        elif not re.match(r"(last|average)\s", text):
            legend = text.strip()
    return found


def curves(graph, folder, name, lists):
    """What a graph has to show: legend, colour, how, of which file, which data sources."""
    if not lists:
        return [(d["legend"], d["colour"], "area" if i == 0 and d["as"] == "stack" else d["as"], d,
                 f"{rrds}/{folder}/{name}.rrd") for i, d in enumerate(graph["draws"])]
    files = sorted(glob.glob(f"{rrds}/{folder}/{name}-*.rrd"))[:8]
    return [(re.sub(r"^.*?-(.*)\.rrd$", r"\1", os.path.basename(f)), LISTS[i],
             "area" if i == 0 and d["as"] == "stack" else d["as"], d, f)
            for i, f in enumerate(files) for d in graph["draws"] if d["as"] != "mark"]


def of_file(shown):
    """Which RRD template a graph is of, by the command."""
    return re.search(r"/([a-z]+)[^/']*\.rrd'", shown["source"]).group(1)


def check_look(where, shown, wanted, graph):
    source = shown["source"]
    if f"--vertical-label='{graph['unit']}'" not in source:
        wrong(where, "the unit is not", graph["unit"])
    if ("--logarithmic" in source) != (graph.get("log") == "true"):
        wrong(where, "logarithmic or not?")
    if not re.search(r"--right-axis-format '%\.10lg'", source) or \
            ("--units-exponent=0" in source) == (graph.get("log") == "true"):
        wrong(where, "the numbers of an axis have powers of ten")
    if [w[0].replace(":", "").replace("'", "\u2019") for w in wanted] != [t.strip() for t in shown["legend"]]:
        wrong(where, "legends", shown["legend"])
    marks = len(wanted) if any(d["as"] == "mark" for d in graph["draws"]) else 0
    for i in range(marks):
        if not re.search(rf"TICK:\w+#{LISTS[i]}FF:-{0.025 * (i + 1):.3f}:", source):
            wrong(where, "no mark of list", i + 1)
    for legend, colour, how, draw, _ in wanted:
        what = "LINE" + draw["width"] if how == "line" else "AREA"
        item = rf"{what}:\w+#{colour}FF:'{re.escape(legend.replace(':', chr(92) + ':'))} *'{':STACK' if how == 'stack' else ''} "
        if not re.search(item, source):
            wrong(where, "no", item)


def check_figures(where, shown, wanted, graph, counts_of_day):
    start = int(re.search(r"--start='(\d+)'", shown["source"]).group(1))
    end = int(re.search(r"--end='(\d+)'", shown["source"]).group(1))
    tops = maxima(shown["picture"])
    for i, (legend, _, _, draw, file) in enumerate(wanted):
        data, absolute = fetch(file, start, end - 60)
        counts = draw["of"][0] in absolute
        factor = (int(graph.get("per", 60)) if counts else 1) / int(graph.get("divide", 1))
        want = [v * factor for v in added([data[ds] for ds in draw["of"]])]
        got = [float(row[i].replace("NaN", "nan")) for row in shown["data"]]
        SIZES["curves"] += 1
        SIZES["minutes"] += len(got)
        if int(shown["step"]) != 60 or len(got) < 1440 or not all(map(same, got, want)):
            wrong(where, legend, "minutes differ from the RRD", shown["step"], len(got), len(want))
        known = [v for v in want if not math.isnan(v)]
        top = tops.get(legend)
        if known and len(draw["of"]) == 1:
            SIZES["maxima"] += 1
            if top is None or abs(top - max(known)) > 0.0501:
                wrong(where, legend, "the maximum is", top, "and not", max(known))
        if counts and counts_of_day is not None and all(ds in counts_of_day for ds in draw["of"]):
            SIZES["counts"] += 1
            total = sum(v for v in got if not math.isnan(v)) / factor * 60
            if round(total) != sum(counts_of_day[ds] for ds in draw["of"]):
                wrong(where, legend, "adds up to", total, "and the state has", sum(counts_of_day[ds] for ds in draw["of"]))


def day_of(host):
    """The counts of a host or the farm, as the state has them."""
    out = subprocess.run([mxgauge, "report", "--state", state, "--json"] + (["--host", host] if host else []),
                         check=True, capture_output=True, text=True).stdout
    report = json.loads(out)
    counts = dict(report["counts"])
    for kind, prefix in (("reject", "rej_"), ("tempfail", "tmp_")):
        for name, n in report[kind].items():
            counts.setdefault(prefix + name, n)
    return counts


def main():
    known = {os.path.basename(p)[:-5]: load(p) for p in glob.glob(f"{templates}/*.conf")}
    folders = {d: "_farm" if d == "Mail farm" else d for d in devices.split(",")}
    days = {f: day_of(None if f == "_farm" else f) for f in folders.values()}
    seen = set()
    for shown in json.load(open(export)):
        device, _, title = shown["title"].partition(": ")
        name = of_file(shown)
        graphs, lists = known[name]
        where = f"{device}: {title}:"
        SIZES["graphs"] += 1
        seen.add((folders[device], name, title))
        wanted = curves(graphs[title], folders[device], name, lists)
        check_look(where, shown, wanted, graphs[title])
        check_figures(where, shown, wanted, graphs[title], None if lists else days[folders[device]])
    for folder in folders.values():
        for name, (graphs, lists) in known.items():
            if glob.glob(f"{rrds}/{folder}/{name}{'-*' if lists else ''}.rrd"):
                for title in graphs:
                    if (folder, name, title) not in seen:
                        wrong(folder, "has no graph", title)
    print(" ".join(f"{n} {what}" for what, n in SIZES.items()), file=sys.stderr)


main()
