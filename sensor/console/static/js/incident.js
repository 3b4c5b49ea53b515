// One incident: outputs, drift and network events on one axis; the way it took; steps and verdicts.
import "./alert.js"; // verdict buttons and keys, as an alert has them
import { chart, timeAxis, valueAxis } from "./charts.js";
import { one, safe } from "./core.js";
import { graph } from "./graph.js";
import "./listed.js";

const LANES = { event: "network", drift: "drift", returned: "back" };
const short = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function story(box) {
  const told = JSON.parse(box.dataset.story);
  const tags = Object.keys(told.outputs);
  const lanes = ["back", "drift", "network"];
  chart(box, (c) => {
    const min = told.start, max = told.end;
    const marks = told.spans.map((each) => [{ xAxis: each.t }, { xAxis: each.to > 0 ? each.to : max }]);
    const upper = tags.length ? [{ left: 76, right: 26, top: 30, height: "50%" }] : [];
    const at = upper.length;
    return {
      grid: [...upper, { left: 76, right: 26, top: at ? "68%" : 30, bottom: 26 }],
      axisPointer: { link: [{ xAxisIndex: "all" }] },
      xAxis: [...upper.map(() => timeAxis(c, { min, max, axisLabel: { show: false } })), timeAxis(c, { min, max, gridIndex: at })],
      yAxis: [...upper.map(() => valueAxis(c, { scale: true, minInterval: 0 })), { type: "category", data: lanes, gridIndex: at, axisLine: { show: false }, axisTick: { show: false }, axisLabel: { color: c.muted }, splitLine: { show: true, lineStyle: { color: c.line } } }],
      legend: tags.length ? {} : false,
      tooltip: { trigger: "item", formatter: ({ data, seriesName, value }) => (data?.text ? `${new Date(value[0]).toISOString().slice(0, 19).replace("T", " ")}  ${safe(data.text).replace(/(.{70}\S*)\s/g, "$1\n")}` : `${seriesName}: ${(+value[1]).toPrecision(4)}`) },
      series: [
        ...tags.map((tag, number) => ({
          name: short(safe(tag), 60), type: "line", showSymbol: false, data: told.outputs[tag].map(([t, mean]) => [t, mean]), lineStyle: { width: 1.6 },
          ...(number ? {} : { markArea: { silent: true, itemStyle: { color: c.high, opacity: 0.13 }, data: marks } }),
        })),
        {
          name: "events", type: "scatter", xAxisIndex: at, yAxisIndex: at, symbolSize: 13, legendHoverLink: false,
          data: told.events.map((each) => ({ value: [each.t, LANES[each.what] ?? "network"], text: each.text, symbol: each.what === "event" ? "circle" : each.what === "drift" ? "triangle" : "diamond",
            itemStyle: { color: each.what === "event" ? c[each.severity] ?? c.accent : each.what === "drift" ? c.high : c.good } })),
        },
      ],
    };
  });
}

function way(box) {
  const told = JSON.parse(box.dataset.drawing);
  const rows = {};
  const place = ({ column }) => { rows[column] = (rows[column] ?? 0) + 1; return { x: column * 230, y: (rows[column] - 1) * 74 }; };
  const nodes = told.nodes.map((data) => ({ data: { ...data, label: short(data.label, 30) }, position: place(data) }));
  const most = Math.max(1, ...Object.values(rows));
  for (const each of nodes) each.position.y += ((most - rows[each.data.column]) * 74) / 2;
  graph(box, {
    nodes, edges: told.edges.map((data) => ({ data: { ...data, main: data.main ? 1 : 0 } })), userZoomingEnabled: false, userPanningEnabled: false,
    style: (c) => [
      { selector: "node", style: { label: "data(label)", "font-family": "Inter, sans-serif", "font-size": 12, color: c.text, "text-valign": "bottom", "text-margin-y": 5, "background-color": c.muted, width: 26, height: 26 } },
      { selector: "node[kind='host']", style: { "background-color": c.critical, shape: "round-rectangle" } },
      { selector: "node[kind='source']", style: { "background-color": c.medium } },
      { selector: "node[kind='model']", style: { "background-color": c.accent, shape: "hexagon", width: 34, height: 34 } },
      { selector: "edge", style: { width: 1.5, "line-color": c.faint, "target-arrow-color": c.faint, "target-arrow-shape": "triangle", "curve-style": "bezier", label: "data(label)", "font-family": "Inter, sans-serif", "font-size": 10, color: c.muted, "text-background-color": c.panel, "text-background-opacity": 1, "text-background-padding": 2 } },
      { selector: "edge[main = 1]", style: { width: 3, "line-color": c.critical, "target-arrow-color": c.critical } },
    ],
  });
}

story(one("#story"));
way(one("#way"));
