// ECharts in the page's colours. Tooltips are drawn on the canvas: as HTML they would need inline styles, and would show
// text of the network as markup.
import { SEVERITIES, safe } from "./core.js";

const drawn = new Map();
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
export const colours = () => ({ ...Object.fromEntries(SEVERITIES.map((each) => [each, colour(each)])), text: colour("text"), muted: colour("muted"), line: colour("line"), panel: colour("panel"), accent: colour("accent"), good: colour("good"), faint: colour("faint") });

// `options`: a function of the colours, called again when the theme turns.
export function chart(box, options) {
  if (!window.echarts) return null;
  drawn.get(box)?.dispose();
  const made = window.echarts.init(box, null, { renderer: "canvas" });
  made.options = options;
  drawn.set(box, made);
  paint(made);
  return made;
}

function paint(made) {
  const c = colours();
  const font = { fontFamily: "Inter, sans-serif", color: c.muted, fontSize: 11.5 };
  const given = made.options(c);
  made.setOption({
    animation: false,
    textStyle: font,
    grid: { left: 8, right: 26, top: 30, bottom: 4, containLabel: true },
    ...given,
    legend: given.legend === false ? undefined : { top: 0, left: 0, itemWidth: 10, itemHeight: 10, itemGap: 14, icon: "roundRect", textStyle: font, ...given.legend },
    tooltip: { trigger: "axis", renderMode: "richText", backgroundColor: c.panel, borderColor: c.line, textStyle: { ...font, color: c.text }, axisPointer: { type: "shadow", shadowStyle: { opacity: 0.12 } }, ...given.tooltip },
  }, true);
}

export function timeAxis(c, more = {}) {
  return { type: "time", axisLine: { lineStyle: { color: c.line } }, axisTick: { show: false }, axisLabel: { color: c.muted, hideOverlap: true, formatter: utc }, splitLine: { show: false }, axisPointer: { label: { formatter: ({ value }) => new Date(value).toISOString().slice(0, 16).replace("T", " ") } }, ...more };
}

export function valueAxis(c, more = {}) {
  return { type: "value", minInterval: 1, axisLabel: { color: c.muted, formatter: short }, splitLine: { lineStyle: { color: c.line } }, ...more };
}

export function short(value) {
  for (const unit of ["", " k", " M", " G"]) {
    if (Math.abs(value) < 1000) return `${+value.toPrecision(3)}${unit}`;
    value /= 1000;
  }
  return `${+value.toPrecision(3)} T`;
}

function utc(value) {
  const text = new Date(value).toISOString();
  return text.slice(11, 16) === "00:00" ? text.slice(5, 10) : text.slice(11, 16);
}

// `rows`: [time in ms, value] of each severity; bars upon one another, the worst at the bottom.
export function severityBars(box, series, span) {
  return chart(box, (c) => ({
    xAxis: timeAxis(c, { min: span.start, max: span.end }),
    yAxis: valueAxis(c),
    series: SEVERITIES.filter((each) => series[each]?.length).map((each) => ({
      name: each, type: "bar", stack: "all", barMaxWidth: 18, barMinWidth: 4, barMinHeight: 2, itemStyle: { color: c[each] }, data: series[each],
    })),
  }));
}

// Bars upon one another, for what is seldom.
export function bars(box, series, span) {
  return chart(box, (c) => ({
    xAxis: timeAxis(c, { min: span.start, max: span.end }),
    yAxis: valueAxis(c, { minInterval: 0 }),
    tooltip: { valueFormatter: (value) => (value == null ? "–" : short(value)) },
    series: series.map(({ name, data }) => ({ name: safe(name), type: "bar", stack: "all", barMaxWidth: 14, barMinWidth: 4, barMinHeight: 2, data })),
  }));
}

export function lines(box, series, span, more = {}) {
  return chart(box, (c) => ({
    xAxis: timeAxis(c, { min: span.start, max: span.end }),
    yAxis: valueAxis(c, { minInterval: 0, ...more.yAxis }),
    tooltip: { valueFormatter: (value) => (value == null ? "–" : short(value)) },
    series: series.map(({ name, data, color, area }) => ({
      name: safe(name), type: "line", data, showSymbol: data.length < 3, symbolSize: 5, smooth: 0.2, lineStyle: { width: 1.8 }, ...(color ? { color: c[color] ?? color } : {}), ...(area ? { areaStyle: { opacity: 0.14 } } : {}),
    })),
  }));
}

addEventListener("resize", () => drawn.forEach((each) => each.resize()));
document.addEventListener("driftspan:theme", () => drawn.forEach(paint));
addEventListener("beforeprint", () => drawn.forEach((each) => each.resize()));
