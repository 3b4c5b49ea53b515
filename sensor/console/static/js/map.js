// The plant by Purdue level, from 5 above to 0 below; zones are boxes side by side, hosts in rows within them.
import { address, number, one, safe } from "./core.js";
import { short } from "./charts.js";
import { graph } from "./graph.js";
import { labelled } from "./labels.js";

const GAP = 92, ROW = 70, CLOSE = [66, 46]; // between hosts; where a zone has many
const MANY = 30; // hosts of a zone that stand closer
const PAD = 44, HEAD = 30; // around the hosts of a zone, and above them for its name
const LONGEST = 16; // characters of a name
const MOST_EDGES = 120; // that are shown all at once unless somebody asks for it
const form = one("#filters"), box = one("#plant"), told = one("#edge");

// As long as there is room for; the whole name stands under the map.
function named(host) {
  const short = host.hostname.split(".")[0];
  return short.length > LONGEST ? `${short.slice(0, LONGEST - 1)}…` : short || address(host.ip);
}

function levelsOf(hosts, weight) {
  const zones = new Map();
  for (const host of hosts) {
    const level = host.purdue_level ?? -1, id = `zone ${level} ${host.zone}`;
    (zones.get(id) ?? zones.set(id, { id, level, name: host.zone, members: [] }).get(id)).members.push(host);
  }
  const levels = new Map();
  for (const zone of [...zones.values()].sort((a, b) => b.level - a.level || (a.name < b.name ? -1 : 1))) {
    zone.members.sort((a, b) => weight(b) - weight(a) || (a.ip < b.ip ? -1 : 1));
    [zone.gap, zone.row] = zone.members.length > MANY ? CLOSE : [GAP, ROW];
    (levels.get(zone.level) ?? levels.set(zone.level, []).get(zone.level)).push(zone);
  }
  return [...levels.values()];
}

const across = (zone, rows) => Math.ceil(zone.members.length / rows);
const wide = (level, rows) => level.reduce((sum, zone) => sum + across(zone, rows) * zone.gap + PAD, 0);
const high = (level, rows) => rows * Math.max(...level.map((zone) => zone.row)) + PAD + HEAD;

// How many rows of hosts each level has where nothing may be wider; none where that cannot be.
function rowsWithin(levels, most) {
  return levels.map((level) => {
    const all = Math.max(...level.map((zone) => zone.members.length));
    for (let rows = 1; rows <= all; rows += 1) if (wide(level, rows) <= most) return rows;
    return 0;
  });
}

// Levels as wide as one another, so that all of it is about as wide for its height as the place it is drawn in.
function placed(hosts, weight) {
  const levels = levelsOf(hosts, weight), shape = box.clientWidth / Math.max(1, box.clientHeight);
  let most = 4 * GAP, rows = rowsWithin(levels, most);
  const total = () => levels.reduce((sum, level, at) => sum + high(level, rows[at]), 0);
  while (rows.includes(0) || (most / total() < shape && rows.some((each) => each > 1))) rows = rowsWithin(levels, most *= 1.06);
  const found = [];
  let y = 0;
  levels.forEach((level, at) => {
    let x = 0;
    for (const zone of level) {
      const columns = across(zone, rows[at]);
      found.push({ data: { id: zone.id, label: `${zone.name || "no zone"}  ·  level ${zone.level < 0 ? "unknown" : zone.level}`, zone: 1 } });
      zone.members.forEach((host, place) => found.push({
        data: { id: host.ip, parent: zone.id, label: named(host), whole: host.hostname, first: host.first_seen },
        position: { x: x + (place % columns) * zone.gap, y: y + Math.floor(place / columns) * zone.row },
      }));
      x += columns * zone.gap + PAD;
    }
    y += high(level, rows[at]);
  });
  return found;
}

