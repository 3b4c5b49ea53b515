// The plant by Purdue level, from 5 above to 0 below; zones are boxes side by side, hosts in rows within them.
import { address, number, one } from "./core.js";
import { short } from "./charts.js";
import { graph } from "./graph.js";

const GAP = 96, ROW = 74, WIDE = 8; // hosts beside one another in a zone, at most
const form = one("#filters"), box = one("#plant"), told = one("#edge");

function placed(hosts) {
  const levels = new Map();
  for (const host of hosts) {
    const level = host.purdue_level ?? -1;
    const zones = levels.get(level) ?? levels.set(level, new Map()).get(level);
    (zones.get(host.zone) ?? zones.set(host.zone, []).get(host.zone)).push(host);
  }
  const found = [], parents = new Map();
  let y = 0;
  for (const level of [...levels.keys()].sort((a, b) => b - a)) {
    let x = 0, rows = 1;
    for (const [zone, members] of [...levels.get(level)].sort()) {
      const wide = Math.min(WIDE * Math.ceil(members.length / 48 || 1), Math.max(2, members.length));
      parents.set(`zone ${zone}`, `${zone || "no zone"}  ·  level ${level < 0 ? "unknown" : level}`);
      members.sort((a, b) => (a.ip < b.ip ? -1 : 1)).forEach((host, at) => found.push({
        data: { id: host.ip, parent: `zone ${zone}`, label: host.hostname || address(host.ip), first: host.first_seen },
        position: { x: x + (at % wide) * GAP, y: y + Math.floor(at / wide) * ROW },
      }));
      rows = Math.max(rows, Math.ceil(members.length / wide));
      x += wide * GAP + 70;
    }
    y += rows * ROW + 80;
  }
  return [...[...parents].map(([id, label]) => ({ data: { id, label, zone: 1 } })), ...found];
}

const style = (c) => [
  { selector: "node", style: { label: "data(label)", "font-family": "Inter, sans-serif", "font-size": 11, color: c.text, "text-valign": "bottom", "text-margin-y": 4, "background-color": c.accent, width: 22, height: 22, "min-zoomed-font-size": 7 } },
  { selector: "node[zone]", style: { "background-color": c.muted, "background-opacity": 0.07, "border-color": c.line, "border-width": 1, shape: "round-rectangle", padding: 20, "text-valign": "top", "font-size": 14, "font-weight": 600, color: c.muted } },
  { selector: "edge", style: { width: "data(width)", "line-color": c.faint, "target-arrow-color": c.faint, "target-arrow-shape": "triangle", "arrow-scale": 0.8, "curve-style": "bezier", opacity: 0.55 } },
  { selector: "edge[state='allowed']", style: { "line-color": c.good, "target-arrow-color": c.good } },
  { selector: "edge[state='violated']", style: { "line-color": c.critical, "target-arrow-color": c.critical, opacity: 0.95, "z-index": 9 } },
  { selector: ".new", style: { "background-color": c.high, "line-style": "dashed" } },
  { selector: ".gone", style: { display: "none" } },
  { selector: ".faint", style: { opacity: 0.12 } },
];

if (box) {
  const drawn = JSON.parse(box.dataset.drawn);
  const edges = drawn.edges.map((data, at) => ({ data: { ...data, id: `edge ${at}`, crosses: data.crosses ? 1 : 0, width: 1 + Math.min(5, Math.log10(1 + data.bytes) / 2) } }));
  const made = graph(box, {
    nodes: placed(drawn.hosts), edges, style, autoungrabify: true,
    open: (node) => { if (!node.data("zone")) location.assign(`/assets/${encodeURIComponent(address(node.id()))}?case=${encodeURIComponent(form.elements.case.value)}`); },
  });
  box.dataset.ready = "1";
  made?.on("tap mouseover", "edge", ({ target }) => {
    const { source, target: to, protocols, bytes, flows, first, state } = target.data();
    told.textContent = `${address(source)} → ${address(to)}: ${[...new Set(protocols)].join(", ")}; ${number(flows)} sessions, ${short(bytes)}B, since ${first.slice(0, 16)}; ${{ allowed: "allowed", violated: "against the conduits", unjudged: "not judged" }[state]}`;
  });
  const filter = () => {
    const wanted = one("#shown").value, since = one("#since").value, text = one("#find").value.trim().toLowerCase();
    made.batch(() => {
      made.edges().forEach((edge) => edge.toggleClass("gone", (wanted === "violated" && edge.data("state") !== "violated") || (wanted === "crosses" && !edge.data("crosses"))));
      made.elements("edge, node[first]").forEach((each) => each.toggleClass("new", Boolean(since) && each.data("first") >= since));
      made.nodes("[first]").forEach((node) => node.toggleClass("faint", Boolean(text) && !`${address(node.id())} ${node.data("label")}`.toLowerCase().includes(text)));
    });
  };
  for (const id of ["#shown", "#since", "#find"]) one(id)?.addEventListener("input", filter);
}
form.elements.case.addEventListener("change", () => form.submit());
form.addEventListener("submit", (event) => { if (event.submitter === null && document.activeElement?.id === "find") event.preventDefault(); });
