// One model: its outputs with drift and band; versions approved and revoked by those who may.
import { chart, timeAxis, valueAxis } from "./charts.js";
import { all, api, complain, one, safe, toast } from "./core.js";

function outputs(box) {
  const told = JSON.parse(box.dataset.chartOf);
  const tags = Object.keys(told.outputs);
  const first = tags[0], band = told.bands[first];
  chart(box, (c) => ({
    xAxis: timeAxis(c, { min: told.start, max: told.end }),
    yAxis: valueAxis(c, { scale: true, minInterval: 0 }),
    tooltip: { valueFormatter: (value) => (value == null ? "–" : (+value).toPrecision(4)), axisPointer: { type: "line" } },
    series: tags.map((tag) => ({
      name: safe(tag), type: "line", showSymbol: false, lineStyle: { width: 1.6 }, data: told.outputs[tag].map(([t, mean]) => [t, mean]),
      ...(tag === first ? {
        markArea: { silent: true, itemStyle: { color: c.high, opacity: 0.14 }, data: [
          ...(band ? [[{ yAxis: band[0], itemStyle: { color: c.good, opacity: 0.12 } }, { yAxis: band[1] }]] : []),
          ...told.spans.map((each) => [{ xAxis: each.t }, { xAxis: each.to > 0 ? each.to : told.end }])] },
        markLine: { symbol: "none", silent: true, label: { color: c.muted, formatter: ({ name }) => name }, lineStyle: { color: c.high }, data: told.spans.map((each) => ({ xAxis: each.t, name: safe(each.shape) })) },
      } : {}),
    })),
  }));
}

const box = one("#outputs"), model = one("#approved").dataset.model;
if (box) outputs(box);

async function say(what, body) {
  try {
    await api(`/api/v1/models/${encodeURIComponent(model)}/${what}`, { method: "POST", body });
    location.reload();
  } catch (error) { complain(error); }
}

one("#approve")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const { version, sha256, note } = Object.fromEntries(new FormData(event.target));
  say("approve", { version, note, sha256: sha256 ? [sha256.toLowerCase()] : [] });
});
for (const button of all("[data-revoke]")) {
  button.addEventListener("click", () => {
    if (button.dataset.sure) { say("revoke", { what: button.dataset.revoke, note: "" }); return; }
    button.dataset.sure = "1";
    button.textContent = `Revoke ${button.dataset.revoke}?`;
    toast("Once more revokes it: it must not be used any more.");
  });
}
