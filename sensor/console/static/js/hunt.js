import { all, api, choice, complain, el, number, one, safe } from "./core.js";
import { chart, short, timeAxis, valueAxis } from "./charts.js";
import { saved } from "./saved.js";

const sql = one("#sql"), error = one("#error"), told = one("#told"), go = one("#ask .main-button");
const MOST_LINES = 12; // of a chart
const MOST_ROWS = Number(sql.dataset.most);
let result = null, table = null, running = null;

const isNumber = (type) => /^(Nullable\(|LowCardinality\()*(U?Int|Float|Decimal)/.test(type);
const isTime = (type) => /^(Nullable\()*(DateTime|Date)/.test(type);

async function run() {
  error.textContent = "";
  if (!sql.value.trim()) return;
  running?.abort();
  running = new AbortController();
  go.disabled = true;
  told.textContent = "asking …";
  try {
    const begun = performance.now();
    const found = await api("/api/v1/query", { method: "POST", body: { sql: sql.value, limit: MOST_ROWS }, signal: running.signal, exact: true });
    result = { meta: found.columns.map((name, at) => ({ name, type: found.types[at] })), data: found.rows };
    told.textContent = `${found.more ? "the first " : ""}${number(result.data.length)} rows in ${((performance.now() - begun) / 1000).toFixed(2)} s`;
    show();
  } catch (failure) {
    if (failure.name === "AbortError") return;
    told.textContent = "";
    error.textContent = failure.message;
  } finally {
    go.disabled = false;
  }
}

function show() {
  const { meta, data } = result;
  const rows = data.map((row, at) => ({ _id: at, ...Object.fromEntries(row.map((value, column) => [`c${column}`, value])) }));
  table?.destroy();
  table = new window.Tabulator(one("#rows"), {
    data: rows, index: "_id", layout: data.length ? "fitData" : "fitColumns", height: Math.max(280, innerHeight - one("#rows").getBoundingClientRect().top - 24),
    placeholder: "No rows.", columnDefaults: { resizable: "header", maxInitialWidth: 420, vertAlign: "top" },
    columns: meta.map(({ name, type }, at) => ({
      title: safe(name), field: `c${at}`, headerTooltip: safe(type), hozAlign: isNumber(type) ? "right" : "left", headerHozAlign: isNumber(type) ? "right" : "left",
      sorter: isNumber(type) ? "number" : "string", titleFormatter: () => el("span", {}, name),
      formatter: (cell) => el("span", { class: cell.getValue() == null ? "quiet" : null }, cell.getValue() == null ? "null" : shown(cell.getValue(), type)),
    })),
  });
  one("#csv").hidden = !data.length;
  offer();
}

function shown(value, type) {
  if (typeof value === "object") return JSON.stringify(value);
  if (/IPv6/.test(type)) return String(value).replaceAll(/::ffff:(?=\d+\.\d+\.)/g, "");
  if (/DateTime64/.test(type)) return String(value).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
  return value;
}

const x = one("#x"), y = one("#y");
const shape = choice(one("#shape"), draw);

// A time that rises or falls from row to row is what a chart goes along; one of each group's is not.
const rises = (values) => values.length > 2 && [1, -1].some((way) => values.every((value, at) => !at || (value >= values[at - 1] ? 1 : -1) === way || value === values[at - 1]));

// A chart where the answer has something to draw: numbers, and something to draw them over.
function offer() {
  const { meta, data } = result;
  const numbers = meta.map(({ type }, at) => at).filter((at) => isNumber(meta[at].type));
  const time = meta.findIndex(({ type }, at) => isTime(type) && rises(data.map((row) => row[at])));
  const across = time >= 0 ? time : meta.findIndex(({ type }, at) => !numbers.includes(at));
  one("#drawn").hidden = !numbers.length || data.length < 2;
  if (one("#drawn").hidden) return;
  x.replaceChildren(...meta.map(({ name }, at) => el("option", { value: at }, name)));
  y.replaceChildren(el("option", { value: "all" }, "all numbers"), ...numbers.map((at) => el("option", { value: at }, meta[at].name)));
  x.value = across >= 0 ? across : numbers[0];
  y.value = numbers.length <= MOST_LINES && time >= 0 ? "all" : numbers.find((at) => String(at) !== x.value) ?? numbers[0];
  shape.press(time >= 0 ? "line" : "bar");
  draw();
}

function draw() {
  const { meta, data } = result;
  const over = Number(x.value), type = meta[over].type;
  const ups = y.value === "all" ? meta.map((_, at) => at).filter((at) => at !== over && isNumber(meta[at].type)).slice(0, MOST_LINES) : [Number(y.value)];
  const time = isTime(type), named = !time && !isNumber(type);
  const place = (value) => (time ? Date.parse(`${String(value).replace(" ", "T").slice(0, 23)}Z`) : named ? safe(shown(value, type)).slice(0, 40) : Number(value));
  const category = named || (shape.value === "bar" && !time);
  const names = category ? [...new Set(data.map((row) => String(place(row[over]))))].slice(0, 60) : [];
  const points = (at) => category
    ? names.map((name) => [name, data.filter((row) => String(place(row[over])) === name).reduce((sum, row) => sum + Number(row[at] ?? 0), 0)])
    : data.map((row) => [place(row[over]), row[at] == null ? null : Number(row[at])]).sort((a, b) => a[0] - b[0]);
  chart(one("#chart"), (c) => ({
    legend: ups.length > 1 ? {} : false,
    xAxis: category ? { type: "category", data: names, axisLabel: { color: c.muted, hideOverlap: true }, axisLine: { lineStyle: { color: c.line } }, axisTick: { show: false } } : time ? timeAxis(c) : valueAxis(c, { scale: true }),
    yAxis: valueAxis(c, { minInterval: 0 }),
    grid: { left: 8, right: 26, top: ups.length > 1 ? 30 : 10, bottom: 4, containLabel: true },
    tooltip: { trigger: shape.value === "scatter" ? "item" : "axis", valueFormatter: (value) => (value == null ? "–" : short(Number(value))) },
    series: ups.map((at) => ({ name: safe(meta[at].name), type: shape.value, data: points(at), showSymbol: data.length < 60, symbolSize: shape.value === "scatter" ? 7 : 4, barMaxWidth: 26, ...(ups.length === 1 ? { color: c.accent } : {}) })),
  }));
}

x.addEventListener("change", draw);
y.addEventListener("change", draw);

// A cell that a spreadsheet would take for a formula is marked as text.
function csv() {
  const cell = (value) => { const text = value == null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value); return `"${(/^[=+@\t\r-]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text).replaceAll('"', '""')}"`; };
  const lines = [result.meta.map(({ name }) => cell(name)), ...result.data.map((row) => row.map(cell))].map((row) => row.join(","));
  const made = URL.createObjectURL(new Blob([`${lines.join("\r\n")}\r\n`], { type: "text/csv" }));
  el("a", { href: made, download: "driftspan-query.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(made), 10_000);
}

one("#csv").addEventListener("click", csv);
one("#ask").addEventListener("submit", (event) => { event.preventDefault(); run(); });
sql.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); run(); } });
all("[data-sql]").forEach((button) => button.addEventListener("click", () => { sql.value = button.dataset.sql; run(); }));
all("[data-insert]").forEach((button) => button.addEventListener("click", () => { sql.setRangeText(button.dataset.insert, sql.selectionStart, sql.selectionEnd, "end"); sql.focus(); }));
saved("hunt", { list: one("#saved"), keep: one("#save"), forget: one("#forget"), read: () => ({ sql: sql.value }), write: (value) => { sql.value = value.sql ?? ""; run(); } }).catch(complain);
const asked = new URLSearchParams(location.search).get("sql");
if (asked) sql.value = asked; // shown, not run: whoever made the link is not who asks