const style = (c) => [
  { selector: "node", style: { label: "data(label)", "font-family": "Inter, sans-serif", "font-size": "data(size)", color: c.text, "text-valign": "bottom", "text-margin-y": 3, "background-color": c.accent, width: 20, height: 20, "text-background-color": c.panel, "text-background-opacity": 0.85, "text-background-shape": "round-rectangle" } },
  { selector: "node[zone]", style: { "background-color": c.muted, "background-opacity": 0.07, "border-color": c.line, "border-width": 1, shape: "round-rectangle", padding: 16, "text-valign": "top", "text-margin-y": 0, "font-weight": 600, color: c.muted, events: "no", "z-compound-depth": "top" } },
  { selector: "edge", style: { width: "data(width)", "line-color": c.faint, "target-arrow-color": c.faint, "target-arrow-shape": "triangle", "arrow-scale": 0.8, "curve-style": "bezier", opacity: "data(seen)" } },
  { selector: "edge[state='allowed']", style: { "line-color": c.good, "target-arrow-color": c.good } },
  { selector: "edge[state='violated']", style: { "line-color": c.critical, "target-arrow-color": c.critical, opacity: "data(bad)", "z-index": 9 } },
  { selector: ".new", style: { "background-color": c.high, "line-style": "dashed" } },
  { selector: ".unnamed", style: { label: "" } },
  { selector: ".gone", style: { display: "none" } },
  { selector: ".faint", style: { opacity: 0.12 } },
  { selector: "edge.near", style: { opacity: 1, "z-index": 10 } },
];

if (box) {
  const drawn = JSON.parse(box.dataset.drawn);
  const weights = new Map();
  for (const { source, target } of drawn.edges) for (const end of [source, target]) weights.set(end, (weights.get(end) ?? 0) + 1);
  const seen = drawn.edges.length > MOST_EDGES ? 0.28 : 0.55;
  if (drawn.edges.length > MOST_EDGES && drawn.edges.some((edge) => edge.crosses)) one("#shown").value = "crosses";
  const edges = drawn.edges.map((data, at) => ({ data: { ...data, id: `edge ${at}`, crosses: data.crosses ? 1 : 0, seen, bad: Math.min(0.95, 2 * seen), width: 1 + Math.min(5, Math.log10(1 + data.bytes) / 2) } }));
  const made = graph(box, {
    nodes: placed(drawn.hosts, (host) => weights.get(host.ip) ?? 0).map((node) => ({ ...node, data: { size: 11, ...node.data } })), edges, style, autoungrabify: true,
    open: (node) => { if (!node.data("zone")) location.assign(`/assets/${encodeURIComponent(address(node.id()))}?case=${encodeURIComponent(form.elements.case.value)}`); },
  });
  if (made) wire(made, weights);
  box.dataset.ready = "1";
}

function wire(made, weights) {
  const hosts = made.nodes("[first]").toArray().sort((a, b) => (weights.get(b.id()) ?? 0) - (weights.get(a.id()) ?? 0));
  const shown = one("#shown"), since = one("#since"), find = one("#find");
  let over = null; // the host that the pointer is on
  const names = labelled(made, hosts);
  const filter = () => {
    const wanted = shown.value, from = since.value, text = find.value.trim().toLowerCase();
    const near = over?.closedNeighborhood();
    made.batch(() => {
      made.edges().forEach((edge) => {
        const gone = (wanted === "violated" && edge.data("state") !== "violated") || (wanted === "crosses" && !edge.data("crosses"));
        edge.toggleClass("gone", gone && !near?.has(edge)).toggleClass("near", Boolean(near?.has(edge))).toggleClass("faint", Boolean(near) && !near.has(edge));
      });
      made.elements("edge, node[first]").forEach((each) => each.toggleClass("new", Boolean(from) && each.data("first") >= from));
      hosts.forEach((node) => node.toggleClass("faint", near ? !near.has(node) : Boolean(text) && !`${address(node.id())} ${node.data("whole")}`.toLowerCase().includes(text)));
    });
    names();
  };
  made.on("mouseover", "node[first]", ({ target }) => {
    over = target;
    told.textContent = safe(`${target.data("whole") || "no name"}, ${address(target.id())}: talks with ${number(weights.get(target.id()) ?? 0)}`);
    filter();
  });
  made.on("mouseout", "node[first]", () => { over = null; filter(); });
  made.on("tap mouseover", "edge", ({ target }) => {
    const { source, target: to, protocols, bytes, flows, first, state } = target.data();
    told.textContent = `${address(source)} → ${address(to)}: ${[...new Set(protocols)].join(", ")}; ${number(flows)} sessions, ${short(bytes)}B, since ${first.slice(0, 16)}; ${{ allowed: "allowed", violated: "against the conduits", unjudged: "not judged" }[state]}`;
  });
  for (const field of [shown, since, find]) field.addEventListener("input", filter);
  filter();
}
form.elements.case.addEventListener("change", () => form.submit());
form.addEventListener("submit", (event) => { if (event.submitter === null && document.activeElement?.id === "find") event.preventDefault(); });
